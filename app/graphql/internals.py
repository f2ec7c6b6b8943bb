"""Everything that relies on internals of graphql-core and Strawberry.

tests/graphql/test_internals.py has a test for each of them, so an upgrade that changes one of them fails there first.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
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
    GraphQLField,
    GraphQLSchema,
    MiddlewareManager,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    VariableValues,
    create_source_event_stream,
    default_field_resolver,
    default_type_resolver,
    get_variable_values,
    is_object_type,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.pyutils import suggestion_list
from graphql.pyutils.suggestion_list import LexicalDistance
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import get_object_definition
from strawberry.types.arguments import InputContext, convert_arguments
from strawberry.types.field import StrawberryField

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


@dataclass(frozen=True, slots=True)
class Definitions:
    """The fragments of a document by name: their nodes, and what graphql-core's executor knows about them."""

    fragments: dict[str, FragmentDefinitionNode]
    details: dict[str, FragmentDetails]


def read_definitions(document: DocumentNode) -> Definitions:
    """The fragments of a valid document."""
    nodes = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    named = {node.name.value: node for node in nodes}
    return Definitions(named, {name: FragmentDetails(node, None) for name, node in named.items()})


MOST_VARIABLE_ERRORS = 50
"""graphql-core's own limit."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Execution:
    """An operation with its coerced variables. It makes its executor only if it needs one, because that takes long.

    `has_resolved_root` tells whether the executor has seen a root field with a value that is not rendered.
    """

    schema: GraphQLSchema
    definitions: Definitions
    operation: OperationDefinitionNode
    variables: VariableValues
    context: Any
    hide_suggestions: bool
    show: Show = ignore_size
    event: object = None
    has_resolved_root: bool = False

    def for_event(self, event: object, context: object, show: Show = ignore_size) -> "Execution":
        """The same operation for an event of its subscription. It coerces no variables again."""
        return replace(self, event=event, context=context, show=show)

    def make_executor(self, middleware: MiddlewareManager | None = None) -> RenderingExecutor:
        executor = RenderingExecutor(
            self.schema,
            self.definitions.fragments,
            self.definitions.details,
            self.event,
            self.context,
            self.operation,
            self.variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            middleware_manager=middleware,
            hide_suggestions=self.hide_suggestions,
        )
        executor.show = self.show
        return executor

    def admit(self, size: int) -> bool:
        """Counts bytes of the result. Returns False when there are too many."""
        try:
            self.show(size)
        except Exception:
            return False
        return True

    def make_info(self, nodes: list[FieldNode]) -> "RootInfo":
        """What the resolver of a root field needs to know, without an executor."""
        return RootInfo(
            nodes,
            self.schema,
            self.definitions.fragments,
            self.operation,
            self.variables.coerced,
            self.context,
        )


@dataclass(frozen=True, slots=True)
class RootInfo:
    """The attributes of graphql-core's GraphQLResolveInfo that the resolvers of root fields read."""

    field_nodes: list[FieldNode]
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    operation: OperationDefinitionNode
    variable_values: Mapping[str, Any]
    context: Any


Built: TypeAlias = Execution | list[GraphQLError]
"""An operation that can be executed, or the errors of its variables."""


def build_execution(
    schema: GraphQLSchema,
    definitions: Definitions,
    operation: OperationDefinitionNode,
    *,
    context: object,
    variables: dict[str, Any],
    hide_suggestions: bool,
    show: Show = ignore_size,
) -> Built:
    """The execution of an operation. It coerces the variables and calls no resolver, so a thread may do it."""
    coerced = get_variable_values(
        schema, operation.variable_definitions or (), variables, MOST_VARIABLE_ERRORS, hide_suggestions
    )
    if isinstance(coerced, list):
        return coerced
    return Execution(schema, definitions, operation, coerced, context, hide_suggestions, show)


async def execute(built: Built, middleware: MiddlewareManager | None = None) -> ExecutionResult:
    """The result of a query or a mutation, or of one event of a subscription. A result that is too large is an error."""
    if isinstance(built, list):
        return ExecutionResult(None, built)
    executor = built.make_executor(middleware)
    try:
        result: Any = executor.execute_operation()
        done: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
    finally:
        executor.release()
    built.has_resolved_root = executor.has_resolved_root
    if executor.too_large is None:
        return done
    path = list(done.data or ())[:1]
    return ExecutionResult(None, [GraphQLError(str(executor.too_large), path=path, original_error=executor.too_large)])


async def open_events(built: Built) -> AsyncGenerator[Any, None] | ExecutionResult:
    """The source events of a subscription, or an ExecutionResult with the errors that prevent it.

    graphql-core's public `subscribe` maps each event to a result by itself; here each event is executed with a context of
    its own.
    """
    if isinstance(built, list):
        return ExecutionResult(None, built)
    executor = built.make_executor()
    events: Any = create_source_event_stream(executor)
    opened: AsyncGenerator[Any, None] | ExecutionResult = await events if executor.is_awaitable(events) else events
    executor.release()
    return opened


def find_strawberry_field(definition: GraphQLField) -> StrawberryField | None:
    """The field of Strawberry that a field of the schema was made of, if `call_resolver` can call it; None for other fields,
    such as those of introspection."""
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(field, StrawberryField) or field.base_resolver is None:
        return None
    resolver = field.base_resolver
    is_plain = resolver.self_parameter is not None and resolver.info_parameter is not None
    return field if is_plain and not any(extension.has_resolver for extension in field.extensions) else None


def convert_values(schema: GraphQLSchema, field: StrawberryField, values: dict[str, Any]) -> dict[str, Any]:
    """The coerced arguments of a field under the names of the resolver's parameters, and as Strawberry converts them."""
    made_by: strawberry.Schema = schema._strawberry_schema  # type: ignore[attr-defined]
    registry = made_by.schema_converter.scalar_registry
    return convert_arguments(values, field.arguments, registry, made_by.config)


def name_parameters(schema: GraphQLSchema, field: StrawberryField) -> dict[str, str]:
    """The names of the resolver's parameters by the names of the arguments."""
    converter = schema._strawberry_schema.config.name_converter  # type: ignore[attr-defined]
    return {converter.from_argument(argument): argument.python_name for argument in field.arguments}


def call_resolver(field: StrawberryField, info: "RootInfo", arguments: dict[str, Any]) -> Any:
    """Calls the resolver of a root field with converted arguments, as Strawberry does. The result may have to be awaited.

    The extensions of the field change arguments only.
    """
    for extension in field.extensions:
        arguments = extension.map_arguments(arguments)
    resolver: Any = field.base_resolver
    raw: Any = info
    return resolver(None, strawberry.Info(raw, field), **arguments)
