"""The comparison of the service with the bare handler, and with peers: all on the same rows, in one run, as ratios.

A round sends the load of every row once, so that a disturbance hits all rows alike. Every other round runs backwards.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from app.accounts.service import create_account
from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, V1
from app.organizations.service import create_token
from app.query.face import Face
from app.storage.database import Database
from app.storage.migrations import migrate
from benchmarks.cases import NEWCOMER, ORGANIZATIONS, Case, Row, make_all_cases
from benchmarks.ground import ROOT, bare_handler, fresh_database, service
from benchmarks.load import HttpRequest, Load, send_load, send_request
from benchmarks.meters import Meter, find_postmaster, memory_of, meter_postgres, meter_server
from benchmarks.peers import PeerCase, is_installed, make_peer_cases, name_field, name_versions, postgraphile
from benchmarks.report import Memory, Report, RowFigures
from benchmarks.requests import ORGANIZATION

EMAIL = "bench@clientele.example"
BARE, PEER = "bare handler", "PostGraphile"
WARM_UP = 50
"""Requests before the first measurement: statements are prepared, and caches are filled."""
QUIET = {"autovacuum": "off"}
"""PostgreSQL's settings: no vacuum disturbs single rounds."""
FACES: dict[str, Face] = {"v1": V1, "Customers": CUSTOMER, "GraphQL": GRAPHQL_CLIENT}


@dataclass(frozen=True)
class Party:
    """One server's part in a row: its name, its port, and the request."""

    name: str
    port: int
    request: HttpRequest


@dataclass
class Measured:
    """The rounds of one party in one row: its loads, and the CPU time per response of server and PostgreSQL in µs."""

    loads: list[Load] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Servers:
    """The ports of the bare handler, the service and the peer, and the meters of the service and of PostgreSQL."""

    bare: int
    service: int
    peer: int | None
    own: Meter
    postgres: Meter


def bare_rows(body: Any) -> list[Row]:
    return [edge["node"] for edge in body["edges"]] if "edges" in body else [body]


async def check(case: Case, bare_port: int, port: int) -> None:
    """Raises AssertionError unless both return the same records with the same values in the fields of the API."""
    bare_status, bare_body = await send_request(bare_port, case.bare)
    status, body = await send_request(port, case.service)
    assert bare_status == 200, bare_body
    assert status in (200, 201), body
    assert b'"errors":' not in body[-1000:], body
    if case.total is not None:
        assert orjson.loads(bare_body)["count"] == case.total(orjson.loads(body)), f"{case.api}: a different count"
    if case.rows is None:
        return
    names = {each.name: each.column for each in FACES[case.api].fields.values()}
    expected, actual = bare_rows(orjson.loads(bare_body)), case.rows(orjson.loads(body))
    assert len(expected) == len(actual), f"{case}: {len(expected)} rows against {len(actual)}"
    for before, after in zip(expected, actual, strict=True):
        compare_rows(f"{case.name} {case.api}", before, after, names)
        if case.inspect is not None:
            case.inspect(before, after)


def compare_rows(name: str, before: Row, after: Row, columns: dict[str, str]) -> None:
    """Compares the bare handler's row with a record. `columns` has the column of each field. Times are spelled differently."""
    for field_name, column in columns.items():
        if column in before and field_name in after and column not in ("id", "created_at"):
            assert before[column] == after[field_name], f"{name}: {field_name}"
    assert before["id"] in str(after.values()), f"{name}: a different record"


async def check_peer(case: PeerCase, bare: HttpRequest, bare_port: int, port: int) -> None:
    """Raises AssertionError unless the peer returns the bare handler's records."""
    _, bare_body = await send_request(bare_port, bare)
    status, body = await send_request(port, case.request)
    assert status == 200, body
    expected, actual = bare_rows(orjson.loads(bare_body)), case.rows(orjson.loads(body))
    names = {name_field(column): column for column in expected[0]}
    for before, after in zip(expected, actual, strict=True):
        compare_rows(f"{case.name} {PEER}", before, after, names)


async def prepare(url: str, clients: int) -> tuple[str, str]:
    """Inserts the rows. Returns a token of an account with two organizations, and the id of a client of the first."""
    database = Database(url)
    await migrate(database)
    connection = await asyncpg.connect(url)
    for name in ("rows.sql", "changes.sql"):
        script = (ROOT / "benchmarks" / name).read_text()
        values = {":organizations": str(ORGANIZATIONS), ":organization": f"'{ORGANIZATION}'", ":clients": str(clients)}
        for parameter, value in values.items():
            script = script.replace(parameter, value)
        await connection.execute(script)
    account = await create_account(database, EMAIL)
    for organization in (ORGANIZATION, NEWCOMER):
        await connection.execute("INSERT INTO account_organizations VALUES ($1, $2)", account, organization)
    await connection.execute("VACUUM ANALYZE")
    token = await create_token(database, account_email=EMAIL)
    client_id = await connection.fetchval("SELECT id FROM clients WHERE organization_id = $1 LIMIT 1", ORGANIZATION)
    await connection.close()
    await database.close()
    return token, client_id


