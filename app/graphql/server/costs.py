"""The cost of an operation, known before it runs: about the number of values in its largest possible result.

- A field costs 1, plus 1 for every ten values in its arguments. A field that takes a page or a list, and every mutation,
  costs 10 instead of 1. `__schema` and `__type` cost 100, plus 1 for each value below them.
- The selection under a list counts once for each member. The number of members is `first` or `last` of the field or of
  the field around it: at most 100, by default 20. Without these arguments it is the length of the longest list in the
  arguments of either field, and without such a list it is 10.
- A client, a customer or a connection of them that the database does not render whole costs ten times as much, with its
  selection. Resolvers give its fields one by one, in ten times the time.
- The work of writing statements (`work.py`) counts once for each field of the document. A part of it is free.
- Variables count with their values. Fragments count wherever they are spread, with any type condition. Fields
  that `@skip` or `@include` leave out count too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
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
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_list_type,
    is_object_type,
    value_from_ast_untyped,
)

from app.graphql.server.work import PAGE_ARGUMENTS, Work, find_work, fixed_work

FIELD_COST, HEAVY_FIELD_COST, INTROSPECTION_COST = 1, 10, 100
SCHEMA_VALUE = 1.5
"""The cost of a value of introspection. The executor completes each of them."""
RESOLVED = 10
"""The factor of records that resolvers give field by field."""
VALUES_PER_COST = 10
"""This many values in arguments cost 1."""
DEFAULT_PAGE, MAX_PAGE, DEFAULT_LIST = 20, 100, 10


@dataclass(frozen=True, slots=True)
class SelectionCost:
    """The cost of a selection: the sum for its plain fields, its other fields, and the fragments that it spreads. `work` is
    that of all fields at any depth."""

    plain: int
    work: Work
    fields: tuple["FieldCost", ...]
    spreads: tuple["SelectionCost", ...]


@dataclass(frozen=True, slots=True)
class FieldCost:
    """The cost of a field with arguments or a selection. `paged` is true for a field that takes `first` or `last`; `counts`
    holds the values of these two. `node` is the id of its node."""

    own: int
    work: Work
    arguments: tuple[ValueNode, ...]
    paged: bool
    counts: tuple[ValueNode, ...]
    is_list: bool
    inner: SelectionCost
    node: int


EMPTY = SelectionCost(0, fixed_work(0), (), ())


@cache
def average_lengths(schema: GraphQLSchema) -> Mapping[str, float]:
    """The average lengths of the lists in introspection, by the names of their fields. `types` is the only one of its kind."""
    types = list(schema.type_map.values())
    fields = [
        field for type_ in types if is_object_type(type_) or is_interface_type(type_) for field in type_.fields.values()
    ]
    inputs = sum(len(type_.fields) for type_ in types if is_input_object_type(type_))
    words = sum(len(type_.values) for type_ in types if is_enum_type(type_))
    return {
        "types": len(types),
        "directives": len(schema.directives),
        "fields": len(fields) / len(types),
        "args": sum(len(field.args) for field in fields) / len(fields),
        "inputFields": inputs / len(types),
        "enumValues": words / len(types),
        "ofType": 0.5,
    }


class Costs:
    """Reads the costs of a valid document's operations. Each definition is read once, however often it is spread."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        fragments = (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
        self._definitions = {node.name.value: node for node in fragments}
        self._fragments: dict[str, SelectionCost] = {}
        self._counts: dict[str, float] = {}

    def read_operation(self, operation: OperationDefinitionNode) -> SelectionCost:
        root = self.schema.get_root_type(operation.operation)
        assert root is not None  # noqa: S101 - narrows the type
        least = HEAVY_FIELD_COST if operation.operation is OperationType.MUTATION else FIELD_COST
        return self._read_selection(operation.selection_set, root, least)

    def read_node(self, node: SelectionNode, parent: GraphQLNamedType, least: int) -> SelectionCost | FieldCost:
        """The cost of one field, fragment spread or inline fragment. `least` is the least cost of a field."""
        if isinstance(node, FragmentSpreadNode):
            return self._read_fragment(node.name.value, least)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = self.schema.type_map[condition.name.value] if condition else parent
            return self._read_selection(node.selection_set, inner, least)
        assert isinstance(node, FieldNode)  # noqa: S101 - narrows the type
        return self._read_field(node, parent, least)

    def _read_selection(self, node: SelectionSetNode, parent: GraphQLNamedType, least: int) -> SelectionCost:
        plain, work, fields, spreads = 0, Work(), [], []
        for selected in node.selections:
            cost = self.read_node(selected, parent, least)
            work.add(cost.work)
            if isinstance(cost, SelectionCost):
                spreads.append(cost)
                continue
            work.add(cost.inner.work)
            if cost.arguments or cost.inner is not EMPTY:
                fields.append(cost)
            else:
                plain += cost.own
        return SelectionCost(plain, work, tuple(fields), tuple(spreads))

    def _read_fragment(self, name: str, least: int) -> SelectionCost:
        if name not in self._fragments:
            definition = self._definitions[name]
            condition = self.schema.type_map[definition.type_condition.name.value]
            self._fragments[name] = self._read_selection(definition.selection_set, condition, least)
        return self._fragments[name]

    def _count_schema_values(self, selection: SelectionSetNode | None) -> float:
        """The values of an object of the schema, with lists of average length. Fragments count wherever they are spread."""
        count = 0.0
        for node in selection.selections if selection else ():
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in self._counts:
                    self._counts[name] = self._count_schema_values(self._definitions[name].selection_set)
                count += self._counts[name]
            elif isinstance(node, FieldNode):
                length = average_lengths(self.schema).get(node.name.value, 1.0)
                count += 1 + length * self._count_schema_values(node.selection_set)
            elif isinstance(node, InlineFragmentNode):
                count += self._count_schema_values(node.selection_set)
        return count

    def _read_field(self, node: FieldNode, parent: GraphQLNamedType, least: int) -> FieldCost:
        if node.name.value in ("__schema", "__type"):
            own = INTROSPECTION_COST + int(SCHEMA_VALUE * self._count_schema_values(node.selection_set))
            return FieldCost(own, fixed_work(0), (), False, (), False, EMPTY, id(node))
        assert is_composite_type(parent)  # noqa: S101 - narrows the type
        definition = self.schema.get_field(parent, node.name.value)
        assert definition is not None  # noqa: S101 - narrows the type
        arguments = node.arguments or ()
        type_, selected = get_named_type(definition.type), node.selection_set
        return FieldCost(
            own=HEAVY_FIELD_COST if _is_heavy(definition) else least,
            work=find_work(parent, definition, node),
            arguments=tuple(argument.value for argument in arguments),
            paged=not PAGE_ARGUMENTS.isdisjoint(definition.args),
            counts=tuple(argument.value for argument in arguments if argument.name.value in PAGE_ARGUMENTS),
            is_list=is_list_type(get_nullable_type(definition.type)),
            inner=self._read_selection(selected, type_, FIELD_COST) if selected else EMPTY,
            node=id(node),
        )


