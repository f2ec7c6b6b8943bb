"""Restarts two services behind haproxy, one after the other, and checks that no request fails.

Clients read and write through haproxy all the time, over kept and over new connections. haproxy asks /readyz, and tries no
request twice. It runs once with one worker for each service and once with two.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.accounts.service import create_account
from app.organizations.service import create_organization, create_token
from app.postgres.embedded import embedded_postgres, remove_embedded
from app.storage.database import Database
from app.storage.migrations import migrate

ROOT = Path(__file__).resolve().parents[2]
EMAIL = "owner@example.com"
KEPT, NEW = 8, 4
"""The clients that keep their connection, and those that open one for each request."""
PAUSE = 0.01
TIMEOUT = 60.0
CONFIGURATION = """
global
    maxconn 500
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    retries 0
frontend clients
    bind 127.0.0.1:{port}
    default_backend services
backend services
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter 300ms fall 2 rise 1
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
"""


@dataclass
class Service:
    """One service, always on the same port."""

    url: str
    workers: int
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        serving = [sys.executable, "-m", "app", "serve", "--port", str(self.port), "--workers", str(self.workers)]
        environment = {**os.environ, "DATABASE_URL": self.url, "CLIENTELE_POOL_SIZE": "6"}
        self.process = subprocess.Popen(serving, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    def stop(self) -> float:
        """Ends the service as a system does. Returns the seconds until its end."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(TIMEOUT)
        assert code == 0, f"the service ended with exit code {code}"
        return time.monotonic() - began

    async def is_ready(self) -> None:
        async with asyncio.timeout(TIMEOUT), httpx.AsyncClient(trust_env=False) as http:
            while True:
                try:
                    if (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)


@dataclass
class Run:
    """The requests of a run: the number of each status, and the failures."""

    address: str
    token: str
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    done: bool = False

    async def ask(self, http: httpx.AsyncClient, number: int) -> None:
        try:
            if number % 4 == 0:
                answer = await http.post("/customers", json={"name": f"Customer {number}"})
            else:
                answer = await http.get("/customers?limit=5")
        except httpx.HTTPError as error:
            self.failures.append(f"{error!r}")
            return
        self.answers[answer.status_code] += 1
        if answer.status_code >= 400:
            self.failures.append(f"{answer.status_code} {answer.text[:80]}")

    def open(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=self.address, headers=headers, timeout=TIMEOUT, trust_env=False)

    async def use_kept_connection(self) -> None:
        async with self.open() as http:
            number = 0
            while not self.done:
                number += 1
                await self.ask(http, number)
                await asyncio.sleep(PAUSE)

    async def use_new_connections(self) -> None:
        number = 0
        while not self.done:
            number += 1
            async with self.open() as http:
                await self.ask(http, number)
            await asyncio.sleep(PAUSE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port: int = opened.getsockname()[1]
        return port


@contextmanager
def balanced(one: int, two: int, folder: Path) -> Iterator[str]:
    """Runs haproxy in front of two ports. Yields its address."""
    program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program, "haproxy is missing"
    port, file = free_port(), folder / "haproxy.cfg"
    file.write_text(CONFIGURATION.format(port=port, one=one, two=two))
    process = subprocess.Popen([program, "-db", "-f", str(file)], stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def restart(run: Run, services: list[Service]) -> list[float]:
    """Restarts each service while the clients work. Returns the seconds that each took to end."""
    clients = [asyncio.create_task(run.use_kept_connection()) for _ in range(KEPT)]
    clients += [asyncio.create_task(run.use_new_connections()) for _ in range(NEW)]
    ends = []
    for service in services:
        await asyncio.sleep(1)
        ends.append(await asyncio.to_thread(service.stop))
        service.start()
        await service.is_ready()
        await asyncio.sleep(1)
    run.done = True
    await asyncio.gather(*clients)
    return ends


async def play(url: str, token: str, workers: int, folder: Path) -> None:
    services = [Service(url, workers, free_port()), Service(url, workers, free_port())]
    try:
        for service in services:
            service.start()
        for service in services:
            await service.is_ready()
        with balanced(services[0].port, services[1].port, folder) as address:
            await asyncio.sleep(1)
            run = Run(address, token)
            ends = await restart(run, services)
    finally:
        for service in services:
            if service.process is not None and service.process.poll() is None:
                service.process.terminate()
                service.process.wait(TIMEOUT)
    total = sum(run.answers.values())
    print(
        f"{workers} worker(s): {total} requests during the restart of two services, {len(run.failures)} failed; "
        f"the services ended in {', '.join(f'{end:.1f}' for end in ends)} s"
    )
    assert run.failures == [], run.failures[:10]
    assert total > 200


async def prepare(url: str) -> str:
    database = Database(url)
    await migrate(database)
    await create_account(database, EMAIL)
    await create_organization(database, "Studio Example", account_email=EMAIL)
    token = await create_token(database, account_email=EMAIL)
    await database.close()
    return token


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="clientele-restart-") as folder:
        data = Path(folder) / "data"
        try:
            with embedded_postgres(data) as url:
                token = asyncio.run(prepare(url))
                for workers in (1, 2):
                    asyncio.run(play(url, token, workers, Path(folder)))
        finally:
            remove_embedded(data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
