"""The processes of the runs in this folder: services, the embedded PostgreSQL that they share, and its databases."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx

from app.accounts.service import create_account
from app.organizations.service import create_organization, create_token
from app.postgres import server as postgres_server
from app.postgres.cluster import Cluster
from app.postgres.embedded import embedded_postgres, find_cluster, remove_embedded
from app.storage.database import Database
from app.storage.migrations import migrate

ROOT = Path(__file__).resolve().parents[2]
START, END = 60.0, 40.0
"""Seconds in which a service must be ready, and must end."""


async def await_true(condition: Callable[[], bool], seconds: float = 240) -> None:
    """Waits until a condition holds that has no event to wait for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true after {seconds:g} seconds"
        await asyncio.sleep(0.005)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port: int = opened.getsockname()[1]
        return port


def children_of(process: int) -> list[int]:
    """The processes whose parent is `process`."""
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text(errors="replace").rpartition(")")[2].split()[1]) == process:
                children.append(int(path.parent.name))
    return children


@dataclass
class Postgres:
    """The embedded PostgreSQL of a run, in a data directory."""

    folder: Path
    url: str
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def cluster(self) -> Cluster:
        return find_cluster(self.folder)

    @property
    def pid(self) -> int:
        return int((self.cluster.folder / "postmaster.pid").read_text().split()[0])

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
        pid = self.pid
        for process in (*children_of(pid), pid):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def start_again(self) -> None:
        """Starts the server, if it has ended."""
        postgres_server.Server(self.cluster).ensure_running(alone=True)


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """An embedded PostgreSQL, which is deleted after the block."""
    try:
        with embedded_postgres(folder) as url:
            yield Postgres(folder, url)
    finally:
        remove_embedded(folder)


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A temporary folder that the user of PostgreSQL can enter."""
    with tempfile.TemporaryDirectory(prefix=f"clientele-{name}-") as path:
        folder = Path(path)
        folder.chmod(0o755)
        yield folder


@dataclass
class Service:
    """A service process, on the same port after each start.

    `settings` are variables of its environment. Without DATABASE_URL it has an embedded database in its data directory.
    `token` is the one that the demo shows.
    """

    settings: Mapping[str, str]
    log: Path
    options: tuple[str, ...] = ()
    port: int = 0
    token: str = ""
    process: "subprocess.Popen[str] | None" = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> "subprocess.Popen[str]":
        assert self.process is not None, "the service was not started"
        return self.process

    def launch(self) -> None:
        """Starts the process without waiting."""
        self.port = self.port or free_port()
        environment = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
        environment.update(self.settings)
        command = [sys.executable, "-m", "app", "serve", "--port", str(self.port), *self.options]
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def start(self) -> None:
        """Starts the process and reads what it prints. Raises AssertionError when it ends before it is ready."""
        self.launch()
        self.read_start()

    def read_start(self) -> None:
        assert self.running.stdout is not None
        for line in self.running.stdout:
            name, _, value = line.strip().partition(" ")
            if name == "Token":
                self.token = value.strip()
                return
        raise AssertionError(f"the service ended with status {self.running.wait(END)}: {self.read_log()}")

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Ends the process with a signal. Returns the seconds until its end."""
        began = time.monotonic()
        self.running.send_signal(number)
        self.running.wait(END)
        return time.monotonic() - began

    def end(self) -> None:
        """Ends the process if it lives, at the end of a check."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def read_log(self) -> str:
        return self.log.read_text()

    def open(self, token: str = "", timeout: float = 60) -> httpx.AsyncClient:
        """A client of the service that sends a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=self.address, headers=headers, timeout=timeout, trust_env=False)

    async def probe(self) -> httpx.Response:
        async with self.open() as http:
            return await http.get("/readyz")

    async def expect(self, status: int, reason: str = "", seconds: float = START) -> float:
        """Waits for an answer of /readyz. Returns the seconds that it took."""
        began = time.monotonic()
        last = "no answer"
        while time.monotonic() < began + seconds:
            with suppress(httpx.TransportError):
                answer = await self.probe()
                if answer.status_code == status and reason in answer.text:
                    return time.monotonic() - began
                last = f"{answer.status_code} {answer.text}"
            await asyncio.sleep(0.05)
        raise AssertionError(f"/readyz did not become {status} {reason} in {seconds:g} seconds: {last}")


@contextmanager
def services(folder: Path, number: int = 1, *options: str, **settings: str) -> Iterator[list[Service]]:
    """Services with the same settings, started. They are ended after the block."""
    made = []
    for index in range(number):
        log = Path(tempfile.mkstemp(dir=folder, prefix=f"service-{index}-", suffix=".log")[1])
        made.append(Service({"CLIENTELE_DATA_DIR": str(folder / "data"), **settings}, log, options))
    try:
        for service in made:
            service.launch()
        for service in made:
            service.read_start()
        yield made
    finally:
        for service in made:
            service.end()


@asynccontextmanager
async def serving(folder: Path, *options: str, **settings: str) -> AsyncIterator[Service]:
    """One service, as `services`."""
    with services(folder, 1, *options, **settings) as (service,):
        yield service


@dataclass(frozen=True)
class Tenant:
    """A new organization in a migrated database, and a token of its account."""

    url: str
    organization: str
    token: str


async def make_tenant(url: str, email: str = "owner@example.com") -> Tenant:
    """Migrates the database and adds an account with an organization."""
    database = Database(url)
    try:
        await migrate(database)
        await create_account(database, email)
        organization = await create_organization(database, "Studio Example", account_email=email, email=email)
        return Tenant(url, organization, await create_token(database, account_email=email))
    finally:
        await database.close()
