"""The SQL that spells a stored value in public, and a row as JSON text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, TypeAlias

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    Text,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.sql.selectable import NamedFromClause

from app.query.face import Codec, Field, Kind, Link
from app.storage.tables import organizations

Columns: TypeAlias = Any
"""The columns of a table or subquery by neutral name."""

Selection: TypeAlias = tuple[tuple[str, Field], ...]
"""The fields to render, each with its key in the answer."""


class BoundSelection(tuple[tuple[str, Field], ...]):
    """A selection, and the values of the parameters in its SQL. Two with the same fields have one statement."""

    parameters: Mapping[str, Any]

    def __new__(cls, selection: Selection, parameters: Mapping[str, Any]) -> Self:
        bound = super().__new__(cls, selection)
        bound.parameters = parameters
        return bound


def bind_values(selection: Selection, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a statement, with those of the selection that it renders."""
    return {**parameters, **selection.parameters} if isinstance(selection, BoundSelection) else parameters


NOTHING_KNOWN: Mapping[str, ColumnElement[Any]] = {}
MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'


def render_field(field: Field, columns: Columns) -> ColumnElement[Any]:
    """The stored value in its public spelling; null stays null."""
    codec = field.codec
    if codec.computed or codec.link:
        return _render_related(codec, columns)
    if codec.row:
        return cast(render_object(codec.row, columns), Text)
    if codec.constant:
        return literal(codec.constant, Text())
    value: Column[Any] = columns[field.column]
    if codec.document:
        return _render_list(codec, value) if codec.many else _render_document(codec, value)
    if codec.node:
        return render_node_id(codec.node, value)
    if codec.prefix:
        return func.textcat(literal(codec.prefix, Text()), value)
    if codec.words:
        words = {stored: public for public, stored in codec.words}
        return case(words, value=value, else_=codec.otherwise or None)
    if codec.null_is_false:
        return func.coalesce(value, literal_column("false"))
    if field.kind is Kind.DATE:
        return func.to_char(func.timezone("UTC", value), MOMENT)
    return cast(value, Text) if field.kind is Kind.JSON_TEXT else value


def render_node_id(node: str, bare: ColumnElement[str]) -> ColumnElement[str]:
    """The Relay global id of a bare id of the type `node`."""
    text = func.textcat(literal(f"{node}:", Text()), bare)
    return func.translate(func.encode(func.convert_to(text, "UTF8"), "base64"), "\n", "")


def _render_related(codec: Codec, columns: Columns) -> ColumnElement[Any]:
    """The rows or the record that belong to a row. Every row has its organization, which the row's scope makes accessible."""
    if codec.computed:
        rendered: ColumnElement[Any] = codec.computed.render(columns)
        return rendered
    if codec.link is Link.SAME_ROW:
        return render_object(codec.members, columns)
    own = organizations.alias()
    return render_object(codec.members, own.c, own, own.c.id == columns["organization_id"])


def render_object(
    selection: Selection, columns: Columns, source: FromClause | None = None, *where: ColumnElement[bool]
) -> ColumnElement[Any]:
    """The JSON object of some fields. It stands inside a SELECT that has the columns, or reads the only row of `source`."""
    if not selection:
        return _render_empty(source, *where)
    members = select(*(render_field(field, columns).label(label) for label, field in selection)).where(*where)
    if source is not None:
        members = members.select_from(source)
    inner = members.correlate_except(*([] if source is None else [source])).subquery("object")
    return select(func.row_to_json(inner.table_valued())).select_from(inner).scalar_subquery()


def _render_empty(source: FromClause | None, *where: ColumnElement[bool]) -> ColumnElement[Any]:
    """An object without members; null if the only row of `source` does not exist."""
    empty: ColumnElement[Any] = literal_column("'{}'::json")
    if source is None:
        return empty
    return select(empty).select_from(source).where(*where).correlate_except(source).scalar_subquery()


