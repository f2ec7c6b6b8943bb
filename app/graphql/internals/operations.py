"""Operations: one with its coerced variables, and what the resolvers of its fields get and give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableValues,
    get_variable_values,
)
from graphql.execution.collect_fields import FragmentDetails
from strawberry.types.field import StrawberryField


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


def ignore_size(size: int) -> None:
    """For operations without a limit."""


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


def call_resolver(field: StrawberryField, info: "RootInfo", arguments: dict[str, Any]) -> Any:
    """Calls the resolver of a root field with converted arguments, as Strawberry does. The result may have to be awaited.

    The extensions of the field change arguments only.
    """
    for extension in field.extensions:
        arguments = extension.map_arguments(arguments)
    resolver: Any = field.base_resolver
    raw: Any = info
    return resolver(None, strawberry.Info(raw, field), **arguments)
