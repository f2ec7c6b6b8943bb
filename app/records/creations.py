"""Statements that insert records of any table, with their history and their JSON."""

from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    DefaultClause,
    FromClause,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

from app.query.sql.render import Selection, render_object
from app.records.bodies import SENT_COLUMNS
from app.records.writes import NO_IMAGE, Composite, History, Write, log_rows, written_values

NEW_ROWS: ColumnElement[Any] = bindparam("rows", type_=JSON())
"""A JSON list of new records."""


def write_new(
    table: Table,
    selection: Selection,
    history: History | None = None,
    action: str = "created",
    *,
    names: frozenset[str] | None = None,
) -> Write:
    """Inserts records with the defaults of the table for what is null: those of `rows`, a JSON list, or with `names` one
    record, whose columns `names` are parameters.

    Gives (id, JSON, version) of each record, in no certain order. The rows of the Write have the stored columns only: the
    history, which shows them, does not wait for those that the database computes.
    """
    stored = stored_columns(table)
    rows = _new_rows(table) if names is None else _new_row(table, names)
    inserted = insert(table).from_select([each.name for each in stored], select(rows), include_defaults=False)
    json = cast(render_object(selection, Composite.of(table, table.name).c), Text).label("json")
    shown = inserted.returning(table.c.id, json, table.c.version).cte("ch")
    statement = select(shown)
    if history is not None:
        logged, more = _sent_columns(rows, single=names is not None) if history.sent_columns else (rows, {})
        image = func.to_jsonb(literal_column(rows.name))
        statement = statement.add_cte(log_rows(history, rows, action, logged, NO_IMAGE, image, more=more))
    return Write(statement, rows)


def _new_rows(table: Table) -> CTE:
    """The records of `rows`."""
    stored = stored_columns(table)
    source = func.json_populate_recordset(literal_column(f"NULL::{table.name}"), NEW_ROWS)
    sent = source.table_valued(*(column(each.name, each.type) for each in stored), name="sent")
    return select(*(_or_default(each, sent.c[each.name]).label(each.name) for each in stored)).cte("added")


def _new_row(table: Table, names: frozenset[str]) -> CTE:
    """The record of the parameters. PostgreSQL reads them where the row is used, and stores no row in between."""
    sent = written_values(table, names)
    values = {each: sent.get(each.name, cast(null(), each.type)) for each in stored_columns(table)}
    row = select(*(_or_default(each, value).label(each.name) for each, value in values.items()))
    return row.cte("added").prefix_with("NOT MATERIALIZED")


def _sent_columns(rows: CTE, *, single: bool) -> tuple[FromClause, dict[str, ColumnElement[Any]]]:
    """The new rows joined with the members of `rows` that they are made of, and the SENT_COLUMNS of these, by column.

    Those of a single record are a parameter.
    """
    if single:
        return rows, {SENT_COLUMNS: bindparam(f"v_{SENT_COLUMNS}", type_=JSONB())}
    member = func.json_array_elements(NEW_ROWS).table_valued(column("value", JSON()), name="member").render_derived()
    own = member.c.value.op("->>")(literal_column("'id'")) == rows.c.id
    name: ColumnElement[str] = literal_column(f"'{SENT_COLUMNS}'")
    return rows.join(member, own), {SENT_COLUMNS: cast(member.c.value.op("->")(name), JSONB)}


def _or_default(stored: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
    if not isinstance(stored.server_default, DefaultClause):
        return value
    default = stored.server_default.arg
    return func.coalesce(value, literal_column(f"'{default}'") if isinstance(default, str) else default)


@cache
def stored_columns(table: Table) -> tuple[Column[Any], ...]:
    """The columns that are written; the database computes the others."""
    return tuple(each for each in table.c if each.computed is None)
