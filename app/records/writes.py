"""Statements that write the records of any table: one statement changes a row, logs the change and renders the row.

A statement takes the parameters `organizations`, `record` and `expected` (versions, or null for any), and v_<column> for
each written column. With a history it also takes `actor`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.util import ClauseAdapter

from app.query.sql.render import Selection, quote, render_object
from app.records.statements import of_organizations
from app.storage.columns import NOW
from app.storage.kept import keep_statements

NO_IMAGE: ColumnElement[Any] = cast(null(), JSONB)


@dataclass(frozen=True, slots=True)
class History:
    """A table with one row for each change of a record. `record` is its column for the id of the record.

    With `sent_columns`, a new record's change stores the SENT_COLUMNS of the record.
    """

    table: Table
    record: str
    sent_columns: bool = True


@dataclass(frozen=True, slots=True)
class Composite:
    """The columns of a record that is one value of a query, such as `ch.record`."""

    c: Mapping[str, ColumnElement[Any]]

    @classmethod
    def of(cls, table: Table, value: str) -> "Composite":
        return cls({each.name: literal_column(f"({value}).{each.name}", each.type) for each in table.c})


@dataclass(frozen=True, slots=True)
class Write:
    """A statement, and the rows that it writes; a record type can add its own parts to it."""

    statement: Select[Any]
    rows: CTE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """A change of one record.

    `values` are the new values by column; `scope` holds the records that may be changed; `action` is its name in the
    history. With `unchanged`, nothing is written unless these columns still have the values of the parameters
    w_<column>. `columns` of the written row are added to the answer.
    """

    table: Table
    values: Mapping[str, Any]
    scope: ColumnElement[bool]
    history: History | None = None
    action: str = "updated"
    unchanged: Sequence[str] = ()
    columns: Sequence[str] = ()


@keep_statements
def change_statement(
    table: Table, selection: Selection, names: frozenset[str], history: History | None = None
) -> Select[Any]:
    """Writes the columns `names` of the live record `record`; the answer is that of `write_change`."""
    change = Change(table=table, values=written_values(table, names), scope=of_organizations(table), history=history)
    return write_change(change, selection).statement


def written_values(table: Table, names: frozenset[str]) -> dict[str, Any]:
    """The parameters v_<column> by column."""
    return {name: bindparam(f"v_{name}", type_=table.c[name].type) for name in names}


def write_change(change: Change, selection: Selection) -> Write:
    """Makes a change. The version grows by one, and `updated_at` is later than it was.

    Gives one row (JSON, version, organization, columns) if the record exists. Its version is null if the record's
    version is not expected; nothing is written then. If every column already has its new value, nothing is written
    either, and the row shows the record as it is.
    """
    table, was = change.table, lock_record(change.table, change.scope)
    values = {**change.values, "version": table.c.version + 1, "updated_at": later(table)}
    allowed = (is_expected(was), *(_is_unchanged(was, name) for name in change.unchanged))
    wanted = (is_same(table, was), *allowed, _differs(was, change.values))
    rows = update(table).values(values).where(*wanted).returning(table).cte("ch")
    same = select(was).where(*allowed, ~select(rows.c.id).exists())
    shown = union_all(select(rows), same).cte("shown")
    statement = select_written(shown, was, selection, [shown.c[name] for name in change.columns])
    if change.history is not None:
        source = rows.join(was, true())
        before = _differences(was, rows, [*values])
        log = log_rows(change.history, rows, change.action, source, before, _image(table, "ch"))
        statement = statement.add_cte(log)
    return Write(statement, rows)


def lock_record(table: Table, scope: ColumnElement[bool]) -> CTE:
    """The record `record`, locked until the end of the transaction."""
    return select(table).where(table.c.id == bindparam("record", type_=Text()), scope).with_for_update().cte("was")


def is_same(table: Table, was: CTE) -> ColumnElement[bool]:
    return and_(*(key == was.c[key.name] for key in table.primary_key))


def is_expected(was: CTE) -> ColumnElement[bool]:
    expected = bindparam("expected", type_=ARRAY(Integer))
    return (was.c.version == func.any(expected)) | expected.is_(None)


def _differs(was: CTE, values: Mapping[str, Any]) -> ColumnElement[bool]:
    """True if any column has another value than its new one. JSON documents are compared by their values.

    The locked row is compared. The snapshot of the statement may show a state before a concurrent change.
    """
    locked = ClauseAdapter(was)
    new = {
        name: locked.traverse(value) if isinstance(value, ClauseElement) else value for name, value in values.items()
    }
    return or_(false(), *(was.c[name].is_distinct_from(value) for name, value in new.items()))


def _is_unchanged(was: CTE, name: str) -> ColumnElement[bool]:
    return was.c[name].is_not_distinct_from(bindparam(f"w_{name}", type_=was.c[name].type))


def select_written(
    rows: CTE, was: CTE, selection: Selection, columns: Sequence[ColumnElement[Any]] = ()
) -> Select[Any]:
    """(JSON, version, organization, columns) of a written row; the organization alone if nothing was written."""
    json = case((rows.c.version.is_not(None), render_object(selection, rows.c)))
    tenant = was.c.organization_id if "organization_id" in was.c else was.c.id
    answer = select(json, rows.c.version, tenant, *columns)
    return answer.select_from(was.outerjoin(rows, true()))


def log_rows(
    history: History,
    rows: CTE,
    action: str,
    source: Any,
    before: Any,
    after: Any,
    *,
    version_step: int = 0,
    more: Mapping[str, Any] | None = None,
) -> CTE:
    """Adds a change of each row to the history, with its images. `version_step` is for rows that are gone. `more` are
    values of further columns.

    `begin_change` comes before the number of a change: it tells readers that the transaction will write changes.
    """
    record = {
        "transaction": func.begin_change(rows.c.organization_id),
        "organization_id": rows.c.organization_id,
        history.record: rows.c.id,
        "version": rows.c.version + version_step if version_step else rows.c.version,
        "action": quote(action),
        "actor": bindparam("actor", type_=Text()),
        "before": before,
        "after": after,
        **(more or {}),
    }
    values = select(*record.values()).select_from(source)
    return insert(history.table).from_select(list(record), values, include_defaults=False).cte("lg")


def log_changes(change: Change, rows: CTE, names: Sequence[str]) -> CTE:
    """Adds the changes of the columns `names` to the history. The CTE `rows` has each record as `record`, and as it `was`."""
    assert change.history is not None  # noqa: S101 - narrows the type
    was, now = (Composite.of(change.table, f"{rows.name}.{name}") for name in ("was", "record"))
    before, after = _differences(was, now, names), _image(change.table, f"{rows.name}.record")
    return log_rows(change.history, rows, change.action, rows, before, after)


def _image(table: Table, alias: str) -> ColumnElement[Any]:
    """A row as JSON, without the columns that the database computes."""
    computed = [each.name for each in table.c if each.computed is not None]
    document: ColumnElement[Any] = func.to_jsonb(literal_column(alias))
    return document.op("-")(cast(computed, ARRAY(Text)))


def _differences(was: CTE | Composite, rows: CTE | Composite, names: Sequence[str]) -> ColumnElement[Any]:
    """The former values of the written columns that have changed, as JSON.

    The image before a change is the image after it, with these values in place of its own.
    """
    former = func.jsonb_build_object(*(part for name in names for part in (literal_column(f"'{name}'"), was.c[name])))
    same: list[Any] = [
        case((was.c[name].is_not_distinct_from(rows.c[name]), literal_column(f"'{name}'"))) for name in names
    ]
    return former.op("-")(func.array_remove(array(same, type_=Text()), null()))


def later(table: Table) -> ColumnElement[Any]:
    """Now, and after the change before this one, even if that began later."""
    return func.greatest(NOW, table.c.updated_at + text("interval '1 millisecond'"))
