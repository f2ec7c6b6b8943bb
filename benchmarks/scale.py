"""The scale: the cost of pages, totals and searches in organizations of 1,000, 100,000 and 1,000,000 clients.

All requests go to one running service, in turn, and the costs are printed as ratios. Deep pages and searches are compared
with the first page of the list in the same organization, totals with those of the smallest organization. The cost is the
CPU time of the service and of its connections in PostgreSQL, so that other work on the machine changes little. Where the
system has no such figures, the cost is the time until the response. The cost of a rare word of one or two characters is
printed in seconds, because the service scans the rows of the organization for it.
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
from benchmarks.ground import ROOT, fresh_database, service
from benchmarks.load import HttpRequest, read_response
from benchmarks.meters import find_postmaster
from benchmarks.requests import RequestBuilder

EMAIL = "scale@clientele.example"
SIZES = (1000, 100_000, 1_000_000)
DEEP, TOTAL, NESTED = 2.0, 2.0, 5.0
"""The highest ratios of a deep page, of a total, and of a page with objects or lists in each client."""
FREQUENT, TWO_WORDS, RARE = 10.0, 7.0, 5.0
"""The highest ratios of a search for a frequent word, for two words, and for a rare word."""
SCAN = 1.5
"""The most seconds that a search for a rare word of one or two characters may cost."""

SEARCHES = {
    "fifty hits": ("quintessa", RARE),
    "a thousand hits": ("wolfram", FREQUENT),
    "half of the rows": ("ljubljana", FREQUENT),
    "two words": ("ljubljana wolfram", TWO_WORDS),
    "one character": ("m", FREQUENT),
    "two characters": ("ma", FREQUENT),
}
"""Searches by name: the term, and the highest ratio."""
SCANS = {
    "one rare character": "京",
    "two rare characters": "xz",
    "frequent word, two rare": "ljubljana xz",
    "two characters, no hit": "zx",
}
"""Words inside of words; the index over the search text cannot look them up."""


@dataclass(frozen=True)
class Case:
    """A request that is compared with the case `beside`, in the organization of the same size or in the smallest one."""

    api: str
    name: str
    size: int
    request: HttpRequest
    beside: str
    most: float | None = None
    smallest: bool = False
    most_seconds: float | None = None


def organization_id(size: int) -> str:
    return f"{size:024d}"


def client_id(number: int) -> str:
    return f"{number:024x}"


@dataclass(frozen=True)
class OrganizationRequests:
    """Builds the requests about one organization for each API."""

    builder: RequestBuilder
    size: int

    def customers(self, **parameters: object) -> HttpRequest:
        query = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
        headers = {"Authorization": f"Bearer {self.builder.token}", "x-entity-id": f"ent_{organization_id(self.size)}"}
        return HttpRequest(path=f"/customers?{query}", headers=headers)

    def graphql(self, arguments: str, fields: str) -> HttpRequest:
        scope = f'organizationId: "{organization_id(self.size)}"'
        return self.builder.graphql(f"{{ clients({scope}{arguments}) {{ {fields} }} }}")

    def v1(self, path: str) -> HttpRequest:
        return self.builder.v1(f"/v1/organizations/{organization_id(self.size)}/clients{path}")


NODES = "nodes { id name email city } pageInfo { hasNextPage endCursor }"
OBJECTS = "nodes { id name email city organization { name } customer { customerId } }"
LISTS = "nodes { id name history(first: 2) { nodes { action at version } } reminders(first: 2) { nodes { id } } }"
FIRST = "first page"


def make_cases(token: str, size: int, cursors: dict[str, str]) -> list[Case]:
    requests = OrganizationRequests(RequestBuilder(token), size)
    plain = {"include_total_count": "false"}
    cases = [
        Case("Customers", FIRST, size, requests.customers(**plain), FIRST),
        *(
            Case("Customers", f"page {depth}", size, requests.customers(**plain, next_cursor=cursor), FIRST, DEEP)
            for depth, cursor in cursors.items()
        ),
        Case("Customers", "first page with total", size, requests.customers(), "first page with total", TOTAL, True),
        Case("GraphQL", FIRST, size, requests.graphql("", NODES), FIRST),
        Case("GraphQL", "objects in each client", size, requests.graphql("", OBJECTS), FIRST, NESTED),
        Case("GraphQL", "lists in each client", size, requests.graphql("", LISTS), FIRST, NESTED),
        Case("GraphQL", "total", size, requests.graphql("", "totalCount"), "total", TOTAL, True),
        Case("v1", FIRST, size, requests.v1(""), FIRST),
        Case("v1", "total", size, requests.v1("/count"), "total", TOTAL, True),
    ]
    searches = [(name, term, most, None) for name, (term, most) in SEARCHES.items()]
    scans = [(name, term, None, SCAN) for name, term in SCANS.items()]
    for name, term, most, seconds in (*searches, *scans):
        cases += [
            Case("Customers", name, size, requests.customers(**plain, search=term), FIRST, most, False, seconds),
            Case("GraphQL", name, size, requests.graphql(f', search: "{term}"', NODES), FIRST, most, False, seconds),
            Case("v1", name, size, requests.v1(f"/search?term={quote(term)}"), FIRST, most, False, seconds),
        ]
    return cases


def is_wanted(case: Case, only: str) -> bool:
    """True for a case whose name and API contain the text, and for the first pages that others are compared with."""
    return case.name == FIRST or only in f"{case.name} {case.api}"


async def load(url: str, most: int) -> tuple[str, list[int]]:
    """Fills a database, unless an earlier run has filled it. Returns a token for all organizations, and their sizes."""
    database, connection = Database(url), await asyncpg.connect(url)
    await migrate(database)
    sizes = sorted({min(size, most) for size in SIZES} | {most})
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM accounts WHERE email = $1)", EMAIL):
        await fill_database(connection, await create_account(database, EMAIL), sizes)
    token = await create_token(database, account_email=EMAIL)
    await connection.close()
    await database.close()
    return token, sizes


async def fill_database(connection: "asyncpg.Connection[asyncpg.Record]", account: str, sizes: list[int]) -> None:
    """Creates an organization of each size, and the indexes after the rows."""
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


@dataclass(frozen=True)
class Meter:
    """A meter of CPU time of some processes in seconds, or of elapsed time where the system has no such figures."""

    processes: tuple[int, ...] = ()

    def read(self) -> float:
        if not self.processes:
            return time.perf_counter()
        try:
            spent = [Path(f"/proc/{process}/schedstat").read_text().split()[0] for process in self.processes]
        except OSError:
            return time.perf_counter()
        return sum(map(int, spent)) / 1e9


class ServiceConnection:
    """A kept-alive connection to the service."""

    def __init__(self, port: int, meter: Meter) -> None:
        self.port = port
        self.meter = meter

    async def open(self) -> "ServiceConnection":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def send(self, http_request: HttpRequest) -> tuple[float, bytes]:
        """Returns the cost of the response and its body. Raises RuntimeError unless the status is 200."""
        request, before = http_request.encode(f"127.0.0.1:{self.port}"), self.meter.read()
        self.writer.write(request)
        status, body = await read_response(self.reader)
        spent = self.meter.read() - before
        if status != 200 or body.startswith(b'{"data":null') or b'"errors":' in body[-1000:]:
            raise RuntimeError(f"{http_request.path}: {status}: {body[:300]!r}")
        return spent, body


async def connections_of_service(url: str) -> list[int]:
    """Returns the process ids of PostgreSQL for the service's connections."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'clientele'")
    await connection.close()
    return [row["pid"] for row in rows]


