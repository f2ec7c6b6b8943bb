"""Checks that one tenant cannot make others wait: while it does its worst, single reads of another tenant stay fast.

A real service runs in one process on a real PostgreSQL. Each attack of attacks.py runs for some seconds at 16 connections.
Meanwhile another tenant reads one record through each API, over and over, and asks /readyz. With CI=true the bounds are
wide, as other work may run on the machine. At the end the memory of the attacks must be free again. Names of attacks as
arguments run only these.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx

from app.accounts.service import create_account
from app.organizations.service import create_organization, create_token
from app.postgres.embedded import embedded_postgres, remove_embedded
from app.storage.database import Database
from app.storage.migrations import migrate
from tests.faults.attacks import ATTACKS, Target

ROOT = Path(__file__).resolve().parents[2]
SECONDS, WARM_UP = 2.5, 0.5
IN_CI = os.environ.get("CI") == "true"
READ_BOUND, READY_BOUND = (2.0, 2.0) if IN_CI else (0.25, 1.0)
"""Seconds: the 99th percentile of reads, and the longest time for /readyz."""
MEMORY_BOUND = 400
"""MB of the service's process."""
CALM_BOUND, CALM_SECONDS = 280, 15
"""MB of the service's process after the last attack, and the seconds in which it must get there."""
PAUSE = 0.01
LARGE_RECORDS, LARGE = 30, 900_000
ADD_LARGE = """
INSERT INTO clients (organization_id, id, name, custom)
SELECT $1, lpad(to_hex(n), 24, '0'), 'Large ' || n, jsonb_build_object('text',
       (SELECT string_agg(md5(n || '-' || part), '') FROM generate_series(1, $2 / 32) AS part))
FROM generate_series(1, $3) AS n
"""
"""Records of an earlier version, which allowed up to 1 MB."""


@dataclass
class Tenant:
    token: str
    organization: str
    client: str = ""


@dataclass
class Figures:
    """The times of one row in seconds, by the name of the read, and the most memory of the service in MB."""

    times: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    memory: float = 0.0

    def p99(self, name: str) -> float:
        times = sorted(self.times[name])
        return times[int((len(times) - 1) * 0.99)]

    @property
    def reads(self) -> float:
        return max(self.p99(name) for name in self.times if name != "/readyz")

    @property
    def ready(self) -> float:
        return max(self.times["/readyz"])

    @property
    def is_fair(self) -> bool:
        within = self.reads < READ_BOUND and self.ready < READY_BOUND and self.memory < MEMORY_BOUND
        return within and not self.failures


async def make_tenant(database: Database, name: str) -> Tenant:
    email = f"{name}@example.com"
    await create_account(database, email)
    organization = await create_organization(database, name.title(), account_email=email, email=email)
    return Tenant(await create_token(database, account_email=email), organization)


async def prepare(url: str) -> tuple[Tenant, Tenant]:
    """The loud tenant with its large records, and the quiet one."""
    database = Database(url)
    await migrate(database)
    loud, quiet = await make_tenant(database, "loud"), await make_tenant(database, "quiet")
    await database.close()
    connection = await asyncpg.connect(url)
    await connection.execute(ADD_LARGE, loud.organization, LARGE, LARGE_RECORDS)
    await connection.execute("ANALYZE")
    loud.client = await connection.fetchval("SELECT min(id) FROM clients")
    await connection.close()
    return loud, quiet


