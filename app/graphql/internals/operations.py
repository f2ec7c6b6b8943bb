"""Operations: one with its coerced variables, and what the resolvers of its fields get and give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLLeafType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    VariableValues,
    coerce_input_value,
    get_nullable_type,
    get_variable_values,
    is_leaf_type,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValueSource
from strawberry.types.field import StrawberryField


@dataclass(slots=True)
class ResolvedField:
    """The field that a resolver runs for, with the attributes of graphql-core's GraphQLResolveInfo that resolvers read.

    `field_nodes` are its nodes in the document, whose `fragments` stand beside it. `variable_values` are coerced.
    """

    field_nodes: list[FieldNode]
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    operation: OperationDefinitionNode
    variable_values: Mapping[str, Any]
    context: Any


def read_resolved_field(info: strawberry.Info[Any, Any]) -> ResolvedField:
    """The field that `info` belongs to. Strawberry's own `info.selected_fields` is a converted copy; plans need the nodes."""
    raw: Any = info._raw_info
    resolved: ResolvedField = raw
    return resolved


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


Leaves: TypeAlias = tuple[tuple[GraphQLVariableSignature, GraphQLLeafType], ...]
"""The variables of an operation, with their types apart from `!`."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """The fragments of a document by name: their nodes, and what graphql-core's executor knows about them.

    `leaves` has the variables of operations whose variables are scalars and enums only, by the ids of the operations.
    """

    fragments: dict[str, FragmentDefinitionNode]
    details: dict[str, FragmentDetails]
    leaves: dict[int, Leaves | None] = field(default_factory=dict)

    def find_leaves(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> Leaves | None:
        """The variables of an operation. None if one of them is a list or an object."""
        if id(operation) not in self.leaves:
            self.leaves[id(operation)] = _read_leaves(schema, operation)
        return self.leaves[id(operation)]


def _read_leaves(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Leaves | None:
    leaves = []
    for node in operation.variable_definitions or ():
        signature = get_variable_signature(schema, node)
        type_ = None if isinstance(signature, GraphQLError) else get_nullable_type(signature.type)
        if isinstance(signature, GraphQLError) or not is_leaf_type(type_):
            return None
        leaves.append((signature, type_))
    return tuple(leaves)


def read_definitions(document: DocumentNode) -> Definitions:
    """The fragments of a valid document."""
    nodes = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    named = {node.name.value: node for node in nodes}
    return Definitions(named, {name: FragmentDetails(node, None) for name, node in named.items()})


MOST_VARIABLE_ERRORS = 50
"""graphql-core's own limit."""


Switches: TypeAlias = tuple[tuple[str, bool], ...]


def find_switches(variables: Mapping[str, Any]) -> Switches:
    """The boolean variables, which decide about the fields that are left out."""
    return tuple([item for item in variables.items() if item[1] is True or item[1] is False])


@dataclass(slots=True, eq=False, weakref_slot=True)
class Execution:
    """An operation with its coerced variables. It makes its executor only if it needs one, because that takes long.

    `has_resolved_root` tells whether the executor has seen a root field, or a field in the payload of a mutation, with a value
    that is not rendered.
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
    switches: Switches = ()

    def __post_init__(self) -> None:
        self.switches = find_switches(self.variables.coerced)

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

    def make_info(self, nodes: list[FieldNode]) -> ResolvedField:
        """What the resolver of a field needs to know, without an executor."""
        return ResolvedField(
            nodes,
            self.schema,
            self.definitions.fragments,
            self.operation,
            self.variables.coerced,
            self.context,
        )


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
    leaves = definitions.find_leaves(schema, operation)
    coerced: VariableValues | list[GraphQLError] | None = None if leaves is None else _coerce_leaves(leaves, variables)
    if coerced is None:
        coerced = get_variable_values(
            schema, operation.variable_definitions or (), variables, MOST_VARIABLE_ERRORS, hide_suggestions
        )
    if isinstance(coerced, list):
        return coerced
    return Execution(schema, definitions, operation, coerced, context, hide_suggestions, show)


def _coerce_leaves(leaves: Leaves, variables: Mapping[str, Any]) -> VariableValues | None:
    """The variables as `get_variable_values` coerces them. None if one has no value or is wrong."""
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature, type_ in leaves:
        name = signature.name
        value = variables.get(name)
        made = Undefined if value is None else coerce_input_value(value, type_)
        if made is Undefined:
            return None
        sources[name], coerced[name] = VariableValueSource(signature, value), made
    return VariableValues(sources, coerced)


def call_resolver(field: StrawberryField, info: ResolvedField, arguments: dict[str, Any]) -> Any:
    """Calls the resolver of a root field with converted arguments, as Strawberry does. The result may have to be awaited.

    The extensions of the field change arguments only.
    """
    for extension in field.extensions:
        arguments = extension.map_arguments(arguments)
    resolver: Any = field.base_resolver
    raw: Any = info
    return resolver.wrapped_func(None, strawberry.Info(raw, field), **arguments)
