"""Everything that relies on internals of graphql-core and Strawberry.

tests/graphql/test_internals.py has a test for each of them, so an upgrade that changes one of them fails there first.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    SelectionSetNode,
    Undefined,
    create_source_event_stream,
    is_object_type,
    validate,
)
from graphql.pyutils import suggestion_list
from graphql.pyutils.suggestion_list import LexicalDistance
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import get_object_definition
from strawberry.types.arguments import InputContext

COMPARISON_BUDGET = 20_000
"""Comparing the fields of one response key takes time that is quadratic in their number. graphql-core spends about two units
on each comparison and allows 500,000."""

overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = COMPARISON_BUDGET


class NameDistance(LexicalDistance):
    """Measures how similar a wrong name is to the right ones, for suggestions.

    graphql-core has room for as many characters as the name has. In lower case it can have more: two for `İ`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name.lower())


suggestion_list.__globals__[LexicalDistance.__name__] = NameDistance

BUDGET_SPENT = "Validation aborted."
"""The message of graphql-core's error for a document that is too expensive to validate. The error has no other mark: the
error for too many errors is of the same class."""


def validate_document(
    schema: GraphQLSchema,
    document: DocumentNode,
    rules: Collection[type[ASTValidationRule]],
    *,
    max_errors: int,
    hide_suggestions: bool,
) -> list[GraphQLError]:
    """The errors of a document by these rules, within the comparison budget."""
    return validate(schema, document, rules, max_errors, hide_suggestions)


def is_budget_spent(error: GraphQLError) -> bool:
    """True for the error with which validation ends when it has spent one of its budgets."""
    return error.message == BUDGET_SPENT


PARSING_ABORTED = "Parsing aborted."
"""The end of graphql-core's messages about limits of its parser. The errors are syntax errors like any other."""
NESTED_TOO_DEEPLY = f"nested too deeply. {PARSING_ABORTED}"


def is_token_limit(error: GraphQLError) -> bool:
    """True for the error about a document with too many tokens, or comments."""
    return error.message.endswith(PARSING_ABORTED) and not is_nesting_limit(error)


def is_nesting_limit(error: GraphQLError) -> bool:
    """True for the error about a document with too many nested brackets."""
    return error.message.endswith(NESTED_TOO_DEEPLY)


INTROSPECTION_REJECTED = "GraphQL introspection has been disabled"
"""The start of graphql-core's message about a field of introspection where introspection is off."""


def is_introspection_rejected(error: GraphQLError) -> bool:
    """True for the error about a field of introspection where introspection is off."""
    return error.message.startswith(INTROSPECTION_REJECTED)


