"""Checks that subscribers receive each of 1,000 changes once and in order, while they disconnect and reconnect.

Two server processes share one database. The writers use every API of both servers. Some transactions stay open while
later changes are committed, and some are rolled back. Subscribers over WebSockets and event streams disconnect at random,
properly or not, and reconnect with their last cursor to either server. One server is restarted in the middle.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from websockets.exceptions import WebSocketException

from app.accounts.service import create_account
from app.changes.record import LARGEST_NUMBER, Position, read_change_cursor, write_change_cursor
from app.organizations.service import create_organization, create_token
from app.postgres.embedded import embedded_postgres, remove_embedded
from app.storage.database import Database
from app.storage.migrations import migrate
from tests.faults.followers import StreamRejected, Subscription, over_events, over_socket, read_epoch

ROOT = Path(__file__).resolve().parents[2]
EMAIL = "owner@example.com"
CHANGES, WRITERS, SOCKETS, STREAMS = 1000, 10, 6, 2
LATE = 60
"""The number of changes in transactions that stay open for a while; the same number is rolled back."""
DEADLINE = 150.0
GRACE = 12.0
"""Seconds within which a server must end: ten for subscribers that do not disconnect, and two for the rest."""
CHANCE = random.Random(20)


@dataclass
class Server:
    """One server process, always on the same port."""

    url: str
    port: int = 0
    process: "subprocess.Popen[str] | None" = None

    def start(self) -> None:
        serving = [sys.executable, "-m", "app", "serve", "--port", str(self.port)]
        environment = {**os.environ, "DATABASE_URL": self.url, "CLIENTELE_POOL_SIZE": "6"}
        self.process = subprocess.Popen(serving, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            name, _, value = line.strip().partition(" ")
            if name == "GraphiQL":
                self.port = int(value.strip().removesuffix("/graphql").rpartition(":")[2])
                return
        raise AssertionError("the server did not start")

    def stop(self) -> float:
        """Ends the server like Ctrl-C. Returns the seconds until its end."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        return time.monotonic() - began

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Run:
    """The shared state of a run. `lags` are the milliseconds from a change to its arrival, without replayed changes."""

    url: str
    organization: str
    other: str
    token: str
    servers: list[Server]
    epoch: str
    written: int = 0
    done: bool = False
    last: int = 0
    disconnects: int = 0
    lags: list[float] = field(default_factory=list)

    def any_address(self) -> str:
        return CHANCE.choice(self.servers).address

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def write(run: Run, http: httpx.AsyncClient) -> None:
    """Creates and changes clients through random APIs until there are enough changes."""
    while run.written < CHANGES - LATE:
        client = (await http.post(f"/v1/organizations/{run.organization}/clients", json={"name": "Ann"})).json()["id"]
        run.written += 1
        for step in range(CHANCE.randint(3, 9)):
            if run.written >= CHANGES - LATE:
                return
            run.written += 1
            await change(http, client, step)
        if run.written < CHANGES - LATE - 1:
            run.written += 2
            (await http.delete(f"/customers/cust_{client}")).raise_for_status()
            (await http.post(f"/customers/cust_{client}/restore")).raise_for_status()


async def change(http: httpx.AsyncClient, client: str, step: int) -> None:
    api = CHANCE.choice(("v1", "customers", "graphql"))
    if api == "v1":
        response = await http.patch(f"/v1/clients/{client}", json={"note": f"{step}"})
    elif api == "customers":
        response = await http.patch(f"/customers/cust_{client}", json={"metadata": {"step": f"{step}"}})
    else:
        mutation = "mutation ($id: ID!, $city: String) { updateClient(id: $id, input: {city: $city}) { userErrors { message } } }"
        variables = {"id": client, "city": f"City {step}"}
        response = await http.post("/graphql", json={"query": mutation, "variables": variables})
        assert response.json()["data"]["updateClient"]["userErrors"] == []
    response.raise_for_status()


ADD = """
INSERT INTO client_changes (transaction, organization_id, client_id, version, action, actor, before, after)
SELECT begin_change($1), $1, $2, 1, 'updated', 'late', '{}', '{}' RETURNING id
"""


LATER = "SELECT EXISTS (SELECT FROM client_changes WHERE id > $1)"


async def write_late(run: Run, count: int) -> int:
    """Runs transactions that hold a number for a while, so that numbers become visible out of order.

    Returns how often that happened.
    """
    connection, overtaken = await asyncpg.connect(run.url), 0
    for index in range(count * 2):
        transaction = connection.transaction()
        await transaction.start()
        number = await connection.fetchval(ADD, run.other if index % 5 == 0 else run.organization, f"{index:024x}")
        await asyncio.sleep(CHANCE.uniform(0, 0.06))
        later = await connection.fetchval(LATER, number)
        while not later and run.written < CHANGES - LATE:
            await asyncio.sleep(0.005)
            later = await connection.fetchval(LATER, number)
        if index % 2:
            await transaction.rollback()
        else:
            await transaction.commit()
            overtaken += bool(later)
    await connection.close()
    return overtaken