def _is_heavy(field: GraphQLField) -> bool:
    lists = (is_list_type(get_nullable_type(argument.type)) for argument in field.args.values())
    return not PAGE_ARGUMENTS.isdisjoint(field.args) or any(lists)


class VariableCosts:
    """Adds up costs with the values of an operation's variables: the request's values, else the declared defaults.

    `resolved` are the ids of the nodes of records that the database does not render.
    """

    def __init__(
        self, operation: OperationDefinitionNode, variables: Mapping[str, Any], resolved: Collection[int] = ()
    ) -> None:
        self.resolved = resolved
        self.values = {
            declared.variable.name.value: value_from_ast_untyped(declared.default_value)
            for declared in operation.variable_definitions or ()
            if declared.default_value is not None
        } | dict(variables)
        self._sizes: dict[str, int] = {}
        self._sums: dict[tuple[int, int | None], int] = {}

    def find_cost(self, selection: SelectionCost) -> int:
        """The cost of an operation with this selection."""
        return self.add_up(selection) + selection.work.find_cost(self.values)

    def add_up(self, selection: SelectionCost, around: int | None = None) -> int:
        """The cost of a selection. `around` is the number of members of a list directly under it, if that is known."""
        key = (id(selection), around)
        if key not in self._sums:
            self._sums[key] = (
                selection.plain
                + sum(self._add_up_field(field, around) for field in selection.fields)
                + sum(self.add_up(spread, around) for spread in selection.spreads)
            )
        return self._sums[key]

    def _add_up_field(self, field: FieldCost, around: int | None) -> int:
        factor = RESOLVED if field.node in self.resolved else 1
        members = self._count_members(field)
        own = field.own + sum(map(self._count_argument, field.arguments)) // VALUES_PER_COST
        if not field.is_list:
            return factor * (own + self.add_up(field.inner, members))
        times = next((count for count in (members, around) if count is not None), DEFAULT_LIST)
        return factor * (own + times * self.add_up(field.inner))

    def _count_members(self, field: FieldCost) -> int | None:
        """The number of members that a field's arguments ask for; None if they do not tell."""
        if field.paged:
            counts = map(self._read_count, field.counts)
            count = next((count for count in counts if count is not None), DEFAULT_PAGE)
            return min(max(count, 0), MAX_PAGE)
        return max((length for argument in field.arguments for length in self._list_lengths(argument)), default=None)

    def _read_count(self, node: ValueNode) -> int | None:
        if isinstance(node, IntValueNode):
            return int(node.value)
        value = self.values.get(node.name.value) if isinstance(node, VariableNode) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _list_lengths(self, node: ValueNode) -> Iterator[int]:
        """The lengths of the lists that an argument is, or that are members of its object."""
        members: Iterable[ValueNode] = (node,)
        if isinstance(node, ObjectValueNode):
            members = (field.value for field in node.fields)
        for member in members:
            if isinstance(member, ListValueNode):
                yield len(member.values)
            elif isinstance(member, VariableNode):
                value = self.values.get(member.name.value)
                held = value.values() if isinstance(value, dict) else (value,)
                yield from (len(values) for values in held if isinstance(values, list))

    def _count_argument(self, node: ValueNode) -> int:
        """The number of values that an argument holds."""
        if isinstance(node, ListValueNode):
            return 1 + sum(map(self._count_argument, node.values))
        if isinstance(node, ObjectValueNode):
            return 1 + sum(self._count_argument(field.value) for field in node.fields)
        if not isinstance(node, VariableNode):
            return 1
        name = node.name.value
        if name not in self._sizes:
            self._sizes[name] = count_values(self.values.get(name))
        return self._sizes[name]


def count_values(value: object) -> int:
    """The number of values in a value, with itself and the values at every depth."""
    if isinstance(value, dict):
        return 1 + sum(map(count_values, value.values()))
    return 1 + sum(map(count_values, value)) if isinstance(value, list) else 1
