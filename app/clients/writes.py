"""The statements that write clients: those of every record type, with the totals of the organizations.

Each changes rows, writes their history and totals, and renders them, at once.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from app.clients.faces import TABLE
from app.clients.statements import TAXED
from app.query.sql.render import Selection
from app.records.batches import write_changes
from app.records.creations import write_new
from app.records.statements import of_organizations
from app.records.writes import (
    NO_IMAGE,
    Change,
    History,
    is_expected,
    is_same,
    lock_record,
    log_rows,
    select_written,
    write_change,
    written_values,
)
from app.storage.columns import NOW
from app.storage.kept import keep_statements
from app.storage.tables import client_changes, client_totals, clients, erasures

SLOTS = 64
HISTORY = History(client_changes, "client_id")
CREATED = "created"
NEW_COLUMNS = frozenset(row.column for row in TABLE if row.writable) | {"id", "organization_id"}
"""The columns of a client that its creation can set."""


def _counted(rows: CTE, step: int, where: ColumnElement[bool] | None = None, *, single: bool = True) -> CTE:
    """Adds to a slot of the organization's total: the slot of this connection, so that writers do not wait.

    Unless there is a single row, those of an organization are added up: PostgreSQL changes a slot once in a statement.
    """
    slot, one = func.mod(func.pg_backend_pid(), literal_column(str(SLOTS))), literal_column(str(step), BigInteger())
    number: ColumnElement[int] = one if single else func.count() * one
    sums = select(rows.c.organization_id, slot, number)
    sums = sums if single else sums.group_by(rows.c.organization_id)
    sums = sums if where is None else sums.where(where)
    counted = upsert(client_totals).from_select(["organization_id", "slot", "n"], sums, include_defaults=False)
    return counted.on_conflict_do_update(
        index_elements=["organization_id", "slot"], set_={"n": client_totals.c.n + counted.excluded.n}
    ).cte("ct")


@keep_statements
def add_statement(selection: Selection, action: str = CREATED, *, single: bool = False) -> Select[Any]:
    """Inserts `rows`, or a `single` row of the NEW_COLUMNS, as write_new does; `actor` and `action` go into the history.

    Only callers of an API send columns.
    """
    history = replace(HISTORY, sent_columns=action == CREATED)
    write = write_new(clients, selection, history, action, names=NEW_COLUMNS if single else None)
    return write.statement.add_cte(_counted(write.rows, +1, write.rows.c.deleted_at.is_(None), single=single))


@keep_statements
def check_statement(selection: Selection) -> Select[Any]:
    """Writes `v_vies`, the check of the number and country in the parameters w_<column> of TAXED.

    Nothing is written if the record has another number or country by then.
    """
    change = Change(
        table=clients,
        values=written_values(clients, frozenset({"vies"})),
        scope=of_organizations(clients),
        history=HISTORY,
        unchanged=TAXED,
    )
    return write_change(change, selection).statement


@keep_statements
def change_statement(selection: Selection, names: frozenset[str]) -> Select[Any]:
    """Writes the columns `names` of the live record `record`. Metadata is merged by key, and null empties it.

    The answer of write_change, and the metadata. A check of the tax number is dropped when the number or the country
    changes.
    """
    change = Change(
        table=clients,
        values=_written(names),
        scope=of_organizations(clients),
        history=HISTORY,
        columns=("metadata",),
    )
    return write_change(change, selection).statement


def _written(names: frozenset[str]) -> dict[str, Any]:
    values = written_values(clients, names)
    if "metadata" in names:
        merged = func.jsonb_strip_nulls(clients.c.metadata.op("||")(values["metadata"]))
        values["metadata"] = func.coalesce(merged, literal_column("'{}'"))
    taxed = [clients.c[name].is_distinct_from(values[name]) for name in TAXED if name in names]
    if taxed:
        values["vies"] = case((or_(*taxed), null()), else_=clients.c.vies)
    return values


@keep_statements
def change_many_statement(selection: Selection, names: frozenset[str]) -> Select[Any]:
    """Changes many live records as change_statement changes one. The answer is that of write_changes, and the metadata."""
    change = Change(table=clients, values={}, scope=of_organizations(clients), history=HISTORY, columns=("metadata",))
    return write_changes(change, names, _derive_values, selection)


def _derive_values(was: FromClause, sent: ColumnElement[Any], values: dict[str, Any]) -> dict[str, Any]:
    """Merges the metadata by key, and drops the check of a tax number that changes."""
    if "metadata" in values:
        own: ColumnElement[str] = literal_column("'metadata'")
        sent_metadata = func.nullif(sent.op("->")(own), literal_column("'null'::jsonb"))
        merged = func.coalesce(
            func.jsonb_strip_nulls(was.c.metadata.op("||")(sent_metadata)), literal_column("'{}'::jsonb")
        )
        is_sent = sent.op("?", is_comparison=True)(own)
        values["metadata"] = case((is_sent, merged), else_=was.c.metadata)
    taxed = [was.c[name].is_distinct_from(values[name]) for name in TAXED if name in values]
    if taxed:
        values["vies"] = case((or_(*taxed), null()), else_=was.c.vies)
    return values


@keep_statements
def remove_statement(selection: Selection) -> Select[Any]:
    """Marks the live record `record` as deleted."""
    change = Change(
        table=clients,
        values={"deleted_at": NOW, "deleted_id": clients.c.id},
        scope=of_organizations(clients),
        history=HISTORY,
        action="deleted",
    )
    write = write_change(change, selection)
    return write.statement.add_cte(_counted(write.rows, -1))


@keep_statements
def restore_statement(selection: Selection) -> Select[Any]:
    """Restores the deleted record `record`."""
    change = Change(
        table=clients,
        values={"deleted_at": None, "deleted_id": None},
        scope=of_organizations(clients, deleted=True),
        history=HISTORY,
        action="restored",
    )
    write = write_change(change, selection)
    return write.statement.add_cte(_counted(write.rows, +1))


@keep_statements
def erase_statement(selection: Selection) -> Select[Any]:
    """Deletes the row of the record `record`, live or deleted. The history gets no images of it.

    The answer ends with the folded e-mail address of the record.
    """
    was = lock_record(clients, of_organizations(clients, deleted=None))
    gone = delete(clients).where(is_same(clients, was), is_expected(was)).returning(clients).cte("ch")
    log = log_rows(HISTORY, gone, "erased", gone, NO_IMAGE, NO_IMAGE, version_step=1)
    written = select_written(gone, was, selection, [gone.c.email_folded])
    return written.add_cte(log, _counted(gone, -1, gone.c.deleted_at.is_(None)))


_of_record = (
    client_changes.c.organization_id == bindparam("organization", type_=Text()),
    client_changes.c.client_id == bindparam("record", type_=Text()),
)

FORMER_ADDRESSES = (
    select(func.fold(client_changes.c.before["email"].astext).label("email")).where(*_of_record).distinct()
)
"""The folded e-mail addresses that a client had before its changes."""

FORGET_IMAGES = update(client_changes).where(*_of_record).values(before=None, after=None)
"""Drops the images of a client from its history. The actor, the action and the moment of each change stay."""

NOTE_ERASURE = insert(erasures).values(id=literal_column("DEFAULT"))
"""Makes the retention worker refresh the planner's statistics, which hold samples of values."""
