"""Documents that spell out more than their own length are rejected after work that is linear in their length."""

import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    get_introspection_query,
    parse,
    visit,
)
from graphql.language import Visitor

from app.graphql.execution.plans import types_of
from app.graphql.execution.selections import SelectionReader
from app.graphql.schema.schema import core_schema
from app.graphql.server.costs import Costs, VariableCosts
from app.graphql.server.documents import KEPT_CHARACTERS, LONGEST_KEPT, MAX_CHARACTERS, Document, Documents
from app.graphql.server.limits import MAX_INPUT_WEIGHT, Measure, check_limits, weigh_variables
from tests.graphql.conftest import GraphQLApi

ON = "fragment F{0} on {1}{{{2}}} "


def chain(levels: int, on: str, part: str, end: str, start: str = "...F0") -> str:
    """A document whose fragments are made from `part`, with NEXT for the spread of the next one."""
    fragments = (ON.format(level, on, part.replace("NEXT", f"...F{level + 1}")) for level in range(levels))
    return f"{{{start}}} {''.join(fragments)}{ON.format(levels, on, end)}"


def numbered(text: str, many: int) -> str:
    return " ".join(text.replace("#", str(number)) for number in range(many))


EXPONENTIAL: dict[str, Callable[[int], str]] = {
    "spread twice": lambda n: chain(n, "Query", "NEXT NEXT", "__typename"),
    "spread twice in inline fragments": lambda n: chain(n, "Query", "...{NEXT} ...on Query{NEXT}", "__typename"),
    "under two aliases": lambda n: chain(
        n, "Client", "a:customer{client{NEXT}} b:customer{client{NEXT}}", "id", "client(id:1){...F0}"
    ),
    "under one field twice": lambda n: chain(
        n, "Client", "customer{client{NEXT NEXT}}", "id", "client(id:1){...F0}"
    ),
    "under merged fields": lambda n: chain(
        n, "Client", "customer{client{NEXT}} customer{client{NEXT}}", "id", "client(id:1){...F0}"
    ),
    "in circles": lambda n: numbered("fragment F# on Query{...G# ...G#} fragment G# on Query{...F# ...F#}", n)
    + chain(n, "Mutation", "NEXT NEXT", "__typename").replace("F", "H"),
}  # fmt: skip

FLOODS: dict[str, Callable[[int], str]] = {
    "one field": lambda n: f"{{client(id:1){{{'id ' * n}}}}}",
    "one object": lambda n: f"{{client(id:1){{{'customer{id} ' * n}}}}}",
    "objects in objects": lambda n: f"{{client(id:1){{{'customer{client{id name}} ' * n}}}}}",
    "aliases": lambda n: f"{{client(id:1){{{numbered('a#:id', n)}}}}}",
    "root fields": lambda n: f"{{{numbered('a#:__typename', n)}}}",
    "fragments": lambda n: f"{{client(id:1){{{numbered('...F#', n)}}}}} {numbered('fragment F# on Client{id}', n)}",
    "fragments and fields": lambda n: (
        f"{{client(id:1){{{numbered('...F# a#:id', n)}}}}}" + numbered("fragment F# on Client{id name b#:id}", n)
    ),
    "operations over fragments": lambda n: numbered("query Q#{...F0}", n) + chain(n, "Query", "NEXT", "__typename")[7:],
    "variables": lambda n: f"query({numbered('$v#:Int', n)}){{__typename}}",
    "used variables": lambda n: f"query({numbered('$v#:ID!', n)}){{{numbered('a#:client(id:$v#){id}', n)}}}",
    "directives": lambda n: f"{{__typename {'@skip(if:false)' * n}}}",
    "unknown directives": lambda n: f"{{__typename {'@unknown ' * n}}}",
    "arguments": lambda n: f"{{clients({'first:1 ' * n}){{totalCount}}}}",
    "list": lambda n: f"{{clients(filter:{{name:{{in:[{'1 ' * n}]}}}}){{totalCount}}}}",
    "objects": lambda n: f"{{clients(filter:{{and:[{'{name:{eq:7}}' * n}]}}){{totalCount}}}}",
    "unknown fields": lambda n: f"{{client(id:1){{{numbered('countryAlphaCode#', n)}}}}}",
    "brackets": lambda n: f"{{clients(filter:{'[' * n}{']' * n}){{totalCount}}}}",
    "braces": lambda n: "{a" * n + "}" * n,
    "inline fragments": lambda n: "{" + "...{" * n + "__typename" + "}" * n + "}",
}


def count_calls(work: Callable[[], Any], function: Callable[..., Any] | None = None) -> int:
    """The number of function calls of some work, in our code and in the libraries; or only the calls of one function."""
    calls = 0
    code = function.__code__ if function else None

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call" and (code is None or frame.f_code is code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def documents(**options: Any) -> Documents:
    return Documents(core_schema(), **{"introspection": True, **options})