def make_parties(cases: Sequence[Case], peers: Sequence[PeerCase], servers: Servers) -> Iterator[tuple[str, Party]]:
    """Yields each row with one of its parties: the bare handler once per request to it, the service, and the peer."""
    for _, group in groupby(cases, key=lambda case: case.bare.path):
        alike = list(group)
        yield alike[0].bare.path, Party(BARE, servers.bare, alike[0].bare)
        for case in alike:
            yield case.name, Party(case.api, servers.service, case.service)
            for peer in peers:
                if servers.peer is not None and peer.name == case.name and case.api == "GraphQL":
                    yield case.name, Party(PEER, servers.peer, peer.request)


def measure(
    parties: list[tuple[str, Party]], servers: Servers, options: argparse.Namespace
) -> dict[tuple[str, str], Measured]:
    """Returns the rounds by row and party."""
    measured = {(row, party.name): Measured() for row, party in parties}
    for turn in range(options.rounds):
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
        for row, party in parties if turn % 2 == 0 else reversed(parties):
            servers.own.start()
            servers.postgres.start()
            load = send_load(party.port, party.request, options.seconds, options.connections)
            into = measured[row, party.name]
            into.loads.append(load)
            into.server.append(servers.own.read() / load.responses * 1e6)
            into.postgres.append(servers.postgres.read() / load.responses * 1e6)
    return measured


async def warm_up(parties: list[tuple[str, Party]]) -> None:
    for _, party in parties:
        for _ in range(WARM_UP):
            await send_request(party.port, party.request)


async def check_all(cases: Sequence[Case], peers: Sequence[PeerCase], servers: Servers) -> None:
    """Raises AssertionError unless the service and the peer return the bare handler's records."""
    for case in cases:
        await check(case, servers.bare, servers.service)
        for peer in peers:
            if servers.peer is not None and peer.name == case.name:
                await check_peer(peer, case.bare, servers.bare, servers.peer)


def make_figures(case: Case, measured: dict[tuple[str, str], Measured]) -> RowFigures:
    own, bare = measured[case.name, case.api], measured[case.bare.path, BARE]
    peer = measured.get((case.name, PEER)) if case.api == "GraphQL" else None
    return RowFigures(
        name=case.name,
        api=case.api,
        least=case.least,
        loads=own.loads,
        bare=bare.loads,
        peer=peer.loads if peer else [],
        service_cpu=own.server,
        postgres_cpu=own.postgres,
    )


def find_peers(options: argparse.Namespace) -> Path | None:
    """Returns the folder of --peers. Says so where the folder has no peer."""
    if options.peers is None:
        return None
    folder = Path(options.peers).resolve()
    if is_installed(folder):
        return folder
    print(f"--peers: {folder} has no node_modules/postgraphile; the comparison runs without it", file=sys.stderr)
    return None


def run(options: argparse.Namespace) -> int:
    """Checks, measures and prints. Returns 1 when a target is not reached and `unbounded` is not set, else 0."""
    with ExitStack() as stack:
        url = options.database_url or stack.enter_context(fresh_database(QUIET))
        token, client_id = asyncio.run(prepare(url, options.rows))
        folder = find_peers(options)
        settings = {"CLIENTELE_ACCESS_LOG": "true" if options.access_log else "false"}
        bare, _ = stack.enter_context(bare_handler(url))
        port, process = stack.enter_context(service(url, settings))
        peer = None if folder is None else stack.enter_context(postgraphile(folder, url))[0]
        meters = meter_server(process), meter_postgres(asyncio.run(find_postmaster(url)))
        servers = Servers(bare, port, peer, *meters)
        cases = [case for case in make_all_cases(token, client_id) if (options.only or "") in f"{case.name} {case.api}"]
        peers = make_peer_cases(client_id)
        asyncio.run(check_all(cases, peers, servers))
        if options.check:
            others = "" if folder is None else f", and so does {PEER} in {len(peers)}"
            print(f"The service returns the records of the bare handler in {len(cases)} rows{others}")
            return 0
        parties = list(make_parties(cases, peers, servers))
        asyncio.run(warm_up(parties))
        before, _ = memory_of(process)
        measured = measure(parties, servers, options)
        report = Report(
            options=options,
            versions=[*asyncio.run(find_versions(url)), *([] if folder is None else [name_versions(folder)])],
            rows=[make_figures(case, measured) for case in cases],
            memory=Memory(before, *memory_of(process)),
        )
    print(report.render(), flush=True)
    return 1 if report.is_short and not options.unbounded else 0


async def find_versions(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    version = await connection.fetchval("SHOW server_version")
    await connection.close()
    return [f"PostgreSQL {version.split()[0]}"]
