"""Each internal of graphql-core and Strawberry that the service relies on. A failure means that an upgrade changed it."""

import gc
import json
import weakref
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest
import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    execute,
    parse,
    print_ast,
    print_schema,
    specified_rules,
)
from graphql.pyutils import suggestion_list
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.extensions import FieldExtension

from app.graphql.internals import executor as executor_module
from app.graphql.internals.documents import (
    COMPARISON_BUDGET,
    is_budget_spent,
    is_introspection_rejected,
    is_nesting_limit,
    is_token_limit,
    validate_document,
)
from app.graphql.internals.executor import RenderingExecutor, open_events
from app.graphql.internals.operations import (
    Built,
    Definitions,
    Execution,
    Rendered,
    ResolvedField,
    build_execution,
    call_resolver,
    read_definitions,
    read_resolved_field,
    read_selections,
)
from app.graphql.internals.schemas import (
    convert_values,
    core_schema_of,
    drop_null_defaults,
    find_strawberry_field,
    keep_input,
    name_parameters,
)

Info = strawberry.Info[Any, Any]


@strawberry.type
class Row:
    name: str


@strawberry.type
class Query:
    @strawberry.field
    def row(self, info: Info, first: int = 0) -> Row:
        made: Any = info.context(read_resolved_field(info))
        return made if isinstance(made, Rendered) else Row(name="resolved")  # type: ignore[return-value]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, info: Info, until: int) -> AsyncGenerator[str, None]:
        for number in range(until):
            yield f"{info.context} {number}"


SCHEMA = core_schema_of(strawberry.Schema(query=Query, subscription=Subscription))


def run(source: str, context: Any, **variables: Any) -> Any:
    """The data of a query that needs no awaiting."""
    result = execute(
        SCHEMA, parse(source), context_value=context, variable_values=variables, executor_class=RenderingExecutor
    )
    assert isinstance(result, ExecutionResult)
    assert not result.errors, result.errors
    return json.loads(orjson.dumps(result.data))


def check(source: str) -> list[GraphQLError]:
    return validate_document(SCHEMA, parse(source), specified_rules, max_errors=5, hide_suggestions=True)


async def count(source: str, **variables: Any) -> Any:
    return await open_events(build(source, **variables))


def build(source: str, **variables: Any) -> Built:
    return build_execution(SCHEMA, *read_document(source), context="number", variables=variables, hide_suggestions=True)


def read_document(source: str) -> tuple[Definitions, OperationDefinitionNode]:
    """The fragments of a document, and its first operation."""
    document = parse(source)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return read_definitions(document), operation


def test_the_selections_of_the_operation_and_the_fragments_are_found() -> None:
    found: list[str] = []

    @strawberry.type
    class Root:
        @strawberry.field
        def name(self, info: Info) -> str:
            found.extend(print_ast(selection) for selection in read_selections(info))
            return "x"

    schema = core_schema_of(strawberry.Schema(query=Root))
    source = "query A { name } query B { ...part } fragment part on Root { name }"
    execute(schema, parse(source), operation_name="B", executor_class=RenderingExecutor)
    assert ["".join(text.split()) for text in found] == ["{...part}", "{name}"]


def test_a_strawberry_schema_wraps_a_schema_of_graphql_core() -> None:
    assert isinstance(SCHEMA, GraphQLSchema)
    assert SCHEMA.query_type is not None
    assert list(SCHEMA.query_type.fields) == ["row"]


def test_the_budget_of_comparisons_is_the_one_that_validation_uses() -> None:
    assert overlapping_fields_can_be_merged.get_complexity_budget() == COMPARISON_BUDGET
    assert check(f"{{ row {{ {'name ' * 50} }} }}") == []
    assert any(map(is_budget_spent, check(f"{{ {'row { name } ' * 1000} }}")))


def test_the_limits_of_the_parser_are_told_from_syntax_errors() -> None:
    told = {"{ a a a }": (True, False), "#\n#\n#\n{ a }": (True, False), "{": (False, False)}
    for source, expected in told.items():
        with pytest.raises(GraphQLSyntaxError) as error:
            parse(source, max_tokens=4)
        assert (is_token_limit(error.value), is_nesting_limit(error.value)) == expected, source
    with pytest.raises(GraphQLSyntaxError) as error:
        parse("{a" * 5_000)
    assert (is_token_limit(error.value), is_nesting_limit(error.value)) == (False, True)


