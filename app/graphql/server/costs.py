"""Costs: how much an operation asks for, known before it runs. About the number of values in its largest answer:

- A field costs 1, and 1 for every ten values in its arguments. A field that takes a page or a list, and every mutation,
  costs 10 instead of 1. `__schema` and `__type` cost 100 with all that is under them.
- What is under a list counts once for each member: as many as `first` or `last` of the field, or of the field around it,
  asks for (at most 100, and 20 when it does not say), else as many as the longest list in the arguments of either has,
  else 10.
- Variables count with their values. Fragments count wherever they are spread and whatever their type, and fields that
  `@skip` or `@include` leave out count too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    value_from_ast_untyped,
)

FIELD, HEAVY, INTROSPECTION = 1, 10, 100
VALUES = 10
"""So many values in arguments cost 1."""
DEFAULT_PAGE, LARGEST_PAGE, LIST = 20, 100, 10
COUNTS = frozenset({"first", "last"})


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection: what its plain fields cost, its other fields, and the fragments that it spreads."""

    plain: int
    fields: tuple["Field", ...]
    spreads: tuple["Selection", ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A field with arguments or a selection. `paged` tells whether it takes `first` or `last`; `counts` are their values."""

    own: int
    arguments: tuple[ValueNode, ...]
    paged: bool
    counts: tuple[ValueNode, ...]
    is_list: bool
    inner: Selection


EMPTY = Selection(0, (), ())


class Costs:
    """Reads the costs of a valid document's operations: each definition once, whatever spreads it."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        self.visits = 0
        named = (one for one in document.definitions if isinstance(one, FragmentDefinitionNode))
        self._definitions = {one.name.value: one for one in named}
        self._fragments: dict[str, Selection] = {}

    def operation(self, operation: OperationDefinitionNode) -> Selection:
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        least = HEAVY if operation.operation is OperationType.MUTATION else FIELD
        return self._selection(operation.selection_set, root, least)

    def _selection(self, node: SelectionSetNode, parent: GraphQLNamedType, least: int = FIELD) -> Selection:
        plain, fields, spreads = 0, [], []
        for one in node.selections:
            self.visits += 1
            if isinstance(one, FragmentSpreadNode):
                spreads.append(self._fragment(one.name.value, least))
            elif isinstance(one, InlineFragmentNode):
                condition = one.type_condition
                inner = self.schema.type_map[condition.name.value] if condition else parent
                spreads.append(self._selection(one.selection_set, inner, least))
            elif isinstance(one, FieldNode):
                field = self._field(one, parent, least)
                if field.arguments or field.inner is not EMPTY:
                    fields.append(field)
                else:
                    plain += field.own
        return Selection(plain, tuple(fields), tuple(spreads))

    def _fragment(self, name: str, least: int) -> Selection:
        if name not in self._fragments:
            definition = self._definitions[name]
            on = self.schema.type_map[definition.type_condition.name.value]
            self._fragments[name] = self._selection(definition.selection_set, on, least)
        return self._fragments[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType, least: int) -> Field:
        if node.name.value in ("__schema", "__type"):
            return Field(INTROSPECTION, (), False, (), False, EMPTY)
        definition = self.schema.get_field(parent, node.name.value)  # type: ignore[arg-type]
        assert definition is not None
        counts = tuple(one.value for one in node.arguments or () if one.name.value in COUNTS)
        inner = self._selection(node.selection_set, get_named_type(definition.type)) if node.selection_set else EMPTY
        return Field(
            own=HEAVY if _is_heavy(definition) else least,
            arguments=tuple(one.value for one in node.arguments or ()),
            paged=not COUNTS.isdisjoint(definition.args),
            counts=counts,
            is_list=is_list_type(get_nullable_type(definition.type)),
            inner=inner,
        )


def _is_heavy(field: GraphQLField) -> bool:
    lists = (is_list_type(get_nullable_type(one.type)) for one in field.args.values())
    return not COUNTS.isdisjoint(field.args) or any(lists)


class VariableCosts:
    """The values of an operation's variables, as they were given or as their defaults say; adds up costs with them."""

    def __init__(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> None:
        self.values = {
            one.variable.name.value: value_from_ast_untyped(one.default_value)
            for one in operation.variable_definitions or ()
            if one.default_value is not None
        } | dict(variables)
        self._sizes: dict[str, int] = {}
        self._known: dict[tuple[int, int | None], int] = {}

    def cost(self, selection: Selection, around: int | None = None) -> int:
        """What a selection costs once; `around` is how many members lists right under it have, if that is known."""
        key = (id(selection), around)
        if key not in self._known:
            self._known[key] = (
                selection.plain
                + sum(self._field(one, around) for one in selection.fields)
                + sum(self.cost(one, around) for one in selection.spreads)
            )
        return self._known[key]

    def _field(self, field: Field, around: int | None) -> int:
        members = self._members(field)
        own = field.own + sum(map(self._size, field.arguments)) // VALUES
        if not field.is_list:
            return own + self.cost(field.inner, members)
        times = next((one for one in (members, around) if one is not None), LIST)
        return own + times * self.cost(field.inner)

    def _members(self, field: Field) -> int | None:
        """How many members a field's arguments say that it has; None when they say nothing."""
        if field.paged:
            asked = next((one for one in map(self._whole, field.counts) if one is not None), DEFAULT_PAGE)
            return min(max(asked, 0), LARGEST_PAGE)
        return max((length for one in field.arguments for length in self._lengths(one)), default=None)

    def _whole(self, node: ValueNode) -> int | None:
        value = self._value(node) if isinstance(node, VariableNode | IntValueNode) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _value(self, node: VariableNode | IntValueNode) -> Any:
        return self.values.get(node.name.value) if isinstance(node, VariableNode) else int(node.value)

    def _lengths(self, node: ValueNode) -> Iterator[int]:
        """The lengths of the lists that an argument is, or has as a member."""
        members: Iterable[Any] = (node,)
        if isinstance(node, ObjectValueNode):
            members = (one.value for one in node.fields)
        for member in members:
            if isinstance(member, ListValueNode):
                yield len(member.values)
            elif isinstance(member, VariableNode):
                value = self.values.get(member.name.value)
                held = value.values() if isinstance(value, dict) else (value,)
                yield from (len(one) for one in held if isinstance(one, list))

    def _size(self, node: ValueNode) -> int:
        """How many values an argument holds."""
        if isinstance(node, ListValueNode):
            return 1 + sum(map(self._size, node.values))
        if isinstance(node, ObjectValueNode):
            return 1 + sum(self._size(one.value) for one in node.fields)
        if not isinstance(node, VariableNode):
            return 1
        name = node.name.value
        if name not in self._sizes:
            self._sizes[name] = count_values(self.values.get(name))
        return self._sizes[name]


def count_values(value: object) -> int:
    """A value and all that is in it."""
    if isinstance(value, dict):
        return 1 + sum(map(count_values, value.values()))
    return 1 + sum(map(count_values, value)) if isinstance(value, list) else 1
