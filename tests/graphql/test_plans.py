"""Both paths agree: what the database renders is what resolvers would have said, for any selection; nearly all is rendered."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import orjson
import pytest
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    execute,
    parse,
    validate,
    visit,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth import Caller
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.graphql import loading, plans
from app.graphql.context import MOST_PLANS, Context
from app.graphql.operations import Operations
from app.graphql.rendered import RenderingExecutor
from app.graphql.schema import core_schema
from app.graphql.types import Row
from tests.conftest import Service
from tests.graphql.conftest import Door, add_records
from tests.graphql.test_connections import ROWS

FACES = {"Client": GRAPHQL_CLIENT, "Customer": GRAPHQL_CUSTOMER}
OTHER = {"Client": "Customer", "Customer": "Client"}
NAMES = sorted({name for face in FACES.values() for name in face.fields})
DIRECTIVES = (
    "@include(if: $yes)",
    "@include(if: $no)",
    "@skip(if: $yes)",
    "@skip(if: $no)",
    "@include(if: true)",
    "@skip(if: true)",
    "@include(if: $yes) @skip(if: $no)",
)


PASSING = frozenset({"id", "clientId", "customerId", "version", "createdAt", "updatedAt", "deletedAt"})
"""What the same mutation done twice does not show alike."""
MUTATIONS = {
    "createClient": 'input: {name: "Zoë", email: "zoe@two.example"}',
    "createClients": 'input: [{name: "Zoë"}, {name: ""}, {name: "Abel", city: "Graz"}], errorPolicy: REJECT_FAILED',
    "replaceClient": 'id: $client, input: {name: "Ábel", city: "Graz"}',
    "updateClient": 'id: $client, input: {note: "n"}',
    "deleteClient": "id: $client",
    "restoreClient": "id: $client",
    "createCustomer": 'input: {name: "Zoë"}',
    "updateCustomer": 'id: $cust, input: {metadata: {tier: "gold"}}',
    "deleteCustomer": "id: $cust",
    "restoreCustomer": "id: $cust",
    "permanentlyDeleteCustomer": 'id: "cust_0"',
}
GONE = {"restoreClient": "deleteClient", "restoreCustomer": "deleteCustomer"}
"""What comes before a mutation, so that there is something to do."""
BACK = {gone: back for back, gone in GONE.items()}


@dataclass
class Author:
    """Writes documents by chance. A plain one has nothing that needs a resolver or a label that PostgreSQL would cut.

    `passing` are fields that are not asked for.
    """

    chance: random.Random
    plain: bool
    passing: frozenset[str] = frozenset()
    fragments: dict[str, str] = field(default_factory=dict)

    def document(self) -> str:
        roots = " ".join(f"q{index}: {self.root()}" for index in range(self.chance.randint(1, 3)))
        asked = "query($yes: Boolean!, $no: Boolean! = false, $client: ID!, $customer: ID!, $cust: ID!)"
        used = "t: __typename @include(if: $yes) @skip(if: $no) u: client(id: $client) { __typename }"
        used += " v: node(id: $customer) { __typename } w: customer(id: $cust) { __typename }"
        return f"{asked} {{ {roots} {used} }} {self.spread_in(roots)}"

    def change(self) -> str:
        """A document of mutations that can be done again and again."""
        name = self.chance.choice(list(MUTATIONS))
        steps = [one for one in (GONE.get(name), name, BACK.get(name)) if one]
        fields = " ".join(f"m{index}: {one}({MUTATIONS[one]}) {self.payload(one)}" for index, one in enumerate(steps))
        used = "t: updateClient(id: $client, input: {}) { __typename @include(if: $yes) @skip(if: $no) }"
        used += " u: updateCustomer(id: $cust, input: {}) { __typename }"
        asked = "mutation($yes: Boolean!, $no: Boolean! = false, $client: ID!, $cust: ID!)"
        return f"{asked} {{ {used} {fields} }} {self.spread_in(fields)}"

    def spread_in(self, text: str) -> str:
        return " ".join(fragment for name, fragment in self.fragments.items() if f"...{name} " in text)

    def payload(self, name: str) -> str:
        noun = "Customer" if "Customer" in name else "Client"
        key = noun.lower()
        if name == "createClients":
            row = f"index client {self.record(noun)} userErrors {{ field code }}"
            return f"{{ results {self.directive()} {{ {row} }} userErrors {{ field message code }} __typename }}"
        parts = [f"{key} {self.directive()} {self.record(noun)}", "userErrors { field message code }", "__typename"]
        if name.startswith(("delete", "permanently")):
            parts.append(f"deleted{noun}Id")
        if not self.plain:
            parts.append(f"again: {key} {self.record(noun)}")
            if name.startswith(("restore", f"create{noun}")):
                parts.append(f"{key}Edge {{ node {self.record(noun)} }}")
        return f"{{ {' '.join(self.chance.sample(parts, k=self.chance.randint(1, len(parts))))} }}"

    def root(self) -> str:
        kind = self.chance.choice(
            ("clients", "customers", "client", "customer", "node", "nodes", "organization", "viewer")
        )
        if kind == "node":
            return f"node(id: {self.chance.choice(('$client', '$customer'))}) {self.node()}"
        if kind == "nodes":
            return f'nodes(ids: [$client, "nothing", $customer, $client]) {self.node()}'
        if kind in ("client", "customer"):
            return f"{kind}(id: {'$client' if kind == 'client' else '$cust'}) {self.record(kind.capitalize())}"
        if kind == "organization":
            return f"organization {{ id name a: {self.list()} b: {self.list()} }}"
        if kind == "viewer":
            return f"viewer {{ scopes organizations {{ organizationId {self.list()} }} }}"
        return self.list(kind)

    def list(self, kind: str = "") -> str:
        kind = kind or self.chance.choice(("clients", "customers"))
        arguments = self.chance.choice(("first: 3", "last: 4, orderBy: [{field: CITY}]", "first: 0", 'search: "zoe"'))
        return f"{kind}({arguments}) {self.directive()} {self.connection(kind.capitalize().removesuffix('s'))}"

    def connection(self, noun: str) -> str:
        places = [f"nodes {self.record(noun)}", self.edges(noun)]
        parts = [self.chance.choice(places)] if self.plain else self.chance.choices(places, k=2)
        extra = (
            "totalCount",
            "n: totalCount",
            "__typename",
            "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }",
            "",
        )
        parts += self.chance.choices(extra, k=2)
        self.chance.shuffle(parts)
        return f"{{ {' '.join(parts)} }}"

    def edges(self, noun: str) -> str:
        parts = [f"node {self.record(noun)}", *self.chance.choices(("cursor", "c: cursor", "__typename", ""), k=2)]
        self.chance.shuffle(parts)
        return f"edges {{ {' '.join(parts)} }}"

    def node(self) -> str:
        own = ["id", "__typename", *(f"... on {noun} {self.record(noun)}" for noun in FACES)]
        return f"{{ {' '.join(self.chance.sample(own, k=self.chance.randint(1, 4)))} }}"

    def record(self, noun: str, depth: int = 0) -> str:
        return f"{{ {' '.join(self.part(noun, depth) for _ in range(self.chance.randint(1, 5)))} }}"

    def part(self, noun: str, depth: int) -> str:
        kinds = [self.field] * 6 + [self.typename, self.inline, self.spread]
        if not self.plain and depth < 2:
            kinds.append(self.link)
        return self.chance.choice(kinds)(noun, depth)

    def directive(self) -> str:
        return self.chance.choice(DIRECTIVES) if self.chance.random() < 0.25 else ""

    def field(self, noun: str, depth: int) -> str:
        name = self.chance.choice([one for one in FACES[noun].fields if one not in self.passing])
        long = "x" * 62 + f"{NAMES.index(name):02}"
        short = ("", "", "", f"a_{name}: ", f"{'y' * 40}_{name[:20]}: " if len(name) < 20 else "")
        aliases = (*short, *(("r: ", "the: ") if name == "name" else ()), *(() if self.plain else (f"{long}: ",)))
        return f"{self.chance.choice(aliases)}{name} {self.directive()}"

    def typename(self, noun: str, depth: int) -> str:
        return f"{self.chance.choice(('', 'type_name: '))}__typename {self.directive()}"

    def inline(self, noun: str, depth: int) -> str:
        condition = self.chance.choice((f"on {noun}", "", "on Node"))
        inner = "{ n: __typename }" if condition == "on Node" and self.passing else self.record(noun, depth + 1)
        inner = "{ id __typename }" if condition == "on Node" and not self.passing else inner
        return f"... {condition} {self.directive()} {inner}"

    def spread(self, noun: str, depth: int) -> str:
        name = f"{noun}{self.chance.randint(0, 2)}"
        if name not in self.fragments:
            self.fragments[name] = ""
            inner = " ".join(self.field(noun, depth) for _ in range(3))
            self.fragments[name] = f"fragment {name} on {noun} {{ {inner} }}"
        return f"...{name} {self.directive()}"

    def link(self, noun: str, depth: int) -> str:
        if self.chance.random() < 0.3:
            return f"organization {self.directive()} {{ name organizationId __typename }}"
        if self.chance.random() < 0.3:
            parts = f"score reasons {noun.lower()} {self.record(noun, depth + 1)}"
            return f"possibleDuplicates(first: 2) {self.directive()} {{ {parts} }}"
        other = OTHER[noun]
        return f"{other.lower()} {self.directive()} {self.record(other, depth + 1)}"


@dataclass
class Executor:
    """Executes documents directly, each with a context of its own."""

    service: Service
    variables: dict[str, Any]

    async def run(self, source: str) -> tuple[str, int]:
        """The answer's JSON, members in order, and how many values were rendered."""
        document = parse(source)
        assert validate(core_schema(), document) == [], source
        principal = await Caller(self.service.token, self.service.database).principal()
        context = Context(self.service.database, principal, {}, None, None)  # type: ignore[arg-type]
        done = execute(
            core_schema(),
            document,
            context_value=context,
            variable_values=self.variables,
            executor_class=RenderingExecutor,
        )
        result = done if isinstance(done, ExecutionResult) else await done
        assert not result.errors, (source, result.errors)
        return json.dumps(json.loads(orjson.dumps(result.data)), ensure_ascii=False), context.rendered


