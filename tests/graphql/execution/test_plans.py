"""The database renders what resolvers would return, for any selection, and it renders nearly every selection."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import orjson
import pytest
from graphql import GraphQLObjectType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.accounts.service import LoginDesk
from app.auth import Access, Caller
from app.clients.faces import GRAPHQL_CLIENT
from app.graphql.execution import plans, root_plans
from app.graphql.execution.compiler import compile_rows
from app.graphql.execution.context import MOST_PLANS, Context
from app.graphql.execution.selections import NotRendered, Reason
from app.graphql.internals.operations import ResolvedField
from app.graphql.schema import queries
from app.graphql.schema.schema import core_schema
from app.graphql.server.operations import Operations
from tests.conftest import Service
from tests.graphql.conftest import RESOLVED, GraphQLApi
from tests.graphql.execution.conftest import Executor
from tests.graphql.random_documents import VOLATILE, DocumentWriter
from tests.graphql.test_random_documents import collect


@contextmanager
def nothing_rendered(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes every record take the path of resolvers, and every edge, also one that shows its cursor only. Lists of nodes are
    not joined, also those without a node."""
    with patch.context() as patched:
        patched.setattr(plans, "plan_record", _reject)
        for module in (plans, root_plans):
            patched.setattr(module, "plan_parts", _reject)
        patched.setattr(queries, "join_nodes", list)
        yield


def _reject(*_: Any) -> NoReturn:
    raise NotRendered(Reason.RESOLVER)


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chance=st.integers(0, 2**64).map(random.Random))
async def test_rendered_and_resolved_answers_are_the_same(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, chance: random.Random
) -> None:
    source = DocumentWriter(chance, wrong=chance.random() < 0.4).query()
    rendered, errors, _ = await executor.answer(source)
    with nothing_rendered(monkeypatch):
        resolved, expected, count = await executor.answer(source)
    assert count == 0
    assert (rendered, errors) == (resolved, expected), source


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.integers(0, 2**64).map(random.Random))
async def test_rendered_and_resolved_payloads_are_the_same(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, chance: random.Random
) -> None:
    source = DocumentWriter(chance, omitted=VOLATILE).mutation()
    rendered, _ = await executor.run(source)
    with nothing_rendered(monkeypatch):
        resolved, count = await executor.run(source)
    assert count == 0
    assert rendered == resolved, source


NOT_REPEATED = {
    "ChangePasswordPayload",
    "CheckClientVatPayload",
    "CheckCustomerVatPayload",
    "CreateAccessTokenPayload",
    "CreateOrganizationPayload",
    "CreateWebhookPayload",
    "DeleteWebhookPayload",
    "RotateWebhookSecretPayload",
    "DeleteAccountPayload",
    "DeleteOrganizationPayload",
    "RevokeAccessTokenPayload",
    "SendClientReminderPayload",
    "SendCustomerReminderPayload",
}
"""Payloads of mutations that cannot be executed twice, or that need a mailer or a check of tax numbers."""


def test_the_random_mutations_reach_every_field_of_their_payloads() -> None:
    """A new field or mutation must be written, or be listed here or in VOLATILE."""
    chance, seen = random.Random(7), set[str]()
    for _ in range(500):
        seen |= collect(DocumentWriter(chance, omitted=VOLATILE).mutation()).names
    shown = {
        f"{name}.{field}"
        for name, type_ in core_schema().type_map.items()
        if isinstance(type_, GraphQLObjectType) and name.endswith(("Payload", "Result")) and name not in NOT_REPEATED
        for field in type_.fields
        if field not in VOLATILE
    }
    assert shown - seen == set()


RESOLVED_IN_PAYLOADS = frozenset({"changes"})
"""A field of payloads that needs a resolver with a cursor, because the cursor names an organization."""


async def test_nearly_every_plain_payload_is_rendered(executor: Executor) -> None:
    chance, whole, total = random.Random(20260421), 0, 0
    while total < 50:
        source = DocumentWriter(chance, plain=True, omitted=RESOLVED_IN_PAYLOADS).mutation()
        if re.search(r"(client|customer|organization|clientEdge|customerEdge) +{", source):
            result, _ = await executor.execute(source)
            assert result.errors is None, source
            assert result.data is not None
            whole, total = whole + (not any(map(has_resolved, result.data.values()))), total + 1
    assert whole >= 0.98 * total


def has_resolved(payload: Mapping[str, Any]) -> bool:
    """True if a record of a payload, or of a row of its results, is an object instead of rendered JSON."""
    rows = [payload, *(payload.get("results") or ())]
    return any(isinstance(value, dict) for row in rows for value in row.values())


async def test_nearly_every_plain_selection_is_rendered(executor: Executor) -> None:
    chance, whole, total = random.Random(20260420), 0, 100
    for _ in range(total):
        source = DocumentWriter(chance, plain=True).query()
        result, _ = await executor.execute(source)
        assert result.errors is None
        assert result.data is not None
        whole += all(value is None or isinstance(value, orjson.Fragment) for value in result.data.values())
    assert whole >= 0.98 * total


async def test_the_counter_distinguishes_rendered_from_resolved(executor: Executor) -> None:
    assert (await executor.run("{ clients { nodes { name } edges { node { name } } } }"))[1] == 1
    assert (await executor.run(f"{{ clients {{ nodes {{ name {RESOLVED} }} }} }}"))[1] == 0
    assert (await executor.run("{ clients { totalCount } }"))[1] == 1


