"""Plans: the selection that the database renders for the fields of a record, or the reason why it needs resolvers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache

from graphql import FieldNode, GraphQLError

from app.changes.listed import CheckedConnection
from app.clients.sources import RecordCursor
from app.errors import DomainError
from app.graphql.execution.arguments import read_nested_page
from app.graphql.execution.change_pages import CHANGES, POSITIONS, read_changes
from app.graphql.execution.links import LINKS, LISTS, NestedField, NestedList, find_nested, read_duplicates
from app.graphql.execution.selections import Fields, NotRendered, Reason, SelectionReader
from app.query.face import Codec, Computed, Face, Field, Kind, Link
from app.query.sql.connections import (
    EDGE_CURSOR,
    PAGE_INFO,
    PAGE_INFO_FACE,
    TOTAL_COUNT,
    Connection,
    list_field,
)
from app.query.sql.nested import Nested
from app.query.sql.render import Selection

LONGEST_LABEL = 63
"""Each row of a list has the labels in its text, which lies in PostgreSQL's memory. So longer aliases are not rendered."""
MOST_LABELS = 500
"""PostgreSQL writes each value as often as it is selected. So a record with more labels, those of documents and linked records
included, is not rendered."""
LABELS_OF_LIST = 20
"""A list inside a record counts as so many labels. Its SQL is long, and a long statement is built anew for each request."""
MOST_DOCUMENTS = 400
"""A list inside a record is one value in PostgreSQL's memory. This many free-form documents in it have at most 40 MB."""


def plan_record(reader: SelectionReader, fields: Fields, face: Face) -> Selection:
    """The selection that renders these fields. Raises NotRendered."""
    reader.notes.add_labels(len(fields))
    if len(fields) > MOST_LABELS:
        raise NotRendered(Reason.SIZE)
    selection = tuple((_check_label(key), _plan_field(reader, nodes, face)) for key, nodes in fields.items())
    if count_labels(selection) > MOST_LABELS:
        raise NotRendered(Reason.SIZE)
    return selection


def _check_label(key: str) -> str:
    if len(key.encode()) > LONGEST_LABEL:
        raise NotRendered(Reason.LABEL)
    return key


