"""The nodes of any types are one statement, whatever their ids name."""

import json
import random

import pytest

from app.graphql.execution import nodes
from app.graphql.execution.compiler import COUNTS, RENDERED
from app.graphql.execution.context import write_global_id
from app.graphql.execution.selections import Reason
from tests.graphql.execution.conftest import Executor, counting_statements
from tests.graphql.execution.test_plans import nothing_rendered

NODE = """
  __typename id ... on Node { again: id }
  ... on Client { name history(first: 1) { nodes { action cursor } } organization { name } }
  ... on Customer { name metadata reminders(first: 1) { totalCount } possibleDuplicates(first: 1) { score } }
  ... on Organization { name clients(first: 1) { nodes { name } } changesCursor }
  ... on Change { action cursor before after actor { name } changes { field before after } client { name } customer { name } }
  ... on Reminder { to state }
  ... on AccessToken { label isCurrent account { email } of: organization { name } }
  ... on Account { email }
  ... on Webhook { url enabled deliveries(first: 1) { totalCount } }
  ... on WebhookDelivery { WebhookDelivery: __typename }
"""
IDS = (
    "client",
    "customer",
    "organization",
    "account",
    "token",
    "change",
    "otherChange",
    "reminder",
    "webhook",
    "delivery",
)
GONE = ("erased", "deleted")
DECLARED = f"query({', '.join(f'${name}: ID!' for name in (*IDS, *GONE, 'second'))})"
READING = "an owner"
"""What a statement contains that reads nodes."""


def write_nodes(ids: list[str], selected: str = NODE) -> str:
    return f"{{ nodes(ids: [{', '.join(ids)}]) {{ {selected} }} }}"


def declare(names: list[str]) -> str:
    used = sorted({name for name in names if name.startswith("$")})
    return f"query({', '.join(f'{name}: ID!' for name in used)})" if used else ""


@pytest.mark.parametrize("seed", range(4))
async def test_nodes_of_any_types_are_one_statement(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    ids = [f"${name}" for name in chance.choices((*IDS, *GONE), k=12)] + ['"nothing"', '"AAAA"']
    chance.shuffle(ids)
    source = declare(ids) + write_nodes(ids)
    with counting_statements(monkeypatch, READING) as statements:
        answer, rendered = await executor.run(source)
    assert (rendered, len(statements)) == (1, 1)
    with nothing_rendered(monkeypatch):
        assert await executor.run(source) == (answer, 0)


@pytest.mark.parametrize("name", [*IDS, *GONE])
async def test_a_node_of_each_type_is_one_statement(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name in GONE:
        executor.variables[name] = write_global_id("Client", executor.variables[name])
    source = f"query(${name}: ID!) {{ node(id: ${name}) {{ {NODE} }} }}"
    with counting_statements(monkeypatch, READING) as statements:
        answer, rendered = await executor.run(source)
    assert rendered == int(name not in GONE)
    assert len(statements) == 1
    with nothing_rendered(monkeypatch):
        assert await executor.run(source) == (answer, 0)


async def test_nodes_under_one_selection_are_one_statement(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A front end reads the nodes of a screen by one field each."""
    fields = "a: node(id: $client) { ...N } b: node(id: $deleted) { ...N } c: node(id: $client) { ...N }"
    source = f"query($client: ID!, $deleted: ID!) {{ {fields} }} fragment N on Node {{ id ... on Client {{ name }} }}"
    with counting_statements(monkeypatch, READING) as statements:
        answer, rendered = await executor.run(source)
    shown = json.loads(answer)
    assert (rendered, len(statements), shown["b"]) == (2, 1, None)
    assert shown["a"] == shown["c"] == {"id": executor.variables["client"], "name": "Ábel"}


async def test_a_node_has_pages_after_a_cursor_of_its_own(executor: Executor) -> None:
    """Relay continues a connection by the `node` that holds it."""
    field = "history(first: 1, after: $afterHistory) { edges { cursor node { action } } }"
    source = f"query($client: ID!, $afterHistory: String!) {{ node(id: $client) {{ ... on Client {{ {field} }} }} }}"
    answer, rendered = await executor.run(source)
    assert rendered == 1
    by_type = source.replace("node(id: $client)", "node: client(id: $client)")
    assert (await executor.run(by_type))[0] == answer


@pytest.mark.parametrize("ids", ["[$other]", "[$client, $other]"])
async def test_the_cursor_of_another_node_is_an_error(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, ids: str
) -> None:
    executor.variables["other"] = executor.variables["customer"].replace("Customer", "Client")
    executor.variables["other"] = json.loads(
        (await executor.run("query($customer: ID!) { customer(id: $customer) { client { id } } }"))[0]
    )["customer"]["client"]["id"]
    declared = "query($client: ID!, $other: ID!, $afterHistory: String!)".replace(
        "" if "$client" in ids else "$client: ID!, ", ""
    )
    source = (
        f"{declared} {{ nodes(ids: {ids}) {{ ... on Client {{ history(after: $afterHistory) {{ totalCount }} }} }} }}"
    )
    before = COUNTS[Reason.ARGUMENT]
    answer, errors, _ = await executor.answer(source)
    assert [error["path"][-1] for error in errors] == ["history"]
    assert COUNTS[Reason.ARGUMENT] > before
    with nothing_rendered(monkeypatch):
        assert (await executor.answer(source))[:2] == (answer, errors)


async def test_no_node_needs_no_statement(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    with counting_statements(monkeypatch, READING) as statements:
        answer, rendered = await executor.run('{ nodes(ids: ["", "AAAA"]) { id } none: node(id: "x") { id } }')
    assert (json.loads(answer), rendered, statements) == ({"nodes": [None, None], "none": None}, 1, [])


async def test_nodes_that_occur_often_are_not_joined(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of the answer is counted node by node, so it stops before it is too large."""
    source = f"query($client: ID!) {write_nodes(['$client'] * 9, 'id')}"
    whole, rendered = await executor.run(source)
    monkeypatch.setattr(nodes, "LARGEST_REPETITION", 100)
    assert (rendered, await executor.run(source)) == (1, (whole, 9))


async def test_nodes_with_a_field_that_needs_a_resolver_are_resolved(executor: Executor) -> None:
    before = COUNTS[RENDERED]
    long = "x" * 70
    answer, rendered = await executor.run(
        f"query($client: ID!, $reminder: ID!) {{ nodes(ids: [$client, $reminder]) {{ ... on Client {{ {long}: name }} id }} }}"
    )
    client, reminder = json.loads(answer)["nodes"]
    assert (client[long], reminder["id"], rendered) == ("Ábel", executor.variables["reminder"], 1)
    assert COUNTS[RENDERED] == before + 1