async def test_long_aliases_with_a_common_beginning_stay_apart(executor: Executor) -> None:
    first, second = "x" * 63 + "1", "x" * 63 + "2"
    query = f"{{ clients(first: 1) {{ nodes {{ {first}: name {second}: city {'z' * 63}: country }} }} }}"
    node = json.loads((await executor.run(query))[0])["clients"]["nodes"][0]
    assert node == {first: "Ábel", second: "Graz", "z" * 63: "Austria"}


async def test_sixty_aliases_of_one_field_are_rendered(executor: Executor) -> None:
    aliases = " ".join(f"a{index}: name" for index in range(60))
    answer, rendered = await executor.run(f"{{ clients(first: 1) {{ nodes {{ {aliases} }} }} }}")
    assert json.loads(answer)["clients"]["nodes"] == [{f"a{index}": "Ábel" for index in range(60)}]
    assert rendered == 1


async def test_more_aliases_than_a_row_has_columns_are_resolved(executor: Executor) -> None:
    aliases = " ".join(f"a{index}: name" for index in range(2000))
    answer, rendered = await executor.run(f"{{ clients(first: 1) {{ nodes {{ {aliases} }} }} }}")
    assert len(json.loads(answer)["clients"]["nodes"][0]) == 2000
    assert rendered == 0


ALIASES = (
    "r",
    "c",
    "ch",
    "was",
    "lg",
    "ct",
    "u",
    "k0",
    "k1",
    "place",
    "empty",
    "row",
    "given",
    "null",
    "select",
    "_",
    "__a",
)


async def test_an_alias_may_equal_a_name_in_the_statement(executor: Executor, api: GraphQLApi) -> None:
    fields = " ".join(f"{alias}: name" for alias in ALIASES)
    expected = dict.fromkeys(ALIASES, "Ábel")
    answer, rendered = await executor.run(
        f"{{ clients(first: 1, orderBy: [{{field: NAME}}, {{field: CITY}}]) {{ nodes {{ {fields} }} }} }}"
    )
    assert (rendered, len(json.loads(answer)["clients"]["nodes"][0])) == (1, len(ALIASES))
    answer, rendered = await executor.run(f"{{ clients(first: 1) {{ edges {{ node {{ {fields} }} }} }} }}")
    assert (json.loads(answer)["clients"]["edges"], rendered) == ([{"node": expected}], 1)
    create = 'createClient(organizationId: $home, input: {name: "Ábel"})'
    query = f"mutation($home: ID!) {{ {create} {{ client {{ {fields} id }} }} }}"
    made = await api.data(query, home=executor.variables["organization"])
    key = made["createClient"]["client"].pop("id")
    assert made["createClient"]["client"] == expected
    one = await api.data(f"query($id: ID!) {{ client(id: $id) {{ {fields} }} }}", id=key)
    assert one["client"] == expected
    changed = f'mutation($id: ID!) {{ updateClient(id: $id, input: {{note: "n"}}) {{ client {{ {fields} }} }} }}'
    assert (await api.data(changed, id=key))["updateClient"]["client"] == expected


async def test_a_kept_plan_is_correct_for_other_variables(api: GraphQLApi, executor: Executor) -> None:
    query = """
    query($id: ID!, $more: Boolean!) {
      node(id: $id) { id ... on Client { name @include(if: $more) } ... on Customer { city @skip(if: $more) } }
    }
    """
    client, customer = executor.variables["client"], executor.variables["customer"]
    for _ in range(2):
        assert await api.data(query, id=client, more=True) == {"node": {"id": client, "name": "Ábel"}}
        assert await api.data(query, id=customer, more=True) == {"node": {"id": customer}}
        assert await api.data(query, id=client, more=False) == {"node": {"id": client}}
        assert await api.data(query, id=customer, more=False) == {"node": {"id": customer, "city": "Ptuj"}}


async def test_the_plans_of_a_document_are_bounded(service: Service) -> None:
    operations = Operations(None, service.config, None, LoginDesk(service.database, None, None), None)  # type: ignore[arg-type]
    switches = [f"s{index}" for index in range(11)]
    declared = ", ".join(f"${name}: Boolean!" for name in switches)
    fields = " ".join(f"{name}: name @include(if: ${name})" for name in switches)
    source = f"query({declared}) {{ clients {{ nodes {{ id {fields} }} }} }}"
    document = operations.documents.find(source)
    assert document.ast is not None
    principal = await Caller((service.token,), service.database).principal()
    for number in range(MOST_PLANS + 5):
        values = {name: bool(number >> place & 1) for place, name in enumerate(switches)}
        context = Context(Access(service.database, principal), document.plans, None, None, None, None)  # type: ignore[arg-type]
        info = _info(document.ast, values, context)
        compile_rows(info, GRAPHQL_CLIENT)
    assert 0 < len(document.plans) <= MOST_PLANS


def _info(ast: Any, values: dict[str, bool], context: Context) -> Any:
    """The parts of a resolver's info that planning reads."""
    operation = ast.definitions[0]
    nodes = list(operation.selection_set.selections)
    raw = ResolvedField(nodes, core_schema(), {}, operation, values, context)
    return type("Info", (), {"_raw_info": raw, "context": context})
