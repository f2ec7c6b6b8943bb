"""The SQL that spells a stored value in public, and a row as JSON text."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
)

from app.query.face import Field, Kind

Columns: TypeAlias = Any
"""The columns of a table or subquery by neutral name."""

Selection: TypeAlias = tuple[tuple[str, Field], ...]
"""The fields to render, each with its key in the answer."""

MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'


def render_field(field: Field, columns: Columns) -> ColumnElement[Any]:
    """The stored value in its public spelling; null stays null."""
    codec = field.codec
    if codec.row:
        return cast(_render_object(codec.row, columns), Text)
    value: Column[Any] = columns[field.column]
    if codec.constant:
        return literal(codec.constant, Text())
    if codec.node:
        return func.translate(
            func.encode(func.convert_to(func.textcat(literal(f"{codec.node}:", Text()), value), "UTF8"), "base64"),
            "\n",
            "",
        )
    if codec.prefix:
        return func.textcat(literal(codec.prefix, Text()), value)
    if codec.words:
        return case({stored: public for public, stored in codec.words}, value=value)
    if codec.null_is_false:
        return func.coalesce(value, literal_column("false"))
    if field.kind is Kind.DATE:
        return func.to_char(func.timezone("UTC", value), MOMENT)
    return value


def _render_object(selection: Selection, columns: Columns) -> ColumnElement[Any]:
    """The JSON object of some fields. It stands inside a SELECT that has the columns."""
    members = select(*(render_field(field, columns).label(label) for label, field in selection))
    inner = members.correlate_except().subquery("object")
    return select(func.row_to_json(inner.table_valued())).select_from(inner).scalar_subquery()


def render_row(selection: Selection, source: FromClause) -> tuple[ColumnElement[str], FromClause]:
    """The rows of `source` as JSON text, and the lateral that makes them; an empty selection gives `{}`."""
    columns = [render_field(field, source.c).label(label) for label, field in selection]
    row = (
        (select(*columns) if columns else select(literal_column("1").label("empty")))
        .correlate(source)
        .lateral("the row")
    )
    text = func.row_to_json(row.table_valued()) if columns else literal_column("'{}'")
    return cast(text, Text), row


def needed_columns(selection: Selection) -> Sequence[str]:
    """The columns that rendering a selection reads."""
    return tuple(dict.fromkeys(_columns_of(selection)))


def _columns_of(selection: Selection) -> Iterator[str]:
    for _, field in selection:
        if field.codec.row:
            yield from _columns_of(field.codec.row)
        else:
            yield field.column