class CountSelections(Visitor):
    """Counts the fields and fragments of a document, each once."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def enter(self, node: Any, *_: Any) -> None:
        self.count += isinstance(node, FieldNode | FragmentSpreadNode | InlineFragmentNode)


@pytest.mark.parametrize("family", EXPONENTIAL)
def test_each_selection_of_an_exponential_document_is_visited_once(family: str) -> None:
    for levels in (20, 40, 80):
        ast = parse(EXPONENTIAL[family](levels))
        counter = CountSelections()
        visit(ast, counter)
        assert check_limits(ast, Measure(ast))
        visits = count_calls(partial(check_limits, ast, Measure(ast)), Measure.measure_node)
        assert visits == counter.count


@pytest.mark.parametrize("family", EXPONENTIAL)
def test_an_exponential_document_is_rejected_after_linear_work(family: str) -> None:
    source = EXPONENTIAL[family](150)
    assert documents().find(source).errors
    assert count_calls(lambda: documents().find(source)) < 20 * len(source)


@pytest.mark.parametrize("family", FLOODS)
def test_a_document_of_many_repetitions_is_read_in_linear_work(family: str) -> None:
    """The constant is the budget for comparing the fields of one response key."""
    source = FLOODS[family](400)
    assert count_calls(lambda: documents().find(source)) < 60 * len(source) + 150_000


def test_costs_are_read_and_added_up_in_linear_work() -> None:
    pairs = "a:customer{client{NEXT}} b:customer{client{NEXT}}"
    for levels in (20, 40, 80):
        ast = parse(chain(levels, "Client", pairs, "id", "client(id:1){...F0}"))
        counter = CountSelections()
        visit(ast, counter)
        costs = Costs(core_schema(), ast)
        operation: Any = ast.definitions[0]
        visits = count_calls(partial(costs.read_operation, operation), Costs.read_node)
        selection = costs.read_operation(operation)
        variable_costs = VariableCosts(operation, {})
        assert visits == counter.count
        assert count_calls(partial(variable_costs.add_up, selection)) < 20 * counter.count
        assert VariableCosts(operation, {}).add_up(selection) > 2**levels


def test_a_resolver_collects_no_more_than_was_measured() -> None:
    """Planning reads a selection as the executor does: a fragment once for each field that spreads it."""
    parts = "customer{...F#} customer{...F# ...F#} ...{customer{...F#}}"
    fragments = "fragment F# on Customer{...G# ...G#} fragment G# on Customer{a#:id b#:id ...on Node{id}}"
    for many in (10, 40):
        ast = parse(f"{{client(id:1){{{numbered(parts, many)}}}}} {numbered(fragments, many)}")
        measured = Measure(ast).measure(ast.definitions[0].selection_set)  # type: ignore[attr-defined]
        named = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        reading = SelectionReader(named, {})
        roots = reading.collect(ast.definitions, frozenset({"Query"}))  # type: ignore[arg-type]

        def collect(reading: SelectionReader = reading, nodes: Any = roots["client"]) -> int:
            customers = reading.collect(nodes, types_of("Client"))["customer"]
            return sum(map(len, reading.collect(customers, types_of("Customer")).values()))

        assert collect() <= measured.selections
        assert count_calls(collect) <= 10 * measured.selections


def test_a_text_with_too_many_characters_or_tokens_is_rejected() -> None:
    for source in ("{ __typename } #" + "x" * MAX_CHARACTERS, "{ " + "__typename " * 10_001 + "}"):
        (error,) = documents().find(source).errors
        assert "characters" in error.message or "tokens" in error.message


def test_an_error_names_the_limit() -> None:
    for family, words in (
        ("aliases", "501 aliases"),
        ("root fields", "501 root fields"),
        ("under one field twice", "levels"),
    ):
        source = (FLOODS.get(family) or EXPONENTIAL[family])(501 if family in FLOODS else 40)
        assert any(words in error.message for error in documents().find(source).errors), family


def test_graphiqls_introspection_is_within_the_limits() -> None:
    everything = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    document = documents().find(everything)
    assert document.errors == []
    (operation,) = document.operations()
    assert 100 < document.cost(operation, {}) < 30_000


def test_circular_introspection_is_rejected() -> None:
    circular = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    assert documents().find(circular).errors


def test_kept_documents_are_bounded_in_number_and_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.graphql.server.documents.KEPT", 5)
    monkeypatch.setattr("app.graphql.server.documents.KEPT_CHARACTERS", 1000)
    kept = documents()
    sources = [f"{{ a{number}: __typename }}" for number in range(8)]
    read = [kept.find(source) for source in sources]
    assert [kept.find(source) is document for source, document in zip(sources[3:], read[3:], strict=True)] == [True] * 5
    long = kept.find(f"{{ __typename }} {'#' * 950}")
    assert kept.find(sources[-1]) is read[-1]
    assert kept.find(f"{{ __typename }} {'#' * 950}") is long
    kept.find(f"{{ __typename }} {'#' * 960}")
    assert kept.find(sources[-1]) is not read[-1]


async def test_a_document_over_a_limit_is_reported_as_invalid(api: GraphQLApi) -> None:
    for family in EXPONENTIAL:
        answer = await api.post(EXPONENTIAL[family](30))
        body = answer.json()
        assert answer.status_code == 200
        codes = {error["extensions"]["code"] for error in body["errors"]}
        assert codes
        assert all(code.endswith("_LIMIT_EXCEEDED") for code in codes)
        assert body["extensions"] == {"cost": {"requested": None, "limit": 50_000}}


async def test_a_long_document_is_read_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the event loop goes on meanwhile."""
    reading, threads = documents(), []
    read = reading._read

    def note(source: str) -> Document:
        threads.append(threading.current_thread() is threading.main_thread())
        return read(source)

    monkeypatch.setattr(reading, "_read", note)
    long = f"{{ {numbered('a#: __typename', 40)} }} #{'x' * 2_000}"
    for source in ("{ __typename }", long, long):
        assert not (await reading.read(source, "")).errors
    assert threads == [True, False]


