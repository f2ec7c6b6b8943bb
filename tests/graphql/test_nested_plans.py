"""Nested selections read few rows: no statement scans the clients or their changes, however many there are."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.graphql.execution.context import write_global_id
from app.storage.driver import Driver
from tests.changes.conftest import cursor
from tests.conftest import Service
from tests.seeding import insert_many

CLIENTS = 20_000
LARGE = {"clients", "client_changes"}
ADD_CHANGES = """
INSERT INTO client_changes (organization_id, client_id, version, action, actor, before, after)
SELECT organization_id, id, n, CASE n WHEN 1 THEN 'created' ELSE 'updated' END, 'test', '{"note": null}', '{"note": "x"}'
FROM clients, generate_series(1, 3) n WHERE organization_id = $1
"""
RECORD = """
  clientId name organization { name } customer { customerId }
  history(first: 2) { nodes { action at version after } pageInfo { hasNextPage endCursor } }
  reminders(first: 2) { nodes { id } }
"""
NODE_IDS = [
    f'"{write_global_id(type_name, bare)}"'
    for type_name, bare in (("Client", f"{9:024x}"), ("Customer", f"{8:024x}"), ("Change", f"{5:024x}"))
]
CHANGE = "... on Change { action cursor after client { clientId } }"
PAGE = "nodes { cursor client { clientId } } pageInfo { hasNextPage hasPreviousPage endCursor }"
LISTED = f"organization {{ changes(%s) {{ {PAGE} }} }}"
DOCUMENTS = {
    "page": f"{{ clients(first: 20) {{ edges {{ cursor node {{ {RECORD} }} }} pageInfo {{ hasNextPage }} }} }}",
    "page by name": f"{{ clients(first: 20, orderBy: {{field: NAME}}) {{ nodes {{ {RECORD} }} }} }}",
    "last page": f"{{ clients(last: 20) {{ nodes {{ {RECORD} }} }} }}",
    "customers": "{ customers(first: 20) { nodes { customerId client { clientId history(first: 1) { nodes { at } } } } } }",
    "one": f'{{ client(id: "{9:024x}") {{ {RECORD} }} }}',
    "nodes": f"{{ nodes(ids: [{', '.join(NODE_IDS)}]) {{ ... on Client {{ {RECORD} }} ... on Customer {{ name }} {CHANGE} }} }}",
    "node": f"{{ node(id: {NODE_IDS[0]}) {{ ... on Client {{ {RECORD} }} }} }}",
    "changes after": f"query($cursor: String) {{ {LISTED % 'first: 20, after: $cursor'} }}",
    "changes before": f"query($cursor: String) {{ {LISTED % 'last: 5, before: $cursor, actions: [UPDATED]'} }}",
    "changes of clients": f"{{ {LISTED % f'last: 5, clientIds: [{NODE_IDS[0]}], actions: [UPDATED]'} }}",
    "changes": "{ viewer { organizations { changes(first: 20) { nodes { action client { name version } } } } } }",
    "searches": '{ organization { clients(search: "ana") { totalCount nodes { name } } '
    'customers(filter: {name: {contains: "ana"}}, orderBy: {field: CITY}) { nodes { name } } } }',
    "organization by city": "{ organization { clients(first: 5, orderBy: {field: CITY, direction: DESC}) { nodes { city } } } }",
    "organization": f"{{ viewer {{ organizations {{ name clients(first: 5) {{ totalCount nodes {{ {RECORD} }} }} }} }} }}",
}

Node = Mapping[str, Any]


def walk_plan(node: Node) -> Iterator[Node]:
    yield node
    for inner in node.get("Plans", ()):
        yield from walk_plan(inner)


async def find_scanned(driver: Driver, statement: str) -> set[str]:
    """The tables that the plan of a prepared statement reads from the beginning to the end, whatever its values are."""
    count = max(map(int, re.findall(r"\$(\d+)", statement)))
    await driver.execute(f"PREPARE explained AS {statement}")
    try:
        await driver.execute("SET plan_cache_mode = force_generic_plan")
        values = ", ".join(["NULL"] * count)
        (plan,) = await driver.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE explained({values})")
    finally:
        await driver.execute("RESET plan_cache_mode")
        await driver.execute("DEALLOCATE explained")
    return {node["Relation Name"] for node in walk_plan(plan["Plan"]) if node["Node Type"] == "Seq Scan"}


@pytest.fixture(scope="module")
async def full(shared_service: Service) -> Service:
    """The service with many clients, each with three changes."""
    await insert_many(shared_service.database, shared_service.organization, CLIENTS)
    async with shared_service.database.write() as connection:
        await connection.driver.execute(ADD_CHANGES, shared_service.organization)
    async with shared_service.database.read() as connection:
        await connection.driver.execute("VACUUM ANALYZE clients")
        await connection.driver.execute("VACUUM ANALYZE client_changes")
    return shared_service


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_nested_selection_scans_no_large_table(
    full: Service, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    execute = Driver._execute

    async def note(driver: Driver, query: str, *rest: Any, **options: Any) -> Any:
        statements.append(query)
        return await execute(driver, query, *rest, **options)

    variables = {"cursor": await cursor(full.database, full.organization, 9)}
    monkeypatch.setattr(Driver, "_execute", note)
    response = await full.http.post("/graphql", json={"query": DOCUMENTS[name], "variables": variables})
    monkeypatch.undo()
    assert "errors" not in response.json(), response.text
    reading = [statement for statement in statements if "FROM webhooks" not in statement]
    reading = [statement for statement in reading if any(table in statement for table in LARGE)]
    assert reading
    async with full.database.read() as connection:
        for statement in reading:
            assert not LARGE & await find_scanned(connection.driver, statement), statement
