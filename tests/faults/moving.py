"""The move from another service as docs/moving.md leads through it, with real processes.

The download is killed again and again while the other service fails. The import fills an embedded PostgreSQL. Then the program
of the page compares what the service shows with what was downloaded.
"""

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.download.stand_in import (
    INTERNAL,
    ORGANIZATION,
    SILENT,
    TOO_MANY,
    Reply,
    StandIn,
    listening,
    recorded_clients,
)
from tests.faults.processes import ROOT, open_folder, postgres, serving
from tests.golden.records import TOKEN

CLIENTS, KILLS = 3_000, 4
LIMIT = 60.0
"""The most seconds of one process."""


def make_stand_in() -> StandIn:
    """A service with many clients and with faults in its answers."""
    patterns = list(recorded_clients().values())
    records = {}
    for number in range(CLIENTS):
        record = dict(patterns[number % len(patterns)])
        record_id = f"{number * 7919:016x}{record['id'][:8]}"
        records[record_id] = {**record, "id": record_id, "deletedId": record["deletedId"] and record_id}
    ask_again = Reply(429, TOO_MANY.value, {"retry-after": "1"})
    faults = {5: ask_again, 9: INTERNAL, 14: SILENT, 20: Reply(200, cut=True), 27: Reply(200, text="<html>")}
    first = min(records)
    return StandIn(records, faults, {25: lambda source: source.change(first, name="Changed")})


def run(*arguments: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    """The stdout of a command that must succeed."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def download(folder: Path, url: str, token: str, output: str) -> tuple[str, ...]:
    (folder / f"{output}.token").write_text(token)
    return ("-m", "app", "download", "--url", url, "--token-file", f"{output}.token", "--output", output)


def kill_downloads(stand_in: StandIn, folder: Path, command: tuple[str, ...]) -> None:
    """Kills the command several times, each time after some more answers."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(KILLS):
        goal = len(stand_in.paths) + random.randint(2, 9)
        process = subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT
        while len(stand_in.paths) < goal and process.poll() is None:
            assert time.monotonic() < deadline, "the download does not continue"
            time.sleep(0.001)
        assert process.poll() is None, "the download ended before it was killed"
        process.kill()
        process.wait()
        assert not (folder / "clients.jsonl").exists()


def read_program() -> str:
    """The program in the page that compares two files."""
    page = (ROOT / "docs" / "moving.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"<<'END'\n(.*?)^END$", page, re.DOTALL | re.MULTILINE)
    return str(program)


async def move(folder: Path, url: str) -> None:
    stand_in = make_stand_in()
    with listening(stand_in) as source:
        command = download(folder, source, TOKEN, "clients.jsonl")
        await asyncio.to_thread(kill_downloads, stand_in, folder, command)
        await asyncio.to_thread(run, *command, folder=folder)
    walks = [path for path in stand_in.paths if "%22deleted%22" in path and "where" not in path]
    print(f"{CLIENTS} clients in {len(stand_in.paths)} requests and {KILLS} kills, {len(walks)} of them for pages")
    environment = {"DATABASE_URL": url}
    for arguments in (
        ("migrate",),
        ("account", "create", "owner@example.com"),
        ("organization", "create", "Org A", "--id", ORGANIZATION, "--account", "owner@example.com"),
        ("import", "clients.jsonl", "--organization", ORGANIZATION),
    ):
        printed = await asyncio.to_thread(run, "-m", "app", *arguments, folder=folder, environment=environment)
    assert printed == str(CLIENTS), printed
    create = ("token", "create", "--account", "owner@example.com")
    token = await asyncio.to_thread(run, "-m", "app", *create, folder=folder, environment=environment)
    async with serving(folder, **environment) as service:
        command = download(folder, f"{service.address}/v1", token, "imported.jsonl")
        await asyncio.to_thread(run, *command, folder=folder)
    differences = await asyncio.to_thread(run, "-c", read_program(), folder=folder)
    assert {line.split()[1] for line in differences.splitlines()} <= {"deletedAt"}, differences
    assert (folder / "clients.jsonl").read_text().count("Changed") == 1


def main() -> None:
    began = time.monotonic()
    with open_folder("moving") as folder, postgres(folder / "postgres") as server:
        url = asyncio.run(server.make_database())
        asyncio.run(move(folder, url))
    print(f"every client arrived, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