def test_a_spent_budget_is_told_from_other_errors() -> None:
    too_many = check("{ a b c d e f g h }")
    assert len(too_many) == 6
    assert not any(map(is_budget_spent, too_many))


def test_a_resolver_sees_its_nodes_the_fragments_and_the_coerced_variables() -> None:
    resolved: list[ResolvedField] = []
    source = """
    query($first: Int = 3) { a: row(first: $first) { ...F } ...G }
    fragment F on Row { name }
    fragment G on Query { a: row(first: $first) { name } }
    """
    assert run(source, resolved.append) == {"a": {"name": "resolved"}}
    (field,) = resolved
    assert [node.alias.value for node in field.field_nodes if node.alias] == ["a", "a"]
    assert set(field.fragments) == {"F", "G"}
    assert dict(field.variable_values) == {"first": 3}


def test_the_executor_takes_rendered_values_as_they_are() -> None:
    def render(_: ResolvedField) -> Rendered:
        return Rendered('{"name": "rendered", "more": 1}')

    assert run("{ row { name } }", render) == {"row": {"name": "rendered", "more": 1}}
    assert run("{ row { name } }", lambda _: None) == {"row": {"name": "resolved"}}


async def test_the_executor_counts_the_long_values_of_a_result_and_drops_one_that_is_too_large() -> None:
    sizes: list[int] = []

    def show(size: int) -> None:
        sizes.append(size)
        if sum(sizes) > 500:
            raise ValueError("too large")

    long = Rendered('{"name": "' + "é" * 100 + '"}')
    document = read_document("{ row { name } again: row { name } more: row { name } }")
    options: Any = {"context": lambda _: long, "variables": {}, "hide_suggestions": True, "show": show}
    result = await executor_module.execute(build_execution(SCHEMA, *document, **options))
    assert (result.data, [(error.message, error.path) for error in result.errors or ()]) == (
        None,
        [("too large", ["row"])],
    )
    assert sizes == [212, 212, 212]


async def test_the_events_of_a_subscription_are_opened_without_executing_them() -> None:
    events = await count("subscription($until: Int!) { count(until: $until) }", until=2)
    assert [event async for event in events] == ["number 0", "number 1"]


async def test_a_subscription_that_cannot_begin_has_a_result_with_errors() -> None:
    for variables in ({}, {"until": "x"}):
        result = await count("subscription($until: Int!) { count(until: $until) }", **variables)
        assert isinstance(result, ExecutionResult)
        assert result.data is None
        assert result.errors


async def test_an_executor_for_an_event_keeps_the_coerced_variables_and_nothing_of_other_events() -> None:
    execution = build("subscription($until: Int! = 3) { again: count(until: $until) }")
    assert isinstance(execution, Execution)
    for event in ("a", "b"):
        current = execution.for_event(event, "other")
        executor = executor_module.make_executor(current)
        assert (executor.root_value, executor.context_value, executor.variable_values.coerced) == (
            event,
            "other",
            {"until": 3},
        )
        assert await executor_module.execute(current) == ExecutionResult({"again": event}, None)
    assert executor_module.make_executor(execution).root_value is None


async def test_an_executor_is_freed_after_its_operation_without_a_garbage_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executors: list[weakref.ref[RenderingExecutor]] = []
    make_executor = executor_module.make_executor

    def note(execution: Execution, *middleware: Any) -> RenderingExecutor:
        executor = make_executor(execution, *middleware)
        executors.append(weakref.ref(executor))
        return executor

    monkeypatch.setattr(executor_module, "make_executor", note)
    gc.collect()
    gc.disable()
    try:
        query, stream = build("{ __typename }"), build("subscription { count(until: 1) }")
        assert isinstance(stream, Execution)
        event = stream.for_event("a", None)
        await executor_module.execute(query)
        await executor_module.execute(event)
        events = await executor_module.open_events(stream)
        assert not isinstance(events, ExecutionResult)
        await events.aclose()
        del query, stream, event, events
        assert [executor() for executor in executors] == [None, None, None]
    finally:
        gc.enable()


async def test_errors_of_variables_are_a_result() -> None:
    result = await executor_module.execute(build("query($first: Int!) { row(first: $first) { name } }"))
    assert (result.data, len(result.errors or ())) == (None, 1)


