"""Checks that a mixed load at 80 % of the capacity leaves no error, and that memory, connections and times stay flat.

A real service runs in one process on a real PostgreSQL. First, CONNECTIONS connections send requests as fast as they get
responses, and the lowest rate of CAPACITY_PARTS equal parts is the capacity. Then requests of the same mix are due at 80 % of
this rate, whether or not earlier ones have been answered, over at most MOST_CONNECTIONS connections. The time of a request
counts from the moment when it was due. `--minutes` is the length of the run; its last two thirds are compared with each other.
"""

import argparse
import asyncio
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import orjson

from app.accounts.service import create_account
from app.organizations.service import create_organization, create_token
from app.postgres.embedded import embedded_postgres, remove_embedded
from app.storage.database import Database
from app.storage.migrations import migrate
from benchmarks.ground import HIGH_RATES
from benchmarks.load import HttpRequest, read_response
from tests.faults.fairness import memory_of, start

CONNECTIONS, MOST_CONNECTIONS, SHARE = 16, 64, 0.8
CAPACITY_PARTS, CAPACITY_PART_SECONDS = 4, 30.0
"""Long enough that the database vacuums and analyzes its tables meanwhile, as it does in the run."""
SAMPLES = 12
"""The number of samples of a run. The first third is warm-up."""
CLIENTS = 20_000
"""So many that the clients which the run creates change the cost of a count or a filter little."""
MEMORY_GROWTH, TIME_GROWTH = 1.10, 2.0
"""The most that the last third of the samples may exceed the second third."""
CHANCE = random.Random(7)
ADD_CLIENTS = """
INSERT INTO clients (organization_id, id, name, email, city, tax_number)
SELECT $1, lpad(to_hex(n), 24, '0'), 'Client ' || n, 'client' || n || '@example.com',
       (ARRAY['Ljubljana', 'Maribor', 'Celje', 'Kranj'])[n % 4 + 1], 'SI' || 10000000 + n
FROM generate_series(1, $2) AS n
"""


@dataclass
class Sample:
    """One part of a run: the times of its responses in seconds, and the service's memory in MB at its end."""

    times: list[float] = field(default_factory=list)
    memory: float = 0.0
    connections: int = 0

    def quantile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[int((len(ordered) - 1) * share)]


