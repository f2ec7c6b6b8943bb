"""The statements of nested selections find the rows of each list along an index, however large the tables are."""

from collections.abc import AsyncIterator

import pytest
from graphql import FieldNode, OperationDefinitionNode, parse
from sqlalchemy import text

from app.clients.faces import GRAPHQL_CLIENT
from app.graphql.execution.plans import plan_selection
from app.graphql.execution.selections import SelectionReader
from app.graphql.schema.schema import core_schema
from app.organizations.faces import GRAPHQL_ORGANIZATION
from app.query.face import Face
from app.query.model import Page, Query
from app.query.sql.pages import page_statement
from app.query.sql.render import Selection
from app.records.statements import get_many_statement, get_statement
from app.storage.database import Database
from app.storage.tables import clients, organizations
from tests.clients.test_repository import Node, explain
from tests.conftest import cloned, opened
from tests.seeding import insert_many, make_organization, request_of

ROWS, CHANGES, REMINDERS = 5_000, 20_000, 10_000
LARGE = {"clients", "client_changes", "outbox"}
PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
AUTHOR = "actor { name } changes { field }"
SELECTIONS = {
    "a history": f"history(first: 2) {{ totalCount edges {{ cursor node {{ version {AUTHOR} }} }} {PAGE_INFO} }}",
    "the record of a change": "history(last: 2) { nodes { client { name history(first: 1) { nodes { before } } } } }",
    "reminders": f"reminders(first: 2) {{ totalCount nodes {{ to state }} {PAGE_INFO} }}",
    "linked records": "customer { customerId client { name reminders(first: 1) { nodes { to } } } } organization { name }",
    "lists of the organization": f"organization {{ clients(first: 2) {{ totalCount nodes {{ name }} {PAGE_INFO} }} }}",
}
FILL = (
    """
    INSERT INTO client_changes (organization_id, client_id, version, action, actor, after)
    SELECT :organization, lpad(to_hex(1 + n % :clients), 24, '0'), 1 + n / :clients, 'updated', 'account:none', '{"name": "A"}'
    FROM generate_series(0, :changes - 1) n
    """,
    """
    INSERT INTO outbox (organization_id, id, client_id, recipient, recipient_name, sender_name, language, subject, text, html)
    SELECT :organization, lpad(to_hex(n), 24, '0'), lpad(to_hex(1 + n % :clients), 24, '0'), 'a@a.example', '', '', 'en', '', '', ''
    FROM generate_series(1, :reminders) n
    """,
)


@pytest.fixture(scope="module")
async def filled(server_url: str, template: str) -> AsyncIterator[tuple[Database, str]]:
    """A database that nothing changes any more, and its large organization."""
    async with cloned(server_url, template) as url, opened(url) as database:
        organization = await make_organization(database)
        await insert_many(database, organization, ROWS)
        counts = {"organization": organization, "clients": ROWS, "changes": CHANGES, "reminders": REMINDERS}
        async with database.write() as connection:
            for statement in FILL:
                names = {name: value for name, value in counts.items() if f":{name}" in statement}
                await connection.execute(text(statement), names)
            await connection.execute(text("ANALYZE"))
        yield database, organization


def plan(selected: str, face: Face) -> Selection:
    """The rendered selection of a record, as an operation plans it."""
    (operation,) = parse(f"{{ record {{ {selected} }} }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    (field,) = operation.selection_set.selections
    assert isinstance(field, FieldNode)
    return plan_selection(SelectionReader({}, {}, core_schema()).nest(bound=True, known=True), [field], face)


def scanned(nodes: list[Node]) -> set[str]:
    """The large tables that are read from their start to their end."""
    return {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & LARGE


@pytest.mark.parametrize("selected", SELECTIONS)
async def test_a_page_of_records_with_nested_rows_scans_no_table(filled: tuple[Database, str], selected: str) -> None:
    database, organization = filled
    selection = plan(SELECTIONS[selected], GRAPHQL_CLIENT)
    request = request_of(GRAPHQL_CLIENT, Query(), Page(21), selection)
    statement, parameters = page_statement(clients, request)
    nodes = await explain(database, statement, {"organization": organization, **parameters})
    assert scanned(nodes) == set()


@pytest.mark.parametrize("selected", SELECTIONS)
async def test_one_record_with_nested_rows_scans_no_table(filled: tuple[Database, str], selected: str) -> None:
    database, organization = filled
    statement = get_statement(clients, plan(SELECTIONS[selected], GRAPHQL_CLIENT))
    parameters = {"organizations": [organization], "record": f"{3:024x}"}
    assert scanned(await explain(database, statement, parameters)) == set()


async def test_an_organization_with_its_lists_scans_no_table(filled: tuple[Database, str]) -> None:
    database, organization = filled
    rows = f"totalCount edges {{ cursor node {{ name }} }} {PAGE_INFO}"
    selection = plan(f"name clients(first: 20) {{ {rows} }} customers(last: 20) {{ {rows} }}", GRAPHQL_ORGANIZATION)
    statement = get_many_statement(organizations, selection)
    nodes = await explain(database, statement, {"organizations": [organization], "ids": [organization]})
    assert scanned(nodes) == set()
