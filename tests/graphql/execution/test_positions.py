"""Settled positions, and the changes of an organization, are rendered with what they belong to."""

import json
import re

import pytest

from app.changes.record import write_change_cursor
from app.graphql.execution.compiler import COUNTS
from app.graphql.execution.selections import Reason
from tests.changes.conftest import add_change, cursor
from tests.graphql.execution.conftest import Executor, counting_statements
from tests.graphql.execution.test_plans import nothing_rendered
from tests.graphql.random_values import VARIABLES

INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
NODE = "node { id cursor action changes { field } client { name } }"
SHOWN = f"totalCount edges {{ cursor {NODE} }} {INFO} nodes {{ cursor }}"
PAGES = (
    "first: 3",
    "last: 2",
    "first: 0",
    "first: 2, after: $afterChange",
    "last: 1, after: $afterChange",
    "first: 1, before: $afterChange",
    "last: 3, before: $afterChange, face: CUSTOMER",
    "after: $afterChange, before: $afterChange",
)
FILTERS = (
    "clientIds: [$client]",
    "actions: [UPDATED, ERASED]",
    "clientIds: [$client, $cust], actions: [UPDATED]",
    "clientIds: []",
)
POSITION = r"pg_locks|client_changes_id_seq"
"""What a statement contains that reads a position. There are two."""


def write_query(field: str) -> str:
    used = sorted(set(re.findall(r"\$(\w+)", field)))
    declared = ", ".join(f"${name}: {VARIABLES[name]}" for name in used)
    return f"query{f'({declared})' if used else ''} {{ {field} }}"


async def compare(executor: Executor, patch: pytest.MonkeyPatch, field: str) -> tuple[str, int]:
    """The answer, which both paths give, and the number of rendered values."""
    source = write_query(field)
    answer, errors, rendered = await executor.answer(source)
    with nothing_rendered(patch):
        assert await executor.answer(source) == (answer, errors, 0), source
    return answer, rendered


@pytest.mark.parametrize("chosen", ["", *FILTERS])
async def test_the_changes_of_an_organization_are_rendered_with_it(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    """The cursor lies in the middle of the changes, and each page is the one that resolvers give."""
    whole, _ = await executor.run("{ organization { changes { edges { cursor } } } }")
    edges = json.loads(whole)["organization"]["changes"]["edges"]
    executor.variables["afterChange"] = edges[len(edges) // 2]["cursor"]
    for page in PAGES:
        arguments = ", ".join(filter(None, (chosen, page)))
        answer, rendered = await compare(
            executor, monkeypatch, f"organization {{ changesCursor changes({arguments}) {{ {SHOWN} }} }}"
        )
        assert ("errors" in answer, rendered) == (False, 1), arguments


ROOTS = {
    "an organization with lists": f"organization {{ changesCursor clients {{ totalCount }} changes(first: 2) {{ {SHOWN} }} }}",
    "a record": "client(id: $client) { history { nodes { cursor } } organization { changesCursor } }",
    "a page": "clients(first: 2) { nodes { history(first: 1) { nodes { cursor } } } }",
    "a viewer": "viewer { organizations { id changesCursor changes(first: 1) { nodes { cursor } } } }",
    "nodes": "nodes(ids: [$change, $organization]) { ... on Change { cursor } ... on Organization { changesCursor } }",
    "a node after a cursor": "node(id: $organization) { ... on Organization { changes(after: $afterChange) { totalCount } } }",
}


@pytest.mark.parametrize("name", ROOTS)
async def test_a_root_field_with_positions_is_three_statements(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The last number, the locks of writers, and then the root field with everything inside of it."""
    _, rendered = await compare(executor, monkeypatch, ROOTS[name])
    assert rendered == 1
    with counting_statements(monkeypatch, rf"{POSITION}|FROM (clients|client_changes)\b") as statements:
        await executor.run(write_query(ROOTS[name]))
    assert [bool(re.search(POSITION, statement)) for statement in statements] == [True, True, False]


async def test_an_operation_reads_a_position_once(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = "a: organization { changesCursor } b: clients { nodes { history(first: 1) { nodes { cursor } } } }"
    with counting_statements(monkeypatch, POSITION) as statements:
        _, rendered = await executor.run(f"{{ {fields} c: organization {{ customers {{ totalCount }} }} }}")
    assert (rendered, len(statements)) == (3, 2)


async def test_changes_after_an_open_one_are_not_listed_yet(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that continues after any of the cursors gets the open change."""
    service = executor.service
    async with service.database.write() as slow:
        first = await add_change(slow, service.organization)
        async with service.database.write() as fast:
            await add_change(fast, service.organization, executor.variables["cust"].removeprefix("cust_"))
        fields = "organization { changesCursor changes(last: 1) { nodes { cursor } pageInfo { hasNextPage } } }"
        answer, rendered = await compare(
            executor, monkeypatch, f"{fields} customer(id: $cust) {{ history(first: 1) {{ nodes {{ cursor }} }} }}"
        )
    before = await cursor(service.database, service.organization, first - 1)
    shown = json.loads(answer)
    assert rendered == 2
    assert shown["organization"]["changesCursor"] == before
    assert shown["organization"]["changes"]["pageInfo"] == {"hasNextPage": False}
    assert shown["customer"]["history"]["nodes"] == [{"cursor": before}]


@pytest.mark.parametrize("root", ["organization", "node"])
async def test_a_cursor_after_which_changes_are_lost_is_an_error(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    service, before = executor.service, COUNTS[Reason.LOST]
    executor.variables["afterChange"] = await cursor(service.database, service.organization, 0)
    async with service.database.write() as connection:
        await connection.driver.execute("UPDATE client_changes SET before = NULL, after = NULL WHERE version = 1")
    field = f"changes(after: $afterChange) {{ {SHOWN} }}"
    if root == "node":
        field = f"... on Organization {{ {field} }}"
    source = write_query(f"{root}(id: $organization) {{ {field} }}")
    answer, errors, _ = await executor.answer(source)
    (error,) = errors
    assert (error["path"], "older than the service keeps them" in error["message"]) == ([root, "changes"], True)
    assert COUNTS[Reason.LOST] == before + 1
    with nothing_rendered(monkeypatch):
        assert (await executor.answer(source))[:2] == (answer, errors)


@pytest.mark.parametrize("number", [1, 2**62])
async def test_a_cursor_of_another_epoch_or_of_no_change_is_an_error(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    organization, database = executor.service.organization, executor.service.database
    field = f"organization(id: $organization) {{ changes(after: $afterChange) {{ {SHOWN} }} }}"
    valid = await cursor(database, organization, number)
    executor.variables["afterChange"] = valid if number > 1 else write_change_cursor(organization, 1, "another")
    source = write_query(field)
    answer, errors, _ = await executor.answer(source)
    assert [error["path"] for error in errors] == [["organization", "changes"]]
    with nothing_rendered(monkeypatch):
        assert (await executor.answer(source))[:2] == (answer, errors)


async def test_a_cursor_of_another_organization_is_an_error(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = f"organization(id: $second) {{ changes(before: $afterChange) {{ {SHOWN} }} }}"
    before = COUNTS[Reason.ARGUMENT]
    source = write_query(field)
    answer, errors, _ = await executor.answer(source)
    assert [error["path"] for error in errors] == [["organization", "changes"]]
    assert COUNTS[Reason.ARGUMENT] > before
    with nothing_rendered(monkeypatch):
        assert (await executor.answer(source))[:2] == (answer, errors)