@dataclass
class Run:
    """A run against the service on a port. `errors` counts the responses that are not expected."""

    port: int
    process: int
    url: str
    organization: str
    token: str
    errors: Counter[str] = field(default_factory=Counter)
    sample: Sample = field(default_factory=Sample)
    idle: "asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]" = field(
        default_factory=asyncio.LifoQueue
    )
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_CONNECTIONS))

    def requests(self) -> Iterator[bytes]:
        """Requests of the mix without end: nine reads for one write."""
        while True:
            yield CHANCE.choice(self.writes() if CHANCE.random() < 0.1 else self.reads()).encode("127.0.0.1")

    def reads(self) -> list[HttpRequest]:
        client, city = f"{CHANCE.randint(1, CLIENTS):024x}", CHANCE.choice(["Ljubljana", "Celje"])
        return [
            self.build("GET", f"/v1/clients/{client}"),
            self.build("GET", f"/customers/cust_{client}"),
            self.graphql(f'{{ client(id: "{client}") {{ name email city }} }}'),
            self.build(
                "GET", f"/v1/organizations/{self.organization}/clients?filter[limit]=20&filter[where][city]={city}"
            ),
            self.build("GET", "/customers?limit=20&order_by=-created_at"),
            self.graphql(
                "{ clients(first: 20, orderBy: {field: NAME}) { nodes { id name } pageInfo { hasNextPage } } }"
            ),
            self.graphql(
                "{ clients(first: 10) { nodes { name organization { name } history(first: 2) { nodes { action } } } } }"
            ),
            self.build(
                "GET", f"/v1/organizations/{self.organization}/clients/search?term=client{CHANCE.randint(1, 99)}"
            ),
            self.build("GET", f"/v1/organizations/{self.organization}/clients/count"),
        ]

    def writes(self) -> list[HttpRequest]:
        client, text = f"{CHANCE.randint(1, CLIENTS):024x}", f"{CHANCE.random():.9f}"
        change = (
            f'mutation {{ updateClient(id: "{client}", input: {{note: "{text}"}}) {{ userErrors {{ message }} }} }}'
        )
        return [
            self.build("PATCH", f"/v1/clients/{client}", {"note": text}),
            self.build("PATCH", f"/customers/cust_{client}", {"metadata": {"step": text}}),
            self.graphql(change),
            self.build("POST", f"/v1/organizations/{self.organization}/clients", {"name": f"New {text}"}),
        ]

    def build(self, method: str, path: str, body: object = None) -> HttpRequest:
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is None:
            return HttpRequest(path=path, method=method, headers=headers)
        headers["Content-Type"] = "application/json"
        return HttpRequest(path=path, method=method, headers=headers, body=orjson.dumps(body))

    def graphql(self, query: str) -> HttpRequest:
        return self.build("POST", "/graphql", {"query": query})

    async def send(self, request: bytes, began: float) -> None:
        """Sends one request over an idle connection, or over a new one, and notes the time since `began`."""
        async with self.turns:
            await self._send(request)
        self.sample.times.append(time.perf_counter() - began)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The idle connection that was used last, or a new one. The service closes a connection that is idle for long."""
        while not self.idle.empty():
            reader, writer = self.idle.get_nowait()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def _send(self, request: bytes) -> None:
        try:
            reader, writer = await self.connect()
            writer.write(request)
            async with asyncio.timeout(30):
                status, body = await read_response(reader)
            if status not in (200, 201) or b'"errors"' in body:
                self.errors[f"{status} {body[:160]!r}"] += 1
            self.idle.put_nowait((reader, writer))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.errors[repr(error)] += 1


async def write_histories(run: Run) -> None:
    """Gives the first ten clients histories of the length that the mix reads, so that its cost stays as it is."""
    for number in (*range(1, 11), *range(1, 11)):
        body = {"note": f"{CHANCE.random():.9f}"}
        request = run.build("PATCH", f"/v1/clients/{number:024x}", body)
        await run.send(request.encode("127.0.0.1"), time.perf_counter())
    run.sample = Sample()


async def measure_capacity(run: Run) -> float:
    """The responses per second that connections which always have a request under way get in each part at least."""
    return min([await measure_rate(run, CAPACITY_PART_SECONDS) for _ in range(CAPACITY_PARTS)])


async def measure_rate(run: Run, seconds: float) -> float:
    """The responses per second of CONNECTIONS connections that always have a request under way."""
    run.sample = Sample()
    requests, ends = run.requests(), time.perf_counter() + seconds

    async def repeat() -> None:
        while time.perf_counter() < ends:
            await run.send(next(requests), time.perf_counter())

    await asyncio.gather(*(repeat() for _ in range(CONNECTIONS)))
    return len(run.sample.times) / seconds


async def keep_rate(run: Run, rate: float, seconds: float) -> Sample:
    """Begins requests at a steady rate. A request counts from the moment when it was due."""
    run.sample, began = Sample(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(itertools.islice(run.requests(), int(rate * seconds))):
            due = began + number / rate
            if due > time.perf_counter():
                await asyncio.sleep(due - time.perf_counter())
            group.create_task(run.send(request, due))
    run.sample.memory = memory_of(run.process)
    run.sample.connections = await count_connections(run.url)
    return run.sample


async def count_connections(url: str) -> int:
    connection = await asyncpg.connect(url)
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    try:
        return int(await connection.fetchval(count))
    finally:
        await connection.close()


async def prepare(url: str) -> tuple[str, str]:
    """The organization with its clients, and a token."""
    database, email = Database(url), "owner@example.com"
    await migrate(database)
    await create_account(database, email)
    organization = await create_organization(database, "Studio Example", account_email=email)
    token = await create_token(database, account_email=email)
    await database.close()
    connection = await asyncpg.connect(url)
    await connection.execute(ADD_CLIENTS, organization, CLIENTS)
    await connection.execute("ANALYZE")
    await connection.close()
    return organization, token


def judge(run: Run, samples: list[Sample]) -> list[str]:
    """What is not flat, in sentences."""
    before, after = samples[SAMPLES // 3 : SAMPLES * 2 // 3], samples[SAMPLES * 2 // 3 :]
    problems = [f"{count} times {error}" for error, count in run.errors.most_common(5)]
    memory = [statistics.median(sample.memory for sample in part) for part in (before, after)]
    if memory[1] > memory[0] * MEMORY_GROWTH:
        problems.append(f"memory grew from {memory[0]:.0f} to {memory[1]:.0f} MB")
    times = [statistics.median(sample.quantile(0.99) for sample in part) for part in (before, after)]
    if times[1] > max(times[0] * TIME_GROWTH, 0.25):
        problems.append(f"the p99 grew from {times[0] * 1000:.0f} to {times[1] * 1000:.0f} ms")
    connections = [max(sample.connections for sample in part) for part in (before, after)]
    if connections[1] > connections[0]:
        problems.append(f"the connections grew from {connections[0]} to {connections[1]}")
    return problems


async def play(url: str, folder: Path, minutes: float) -> int:
    organization, token = await prepare(url)
    os.environ.update(HIGH_RATES)
    process, address = await asyncio.to_thread(start, url, folder)
    try:
        run = Run(int(address.rpartition(":")[2]), process.pid, url, organization, token)
        await write_histories(run)
        capacity = await measure_capacity(run)
        print(
            f"capacity {capacity:.0f} requests per second; the run sends {capacity * SHARE:.0f} for {minutes:g} minutes"
        )
        print(f"{'part':>4} {'requests':>9} {'p50':>8} {'p99':>8} {'memory':>8} {'connections':>12}")
        samples = []
        for number in range(SAMPLES):
            sample = await keep_rate(run, capacity * SHARE, minutes * 60 / SAMPLES)
            samples.append(sample)
            times = f"{sample.quantile(0.5) * 1000:5.1f} ms {sample.quantile(0.99) * 1000:5.0f} ms"
            line = f"{number + 1:4} {len(sample.times):9} {times} {sample.memory:5.0f} MB {sample.connections:12}"
            print(line, flush=True)
        problems = judge(run, samples)
        print("\n".join(problems) or "no error; memory, connections and times are flat")
        return 1 if problems else 0
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="clientele-steady-") as folder:
        data = Path(folder) / "data"
        try:
            with embedded_postgres(data) as url:
                return asyncio.run(play(url, Path(folder), minutes))
        finally:
            remove_embedded(data)


if __name__ == "__main__":
    sys.exit(main())
