"""Checks what the service does when PostgreSQL hangs, dies, becomes read-only or newer, or stands behind a pooler.

The service, PostgreSQL and PgBouncer are real processes. Each check has a database of its own.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx

from app.organizations.service import create_organization, create_token
from app.postgres.cluster import PORT
from app.postgres.embedded import embedded_postgres, find_cluster, remove_embedded
from app.storage.database import Database
from app.storage.migrations import COMPATIBLE, known_revisions, migrate

ROOT = Path(__file__).resolve().parents[2]
STATEMENT_TIMEOUT = 2.0
LONGEST_WAIT = 12.0
"""Seconds: the statement timeout and its grace, the wait for a connection, and time for a busy machine."""
LONGEST_PROBE = 1.5
"""Seconds for /readyz: one, and time for a busy machine."""


@dataclass
class Server:
    """The embedded PostgreSQL of this run."""

    folder: Path
    url: str
    numbers: Iterator[int] = field(default_factory=count)

    async def execute(self, url: str, *statements: str) -> None:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def make_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"faults_{next(self.numbers)}"
        await self.execute(self.url, f"CREATE DATABASE {name}")
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def signal(self, number: int) -> None:
        """Signals the server and all its processes."""
        pid = int((find_cluster(self.folder).folder / "postmaster.pid").read_text().split()[0])
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(path.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                os.kill(int(path.parent.name), number)
        os.kill(pid, number)


@dataclass
class Service:
    """A service process."""

    process: "subprocess.Popen[str]"
    log: Path
    address: str = ""
    token: str = ""

    def read_log(self) -> str:
        return self.log.read_text()

    async def probe(self) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.address, timeout=30) as http:
            return await http.get("/readyz")

    async def expect(self, status: int, reason: str = "", seconds: float = 30) -> None:
        """Waits for an answer of /readyz."""
        deadline = time.monotonic() + seconds
        while True:
            answer = await self.probe()
            if answer.status_code == status and reason in answer.text:
                return
            assert time.monotonic() < deadline, (answer.status_code, answer.text)
            await asyncio.sleep(0.1)


def environment(**settings: str) -> dict[str, str]:
    return {**os.environ, "CLIENTELE_STATEMENT_TIMEOUT": f"{STATEMENT_TIMEOUT:g}", **settings}


@contextmanager
def serving(url: str | None, folder: Path, *options: str) -> Iterator[Service]:
    """A service on a free port. Without a URL it has an embedded database in the folder."""
    settings = environment(CLIENTELE_DATA_DIR=str(folder), **({"DATABASE_URL": url} if url else {}))
    if url is None:
        settings.pop("DATABASE_URL", None)
    log = Path(tempfile.mkstemp(dir=folder.parent, suffix=".log")[1])
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", "0", *options],
            cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    service = Service(process, log)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            name, _, value = line.strip().partition(" ")
            if name == "GraphiQL":
                service.address = value.strip().removesuffix("/graphql")
            if name == "Token":
                service.token = value.strip()
                break
        yield service
    finally:
        process.terminate()
        process.wait(30)


def run(command: str, url: str) -> tuple[int, list[str]]:
    """The exit status and the lines on stderr of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "app", command], cwd=ROOT, env=environment(DATABASE_URL=url), stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


async def make_token(url: str) -> str:
    database = Database(url)
    await migrate(database)
    organization = await create_organization(database, "Studio")
    token = await create_token(database, organization_id=organization)
    await database.close()
    return token


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
        await asyncio.gather(*tasks)


async def check_hang(server: Server, folder: Path) -> str:
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


async def check_silent_host(server: Server, folder: Path) -> str:
    """The first host of the URL accepts connections and says nothing."""
    url = await server.make_database()
    token = await make_token(url)
    parts = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        query = f"host=127.0.0.1,{find_cluster(server.folder).directory.sockets}"
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


async def check_read_only(server: Server, folder: Path) -> str:
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


async def check_newer(server: Server, folder: Path) -> str:
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


async def check_start(server: Server, folder: Path) -> str:
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


async def check_killed_server(server: Server, folder: Path) -> str:
    """The embedded PostgreSQL of a service is killed."""
    with serving(None, folder) as service:
        await service.expect(200)
        own = Server(folder, "")
        pid = int((find_cluster(own.folder).folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        await asyncio.sleep(1)
        await service.expect(200)
        seconds = time.monotonic() - began
        headers = {"Authorization": f"Bearer {service.token}"}
        async with httpx.AsyncClient(base_url=service.address, headers=headers, timeout=30) as http:
            answer = await http.get("/customers")
        assert answer.status_code == 200, answer.text
        cluster = find_cluster(folder).folder
        (cluster / "global").rename(cluster / "away")
        os.kill(int((cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        service.process.wait(60)
        (cluster / "away").rename(cluster / "global")
        last = service.read_log().splitlines()[-1]
        assert (service.process.returncode, "cannot be started again" in last) == (1, True), last
    remove_embedded(folder)
    return f"ready {seconds:.1f} s after the kill; without its files the service ended with status 1"


@contextmanager
def pooled(server: Server, url: str, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The URL of the database behind PgBouncer."""
    parts, cluster = urlsplit(url), find_cluster(server.folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
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


async def check_pooler(server: Server, folder: Path) -> str:
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


Check = Callable[[Server, Path], Awaitable[str]]
CHECKS: tuple[Check, ...] = (
    check_hang, check_silent_host, check_read_only, check_newer, check_start, check_killed_server, check_pooler,
)  # fmt: skip


async def show(check: Check, server: Server, folder: Path) -> None:
    began = time.monotonic()
    result = await check(server, folder / check.__name__)
    print(f"{check.__name__}: {result} ({time.monotonic() - began:.0f} s)", flush=True)


def run_checks(names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="clientele-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            with embedded_postgres(folder / "server") as url:
                server = Server(folder / "server", url)
                for check in CHECKS:
                    if not names or check.__name__ in names:
                        asyncio.run(show(check, server, folder))
        finally:
            remove_embedded(folder / "server")


if __name__ == "__main__":
    run_checks(sys.argv[1:])
