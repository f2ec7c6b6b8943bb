"""Checks what the service does when PostgreSQL hangs, dies, becomes read-only or newer, or stands behind a pooler.

The service, PostgreSQL and PgBouncer are real processes. Each check has a database of its own.
"""

import asyncio
import faulthandler
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from app.postgres.cluster import PORT
from app.postgres.embedded import remove_embedded
from app.storage.migrations import COMPATIBLE, known_revisions
from tests.faults.processes import Postgres, Service, free_port, make_tenant, open_folder, postgres, services

ROOT = Path(__file__).resolve().parents[2]
STATEMENT_TIMEOUT = 2.0
LONGEST_WAIT = 12.0
"""Seconds: the statement timeout and its grace, the wait for a connection, and time for a busy machine."""
LIMIT = 300.0
"""Seconds after which the place of a hang is printed."""
LONGEST_PROBE = 1.5
"""Seconds for /readyz: one, and time for a busy machine."""


def environment(**settings: str) -> dict[str, str]:
    return {**os.environ, "CLIENTELE_STATEMENT_TIMEOUT": f"{STATEMENT_TIMEOUT:g}", **settings}


@contextmanager
def serving(url: str | None, folder: Path) -> Iterator[Service]:
    """A service on a free port. Without a URL it has an embedded database in the folder."""
    settings = {"CLIENTELE_STATEMENT_TIMEOUT": f"{STATEMENT_TIMEOUT:g}", "CLIENTELE_DATA_DIR": str(folder)}
    with services(folder.parent, 1, **settings, **({"DATABASE_URL": url} if url else {})) as (service,):
        yield service