async def follow(run: Run, receive: Any) -> list[int]:
    """Returns the numbers of the changes that a subscriber received, in the order of arrival."""
    numbers: list[int] = []
    after = write_change_cursor(run.organization, 0, run.epoch)
    while not run.done or not numbers or numbers[-1] < run.last:
        stay, came = CHANCE.randint(1, 150), time.time()
        with suppress(OSError, WebSocketException, httpx.HTTPError, TimeoutError, StreamRejected):
            subscription = Subscription(run.any_address(), run.token, after)
            abort = CHANCE.random() < 0.5
            async with asyncio.timeout(1 if run.done else 5), receive(subscription, abort=abort) as changes:
                async for change in changes:
                    numbers.append(
                        read_change_cursor(run.organization, change["cursor"], Position(LARGEST_NUMBER, run.epoch))
                    )
                    after = change["cursor"]
                    began = datetime.fromisoformat(change["at"]).timestamp()
                    if began > came:
                        run.lags.append((time.time() - began) * 1000)
                    stay -= 1
                    if stay == 0 or (run.done and numbers[-1] >= run.last):
                        break
        run.disconnects += 1
        await asyncio.sleep(CHANCE.uniform(0, 0.05))
    return numbers


async def prepare(url: str, servers: list[Server]) -> Run:
    database = Database(url)
    await migrate(database)
    await create_account(database, EMAIL)
    organization = await create_organization(database, "Studio Example", account_email=EMAIL)
    other = await create_organization(database, "Other Example", account_email=EMAIL)
    token = await create_token(database, account_email=EMAIL)
    await database.close()
    return Run(url, organization, other, token, servers, await read_epoch(url))


async def write_all(run: Run) -> int:
    """Writes all changes through both servers. Returns how often late numbers were overtaken."""
    late = asyncio.gather(*(write_late(run, LATE // 4) for _ in range(4)))
    await asyncio.gather(*(write_through(run, server, WRITERS // 2) for server in run.servers))
    return sum(await late)


async def write_through(run: Run, server: Server, writers: int) -> None:
    async with httpx.AsyncClient(base_url=server.address, headers=run.headers, timeout=30, trust_env=False) as http:
        await asyncio.gather(*(write(run, http) for _ in range(writers)))


async def finish(run: Run) -> list[int]:
    connection = await asyncpg.connect(run.url)
    rows = await connection.fetch(
        "SELECT id FROM client_changes WHERE organization_id = $1 ORDER BY id", run.organization
    )
    await connection.close()
    run.last, run.done = rows[-1][0], True
    return [row[0] for row in rows]


async def play(url: str, servers: list[Server]) -> None:
    run = await prepare(url, servers)
    for server in servers:
        server.start()
    following = asyncio.gather(
        *(follow(run, over_socket) for _ in range(SOCKETS)), *(follow(run, over_events) for _ in range(STREAMS))
    )
    began = time.monotonic()
    overtaken = await write_all(run)
    stopping = await asyncio.to_thread(servers[1].stop)
    await asyncio.to_thread(servers[1].start)
    run.written -= 50
    await write_through(run, servers[1], 1)
    writing = time.monotonic() - began
    expected = await finish(run)
    async with asyncio.timeout(DEADLINE):
        received = await following
    for numbers in received:
        assert numbers == expected, describe(numbers, expected)
    lags = sorted(run.lags)
    print(
        f"{len(expected)} changes in {writing:.1f} s, {overtaken} of {LATE} late ones overtaken; {len(received)} subscribers, "
        f"{run.disconnects} connections, each change once and in order; a change arrived {lags[len(lags) // 2]:.0f} ms after "
        f"it began at the median, {lags[len(lags) * 99 // 100]:.0f} at the 99th percentile; "
        f"a server with subscribers ended in {stopping:.1f} s"
    )
    assert len(expected) >= CHANGES
    assert overtaken > LATE // 2
    assert stopping < GRACE


def describe(numbers: list[int], expected: list[int]) -> str:
    missed, extra = set(expected) - set(numbers), len(numbers) - len(set(numbers))
    return (
        f"missed {sorted(missed)[:10]} ({len(missed)}), {extra} received twice, in order {numbers == sorted(numbers)}"
    )


@contextmanager
def ended(servers: list[Server]) -> Iterator[None]:
    try:
        yield
    finally:
        for server in servers:
            if server.process is not None and server.process.poll() is None:
                server.process.kill()
                server.process.wait()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="clientele-changes-") as folder:
        data = Path(folder) / "data"
        try:
            with embedded_postgres(data) as url:
                servers = [Server(url), Server(url)]
                with ended(servers):
                    asyncio.run(play(url, servers))
        finally:
            remove_embedded(data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