def _plan_field(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> Field:
    """The field with the selected members of its object or its list."""
    name = nodes[0].name.value
    if name == "__typename":
        return typename_field(face.type_name)
    key = (face.type_name, name)
    if key in LISTS and reader.nested:
        return _plan_list(reader, nodes, face.type_name, LISTS[key])
    if key == CHANGES or key in POSITIONS:
        return _plan_changes(reader, nodes) if key == CHANGES else _plan_position(reader, POSITIONS[key])
    nested = find_nested(face, name, reader.shows_addresses) if reader.nested else None
    if nested is not None:
        return _plan_nested(reader, nodes, face, nested)
    field = face.fields.get(name) or LINKS.get(key)
    if field is None:
        raise NotRendered(Reason.RESOLVER)
    if field.codec.document is not None:
        return _narrow(field, plan_selection(reader, nodes, field.codec.document))
    if reader.rows and field.kind is Kind.JSON:
        reader.notes.documents += reader.rows
        if reader.notes.documents > MOST_DOCUMENTS:
            raise NotRendered(Reason.SIZE)
    return field


def count_labels(selection: Iterable[tuple[str, Field]]) -> int:
    """The number of keys in one rendered record, without those of its lists."""
    return sum(1 + count_labels(field.codec.members) for _, field in selection)


@lru_cache(maxsize=8192)
def _narrow(field: Field, members: Selection) -> Field:
    """The field with these members of its object. Equal calls give one field, so that its statement is kept."""
    return replace(field, codec=replace(field.codec, members=members))


def plan_selection(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> Selection:
    """The selection of the records that some fields of one response key give. Raises NotRendered."""
    return plan_record(reader, reader.collect(nodes, types_of(face.type_name)), face)


def render_faces(selections: Mapping[str, Selection | None]) -> Selection:
    """The selection that renders a row once for each name, as a text that holds JSON. Empty selections are left out."""
    return tuple((name, row_field(name, selection)) for name, selection in selections.items() if selection)


@lru_cache(maxsize=8192)
def row_field(name: str, selection: Selection) -> Field:
    return Field(name, "id", codec=Codec(row=selection), writable=False, filterable=False, sortable=False)


@cache
def typename_field(type_name: str) -> Field:
    """The field `__typename` of a type."""
    return Field(
        "__typename", "id", Kind.TEXT, Codec(constant=type_name), writable=False, filterable=False, sortable=False
    )


def types_of(type_name: str) -> frozenset[str]:
    """The names that a fragment on a record may use."""
    return frozenset({type_name, "Node"})


def _plan_list(reader: SelectionReader, nodes: Sequence[FieldNode], type_name: str, nested: NestedList) -> Field:
    """The field of a connection inside a record."""
    reader.notes.settled |= nested.settled
    try:
        page = read_nested_page(reader, reader.read_arguments(type_name, nodes[0]), nested)
    except (DomainError, GraphQLError) as error:
        raise NotRendered(Reason.ARGUMENT) from error
    parts = plan_parts(reader.enter_list(page.limit), nodes, nested.face)
    return computed_field(nodes[0].name.value, Connection(page, *parts))


def _plan_position(reader: SelectionReader, field: Field) -> Field:
    _note_position(reader)
    return field


def _note_position(reader: SelectionReader) -> None:
    """Raises NotRendered where the selection has no parameters: a position is one."""
    if not reader.bound:
        raise NotRendered(Reason.POSITION)
    reader.notes.shows_position = True


def _plan_changes(reader: SelectionReader, nodes: Sequence[FieldNode]) -> Field:
    """The field of the changes of an organization."""
    _note_position(reader)
    try:
        page, face = read_changes(reader, reader.read_arguments(CHANGES[0], nodes[0]))
    except (DomainError, GraphQLError) as error:
        raise NotRendered(Reason.ARGUMENT) from error
    connection = Connection(page, *plan_parts(reader.enter_list(page.limit), nodes, face))
    return computed_field(nodes[0].name.value, CheckedConnection(connection, page) if page.after else connection)


def _plan_nested(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face, nested: NestedField) -> Field:
    """The field of the row, or of the short list of rows, that belongs to a row."""
    source, most = nested.source, 1
    if source is None:
        try:
            source = read_duplicates(reader.read_arguments(face.type_name, nodes[0]))
        except (DomainError, GraphQLError) as error:
            raise NotRendered(Reason.ARGUMENT) from error
        most = source.most
    members = plan_selection(reader.enter_list(most), nodes, nested.face)
    return computed_field(nodes[0].name.value, Nested(source, members))


@lru_cache(maxsize=8192)
def computed_field(name: str, computed: Computed) -> Field:
    """The field that shows what SQL computes for a row. Equal calls give one field."""
    return Field(name, "", codec=Codec(computed=computed), writable=False, filterable=False, sortable=False)


def plan_parts(
    reader: SelectionReader, nodes: Sequence[FieldNode], face: Face
) -> tuple[tuple[Selection, ...], Selection]:
    """The lists of a connection of a face's rows, and the fields of the connection. Raises NotRendered."""
    reader.notes.add_labels(LABELS_OF_LIST)
    lists: list[Selection] = []
    fields = reader.collect(nodes, frozenset({f"{face.type_name}Connection"}))
    shown = tuple((_check_label(key), _plan_part(reader, group, face, lists)) for key, group in fields.items())
    return tuple(lists), shown


def _plan_part(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face, lists: list[Selection]) -> Field:
    """The field of a connection. The selection of its rows, if it has any, is added to `lists`."""
    name = nodes[0].name.value
    if name == "__typename":
        return typename_field(f"{face.type_name}Connection")
    if name == "totalCount":
        return TOTAL_COUNT
    if name == "pageInfo":
        return _narrow(PAGE_INFO, plan_selection(reader, nodes, PAGE_INFO_FACE))
    lists.append(plan_selection(reader, nodes, face if name == "nodes" else _edge_face(face)))
    return list_field(name, len(lists) - 1)


@cache
def _edge_face(face: Face, cursor: Field = EDGE_CURSOR) -> Face:
    """The face of the edges of a face's rows."""
    node = Field("node", "", codec=Codec(document=face, link=Link.SAME_ROW), writable=False, filterable=False)
    return Face(f"{face.name} edge", f"{face.type_name}Edge", {"cursor": cursor, "node": node}, folds=True)


@cache
def record_edge_face(face: Face) -> Face:
    """The face of a record as an edge of the list in its default order."""
    cursor = Field("cursor", "", codec=Codec(computed=RecordCursor(face)), writable=False, filterable=False)
    return _edge_face(face, cursor)