def memory_of(process: int) -> float:
    """The resident memory of a process in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def measure(
    figures: Figures, http: httpx.AsyncClient, name: str, request: httpx.Request, ends: float, text: str
) -> None:
    """Sends a request over and over, and notes its times and every other answer than the expected one."""
    while time.monotonic() < ends:
        began = time.monotonic()
        try:
            answer = await http.send(request)
            if answer.status_code != 200 or text not in answer.text:
                figures.failures.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        except httpx.HTTPError as error:
            figures.failures.append(f"{name}: {error!r}")
        figures.times.setdefault(name, []).append(time.monotonic() - began)
        await asyncio.sleep(PAUSE)


async def watch_memory(figures: Figures, process: int, ends: float) -> None:
    while time.monotonic() < ends:
        figures.memory = max(figures.memory, memory_of(process))
        await asyncio.sleep(0.02)


async def run_row(name: str, target: Target, quiet: Tenant, process: int) -> Figures:
    """The figures while an attack runs."""
    figures = Figures()
    command = [sys.executable, "-m", "tests.faults.attacks", name, str(SECONDS + WARM_UP), json.dumps(target.__dict__)]
    attack = await asyncio.to_thread(subprocess.Popen, command, cwd=ROOT)
    headers = {"Authorization": f"Bearer {quiet.token}"}
    async with httpx.AsyncClient(base_url=target.address, headers=headers, timeout=30, trust_env=False) as http:
        await asyncio.sleep(WARM_UP)
        ends = time.monotonic() + SECONDS
        query = {"query": f'{{ client(id: "{quiet.client}") {{ name }} }}'}
        requests = {
            "v1": http.build_request("GET", f"/v1/clients/{quiet.client}"),
            "Customers": http.build_request("GET", f"/customers/cust_{quiet.client}"),
            "GraphQL": http.build_request("POST", "/graphql", json=query),
            "/readyz": http.build_request("GET", "/readyz"),
        }
        async with asyncio.TaskGroup() as group:
            group.create_task(watch_memory(figures, process, ends))
            for read, request in requests.items():
                text = "ok" if read == "/readyz" else "Quiet client"
                group.create_task(measure(figures, http, read, request, ends, text))
    await asyncio.to_thread(attack.wait, 30)
    return figures


def start(url: str, folder: Path) -> tuple["subprocess.Popen[str]", str]:
    """The service's process and its address."""
    environment = {**os.environ, "DATABASE_URL": url, "CLIENTELE_DATA_DIR": str(folder)}
    serving = [sys.executable, "-m", "app", "serve", "--port", "0"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(serving, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        name, _, value = line.strip().partition(" ")
        if name == "GraphiQL":
            return process, value.strip().removesuffix("/graphql")
    raise AssertionError("the server did not start")


async def play(url: str, folder: Path, names: list[str]) -> bool:
    loud, quiet = await prepare(url)
    process, address = await asyncio.to_thread(start, url, folder)
    try:
        headers = {"Authorization": f"Bearer {quiet.token}"}
        async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as http:
            made = await http.post(f"/v1/organizations/{quiet.organization}/clients", json={"name": "Quiet client"})
            quiet.client = made.json()["id"]
        target = Target(address, loud.token, loud.organization, loud.client)
        print(f"{'while another tenant sends':38} {'reads p99':>10} {'/readyz':>9} {'reads':>6} {'memory':>8}")
        fair = True
        for name in names:
            figures = await run_row(name, target, quiet, process.pid)
            fair = show(name, figures) and fair
        return await calms_down(process.pid) and fair
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)
        log = (folder / "log").read_text().splitlines()
        print("\n".join(line for line in log if "Invalid HTTP request" not in line)[-3000:])


async def calms_down(process: int) -> bool:
    """Waits until the service has freed the memory of the attacks. Prints what it still has."""
    ends = time.monotonic() + CALM_SECONDS
    while memory_of(process) >= CALM_BOUND and time.monotonic() < ends:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    memory = memory_of(process)
    is_calm = memory < CALM_BOUND
    print(f"{'after all attacks':38} {memory:39.0f} MB {'' if is_calm else '  NOT FREED'}", flush=True)
    return is_calm


def show(name: str, figures: Figures) -> bool:
    """Prints the figures of a row. Returns whether they are within the bounds."""
    count = sum(map(len, figures.times.values()))
    line = f"{figures.reads * 1000:7.0f} ms {figures.ready * 1000:6.0f} ms {count:6} {figures.memory:5.0f} MB"
    print(f"{name:38} {line} {'' if figures.is_fair else '  NOT FAIR'}", flush=True)
    for failure in figures.failures[:3]:
        print(f"    {len(figures.failures)} failures, such as {failure}")
    return figures.is_fair


def main() -> int:
    names = sys.argv[1:] or list(ATTACKS)
    with tempfile.TemporaryDirectory(prefix="clientele-fairness-") as folder:
        data = Path(folder) / "data"
        try:
            with embedded_postgres(data) as url:
                fair = asyncio.run(play(url, Path(folder), names))
        finally:
            remove_embedded(data)
    return 0 if fair else 1


if __name__ == "__main__":
    raise SystemExit(main())