async def test_documents_are_kept_up_to_a_size() -> None:
    reading = documents()
    for number in range(200):
        source = f"{{ a{number}: __typename }} #{'x' * 1_900}"
        assert await reading.read(source, "") is await reading.read(source, "")
    assert sum(map(len, reading._kept)) <= KEPT_CHARACTERS
    long = f"{{ __typename }} #{'x' * LONGEST_KEPT}"
    assert await reading.read(long, "") is not await reading.read(long, "")


OBJECTS: dict[str, Any] = {
    "filters without conditions": ("ClientFilter", {"or": [{}] * 2_000}),
    "filters": ("ClientFilter", {"and": [{"name": {"eq": "x"}}] * 1_500}),
    "nested lists": ("ClientFilter", {"or": [{"or": [{}] * 50}] * 50}),
    "texts": ("ClientFilter", {"name": {"in": ["x"] * 40_000}}),
    "ids": ("[ID!]!", ["x"] * 40_000),
    "orders": ("[ClientOrder!]", [{"field": "NAME"}] * 5_000),
    "new clients": ("[CreateClientInput!]!", [{"name": "x"}] * 2_000),
    "absent members": ("[CreateClientInput]", [None] * 40_000),
    "unknown names": ("ClientFilter", {f"k{number}": 1 for number in range(40_000)}),
}


@pytest.mark.parametrize("family", OBJECTS)
async def test_variables_that_take_long_to_read_are_rejected_before_that(api: GraphQLApi, family: str) -> None:
    """Each input object is checked against every field of its type: 180,000 empty ones took 15 seconds."""
    type_, value = OBJECTS[family]
    work = partial(weigh_variables, core_schema(), operation_of(type_), {"v": value})
    assert count_calls(work) < 800_000
    assert work() > MAX_INPUT_WEIGHT
    told = await api.error(f"query($v: {type_}) {{ __typename }}", v=value)
    assert told["extensions"]["code"] in ("VARIABLE_LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED")


def operation_of(type_: str) -> OperationDefinitionNode:
    (operation,) = parse(f"query($v: {type_}) {{ __typename }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def test_variables_of_a_usual_size_are_accepted() -> None:
    for type_, value in {
        "ClientFilter": {"or": [{"name": {"in": ["x"] * 1_000}}] * 10},
        "[CreateClientInput!]!": [{"name": "x", "custom": {"a": [1] * 30}}] * 1_000,
        "[Int!]": 5,
        "JSON": [1] * 40_000,
        "Unknown": [1] * 40_000,
        "Client": {"a": 1},
    }.items():
        assert weigh_variables(core_schema(), operation_of(type_), {"v": value}) <= MAX_INPUT_WEIGHT


def test_a_document_writes_out_a_number_of_objects() -> None:
    for many, allowed in ((480, True), (520, False)):
        for source in (
            f"{{clients(filter:{{or:[{'{}' * (many - 1)}]}}){{totalCount}}}}",
            f"query($f: ClientFilter = {{or:[{'{name:{}}' * (many // 2)}]}}){{clients(filter:$f){{totalCount}}}}",
        ):
            errors = documents().find(source).errors
            assert any("objects in its arguments" in error.message for error in errors) is not allowed
    selections = f"{{client(id:1){{{'customer{id} ' * 600}}}}}"
    assert not any("objects" in error.message for error in documents().find(selections).errors)