def core_schema_of(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema that a Strawberry schema wraps."""
    return schema._schema


def drop_null_defaults(schema: GraphQLSchema) -> None:
    """Makes an absent argument absent, not null. A resolver then gets the default of its own parameter.

    Strawberry gives an optional argument the default null, which introspection and the printed schema would show.
    """
    types = (type_ for type_ in schema.type_map.values() if is_object_type(type_))
    for argument in (
        argument for type_ in types for field in type_.fields.values() for argument in field.args.values()
    ):
        if argument.default_value is None:
            argument.default_value = Undefined


def keep_input(type_: type) -> None:
    """Makes resolvers get an input of this type as the object that graphql-core has checked: by GraphQL names, without the
    members that were left out. Otherwise Strawberry copies it into an object of Python, member by member."""
    get_object_definition(type_, strict=True).from_input = _return_input


def _return_input(type_: type, value: Mapping[str, Any], context: InputContext) -> Mapping[str, Any]:
    return value


@dataclass(frozen=True, slots=True)
class ResolvedField:
    """The field that a resolver runs for: its nodes in the document, the document's fragments, and the coerced variables."""

    schema: GraphQLSchema
    nodes: Sequence[FieldNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]


def read_resolved_field(info: strawberry.Info[Any, Any]) -> ResolvedField:
    """The field that `info` belongs to. Strawberry's own `info.selected_fields` is a converted copy; plans need the nodes."""
    raw = info._raw_info
    variables: Any = raw.variable_values
    return ResolvedField(raw.schema, raw.field_nodes, raw.fragments, variables)


def read_selections(info: strawberry.Info[Any, Any]) -> tuple[SelectionSetNode, ...]:
    """The selection of the operation that runs, and those of the document's fragments."""
    raw = info._raw_info
    return (raw.operation.selection_set, *(fragment.selection_set for fragment in raw.fragments.values()))


class RenderedValue:
    """JSON text that the executor puts into the result as it is. `size` is in bytes."""

    __slots__ = ("json", "size")

    def __init__(self, json: str | bytes) -> None:
        self.json = json if isinstance(json, bytes) else json.encode()
        self.size = len(self.json)


class Rendered(RenderedValue):
    """The JSON text of a whole selection."""

    __slots__ = ()


Show: TypeAlias = Callable[[int], None]
"""Counts bytes that the result shows. It raises an exception when there are too many."""

TYPENAME = "__typename"
SMALL = 100
"""The longest text in characters that is not counted. An operation has at most some 50,000 values."""
NOTHING = orjson.Fragment(b"null")
"""Takes the place of values in a result that is too large, which is then dropped."""


def ignore_size(size: int) -> None:
    """For operations without a limit."""


NO_HELPERS: Any = None
"""Takes the place of the helpers for resolvers, which no resolver of the service uses."""


class RenderingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which takes rendered values as complete and counts the size of the result.

    A document can select one long value under 500 names, so the result may be far larger than all that was loaded.
    `too_large` is the exception of `show`. From then on the executor makes no more values. `has_resolved_root` tells
    whether a root field has a value that is not rendered.
    """

    show: Show = staticmethod(ignore_size)
    too_large: Exception | None = None
    has_resolved_root = False

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        if isinstance(result, RenderedValue):
            return orjson.Fragment(result.json) if self.admit(result.size) else NOTHING
        if path.prev is None and result is not None and info.field_name != TYPENAME:
            self.has_resolved_root = True
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def complete_leaf_value(self, return_type: Any, result: Any) -> Any:  # type: ignore[override]
        """The value of a scalar or an enum. A document is written as JSON here, so that its size is known."""
        value = super().complete_leaf_value(return_type, result)
        if type(value) is str:
            if len(value) <= SMALL:
                return value
            size = len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, dict | list):
            if self.too_large is not None:
                return NOTHING
            data = orjson.dumps(value)
            value, size = orjson.Fragment(data), len(data)
        else:
            return value
        return value if self.admit(size) else NOTHING

    def admit(self, size: int) -> bool:
        """Counts bytes of the result. Returns False when there are too many."""
        if self.too_large is None:
            try:
                self.show(size)
            except Exception as error:
                self.too_large = error.with_traceback(None)
        return self.too_large is None

    def release(self) -> None:
        """Drops what holds the executor. So it leaves memory with its context, and not with the next collection.

        Fields beside an error may still run, in the background. They need no helpers.
        """
        self.async_helpers = NO_HELPERS
        self.middleware_manager = None

    def for_event(self, event: object, context: object, show: Show = ignore_size) -> "RenderingExecutor":
        """An executor of the same operation for an event of its subscription. It coerces no variables again.

        graphql-core's own `build_per_event_executor` shares a cache that grows with each event.
        """
        executor = RenderingExecutor(
            self.schema,
            self.fragment_definitions,
            self.fragments,
            event,
            context,
            self.operation,
            self.variable_values,
            self.field_resolver,
            self.type_resolver,
            self.subscribe_field_resolver,
            hide_suggestions=self.hide_suggestions,
        )
        executor.show = show
        return executor


Built: TypeAlias = RenderingExecutor | list[GraphQLError]
"""An executor with its coerced variables, or the errors of the variables."""


def build_executor(
    schema: GraphQLSchema,
    document: DocumentNode,
    *,
    context: object,
    variables: dict[str, Any],
    operation_name: str | None,
    hide_suggestions: bool,
    show: Show = ignore_size,
) -> Built:
    """The executor of an operation. It coerces the variables and calls no resolver, so a thread may do it."""
    built: Any = RenderingExecutor.build(
        schema,
        document,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation_name,
        hide_suggestions=hide_suggestions,
    )
    executor: Built = built
    if isinstance(executor, RenderingExecutor):
        executor.show = show
    return executor


async def execute(built: Built) -> ExecutionResult:
    """The result of a query or a mutation, or of one event of a subscription. A result that is too large is an error."""
    if isinstance(built, list):
        return ExecutionResult(None, built)
    try:
        result: Any = built.execute_operation()
        done: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
    finally:
        built.release()
    if built.too_large is None:
        return done
    path = list(done.data or ())[:1]
    return ExecutionResult(None, [GraphQLError(str(built.too_large), path=path, original_error=built.too_large)])


async def open_events(built: Built) -> AsyncGenerator[Any, None] | ExecutionResult:
    """The source events of a subscription, or an ExecutionResult with the errors that prevent it.

    graphql-core's public `subscribe` maps each event to a result by itself; here each event is executed with a context of
    its own.
    """
    if isinstance(built, list):
        return ExecutionResult(None, built)
    events: Any = create_source_event_stream(built)
    opened: AsyncGenerator[Any, None] | ExecutionResult = await events if built.is_awaitable(events) else events
    built.release()
    return opened
