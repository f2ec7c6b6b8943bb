"""The scale: what a page, a total and a search cost in organizations of 1,000, 100,000 and 1,000,000 clients.

All is asked through the doors of one running service, in turn, and told as ratios of one run: pages at depth and searches
against the first page of the list in the same organization, totals against those of the smallest organization. What is
compared is processor time, of the service and of its connections in the database together, so that other work on the
machine changes little; where that cannot be read, it is the time until the answer.
"""

import argparse
import asyncio
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote

import asyncpg
import orjson

from app.accounts.service import create_account
from app.organizations.service import create_token
from app.storage.database import Database
from app.storage.migrations import migrate
from benchmarks.service import ROOT, Asker, fresh_database, server
from benchmarks.load import Ask, read_answer

EMAIL = "scale@clientele.example"
SIZES = (1000, 100_000, 1_000_000)
DEEP, SEARCH, TOTAL = 2.0, 10.0, 2.0
"""The most that a page at depth, a search and a total may cost, as ratios."""

SEARCHES = {
    "fifty hits": "quintessa",
    "a thousand hits": "wolfram",
    "half of the rows": "ljubljana",
    "two words": "ljubljana wolfram",
    "one character": "m",
    "one rare character": "q",
    "two characters": "ma",
    "two rare characters": "qu",
}


@dataclass(frozen=True)
class Case:
    """One thing that is measured: against the case `beside`, in the organization of the same size or the smallest one."""

    door: str
    name: str
    size: int
    ask: Ask
    beside: str
    most: float | None = None
    smallest: bool = False


def organization_id(size: int) -> str:
    return f"{size:024d}"


def client_id(number: int) -> str:
    return f"{number:024x}"


@dataclass(frozen=True)
class Inside:
    """Writes the requests about one organization, for each door."""

    asker: Asker
    size: int

    def customers(self, **parameters: object) -> Ask:
        query = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
        headers = {"Authorization": f"Bearer {self.asker.token}", "x-entity-id": f"ent_{organization_id(self.size)}"}
        return Ask(path=f"/customers?{query}", headers=headers)

    def graphql(self, arguments: str, fields: str) -> Ask:
        scope = f'organizationId: "{organization_id(self.size)}"'
        return self.asker.graphql(f"{{ clients({scope}{arguments}) {{ {fields} }} }}")

    def v1(self, path: str) -> Ask:
        return self.asker.v1(f"/v1/organizations/{organization_id(self.size)}/clients{path}")


NODES = "nodes { id name email city } pageInfo { hasNextPage endCursor }"
FIRST = "first page"


def make_cases(token: str, size: int, cursors: dict[str, str]) -> list[Case]:
    one = Inside(Asker(token), size)
    plain = {"include_total_count": "false"}
    cases = [
        Case("Customers", FIRST, size, one.customers(**plain), FIRST),
        *(
            Case("Customers", f"page {depth}", size, one.customers(**plain, next_cursor=cursor), FIRST, DEEP)
            for depth, cursor in cursors.items()
        ),
        Case("Customers", "first page with total", size, one.customers(), "first page with total", TOTAL, True),
        Case("GraphQL", FIRST, size, one.graphql("", NODES), FIRST),
        Case("GraphQL", "total", size, one.graphql("", "totalCount"), "total", TOTAL, True),
        Case("v1", FIRST, size, one.v1(""), FIRST),
        Case("v1", "total", size, one.v1("/count"), "total", TOTAL, True),
    ]
    for name, term in SEARCHES.items():
        cases += [
            Case("Customers", name, size, one.customers(**plain, search=term), FIRST, SEARCH),
            Case("GraphQL", name, size, one.graphql(f', search: "{term}"', NODES), FIRST, SEARCH),
            Case("v1", name, size, one.v1(f"/search?term={quote(term)}"), FIRST, SEARCH),
        ]
    return cases


async def load(url: str, most: int) -> tuple[str, list[int]]:
    """Makes the organizations, the indexes after the rows, and a token that reaches all of them."""
    database, connection = Database(url), await asyncpg.connect(url)
    await migrate(database)
    sizes = sorted({min(size, most) for size in SIZES} | {most})
    account = await create_account(database, EMAIL)
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'clients' AND indexname NOT LIKE 'pk%'"
    )
    for name, _ in indexes:
        await connection.execute(f"DROP INDEX {name}")
    script = (ROOT / "benchmarks" / "scale.sql").read_text()
    for size in sizes:
        filled = script.replace(":organization", f"'{organization_id(size)}'").replace(":clients", str(size))
        await connection.execute(filled)
        await connection.execute("INSERT INTO account_organizations VALUES ($1, $2)", account, organization_id(size))
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        await connection.execute(definition)
    await connection.execute("VACUUM ANALYZE")
    token = await create_token(database, account_email=EMAIL)
    await connection.close()
    await database.close()
    return token, sizes