@pytest.fixture
async def executor(service: Service) -> Executor:
    made = await add_records(service, ROWS)
    customer = (await Door(service, service.http).data(f'{{ customer(id: "cust_{made[3]}") {{ id }} }}'))["customer"]
    variables = {"yes": True, "client": made[0], "customer": customer["id"], "cust": f"cust_{made[1]}"}
    client = (await Door(service, service.http).data(f'{{ client(id: "{made[0]}") {{ id }} }}'))["client"]["id"]
    return Executor(service, {**variables, "client": client})


@contextmanager
def nothing_rendered(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every record takes the ordinary path."""
    with patch.context() as patched:
        modules: tuple[ModuleType, ...] = (plans, loading)
        for module in modules:
            patched.setattr(module, "plan_record", lambda *_: None)
        yield


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chance=st.integers(0, 2**64).map(random.Random))
async def test_rendered_and_resolved_answers_are_the_same(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, chance: random.Random
) -> None:
    source = Author(chance, plain=False).document()
    rendered, _ = await executor.run(source)
    with nothing_rendered(monkeypatch):
        resolved, count = await executor.run(source)
    assert count == 0
    assert rendered == resolved, source


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.integers(0, 2**64).map(random.Random))
async def test_rendered_and_resolved_payloads_are_the_same(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, chance: random.Random
) -> None:
    source = Author(chance, plain=False, passing=PASSING).change()
    rendered, _ = await executor.run(source)
    with nothing_rendered(monkeypatch):
        resolved, count = await executor.run(source)
    assert count == 0
    assert rendered == resolved, source


ROOTS = ("Query", "Mutation", "Client", "Customer", "Organization", "Viewer")
ENDINGS = ("Payload", "Result", "Duplicate", "Connection", "Edge", "PageInfo")
NO_RECORDS = {
    "Mutation.sendClientReminder",
    "SendClientReminderPayload.success",
    "SendClientReminderPayload.userErrors",
    "Organization.email",
    "Organization.country",
    "Organization.locale",
    "Viewer.account",
}
"""Fields that lead to no record that could be rendered."""


def test_the_documents_go_every_way_to_a_record() -> None:
    """A new field or mutation is drawn, too, or stands among those that lead to no record."""
    chance, seen, info = random.Random(7), set[str](), TypeInfo(core_schema())

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            seen.add(f"{info.get_parent_type()}.{node.name.value}")

    for _ in range(100):
        for source in (Author(chance, False).document(), Author(chance, False, PASSING).change()):
            visit(parse(source), TypeInfoVisitor(info, Collect()))
    shown = {
        f"{name}.{field}"
        for name, type_ in core_schema().type_map.items()
        if isinstance(type_, GraphQLObjectType) and (name in ROOTS or name.endswith(ENDINGS))
        for field in type_.fields
    }
    assert shown - seen == NO_RECORDS


async def test_nearly_every_plain_payload_is_rendered(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = notice_resolved(monkeypatch)
    chance, whole, total = random.Random(20260421), 0, 0
    while total < 40:
        source = Author(chance, plain=True, passing=PASSING).change()
        if "client {" in source or "customer {" in source:
            resolved.clear()
            await executor.run(source)
            whole, total = whole + (not resolved), total + 1
    assert whole >= 0.9 * total


def notice_resolved(patch: pytest.MonkeyPatch) -> list[object]:
    """The records that are resolved field by field, from now on."""
    resolved: list[object] = []
    made = Row.of.__func__  # type: ignore[attr-defined]

    def notice(type_: type[Row], row: dict[str, Any]) -> Any:
        resolved.append(row)
        return made(type_, row)

    patch.setattr(Row, "of", classmethod(notice))
    return resolved


async def test_nearly_every_plain_selection_is_rendered(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = notice_resolved(monkeypatch)
    chance, whole, total = random.Random(20260420), 0, 60
    for _ in range(total):
        resolved.clear()
        _, rendered = await executor.run(Author(chance, plain=True).document())
        whole += rendered > 0 and not resolved
    assert whole >= 0.9 * total


async def test_the_counter_can_tell_the_paths_apart(executor: Executor) -> None:
    assert (await executor.run("{ clients { nodes { name } edges { node { name } } } }"))[1] == 2
    assert (await executor.run("{ clients { nodes { name organization { name } } } }"))[1] == 0
    assert (await executor.run("{ clients { totalCount } }"))[1] == 0


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


async def test_no_alias_meets_a_name_inside_the_statement(executor: Executor, door: Door) -> None:
    fields = " ".join(f"{alias}: name" for alias in ALIASES)
    expected = dict.fromkeys(ALIASES, "Ábel")
    answer, rendered = await executor.run(
        f"{{ clients(first: 1, orderBy: [{{field: NAME}}, {{field: CITY}}]) {{ nodes {{ {fields} }} }} }}"
    )
    assert (rendered, len(json.loads(answer)["clients"]["nodes"][0])) == (1, len(ALIASES))
    answer, rendered = await executor.run(f"{{ clients(first: 1) {{ edges {{ node {{ {fields} }} }} }} }}")
    assert (json.loads(answer)["clients"]["edges"], rendered) == ([{"node": expected}], 1)
    made = await door.data(f'mutation {{ createClient(input: {{name: "Ábel"}}) {{ client {{ {fields} id }} }} }}')
    key = made["createClient"]["client"].pop("id")
    assert made["createClient"]["client"] == expected
    one = await door.data(f"query($id: ID!) {{ client(id: $id) {{ {fields} }} }}", id=key)
    assert one["client"] == expected
    changed = f'mutation($id: ID!) {{ updateClient(id: $id, input: {{note: "n"}}) {{ client {{ {fields} }} }} }}'
    assert (await door.data(changed, id=key))["updateClient"]["client"] == expected


async def test_a_plan_of_one_request_serves_the_next_with_other_variables(door: Door, executor: Executor) -> None:
    query = """
    query($id: ID!, $more: Boolean!) {
      node(id: $id) { id ... on Client { name @include(if: $more) } ... on Customer { city @skip(if: $more) } }
    }
    """
    client, customer = executor.variables["client"], executor.variables["customer"]
    for _ in range(2):
        assert await door.data(query, id=client, more=True) == {"node": {"id": client, "name": "Ábel"}}
        assert await door.data(query, id=customer, more=True) == {"node": {"id": customer}}
        assert await door.data(query, id=client, more=False) == {"node": {"id": client}}
        assert await door.data(query, id=customer, more=False) == {"node": {"id": customer, "city": "Ptuj"}}


async def test_the_plans_of_a_document_are_bounded(service: Service) -> None:
    operations = Operations(service.database, None, service.config, None)  # type: ignore[arg-type]
    switches = [f"s{index}" for index in range(11)]
    declared = ", ".join(f"${name}: Boolean!" for name in switches)
    fields = " ".join(f"{name}: name @include(if: ${name})" for name in switches)
    source = f"query({declared}) {{ clients {{ nodes {{ id {fields} }} }} }}"
    document = operations.documents.find(source)
    assert document.ast is not None
    principal = await Caller(service.token, service.database).principal()
    for number in range(MOST_PLANS + 5):
        values = {name: bool(number >> place & 1) for place, name in enumerate(switches)}
        info = _info(document.ast, values, Context(service.database, principal, document.plans, None, None))  # type: ignore[arg-type]
        loading.record_plan(info, GRAPHQL_CLIENT)
    assert 0 < len(document.plans) <= MOST_PLANS


def _info(ast: Any, values: dict[str, bool], context: Context) -> Any:
    """As much of a resolver's info as planning reads."""
    operation = ast.definitions[0]
    raw = type("Raw", (), {"variable_values": values, "fragments": {}, "operation": operation})
    raw.field_nodes = list(operation.selection_set.selections)  # type: ignore[attr-defined]
    return type("Info", (), {"_raw_info": raw, "context": context})
