"""Plans: the parts of a record that a selection needs, read once per document, and whether the database can render them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from app.graphql.execution.links import LINKS
from app.query.face import Codec, Face, Field, Kind
from app.query.sql.render import Selection

LONGEST_LABEL = 63
"""PostgreSQL cuts longer labels, so longer aliases are not rendered."""
MOST_LABELS = 500
"""PostgreSQL selects at most 1,664 columns, and writes each value as often as it is selected. A selection with more labels,
those of documents and linked records included, is not rendered."""

Fields = dict[str, list[FieldNode]]
"""The fields of a selection by response key, in order."""
Step = tuple[str, str]
"""A type and one of its fields, on the way into a selection."""


@dataclass(frozen=True, slots=True)
class SelectionReader:
    """Reads the selections of a document with its fragments and the values of its variables."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def collect(self, nodes: Iterable[FieldNode], types: frozenset[str]) -> Fields:
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


def plan_record(reader: SelectionReader, fields: Fields, face: Face) -> Selection | None:
    """The selection that renders these fields, or None when some need a resolver."""
    selection: list[tuple[str, Field]] = []
    if len(fields) > MOST_LABELS:
        return None
    for key, nodes in fields.items():
        name = nodes[0].name.value
        field = _typename(face.type_name) if name == "__typename" else _plan_field(reader, nodes, face)
        if field is None or len(key.encode()) > LONGEST_LABEL:
            return None
        selection.append((key, field))
    return tuple(selection) if count_labels(selection) <= MOST_LABELS else None


def _plan_field(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> Field | None:
    """The field with the selected members of its document or linked record, or None when some need a resolver."""
    name = nodes[0].name.value
    field = face.fields.get(name) or LINKS.get((face.type_name, name))
    if field is None or field.codec.document is None:
        return field
    members = plan_selection(reader, nodes, field.codec.document)
    return None if members is None else _narrow(field, members)


def count_labels(selection: Iterable[tuple[str, Field]]) -> int:
    """The number of keys in one rendered record."""
    return sum(1 + count_labels(field.codec.members) for _, field in selection)


@lru_cache(maxsize=1024)
def _narrow(field: Field, members: Selection) -> Field:
    """The field with these members of its object. Equal calls give one field, so that its statement is kept."""
    return replace(field, codec=replace(field.codec, members=members))


def plan_selection(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> Selection | None:
    """The selection of the records that some fields of one response key give."""
    return plan_record(reader, reader.collect(nodes, types_of(face.type_name)), face)


def plan_inside(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face, *steps: Step) -> Selection | None:
    """The selection of the records that lie `steps` below a field.

    It is empty when no record is selected, and None when a field needs a resolver or two places select different fields.
    """
    selections = [plan_selection(reader, group, face) for group in reader.find_groups(nodes, *steps)]
    if not selections:
        return ()
    return selections[0] if len(set(selections)) == 1 else None


def render_faces(selections: Mapping[str, Selection | None]) -> Selection:
    """The selection that renders a row once for each name, as a text that holds JSON. Empty selections are left out."""
    return tuple((name, _row_field(name, selection)) for name, selection in selections.items() if selection)


@lru_cache(maxsize=1024)
def _row_field(name: str, selection: Selection) -> Field:
    return Field(name, "id", codec=Codec(row=selection), writable=False, filterable=False, sortable=False)


@cache
def _typename(type_name: str) -> Field:
    """The field `__typename` of a record type."""
    return Field(
        "__typename", "id", Kind.TEXT, Codec(constant=type_name), writable=False, filterable=False, sortable=False
    )


@dataclass(frozen=True, slots=True)
class Template:
    """The JSON of a connection's edge with slots for its node and its cursor."""

    pattern: str

    def fill(self, node: str, cursor: str) -> str:
        return self.pattern % {"node": node, "cursor": cursor}


SLOTS = {"node": "%(node)s", "cursor": '"%(cursor)s"'}


def make_edge_template(fields: Fields, edge_type: str) -> Template:
    """The template of an edge with these fields."""
    members = (f'"{key}":' + SLOTS.get(nodes[0].name.value, f'"{edge_type}"') for key, nodes in fields.items())
    return Template("{" + ",".join(members) + "}")


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """The parts of a connection that its selection needs. `selection` is None when some node field needs a resolver."""

    rows: bool
    total: bool
    next: bool
    previous: bool
    selection: Selection | None
    edge: Template | None


def plan_connection(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> ConnectionPlan:
    """The plan of the fields under a connection of a face's records."""
    type_name = face.type_name
    fields = reader.collect(nodes, frozenset({f"{type_name}Connection"}))
    by_name: dict[str, list[list[FieldNode]]] = {}
    for group in fields.values():
        by_name.setdefault(group[0].name.value, []).append(group)
    infos = [reader.collect(group, frozenset({"PageInfo"})) for group in by_name.get("pageInfo", [])]
    wanted = {node.name.value for info in infos for group in info.values() for node in group}
    edges = [reader.collect(group, frozenset({f"{type_name}Edge"})) for group in by_name.get("edges", [])]
    selections = [plan_selection(reader, group, face) for group in (*by_name.get("nodes", []), *_edge_nodes(edges))]
    one_edge = len(edges) <= 1 and not any(map(_repeats, edges))
    plain = bool(selections) and None not in selections and len(set(selections)) == 1 and one_edge
    return ConnectionPlan(
        rows=bool(edges or by_name.get("nodes") or wanted),
        total="totalCount" in by_name,
        next="hasNextPage" in wanted,
        previous="hasPreviousPage" in wanted,
        selection=selections[0] if plain else () if not selections and one_edge else None,
        edge=make_edge_template(edges[0], f"{type_name}Edge") if len(edges) == 1 else None,
    )


def _repeats(fields: Fields) -> bool:
    """True if a field is selected under several names. An edge with a long cursor under many names would be vast."""
    return len({nodes[0].name.value for nodes in fields.values()}) < len(fields)


def _edge_nodes(edges: Iterable[Fields]) -> list[list[FieldNode]]:
    return [group for edge in edges for group in edge.values() if group[0].name.value == "node"]


def types_of(type_name: str) -> frozenset[str]:
    """The names that a fragment on a record may use."""
    return frozenset({type_name, "Node"})
