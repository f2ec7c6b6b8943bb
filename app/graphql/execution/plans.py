"""Plans: what a selection asks of a record, worked out once per document, and whether the database can render it whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)

from app.query.face import Codec, Face, Field, Kind
from app.query.sql.render import Selection

LONGEST_LABEL = 63
"""PostgreSQL cuts longer labels, so longer aliases are not rendered."""
MOST_LABELS = 500
"""PostgreSQL selects at most 1,664 columns; wider selections are not rendered."""

Fields = dict[str, list[FieldNode]]
"""The fields of a selection by response key, in order."""


@dataclass(frozen=True, slots=True)
class SelectionReader:
    """What is needed to read a document: its fragments and the values of its variables."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def collect(self, nodes: Iterable[FieldNode], types: frozenset[str]) -> Fields:
        """The fields selected under `nodes` for a type that goes by any name in `types` (its own and its interfaces)."""
        found: Fields = {}
        for node in nodes:
            if node.selection_set is not None:
                for one in self._walk(node.selection_set, types, set()):
                    found.setdefault(one.alias.value if one.alias else one.name.value, []).append(one)
        return found

    def _walk(self, selection: SelectionSetNode, types: frozenset[str], seen: set[str]) -> Iterator[FieldNode]:
        for node in selection.selections:
            if not self._included(node):
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

    def _included(self, node: Any) -> bool:
        return all(self._holds(one) for one in node.directives or ())

    def _holds(self, directive: Any) -> bool:
        if directive.name.value not in ("skip", "include"):
            return True
        value = directive.arguments[0].value
        given = self.variables.get(value.name.value) if isinstance(value, VariableNode) else value.value
        return bool(given) is (directive.name.value == "include")


def plan_record(fields: Fields, face: Face, noun: str) -> Selection | None:
    """The selection that renders these fields, or None when some need a resolver."""
    selection: list[tuple[str, Field]] = []
    if len(fields) > MOST_LABELS:
        return None
    for key, nodes in fields.items():
        name = nodes[0].name.value
        found = TYPENAMES[noun] if name == "__typename" else face.fields.get(name)
        if found is None or len(key.encode()) > LONGEST_LABEL:
            return None
        selection.append((key, found))
    return tuple(selection)


def plan_inside(
    reading: SelectionReader, nodes: Sequence[FieldNode], face: Face, *steps: tuple[str, str]
) -> Selection | None:
    """The selection of the records that lie `steps` below a field, each step a type and its field.

    It is empty when none is asked for, and None when some of it needs a resolver or two places ask for different fields.
    """
    groups: list[Sequence[FieldNode]] = [nodes]
    for type_, name in steps:
        below = (reading.collect(group, frozenset({type_})) for group in groups)
        groups = [found for fields in below for found in fields.values() if found[0].name.value == name]
    selections = [plan_record(reading.collect(group, types_of(face.noun)), face, face.noun) for group in groups]
    if not selections:
        return ()
    return selections[0] if len(set(selections)) == 1 else None


def _typename(noun: str) -> Field:
    return Field("__typename", "id", Kind.TEXT, Codec(constant=noun), writable=False, filterable=False, sortable=False)


TYPENAMES = {noun: _typename(noun) for noun in ("Client", "Customer")}


@dataclass(frozen=True, slots=True)
class Template:
    """The JSON of a connection's edge with places for its node and its cursor."""

    pattern: str

    def fill(self, node: str, cursor: str) -> str:
        return self.pattern % {"node": node, "cursor": cursor}


PLACES = {"node": "%(node)s", "cursor": '"%(cursor)s"'}


def edge_template(fields: Fields, edge_type: str) -> Template:
    """How an edge with these fields is written."""
    members = (f'"{key}":' + PLACES.get(nodes[0].name.value, f'"{edge_type}"') for key, nodes in fields.items())
    return Template("{" + ",".join(members) + "}")


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """What a connection's selection asks for. `selection` is None when some node field needs a resolver."""

    rows: bool
    total: bool
    next: bool
    previous: bool
    selection: Selection | None
    edge: Template | None


def plan_connection(reading: SelectionReader, nodes: Sequence[FieldNode], face: Face, noun: str) -> ConnectionPlan:
    """The plan of the fields under a connection of `noun`."""
    fields = reading.collect(nodes, frozenset({f"{noun}Connection"}))
    by_name: dict[str, list[list[FieldNode]]] = {}
    for found in fields.values():
        by_name.setdefault(found[0].name.value, []).append(found)
    info = [reading.collect(one, frozenset({"PageInfo"})) for one in by_name.get("pageInfo", [])]
    wanted = {node.name.value for one in info for group in one.values() for node in group}
    edges = [reading.collect(one, frozenset({f"{noun}Edge"})) for one in by_name.get("edges", [])]
    selections = [
        plan_record(reading.collect(group, types_of(noun)), face, noun)
        for group in (*by_name.get("nodes", []), *_named(edges, "node"))
    ]
    plain = bool(selections) and None not in selections and len(set(selections)) == 1 and len(edges) <= 1
    return ConnectionPlan(
        rows=bool(edges or by_name.get("nodes") or wanted),
        total="totalCount" in by_name,
        next="hasNextPage" in wanted,
        previous="hasPreviousPage" in wanted,
        selection=selections[0] if plain else () if not selections and len(edges) <= 1 else None,
        edge=edge_template(edges[0], f"{noun}Edge") if len(edges) == 1 else None,
    )


def _named(edges: Iterable[Fields], name: str) -> list[list[FieldNode]]:
    return [group for edge in edges for group in edge.values() if group[0].name.value == name]


def types_of(noun: str) -> frozenset[str]:
    """The names that a fragment on a record may use."""
    return frozenset({noun, "Node"})
