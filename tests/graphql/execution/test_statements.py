"""Each root field that the database renders is one statement, whatever is selected below it."""

import json
import random
import re

import orjson
import pytest

from app.graphql.execution.compiler import COUNTS, RENDERED
from app.graphql.execution.selections import Reason
from tests.graphql.execution.conftest import ROWS, Executor, counting_statements
from tests.graphql.random_documents import DocumentWriter

PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
WHOLE = f"totalCount edges {{ cursor node {{ name }} }} nodes {{ city organization {{ name }} }} {PAGE}"
ORDERED = WHOLE.replace(" organization { name }", "")
LISTS = {
    "a page with all facts": f"clients(first: 2) {{ {WHOLE} }}",
    "a page after a cursor": f"clients(first: 2, after: $afterClient) {{ {WHOLE} }}",
    "a backward page": f"clients(last: 1, before: $afterClient) {{ {WHOLE} }}",
    "an empty page": f"clients(first: 0, after: $afterClient) {{ {WHOLE} }}",
    "a page in another order": f"clients(first: 2, orderBy: [{{field: CITY}}]) {{ {WHOLE} }}",
    "a total": "clients { totalCount }",
    "lists inside of records": f"clients(first: 3) {{ nodes {{ reminders(first: 1) {{ totalCount {PAGE} nodes {{ to }} }} }} }}",
    "an organization with its lists": f"organization {{ name clients(first: 2) {{ {WHOLE} }} customers {{ totalCount }} }}",
    "an organization with a page after a cursor": f"organization {{ clients(first: 2, after: $afterClient) {{ {WHOLE} }} }}",
    "an organization with conditions": f"organization {{ clients(filter: {{city: {{ne: $city}}}}, first: 2) {{ {WHOLE} }} }}",
    "an organization with an order": f"organization {{ customers(orderBy: [{{field: CITY, direction: DESC}}]) {{ {ORDERED} }} }}",
    "an organization with deleted records": f"organization {{ clients(deleted: ONLY) {{ {WHOLE} }} }}",
    "a search": f'organization {{ clients(search: "a", first: 2) {{ {WHOLE} }} customers(search: "str") {{ {ORDERED} }} }}',
    "the best matches": f'organization {{ clients(search: "a", orderBy: {{field: RELEVANCE}}) {{ {ORDERED} }} }}',
    "many organizations": "viewer { organizations { clients(deleted: ONLY, orderBy: {field: NAME}) { totalCount } } }",
    "a history": "client(id: $client) { history(first: 2, after: $afterHistory) { edges { cursor node { changes { field } } } } }",
    "one record": "client(id: $client) { customer { reminders(after: $afterReminder) { edges { cursor node { state } } } } }",
}


@pytest.mark.parametrize("selected", LISTS)
async def test_a_root_field_is_one_statement(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, selected: str
) -> None:
    field = LISTS[selected]
    used = sorted(set(re.findall(r"\$(\w+)", field)))
    types = {name: "ID!" if name == "client" else "String" for name in used}
    declared = f"({', '.join(f'${name}: {type_}' for name, type_ in types.items())})" if used else ""
    with counting_statements(monkeypatch) as statements:
        _, rendered = await executor.run(f"query{declared} {{ {field} }}")
    assert (rendered, len(statements)) == (1, 1)


async def test_random_documents_run_one_statement_for_each_root_field(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The total of a list with conditions may be one more."""
    chance, seen = random.Random(20261127), 0
    while seen < 40:
        source = DocumentWriter(chance, plain=True).query()
        resolved = COUNTS.total() - COUNTS[RENDERED]
        if re.search(r"q\d: \w+\([^()]*search:", source):
            continue
        with counting_statements(monkeypatch) as statements:
            await executor.run(source)
        if COUNTS.total() - COUNTS[RENDERED] == resolved:
            roots = len(re.findall(r"q\d: ", source))
            totals = source.count("totalCount") if "filter" in source or "deleted" in source else 0
            assert len(statements) <= roots + totals, (source, statements)
            seen += 1


async def test_each_root_field_that_is_not_rendered_has_a_reason(executor: Executor) -> None:
    chance = random.Random(20261128)
    for _ in range(40):
        source, counted = DocumentWriter(chance, wrong=chance.random() < 0.4).query(), COUNTS.copy()
        result, _ = await executor.execute(source)
        if not result.errors and result.data is not None:
            reasons = (COUNTS - counted).total() - (COUNTS - counted)[RENDERED]
            shown = result.data.values()
            resolved = sum(1 for value in shown if value is not None and not isinstance(value, orjson.Fragment))
            assert resolved <= reasons, source


async def test_each_payload_that_is_not_rendered_has_a_reason(executor: Executor) -> None:
    shown = "client { name history(first: 1) { nodes { cursor } } organization { changesCursor } }"
    made = f'createClient(organizationId: $organization, input: {{name: "Ann"}}) {{ {shown} }}'
    answer, rendered = await executor.run(f"mutation($organization: ID!) {{ {made} }}")
    client = json.loads(answer)["createClient"]["client"]
    (change,) = client["history"]["nodes"]
    assert (change["cursor"], rendered) == (client["organization"]["changesCursor"], 1)
    with_key = made.replace("input", 'idempotencyKey: "1", input')
    before = COUNTS[Reason.WRITTEN]
    await executor.run(f"mutation($organization: ID!) {{ {with_key} }}")
    assert COUNTS[Reason.WRITTEN] == before + 1


async def test_lists_are_read_after_the_position_of_their_operation(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that is rendered with its organization could be read before the position of another field."""
    lists = "b: organization { clients(first: 1) { nodes { name } } } c: clients(first: 1) { nodes { name } }"
    with counting_statements(monkeypatch, rf"pg_locks|{ROWS}") as statements:
        _, rendered = await executor.run(f"{{ {lists} a: organization {{ changesCursor }} }}")
    assert (rendered, len(statements), "pg_locks" in statements[0]) == (3, 3, True)


@pytest.mark.parametrize(
    ("arguments", "few", "many"), [("", 60, 80), (", orderBy: {field: CITY}", 10, 14), (', search: "a"', 4, 6)]
)
async def test_an_organization_with_too_many_lists_takes_the_path_of_resolvers(
    executor: Executor, arguments: str, few: int, many: int
) -> None:
    """Its statement would be too long to keep, and would be built anew for each request."""
    answers = []
    for count in (few, many):
        before = COUNTS[Reason.SIZE]
        lists = " ".join(f"a{index}: clients(first: 1{arguments}) {{ totalCount }}" for index in range(count))
        answers.append((await executor.run(f"{{ organization {{ {lists} }} }}"))[0].count("totalCount"))
        assert (COUNTS[Reason.SIZE] > before) is (count == many)
    assert answers == [few, many]