def run(command: str, url: str) -> tuple[int, list[str]]:
    """The exit status and the lines on stderr of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "app", command], cwd=ROOT, env=environment(DATABASE_URL=url), stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


async def make_token(url: str) -> str:
    return (await make_tenant(url)).token


@asynccontextmanager
async def load(service: Service, token: str) -> AsyncIterator[list[tuple[int, float]]]:
    """Reads and writes in 12 tasks. Yields the status and the seconds of each request."""
    answers: list[tuple[int, float]] = []
    ended = asyncio.Event()

    async def work(number: int) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=service.address, headers=headers, timeout=60) as http:
            while not ended.is_set():
                began = time.monotonic()
                answer = await (http.post("/customers", json={"name": "A"}) if number % 2 else http.get("/customers"))
                answers.append((answer.status_code, time.monotonic() - began))
                await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(work(number)) for number in range(12)]
    try:
        yield answers
    finally:
        ended.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*tasks)


async def check_hang(server: Postgres, folder: Path) -> str:
    """All processes of PostgreSQL stop for six seconds under load."""
    url = await server.make_database()
    token = await make_token(url)
    probes: list[float] = []
    with serving(url, folder) as service:
        async with load(service, token) as answers:
            await asyncio.sleep(1)
            server.signal(signal.SIGSTOP)
            try:
                began = time.monotonic()
                while time.monotonic() - began < 6:
                    before = time.monotonic()
                    status = (await service.probe()).status_code
                    probes.append(time.monotonic() - before)
                    assert status == 503 or len(probes) == 1
                    await asyncio.sleep(0.1)
            finally:
                server.signal(signal.SIGCONT)
            thawed = time.monotonic()
            await service.expect(200)
            recovered = time.monotonic() - thawed
            await asyncio.sleep(1)
            statuses = {status for status, _ in answers}
            await asyncio.sleep(0.5)
            last = [status for status, _ in answers[-20:]]
        assert statuses <= {200, 201, 503, 429}, statuses
        assert set(last) <= {200, 201}, last
        waited = max(seconds for _, seconds in answers)
        assert waited < LONGEST_WAIT, waited
        assert max(probes) < LONGEST_PROBE, max(probes)
        assert "Traceback" not in service.read_log()
    return f"{len(answers)} requests waited at most {waited:.1f} s, /readyz {max(probes):.2f} s; ready {recovered:.2f} s after"


async def check_silent_host(server: Postgres, folder: Path) -> str:
    """The first host of the URL accepts connections and says nothing."""
    url = await server.make_database()
    token = await make_token(url)
    parts = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        query = f"host=127.0.0.1,{server.cluster.directory.sockets}"
        query += f"&port={silent.getsockname()[1]},{PORT}&sslmode=disable&connect_timeout=1"
        with serving(parts._replace(query=query).geturl(), folder) as service:
            began = time.monotonic()
            async with httpx.AsyncClient(base_url=service.address, timeout=30) as http:
                answer = await http.get("/customers", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            first = time.monotonic() - began
            assert first < 5, first
            await service.expect(200)
    return f"the first request took {first:.1f} s"


async def check_read_only(server: Postgres, folder: Path) -> str:
    """The database rejects writes for a while, as a demoted primary does."""
    url = await server.make_database()
    token = await make_token(url)
    name = urlsplit(url).path[1:]
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    with serving(url, folder) as service:
        await service.expect(200)
        await server.execute(server.url, f"ALTER DATABASE {name} SET default_transaction_read_only = on", cut)
        await service.expect(503, "read-only")
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=service.address, headers=headers, timeout=30) as http:
            answer = await http.post("/customers", json={"name": "A"})
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True), answer.text
            await server.execute(server.url, f"ALTER DATABASE {name} RESET default_transaction_read_only")
            await service.expect(200)
            statuses = [(await http.post("/customers", json={"name": "A"})).status_code for _ in range(10)]
        assert set(statuses[-5:]) == {201}, statuses
        assert "Traceback" not in service.read_log()
    return f"{statuses.count(503)} of 10 writes met a connection that was still read-only"


async def check_newer(server: Postgres, folder: Path) -> str:
    """A newer version migrates the database, compatibly and not."""
    url = await server.make_database()
    await make_token(url)
    with serving(url, folder) as service:
        await service.expect(200)
        await server.execute(
            url, "UPDATE alembic_version SET version_num = 'future'",
            f"COMMENT ON TABLE alembic_version IS '{COMPATIBLE}{known_revisions()[0]} future'",
        )  # fmt: skip
        await service.expect(200)
        status, lines = run("migrate", url)
        assert (status, len(lines)) == (0, 1), lines
        await server.execute(url, f"COMMENT ON TABLE alembic_version IS '{COMPATIBLE}future'")
        await service.expect(503, "newer version")
        status, lines = run("migrate", url)
        assert (status, len(lines)) == (1, 1), lines
    return lines[0]


async def check_start(server: Postgres, folder: Path) -> str:
    """A wrong password and a database without tables are one line, and 503 until they are corrected."""
    url = await server.make_database()
    wrong = url.replace(f":{urlsplit(url).password}@", ":wrong@")
    assert run("migrate", wrong)[0] == 1
    for address, reason in ((wrong, "password"), (url, "migrations are missing")):
        with serving(address, folder) as service:
            await service.expect(503, reason)
            async with httpx.AsyncClient(base_url=service.address, timeout=30) as http:
                answer = await http.get("/customers", headers={"Authorization": "Bearer sk_live_x"})
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True), answer.text
            if address == url:
                assert run("migrate", url)[0] == 0
                await service.expect(200)
            assert "Traceback" not in service.read_log(), service.read_log()
    return "no traceback"


async def check_killed_server(server: Postgres, folder: Path) -> str:
    """The embedded PostgreSQL of a service is killed."""
    with serving(None, folder) as service:
        await service.expect(200)
        own = Postgres(folder, "")
        os.kill(own.pid, signal.SIGKILL)
        began = time.monotonic()
        await asyncio.sleep(1)
        await service.expect(200)
        seconds = time.monotonic() - began
        headers = {"Authorization": f"Bearer {service.token}"}
        async with httpx.AsyncClient(base_url=service.address, headers=headers, timeout=30) as http:
            answer = await http.get("/customers")
        assert answer.status_code == 200, answer.text
        cluster = own.cluster.folder
        (cluster / "global").rename(cluster / "away")
        os.kill(own.pid, signal.SIGKILL)
        await asyncio.to_thread(service.running.wait, 60)
        (cluster / "away").rename(cluster / "global")
        last = service.read_log().splitlines()[-1]
        assert (service.running.returncode, "cannot be started again" in last) == (1, True), last
    remove_embedded(folder)
    return f"ready {seconds:.1f} s after the kill; without its files the service ended with status 1"


@contextmanager
def pooled(server: Postgres, url: str, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The URL of the database behind PgBouncer."""
    parts, cluster = urlsplit(url), server.cluster
    port = free_port()
    name = parts.path[1:]
    database = f"{name} = host={cluster.directory.sockets} port={PORT} user={parts.username} password={parts.password}"
    options = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "auth_type": "any",
        "unix_socket_dir": "",
        **settings,
    }
    written = "\n".join(f"{option} = {value}" for option, value in options.items())
    configuration = folder.with_suffix(".ini")
    configuration.write_text(f"[databases]\n{database}\n[pgbouncer]\n{written}\n")
    configuration.chmod(0o644)
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "install pgbouncer"
    pooler = cluster.os_user.spawn([program, configuration], subprocess.DEVNULL, subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < deadline, pooler.poll()
            time.sleep(0.05)
        yield parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}", query="sslmode=disable").geturl()
    finally:
        pooler.terminate()
        pooler.communicate(timeout=20)


