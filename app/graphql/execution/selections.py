"""SelectionReader: reads the selections of a document, with its fragments and the values of its variables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    VariableValues,
    get_argument_values,
)

from app.changes.record import Position

Fields = dict[str, list[FieldNode]]
"""The fields of a selection by response key, in order."""
Step = tuple[str, str]
"""A type and one of its fields, on the way into a selection."""

MOST_NESTED_LABELS = 1_500
"""The most labels of a record with all lists inside it. PostgreSQL writes each value as often as it is selected."""


class Reason(StrEnum):
    """The reason why the database does not render a selection.

    - LABEL: a response key is too long for PostgreSQL.
    - SIZE: the selection has too many fields, or too many documents in one value.
    - ARGUMENT: an argument of a nested field is an error, or depends on the record that has the field.
    - PATTERN: a condition of a list inside a record has a pattern that may take long.
    - POSITION: a row that a resolver reads shows a settled position.
    - PLACES: two places show a written record with different fields.
    - WRITTEN: a record with lists is shown as it was written, as it has an idempotency key or is erased.
    - LOST: changes after a cursor have lost their images.
    - RESOLVER: only a resolver knows a field.
    """

    LABEL = "label"
    SIZE = "size"
    ARGUMENT = "argument"
    PATTERN = "pattern"
    POSITION = "position"
    PLACES = "places"
    WRITTEN = "written"
    LOST = "lost"
    RESOLVER = "resolver"


class NotRendered(Exception):
    """The database does not render a selection, for a reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Notes:
    """The notes of one reading of a selection.

    - `labels`: the number of keys so far, and `documents` that of free-form documents in one aggregated value.
    - `parameters`: the values of arguments by the names of their parameters in SQL.
    - `variables`: the names of the variables in the arguments of nested fields.
    - `owner`: the record that cursors in the selection belong to, by the ids of its organization and of itself.
    - `settled`: a list must be read after the position of the same operation.
    - `shows_position`: the selection shows settled positions, or lists settled changes.
    - `starts`: the positions in cursors of changes, which are valid in one epoch.
    """

    labels: int = 0
    documents: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    owner: tuple[str, str] | None = None
    settled: bool = False
    shows_position: bool = False
    starts: list[Position] = field(default_factory=list)

    def add_labels(self, count: int) -> None:
        """Counts labels of the record and of all lists inside it. Raises NotRendered when there are too many."""
        self.labels += count
        if self.labels > MOST_NESTED_LABELS:
            raise NotRendered(Reason.SIZE)


@dataclass(frozen=True, slots=True)
class SelectionReader:
    """Reads the selections of a document with its fragments and the values of its variables.

    - `nested`: lists inside of records may be rendered. `bound`: they may have parameters.
    - `known`: the selection is that of one record, so a cursor in it may belong to the record.
    - `shows_addresses`: the caller may see the addresses of accounts.
    - `rows`: the most rows of one aggregated value that the selection is for; 0 outside of such a value.
    """

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    schema: GraphQLSchema | None = None
    nested: bool = False
    bound: bool = False
    known: bool = False
    shows_addresses: bool = False
    rows: int = 0
    notes: Notes = field(default_factory=Notes)

    def nest(self, *, bound: bool = False, known: bool = False) -> Self:
        """The same reader for a selection that may have lists inside of records."""
        return replace(self, nested=True, bound=bound, known=known)

    def enter_list(self, limit: int) -> Self:
        """The same reader for the rows of a page inside a record."""
        return replace(self, known=False, rows=max(self.rows, 1) * limit)

    def accept_owner(self, owner: tuple[str, str]) -> bool:
        """False for a cursor of another record than the one that the selection is for. Its organization is compared later."""
        if not self.known or self.notes.owner not in (None, owner):
            return False
        self.notes.owner = owner
        return True

    def add_parameter(self, value: object) -> str:
        """The name of a new parameter with this value."""
        name = self.next_name()
        self.notes.parameters[name] = value
        return name

    def next_name(self) -> str:
        """The name of the next parameter. Names that begin with it and an underscore are free, too."""
        return f"n{len(self.notes.parameters)}"

    def read_arguments(self, type_name: str, node: FieldNode) -> dict[str, Any]:
        """The coerced arguments of a field. Raises GraphQLError for a wrong one."""
        assert self.schema is not None  # noqa: S101 - narrows the type
        type_ = self.schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101 - narrows the type
        for argument in node.arguments or ():
            self.notes.variables |= set(_find_variables(argument.value))
        return get_argument_values(type_.fields[node.name.value], node, VariableValues({}, dict(self.variables)))

    def collect(self, nodes: Iterable[FieldNode | OperationDefinitionNode], types: frozenset[str]) -> Fields:
        """The fields selected under `nodes` for a type that goes by any name in `types` (its own and its interfaces)."""
        fields: Fields = {}
        for node in nodes:
            if node.selection_set is not None:
                for field in self._walk(node.selection_set, types, set()):
                    fields.setdefault(field.alias.value if field.alias else field.name.value, []).append(field)
        return fields

    def find_groups(self, nodes: Sequence[FieldNode], *steps: "Step") -> list[Sequence[FieldNode]]:
        """The fields that lie `steps` below some fields of one response key, grouped by their response keys."""
        groups: list[Sequence[FieldNode]] = [nodes]
        for type_, name in steps:
            below = (self.collect(group, frozenset({type_})) for group in groups)
            groups = [group for fields in below for group in fields.values() if group[0].name.value == name]
        return groups

    def _walk(self, selection: SelectionSetNode, types: frozenset[str], seen: set[str]) -> Iterator[FieldNode]:
        for node in selection.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or node.type_condition.name.value in types:
                    yield from self._walk(node.selection_set, types, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if fragment.type_condition.name.value in types:
                    yield from self._walk(fragment.selection_set, types, seen)

    def _is_included(self, node: SelectionNode) -> bool:
        return all(map(self._keeps, node.directives or ()))

    def _keeps(self, directive: DirectiveNode) -> bool:
        """True unless `@skip` or `@include` leaves its node out."""
        if directive.name.value not in ("skip", "include") or not directive.arguments:
            return True
        condition: Any = directive.arguments[0].value
        is_variable = isinstance(condition, VariableNode)
        value = self.variables.get(condition.name.value) if is_variable else condition.value
        return bool(value) is (directive.name.value == "include")


def _find_variables(value: ValueNode) -> Iterator[str]:
    """The names of the variables in a value."""
    waiting: list[Any] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, VariableNode):
            yield node.name.value
        waiting.extend(node.values if isinstance(node, ListValueNode) else ())
        waiting.extend(each.value for each in (node.fields if isinstance(node, ObjectValueNode) else ()))