def test_a_root_field_is_called_with_converted_arguments_as_strawberry_calls_it() -> None:
    """Only fields of Strawberry are called in this way, and none with an extension that takes part in the call."""
    called: list[Any] = []

    class Watching(FieldExtension):
        def resolve(self, next_: Any, source: Any, info: Info, **arguments: Any) -> Any:
            return next_(source, info, **arguments)

    class Renaming(FieldExtension):
        def map_arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
            return {**kwargs, "most": kwargs["most"] + 1}

    @strawberry.type
    class Root:
        @strawberry.field(extensions=[Renaming()])  # type: ignore[untyped-decorator]
        def rows(self, info: Info, only_new: bool, most: int = 2) -> str:
            called.append((info.context, only_new, most))
            return "rows"

        @strawberry.field(extensions=[Watching()])  # type: ignore[untyped-decorator]
        def watched(self, info: Info) -> str:
            return "watched"

    schema = core_schema_of(strawberry.Schema(query=Root))
    execute(schema, parse("{ rows(onlyNew: true) }"), context_value="here", executor_class=RenderingExecutor)
    assert schema.query_type is not None
    definition = schema.query_type.fields["rows"]
    field = find_strawberry_field(definition)
    assert field is not None
    assert name_parameters(schema, field) == {"onlyNew": "only_new", "most": "most"}
    definitions, operation = read_document("{ rows(onlyNew: true) }")
    execution = build_execution(schema, definitions, operation, context="here", variables={}, hide_suggestions=True)
    assert isinstance(execution, Execution)
    info = execution.make_info([])
    assert call_resolver(field, info, convert_values(schema, field, {"onlyNew": True, "most": 2})) == "rows"
    assert called == [("here", True, 3)] * 2
    others = [schema.query_type.fields["watched"], schema.get_field(schema.query_type, "__schema")]
    assert [find_strawberry_field(other) for other in others if other is not None] == [None, None]


@pytest.mark.parametrize("literal", [False, True])
def test_an_input_stays_the_object_of_the_caller(literal: bool) -> None:
    """A resolver gets the members by their GraphQL names, at every depth, and none that was left out."""

    @strawberry.input
    class Inner:
        some_text: str | None = strawberry.field(default=strawberry.UNSET, name="in")

    @strawberry.input
    class Outer:
        inner_list: list[Inner] | None = strawberry.UNSET
        other_text: str | None = strawberry.UNSET

    keep_input(Inner)
    keep_input(Outer)
    received: list[object] = []

    def show(value: Outer) -> bool:
        received.append(value)
        return True

    show.__annotations__["value"] = Outer
    query = strawberry.type(type("Query", (), {"__annotations__": {}, "show": strawberry.field(show)}))
    schema = core_schema_of(strawberry.Schema(query=query))
    text = '{ show(value: {innerList: [{in: "a"}, {}]}) }' if literal else "query($v: Outer!) { show(value: $v) }"
    value = {"innerList": [{"in": "a"}, {}]}
    result = execute(schema, parse(text), variable_values={} if literal else {"v": value})
    assert (result, received) == (ExecutionResult({"show": True}, None), [value])


def test_the_error_about_introspection_is_known() -> None:
    rules = [NoSchemaIntrospectionCustomRule]
    (error,) = validate_document(
        SCHEMA, parse("{ __schema { __typename } }"), rules, max_errors=5, hide_suggestions=True
    )
    assert is_introspection_rejected(error)
    assert not any(map(is_introspection_rejected, check("{ zzz }")))


def test_names_that_are_longer_in_lower_case_have_suggestions() -> None:
    assert suggestion_list("İİnameİ", ["İİname", "city"]) == ["İİname"]
    assert suggestion_list("NAME", ["name", "names", "city"]) == ["name", "names"]
    assert suggestion_list("İ" * 60, ["name", "countryAlpha2Code" * 5]) == []


def test_an_absent_argument_has_no_default_in_the_schema_and_its_own_in_the_resolver() -> None:
    def show(first: int | None = None, last: int = 3) -> str:
        return f"{first} {last}"

    query = strawberry.type(type("Query", (), {"__annotations__": {}, "show": strawberry.field(show)}))
    schema = core_schema_of(strawberry.Schema(query=query))
    assert "first: Int = null" in print_schema(schema)
    drop_null_defaults(schema)
    assert "show(first: Int, last: Int! = 3): String!" in print_schema(schema)
    for source, shown in (("show", "None 3"), ("show(first: null)", "None 3"), ("show(first: 1, last: 2)", "1 2")):
        assert execute(schema, parse(f"{{ {source} }}")) == ExecutionResult({"show": shown}, None)
