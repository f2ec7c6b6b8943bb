"""The SQL that spells a stored value in public, and a row as JSON text."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeAlias

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from app.query.face import PLAIN, Codec, Field, Kind, Link
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


MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
QUOTED_MOMENT = rf"\"{MOMENT}\""
NULL: ColumnElement[Any] = literal_column("'null'")
MOST_ARGUMENTS = 100
"""The most arguments of a function in PostgreSQL."""

Part: TypeAlias = str | ColumnElement[Any]
"""A part of JSON: a text that is the same for all rows, or an expression whose text is JSON and never null."""


def quote(text: str) -> ColumnElement[str]:
    """A text as a literal of SQL. A parameter for it would have to be sent with each execution."""
    return literal_column("'" + text.replace("'", "''") + "'", Text())


def render_field(field: Field, columns: Columns) -> ColumnElement[Any]:
    """The stored value in its public spelling; null stays null. An expression of the type JSON is the text of JSON."""
    codec = field.codec
    if codec.computed or codec.link:
        return _render_related(codec, columns)
    if codec.row:
        return cast(render_object(codec.row, columns), Text)
    if codec.constant:
        return quote(codec.constant)
    value: Column[Any] = columns[field.column]
    if codec.document:
        return _render_list(codec, value) if codec.many else _render_document(codec, value)
    if codec.node:
        return render_node_id(codec.node, value)
    if codec.prefix:
        return func.textcat(quote(codec.prefix), value, type_=Text())
    if codec.words:
        words = {quote(stored): quote(public) for public, stored in codec.words}
        return case(words, value=value, else_=quote(codec.otherwise) if codec.otherwise else None)
    if codec.null_is_false:
        return func.coalesce(value, literal_column("false"))
    if field.kind is Kind.DATE:
        return _render_moment(value, MOMENT)
    return cast(value, Text) if field.kind is Kind.JSON_TEXT else value


def _render_moment(value: ColumnElement[Any], spelling: str) -> ColumnElement[str]:
    return func.to_char(func.timezone(quote("UTC"), value), quote(spelling), type_=Text())


def render_node_id(node: str, bare: ColumnElement[str]) -> ColumnElement[str]:
    """The Relay global id of a bare id of the type `node`."""
    text = func.textcat(quote(f"{node}:"), bare)
    coded = func.encode(func.convert_to(text, quote("UTF8")), quote("base64"))
    return func.translate(coded, literal_column("E'\\n'"), quote(""), type_=Text())


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
    """The JSON object of some fields, as a text without spaces between its members.

    It stands inside a SELECT that has the columns, or reads the only row of `source`: then it is null without such a row.
    """
    shown = _join(_write_object(selection, columns))
    if source is None:
        return shown
    return select(shown).select_from(source).where(*where).correlate_except(source).scalar_subquery()


def _write_object(selection: Selection, columns: Columns) -> Iterator[Part]:
    begin = "{"
    for label, field in selection:
        yield f"{begin}{json.dumps(label)}:"
        yield from _write_field(field, columns)
        begin = ","
    yield "}" if selection else "{}"


def _write_field(field: Field, columns: Columns) -> Iterator[Part]:
    """The JSON of a field. An object of the same row is a part of the same text."""
    codec = field.codec
    if codec.link is Link.SAME_ROW:
        yield from _write_object(codec.members, columns)
    elif codec.constant:
        yield json.dumps(codec.constant)
    elif field.kind is Kind.DATE and codec == PLAIN:
        yield func.coalesce(_render_moment(columns[field.column], QUOTED_MOMENT), NULL)
    else:
        yield _write_value(render_field(field, columns))


def _write_value(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The JSON of a value. JSON_SCALAR knows the type of its argument before the first row; to_json looks it up for each."""
    if isinstance(value.type, JSON):
        return func.coalesce(value, NULL)
    write = func.json_scalar if isinstance(value.type, (Text, Boolean, Integer)) else func.to_json
    return func.coalesce(write(value), NULL)


def _join(parts: Iterable[Part]) -> ColumnElement[Any]:
    """One text of all parts. `concat` takes a third less time than `row_to_json`, which looks up the type of each value."""
    texts: list[ColumnElement[Any]] = []
    fixed = ""
    for part in parts:
        if isinstance(part, str):
            fixed += part
        else:
            texts += [quote(fixed), part]
            fixed = ""
    texts.append(quote(fixed))
    while len(texts) > MOST_ARGUMENTS:
        texts = [func.concat(*texts[at : at + MOST_ARGUMENTS]) for at in range(0, len(texts), MOST_ARGUMENTS)]
    return type_coerce(func.concat(*texts), JSON())


def render_list(
    objects: ColumnElement[Any], *order: ColumnElement[Any], only: ColumnElement[bool] | None = None
) -> ColumnElement[Any]:
    """The JSON list of objects, one from each row that meets `only`; `[]` without rows."""
    joined = func.string_agg(objects, aggregate_order_by(quote(","), *order))
    shown = joined if only is None else joined.filter(only)
    return type_coerce(func.concat(quote("["), shown, quote("]")), JSON())


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
    listed = select(render_list(shown, item.c.number)).select_from(item).correlate_except(item).scalar_subquery()
    return case((is_list, listed))


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