@dataclass(frozen=True)
class Meter:
    """What has been spent so far, in seconds: processor time of some processes, or time where that is not to be had."""

    processes: tuple[int, ...] = ()

    def read(self) -> float:
        if not self.processes:
            return time.perf_counter()
        try:
            spent = [Path(f"/proc/{one}/schedstat").read_text().split()[0] for one in self.processes]
        except OSError:
            return time.perf_counter()
        return sum(map(int, spent)) / 1e9


class Line:
    """One kept-alive connection to the service."""

    def __init__(self, port: int, meter: Meter) -> None:
        self.port = port
        self.meter = meter

    async def open(self) -> "Line":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def ask(self, ask: Ask) -> tuple[float, bytes]:
        """What the answer cost, and its body. Raises RuntimeError for any answer but 200."""
        request, before = ask.encode(f"127.0.0.1:{self.port}"), self.meter.read()
        self.writer.write(request)
        status, body = await read_answer(self.reader)
        spent = self.meter.read() - before
        if status != 200 or body.startswith(b'{"data":null') or b'"errors":' in body[-1000:]:
            raise RuntimeError(f"{ask.path}: {status}: {body[:300]!r}")
        return spent, body


async def connections_of_service(url: str) -> list[int]:
    """The processes in the database that serve the service's connections."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'clientele'")
    await connection.close()
    return [row["pid"] for row in rows]


async def find_cursors(line: Line, token: str, size: int) -> dict[str, str]:
    """Cursors of Customers in the middle and near the end: those of the first page, with another row's id in them."""
    one = Inside(Asker(token), size)
    _, body = await line.ask(one.customers(limit=1))
    given = orjson.loads(body)["pagination"]["next_cursor"]
    mark, _ = orjson.loads(urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    made = {}
    for name, row in (("in the middle", size // 2), ("near the end", size - size // 20)):
        text = orjson.dumps([mark, client_id(row)])
        made[name] = urlsafe_b64encode(text).rstrip(b"=").decode()
    return made


async def measure(
    url: str, port: int, process: int | None, token: str, sizes: list[int], rounds: int
) -> dict[tuple[str, str, int], list[float]]:
    """What each case cost in each round; a round asks every case once. Without a process, it is time that is measured."""
    await (await Line(port, Meter()).open()).ask(Inside(Asker(token), sizes[0]).customers(limit=1))
    meter = Meter() if process is None else Meter((process, *await connections_of_service(url)))
    line = await Line(port, meter).open()
    cases = [case for size in sizes for case in make_cases(token, size, await find_cursors(line, token, size))]
    spent: dict[tuple[str, str, int], list[float]] = {}
    for turn in range(rounds + 2):
        for case in cases:
            cost, _ = await line.ask(case.ask)
            if turn >= 2:
                spent.setdefault((case.door, case.name, case.size), []).append(cost)
    line.writer.close()
    return spent


def show(
    token: str, sizes: list[int], seconds: dict[tuple[str, str, int], list[float]], say: Callable[..., None]
) -> int:
    """Prints the ratios of the medians; the number of those beyond their limit at any size."""
    beyond = 0
    say(f"{'':11}{'':24}" + "".join(f"{size:>12,}" for size in sizes) + f"{'most':>8}")
    for case in make_cases(token, sizes[0], dict.fromkeys(("in the middle", "near the end"), "")):
        ratios = []
        for size in sizes:
            beside = (case.door, case.beside, sizes[0] if case.smallest else size)
            ratios.append(median(seconds[case.door, case.name, size]) / median(seconds[beside]))
        beyond += case.most is not None and max(ratios) > case.most
        say(f"{case.door:11}{case.name:24}" + "".join(f"{one:12.2f}" for one in ratios) + f"{case.most or '':>8}")
    return beyond


def run(options: argparse.Namespace) -> int:
    """Loads, measures and prints; 1 when a ratio is beyond its limit and `unbounded` is not set."""
    with ExitStack() as stack:
        url = options.database_url or stack.enter_context(fresh_database())
        begun = time.perf_counter()
        token, sizes = asyncio.run(load(url, options.rows))
        print(f"{sum(sizes):,} clients loaded in {time.perf_counter() - begun:.0f} s", flush=True)
        port, process = stack.enter_context(server("app.main:app_from_environment", url, "--factory"))
        near = None if options.database_url else process
        seconds = asyncio.run(measure(url, port, near, token, sizes, options.rounds))
        first = {door: median(seconds[door, FIRST, sizes[-1]]) * 1000 for door in ("Customers", "GraphQL", "v1")}
        print("A first page cost " + ", ".join(f"{took:.1f} ms ({door})" for door, took in first.items()))
        beyond = show(token, sizes, seconds, lambda text: print(text, flush=True))
    return 1 if beyond and not options.unbounded else 0