async def check_pooler(server: Postgres, folder: Path) -> str:
    """PgBouncer that rejects settings, drops them, mixes statements, and is safe."""
    url = await server.make_database()
    await make_token(url)
    dropping = {"ignore_startup_parameters": "jit,max_parallel_workers_per_gather,statement_timeout"}

    def refusal(settings: Mapping[str, str]) -> str:
        with pooled(server, url, folder, settings) as address:
            status, lines = run("serve", address)
        assert (status, len(lines)) == (1, 1), lines
        return lines[0]

    assert "rejects a connection" in refusal({"pool_mode": "session"})
    line = refusal({"pool_mode": "session", **dropping})
    assert "drops the settings" in line, line
    remedies = re.findall(r"ALTER ROLE [^;]+;", line)
    await server.execute(url, *remedies)
    try:
        line = refusal({"pool_mode": "transaction", **dropping, "max_prepared_statements": "0"} if has_prepared() else
                       {"pool_mode": "transaction", **dropping})  # fmt: skip
        assert "is not safe" in line, line
        safe = (
            {"pool_mode": "transaction", "max_prepared_statements": "200"}
            if has_prepared()
            else {"pool_mode": "session"}
        )
        with pooled(server, url, folder, {**safe, **dropping}) as address:
            assert run("migrate", address)[0] == 0
            with serving(address, folder) as service:
                await service.expect(200)
    finally:
        await server.execute(url, *(remedy.replace(" SET ", " RESET ").partition(" = ")[0] for remedy in remedies))
    return f"refused three times; safe with {safe}"


def has_prepared() -> bool:
    """Tells whether this PgBouncer can keep prepared statements in transaction mode."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "install pgbouncer"
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"PgBouncer (\d+)\.(\d+)", output)
    return found is not None and (int(found[1]), int(found[2])) >= (1, 21)


Check = Callable[[Postgres, Path], Awaitable[str]]
CHECKS: tuple[Check, ...] = (
    check_hang, check_silent_host, check_read_only, check_newer, check_start, check_killed_server, check_pooler,
)  # fmt: skip


async def show(check: Check, server: Postgres, folder: Path) -> None:
    began = time.monotonic()
    result = await check(server, folder / check.__name__)
    print(f"{check.__name__}: {result} ({time.monotonic() - began:.0f} s)", flush=True)


def run_checks(names: list[str]) -> None:
    faulthandler.dump_traceback_later(LIMIT)
    with open_folder("faults") as folder, postgres(folder / "server") as server:
        for check in CHECKS:
            if not names or check.__name__ in names:
                asyncio.run(show(check, server, folder))


if __name__ == "__main__":
    run_checks(sys.argv[1:])