def _render_document(codec: Codec, document: ColumnElement[Any]) -> ColumnElement[Any]:
    """The members of a stored object; null for any other value."""
    is_object = func.jsonb_typeof(document) == literal_column("'object'")
    return case((is_object, render_object(codec.members, _read_members(codec, document))))


def _render_list(codec: Codec, documents: ColumnElement[Any]) -> ColumnElement[Any]:
    """The members of each object in a stored list, in their order; null for any other value."""
    is_list = func.jsonb_typeof(documents) == literal_column("'array'")
    elements = func.jsonb_array_elements(case((is_list, documents)))
    item = elements.table_valued(column("item", JSONB), with_ordinality="number").render_derived(name="item")
    shown = render_object(codec.members, _read_members(codec, item.c.item))
    listed: ColumnElement[Any] = func.json_agg(aggregate_order_by(shown, item.c.number))
    joined = select(listed).select_from(item).correlate_except(item).scalar_subquery()
    return case((is_list, func.coalesce(joined, literal_column("'[]'::json"))))


def _read_members(codec: Codec, document: ColumnElement[Any]) -> dict[str, ColumnElement[Any]]:
    """The members of a document by their stored keys. A member of another type than its field is null, or a text."""
    return {field.column: _read_member(field.kind, document, field.column) for _, field in codec.members}


def _read_member(kind: Kind, document: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    name: ColumnElement[str] = literal_column(f"'{key}'")
    value: ColumnElement[Any] = document.op("->", return_type=JSONB())(name)
    if kind in (Kind.JSON, Kind.JSON_TEXT):
        return value
    if kind is Kind.BOOLEAN:
        return case((func.jsonb_typeof(value) == literal_column("'boolean'"), cast(value, Boolean)))
    return document.op("->>", return_type=Text())(name)


MOST_LATERALS = 4
"""After this many, further objects of the same row are subqueries: the time of a statement grows faster than its laterals."""


def render_row(
    selection: Selection, source: FromClause, known: Mapping[str, ColumnElement[Any]] = NOTHING_KNOWN
) -> tuple[ColumnElement[str], FromClause]:
    """The rows of `source` as JSON text, and the laterals that make them; an empty selection gives `{}`.

    `known` has values that are the same in all rows, by column. PostgreSQL looks up their records once.
    """
    laterals: list[NamedFromClause] = []
    row = _add_lateral(selection, {**dict(source.c.items()), **known}, source, laterals)
    text = func.row_to_json(row.table_valued()) if selection else literal_column("'{}'")
    joined: FromClause = laterals[0]
    for lateral in laterals[1:]:
        joined = joined.join(lateral, true())
    return cast(text, Text), joined


def _add_lateral(
    selection: Selection, values: Columns, source: FromClause, laterals: list[NamedFromClause]
) -> NamedFromClause:
    """Adds the lateral with the fields of a selection. Objects of the same row are laterals before it: PostgreSQL computes
    them with the row, and a subquery takes 0.4 µs more for each row."""
    columns: list[ColumnElement[Any]] = []
    for label, field in selection:
        shown: ColumnElement[Any]
        if field.codec.link is Link.SAME_ROW and field.codec.members and len(laterals) < MOST_LATERALS:
            shown = func.row_to_json(_add_lateral(field.codec.members, values, source, laterals).table_valued())
        else:
            shown = render_field(field, values)
        columns.append(shown.label(label))
    members = select(*columns) if columns else select(literal_column("1").label("empty"))
    laterals.append(members.correlate(source, *laterals).lateral(f"object {len(laterals)}"))
    return laterals[-1]


def needed_columns(selection: Selection) -> Sequence[str]:
    """The columns that rendering a selection reads."""
    return tuple(dict.fromkeys(_columns_of(selection)))


def _columns_of(selection: Selection) -> Iterator[str]:
    for _, field in selection:
        codec = field.codec
        if codec.computed:
            yield from codec.computed.columns
        elif codec.row or codec.link is Link.SAME_ROW:
            yield from _columns_of(codec.row or codec.members)
        elif not codec.constant:
            yield field.column
