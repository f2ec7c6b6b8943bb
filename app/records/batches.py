"""The statement that changes many records of a table at once, each in columns of its own.

It takes `rows`, a JSON object of {position, expected, values} by the id of the record, and the ids as `ids`. `values` has the
new values by column. No part joins two sets of rows without an index, so its time is linear in the number of rows.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.query.sql.render import Selection, render_object
from app.records.writes import Change, Composite, later, log_changes

Values = dict[str, ColumnElement[Any]]
Derive = Callable[[FromClause, ColumnElement[Any], Values], Values]
"""Completes the new values of a record, by column. It gets the record as it was, and the JSON of the values that it is sent."""

_rows: ColumnElement[Any] = bindparam("rows", type_=JSONB())


def write_changes(change: Change, names: frozenset[str], derive: Derive, selection: Selection) -> Select[Any]:
    """Changes the records `ids` in the scope of a change, each as `write_change` changes one.

    `names` are the columns that any row writes. Where a row has no value for one, the record keeps its own. The change has
    no values of its own; `derive` adds them.

    Gives one row (position, JSON, version, organization, columns) for each record that exists. Its version is null if the
    record's version is not the expected one; the record is not written then.
    """
    table, was = change.table, _lock_records(change)
    new = _find_values(table, was, names, derive)
    values = {value.name: value for value in new.c if value.name not in OWN}
    written = {**values, "version": table.c.version + 1, "updated_at": later(table)}
    changed = update(table).values(written).where(*_keys_match(table, new), new.c.allowed, new.c.changed)
    keys = (table.c.organization_id, table.c.id, table.c.version)
    rows = changed.returning(*keys, _whole(table), new.c.record.label("was")).cte("ch")
    answer: Select[Any] = _answer(change, rows, new, selection).add_cte(log_changes(change, rows, [*written]))
    return answer


OWN = frozenset({"organization_id", "id", "record", "allowed", "changed"})
"""The columns of the new values that are no columns of the record."""


def _whole(table: Table) -> ColumnElement[Any]:
    return literal_column(table.name).label("record")


def _keys_match(table: Table, rows: FromClause) -> tuple[ColumnElement[bool], ...]:
    return table.c.organization_id == rows.c.organization_id, table.c.id == rows.c.id


def _lock_records(change: Change) -> CTE:
    """The records, and each as one value `record`. They are locked in the order of their keys until the end."""
    table = change.table
    wanted = table.c.id == func.any(bindparam("ids", type_=ARRAY(Text)))
    records = select(table, _whole(table)).where(wanted, change.scope)
    return records.order_by(*table.primary_key).with_for_update().cte("was")


def _find_values(table: Table, was: CTE, names: frozenset[str], derive: Derive) -> CTE:
    """The new values of each record, whether its version is expected, and whether a value differs from its own."""
    sent = _rows.op("->")(was.c.id)
    values = sent.op("->")(literal_column("'values'"))
    expected = cast(sent.op("->>")(literal_column("'expected'")), Integer)
    populated = func.jsonb_populate_record(was.c.record, values)
    filled = populated.table_valued(*(column(each.name, each.type) for each in table.c), name="filled")
    new = derive(was, values, {name: filled.c[name] for name in sorted(names)})
    columns = [
        was.c.organization_id,
        was.c.id,
        was.c.record,
        or_(expected.is_(None), expected == was.c.version).label("allowed"),
        or_(false(), *(was.c[name].is_distinct_from(value) for name, value in new.items())).label("changed"),
        *(value.label(name) for name, value in new.items()),
    ]
    return select(*columns).select_from(was.join(filled, true())).cte("new")


def _answer(change: Change, rows: CTE, new: CTE, selection: Selection) -> Any:
    """The changed and the unchanged records, and those with another version than the expected one."""
    table, columns = change.table, ("organization_id", "id", *change.columns)
    shown = union_all(
        _spread(table, rows),
        _spread(table, new).where(new.c.allowed, ~new.c.changed),
    ).cte("shown")
    json = cast(render_object(selection, shown.c), Text)
    written = select(_position(shown), json, shown.c.version, *(shown.c[name] for name in columns if name != "id"))
    empty = [cast(null(), table.c[name].type) for name in change.columns]
    stale = select(_position(new), cast(null(), Text), cast(null(), Integer), new.c.organization_id, *empty)
    both = union_all(written, stale.where(~new.c.allowed)).subquery("answer")
    return select(*both.c)


def _spread(table: Table, rows: CTE) -> Select[Any]:
    """The columns of the value `record` of each row."""
    columns = Composite.of(table, f"{rows.name}.record").c
    return select(*(value.label(name) for name, value in columns.items())).select_from(rows)


def _position(rows: CTE) -> ColumnElement[int]:
    return cast(_rows.op("->")(rows.c.id).op("->>")(literal_column("'position'")), Integer).label("position")
