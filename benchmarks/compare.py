"""The comparison of the service with the bare handler: both on the same rows, in one run, as ratios."""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import asyncpg
import orjson

from app.accounts.service import create_account
from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, V1
from app.organizations.service import create_token
from app.storage.database import Database
from app.storage.migrations import migrate
from benchmarks.bare import COLUMNS
from benchmarks.ground import ROOT, fresh_database, server
from benchmarks.load import HttpRequest, send_request
from benchmarks.requests import ORGANIZATION, RequestBuilder

EMAIL = "bench@clientele.example"
ORGANIZATIONS = 20

NAMES = {
    face.name: [field.name for column in COLUMNS for field in face.fields.values() if field.column == column]
    for face in (V1, CUSTOMER, GRAPHQL_CLIENT)
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request to one API that is measured, and the same request to the bare handler.

    `rows` or `total` read the records or their number from a response, for the check. `least` is the lowest ratio.
    """

    name: str
    api: str
    bare: HttpRequest
    service: HttpRequest
    rows: Callable[[Any], list[dict[str, Any]]] | None = None
    total: Callable[[Any], int] | None = None
    least: float | None = None


IN_V1 = f"/v1/Organizations/{ORGANIZATION}/clients"
IN_GRAPHQL = f'organizationId: "{ORGANIZATION}"'
FIELDS = " ".join("clientId" if name == "id" else name for name in NAMES[GRAPHQL_CLIENT.name] if name != "clientId")
ONLY = "%2C".join(f"%22{name}%22" for name in NAMES[V1.name])
NEW = {"name": "New Ltd", "email": "new@example.com"}


def make_cases(token: str, client_id: str) -> list[Case]:
    """Returns every case for every API."""
    builder = RequestBuilder(token)
    pages = [case for size in (20, 100) for case in page_cases(builder, size)]
    return [*one_cases(builder, client_id), *pages, *count_cases(builder), *create_cases(builder)]


def one_cases(builder: RequestBuilder, client_id: str) -> list[Case]:
    bare = HttpRequest(path=f"/one/{ORGANIZATION}/{client_id}")
    services: list[tuple[str, HttpRequest, Callable[[Any], list[dict[str, Any]]], float]] = [
        ("v1", builder.v1(f"/v1/Clients/{client_id}"), lambda body: [body], 0.5),
        ("Customers", builder.customers(f"/customers/cust_{client_id}"), lambda body: [body], 0.5),
        (
            "GraphQL",
            builder.graphql(f'{{ client(id: "{client_id}") {{ {FIELDS} }} }}'),
            lambda body: [body["data"]["client"]],
            0.3,
        ),
    ]
    return [
        Case(name="one client", api=api, bare=bare, service=service, rows=rows, least=least)
        for api, service, rows, least in services
    ]


def page_cases(builder: RequestBuilder, size: int) -> list[Case]:
    bare = HttpRequest(path=f"/page/{ORGANIZATION}?n={size}")
    in_v1 = f"{IN_V1}?filter=%7B%22limit%22%3A{size}%2C%22fields%22%3A%5B{ONLY}%5D%7D"
    selection = f"edges {{ cursor node {{ {FIELDS} }} }} pageInfo {{ hasNextPage }}"
    services: list[tuple[str, HttpRequest, Callable[[Any], list[dict[str, Any]]]]] = [
        ("v1", builder.v1(in_v1), list),
        (
            "Customers",
            builder.customers(f"/customers?limit={size}&include_total_count=false"),
            lambda body: body["data"],
        ),
        (
            "GraphQL",
            builder.graphql(f"{{ clients({IN_GRAPHQL}, first: {size}) {{ {selection} }} }}"),
            lambda body: [edge["node"] for edge in body["data"]["clients"]["edges"]],
        ),
    ]
    least = 0.6 if size == 100 else None
    return [
        Case(name=f"page of {size}", api=api, bare=bare, service=service, rows=rows, least=least)
        for api, service, rows in services
    ]


def count_cases(builder: RequestBuilder) -> list[Case]:
    """Returns the cases of counts. The Customers API returns the total with a page, here of one customer."""
    bare = HttpRequest(path=f"/count/{ORGANIZATION}")
    services: list[tuple[str, HttpRequest, Callable[[Any], int]]] = [
        ("v1", builder.v1(f"{IN_V1}/count"), lambda body: body["count"]),
        ("Customers", builder.customers("/customers?limit=1"), lambda body: body["pagination"]["total"]),
        (
            "GraphQL",
            builder.graphql(f"{{ clients({IN_GRAPHQL}) {{ totalCount }} }}"),
            lambda body: body["data"]["clients"]["totalCount"],
        ),
    ]
    return [Case(name="count", api=api, bare=bare, service=service, total=total) for api, service, total in services]


def create_cases(builder: RequestBuilder) -> list[Case]:
    bare = HttpRequest(path="/create", method="POST", body=orjson.dumps({**NEW, "organizationId": ORGANIZATION}))
    values = ", ".join(f'{name}: "{value}"' for name, value in NEW.items())
    mutation = f"mutation {{ createClient({IN_GRAPHQL}, input: {{ {values} }}) {{ client {{ {FIELDS} }} }} }}"
    services = [
        ("v1", builder.v1(IN_V1, NEW)),
        ("Customers", builder.customers("/customers", NEW)),
        ("GraphQL", builder.graphql(mutation)),
    ]
    return [Case(name="create", api=api, bare=bare, service=service) for api, service in services]


def bare_rows(body: Any) -> list[dict[str, Any]]:
    return [edge["node"] for edge in body["edges"]] if "edges" in body else [body]


async def check(case: Case, bare_port: int, port: int) -> None:
    """Raises AssertionError unless both return the same records with the same values in the fields of the API."""
    bare_status, bare_body = await send_request(bare_port, case.bare)
    status, body = await send_request(port, case.service)
    assert bare_status == 200, bare_body
    assert status in (200, 201), body
    if case.total is not None:
        assert orjson.loads(bare_body)["count"] == case.total(orjson.loads(body)), f"{case.api}: a different count"
    if case.rows is None:
        return
    face = {"v1": V1, "Customers": CUSTOMER, "GraphQL": GRAPHQL_CLIENT}[case.api]
    expected, actual = bare_rows(orjson.loads(bare_body)), case.rows(orjson.loads(body))
    assert len(expected) == len(actual), f"{case}: {len(expected)} rows against {len(actual)}"
    for before, after in zip(expected, actual, strict=True):
        for field in face.fields.values():
            if field.column in before and field.name in after and field.column not in ("id", "created_at"):
                assert before[field.column] == after[field.name], f"{case.name} {case.api}: {field.name}"
        assert before["id"] in str(after.values()), f"{case.name} {case.api}: a different record"
        assert len(after) >= (len(COLUMNS) if case.api != "Customers" else 16), f"{case.name}: too few fields"


async def prepare(url: str, clients: int) -> tuple[str, str]:
    """Inserts the rows. Returns a token of an account with one organization, and the id of a client of it."""
    database = Database(url)
    await migrate(database)
    script = (ROOT / "benchmarks" / "rows.sql").read_text()
    connection = await asyncpg.connect(url)
    await connection.execute(script.replace(":organizations", str(ORGANIZATIONS)).replace(":clients", str(clients)))
    account = await create_account(database, EMAIL)
    await connection.execute("INSERT INTO account_organizations VALUES ($1, $2)", account, ORGANIZATION)
    await connection.execute("VACUUM ANALYZE")
    token = await create_token(database, account_email=EMAIL)
    client_id = await connection.fetchval("SELECT id FROM clients WHERE organization_id = $1 LIMIT 1", ORGANIZATION)
    await connection.close()
    await database.close()
    return token, client_id


def measure(port: int, request: HttpRequest, seconds: float, connections: int) -> float:
    """Returns the responses per second to a process of its own."""
    message = {
        "path": request.path,
        "method": request.method,
        "headers": request.headers,
        "body": request.body.decode(),
        "port": port,
        "seconds": seconds,
        "connections": connections,
    }
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(command, input=orjson.dumps(message), capture_output=True, cwd=ROOT, check=False)  # noqa: S603 - the command is the benchmark's own
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return float(done.stdout)


def run(options: argparse.Namespace) -> int:
    with ExitStack() as stack:
        url = options.database_url or stack.enter_context(fresh_database())
        token, client_id = asyncio.run(prepare(url, options.rows))
        bare, _ = stack.enter_context(server("benchmarks.bare:app", url))
        service, _ = stack.enter_context(server("app.main:app_from_environment", url, "--factory"))
        print(
            f"{options.rows} clients in {ORGANIZATIONS} organizations, {options.rounds} rounds of {options.seconds} s"
        )
        print(f"{'':14}{'API':12}{'bare/s':>10}{'service/s':>12}{'ratio':>8}{'least':>8}")
        short = 0
        for case in make_cases(token, client_id):
            if options.only and options.only not in f"{case.name} {case.api}":
                continue
            asyncio.run(check(case, bare, service))
            pairs = [
                (
                    measure(bare, case.bare, options.seconds, options.connections),
                    measure(service, case.service, options.seconds, options.connections),
                )
                for _ in range(options.rounds)
            ]
            ratio = median(ours / theirs for theirs, ours in pairs)
            short += case.least is not None and ratio < case.least
            print(
                f"{case.name:14}{case.api:12}{median(a for a, _ in pairs):10.0f}{median(b for _, b in pairs):12.0f}"
                f"{ratio:8.2f}{case.least or '':>8}",
                flush=True,
            )
    return 1 if short and not options.unbounded else 0