async def find_cursors(connection: ServiceConnection, token: str, size: int) -> dict[str, str]:
    """Returns Customers cursors for the middle and near the end: the first page's cursor with the id of another row."""
    requests = OrganizationRequests(RequestBuilder(token), size)
    _, body = await connection.send(requests.customers(limit=1))
    cursor = orjson.loads(body)["pagination"]["next_cursor"]
    fingerprint, _ = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    cursors = {}
    for name, row in (("in the middle", size // 2), ("near the end", size - size // 20)):
        text = orjson.dumps([fingerprint, client_id(row)])
        cursors[name] = urlsafe_b64encode(text).rstrip(b"=").decode()
    return cursors


async def measure(
    url: str, port: int, process: int | None, token: str, sizes: list[int], rounds: int, only: str
) -> dict[tuple[str, str, int], list[float]]:
    """Returns the costs of each case by round. A round sends every case once. Without a process, elapsed time is measured."""
    await (await ServiceConnection(port, Meter()).open()).send(
        OrganizationRequests(RequestBuilder(token), sizes[0]).customers(limit=1)
    )
    meter = Meter() if process is None else Meter((process, *await connections_of_service(url)))
    connection = await ServiceConnection(port, meter).open()
    cases = [
        case
        for size in sizes
        for case in make_cases(token, size, await find_cursors(connection, token, size))
        if is_wanted(case, only)
    ]
    spent: dict[tuple[str, str, int], list[float]] = {}
    for turn in range(rounds + 2):
        for case in cases:
            cost, _ = await connection.send(case.request)
            if turn >= 2:
                spent.setdefault((case.api, case.name, case.size), []).append(cost)
    connection.writer.close()
    return spent


def show(
    token: str, sizes: list[int], seconds: dict[tuple[str, str, int], list[float]], print_line: Callable[..., None]
) -> int:
    """Prints the ratios of the medians, or the seconds of a scan. Returns the number of cases over their limit at any size."""
    beyond = 0
    print_line(f"{'':11}{'':24}" + "".join(f"{size:>12,}" for size in sizes) + f"{'most':>8}")
    for case in make_cases(token, sizes[0], dict.fromkeys(("in the middle", "near the end"), "")):
        if (case.api, case.name, sizes[0]) not in seconds:
            continue
        ratios = []
        for size in sizes:
            beside = (case.api, case.beside, sizes[0] if case.smallest else size)
            unit = 1.0 if case.most_seconds else median(seconds[beside])
            ratios.append(median(seconds[case.api, case.name, size]) / unit)
        most = case.most_seconds or case.most
        beyond += most is not None and max(ratios) > most
        cells = [f"{cost:10.3f} s" if case.most_seconds else f"{cost:12.2f}" for cost in ratios]
        print_line(f"{case.api:11}{case.name:24}" + "".join(cells) + f"{most or '':>8}")
    return beyond


def run(options: argparse.Namespace) -> int:
    """Loads, measures and prints. Returns 1 when a ratio is over its limit and `unbounded` is not set, else 0."""
    with ExitStack() as stack:
        url = options.database_url or stack.enter_context(fresh_database())
        begun = time.perf_counter()
        token, sizes = asyncio.run(load(url, options.rows))
        print(f"{sum(sizes):,} clients loaded in {time.perf_counter() - begun:.0f} s", flush=True)
        port, process = stack.enter_context(service(url))
        near = None if asyncio.run(find_postmaster(url)) is None else process
        seconds = asyncio.run(measure(url, port, near, token, sizes, options.rounds, options.only or ""))
        first = {api: median(seconds[api, FIRST, sizes[-1]]) * 1000 for api in ("Customers", "GraphQL", "v1")}
        print("A first page cost " + ", ".join(f"{took:.1f} ms ({api})" for api, took in first.items()))
        beyond = show(token, sizes, seconds, lambda text: print(text, flush=True))
    return 1 if beyond and not options.unbounded else 0
