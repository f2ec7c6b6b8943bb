"""The statements that write clients: each changes rows, writes their change records and totals, and renders them, at once."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from app.clients.statements import TAXED, of_organizations
from app.query.sql.render import Selection, render_row
from app.storage.columns import NOW
from app.storage.tables import client_changes, client_totals, clients

SLOTS = 64
COMPUTED = tuple(one.name for one in clients.c if one.computed is not None)
STORED = tuple(one for one in clients.c if one.computed is None)
LATER: ColumnElement[Any] = func.greatest(NOW, clients.c.updated_at + text("interval '1 millisecond'"))
"""Now, and after the change before this one, even if that began later."""
DEFAULTS: dict[str, Any] = {"created_at": NOW, "updated_at": NOW, "version": literal(1), "metadata": literal({}, JSONB)}


def _image(alias: str) -> ColumnElement[Any]:
    """A row as JSON, without the columns that the database computes."""
    document: ColumnElement[Any] = func.to_jsonb(literal_column(alias))
    return document.op("-")(cast(list(COMPUTED), ARRAY(Text)))


def _logged(changed: CTE, action: str, source: Any, before: Any, after: Any, *, later: int = 0) -> CTE:
    record = {
        "organization_id": changed.c.organization_id,
        "client_id": changed.c.id,
        "version": changed.c.version + later if later else changed.c.version,
        "action": literal(action, Text()),
        "actor": bindparam("actor", type_=Text()),
        "before": before,
        "after": after,
    }
    rows = select(*record.values()).select_from(source)
    return insert(client_changes).from_select(list(record), rows, include_defaults=False).cte("lg")


def _counted(changed: CTE, step: int, where: ColumnElement[bool] | None = None) -> CTE:
    """Adds to a slot of the organization's total: the slot of this connection, so that writers do not wait."""
    slot = func.mod(func.pg_backend_pid(), SLOTS)
    sums = select(changed.c.organization_id, slot, func.count() * step).group_by(changed.c.organization_id)
    sums = sums if where is None else sums.where(where)
    counted = upsert(client_totals).from_select(["organization_id", "slot", "n"], sums, include_defaults=False)
    return counted.on_conflict_do_update(
        index_elements=["organization_id", "slot"], set_={"n": client_totals.c.n + counted.excluded.n}
    ).cte("ct")


@lru_cache(maxsize=256)
def add_statement(selection: Selection, action: str = "created") -> Select[Any]:
    """Inserts `rows`, a JSON list of complete records. Gives (id, JSON, version) of each, in no certain order.

    Like all writes it takes `actor`, who did it; `action` says in the record of changes what it was.
    """
    source = func.json_populate_recordset(literal_column("NULL::clients"), bindparam("rows", type_=JSON()))
    given = source.table_valued(*(column(one.name, one.type) for one in STORED), name="given")
    names = [one.name for one in STORED]
    filled = [func.coalesce(one, DEFAULTS[one.name]) if one.name in DEFAULTS else one for one in given.c]
    rows = insert(clients).from_select(names, select(*filled), include_defaults=False)
    changed = rows.returning(clients).cte("ch")
    json, row = render_row(selection, changed)
    statement = select(changed.c.id, json, changed.c.version).select_from(changed.join(row, true()))
    log = _logged(changed, action, changed, cast(null(), JSONB), _image("ch"))
    return statement.add_cte(log, _counted(changed, +1, changed.c.deleted_at.is_(None)))


def _written(names: frozenset[str], merge_metadata: bool) -> dict[str, Any]:
    values: dict[str, Any] = {name: bindparam(f"v_{name}", type_=clients.c[name].type) for name in names}
    if merge_metadata:
        values["metadata"] = func.jsonb_strip_nulls(clients.c.metadata.op("||")(values["metadata"]))
    taxed = [clients.c[name].is_distinct_from(values[name]) for name in TAXED if name in names]
    if taxed:
        values["vies"] = case((or_(*taxed), null()), else_=clients.c.vies)
    return values


@lru_cache(maxsize=256)
def check_statement(selection: Selection) -> Select[Any]:
    """Writes `v_vies`, the check of the number and country that `w_<column>` of TAXED name; otherwise as change_statement.

    Nothing is written either when the record has another number or country by then.
    """
    values = {"vies": bindparam("v_vies", type_=clients.c.vies.type)}
    return _changing(selection, "updated", values, of_organizations(), step=0, still=TAXED)


@lru_cache(maxsize=1024)
def change_statement(selection: Selection, names: frozenset[str], merge_metadata: bool) -> Select[Any]:
    """Writes the parameters v_<column> of `names` into the live record `record`; `merge_metadata` merges that one by key.

    Gives one row (JSON, version, organization, metadata) when there is such a record; its version is null when the
    record's version was not among `expected`, and then nothing was written. A check of the tax number goes when the
    number or the country changes.
    """
    return _changing(selection, "updated", _written(names, merge_metadata), of_organizations(), step=0)


@lru_cache(maxsize=256)
def remove_statement(selection: Selection) -> Select[Any]:
    """Marks the live record `record` as deleted; otherwise as change_statement."""
    values = {"deleted_at": NOW, "deleted_id": clients.c.id}
    return _changing(selection, "deleted", values, of_organizations(), step=-1)


@lru_cache(maxsize=256)
def restore_statement(selection: Selection) -> Select[Any]:
    """Brings the deleted record `record` back; otherwise as change_statement."""
    values = {"deleted_at": None, "deleted_id": None}
    return _changing(selection, "restored", values, of_organizations(deleted=True), step=+1)


@lru_cache(maxsize=256)
def erase_statement(selection: Selection) -> Select[Any]:
    """Deletes the record `record`, live or deleted, for good; otherwise as change_statement. The log gets no images."""
    was = _found(of_organizations(deleted=None))
    gone = delete(clients).where(_same(was), _as_expected(was)).returning(clients).cte("ch")
    json, row = render_row(selection, gone)
    answer = select(json, gone.c.version, was.c.organization_id)
    answer = answer.select_from(was.outerjoin(gone, true()).outerjoin(row, true()))
    log = _logged(gone, "erased", gone, cast(null(), JSONB), cast(null(), JSONB), later=1)
    return answer.add_cte(log, _counted(gone, -1, gone.c.deleted_at.is_(None)))


FORGET_IMAGES = (
    update(client_changes)
    .where(
        client_changes.c.organization_id == bindparam("organization", type_=Text()),
        client_changes.c.client_id == bindparam("record", type_=Text()),
    )
    .values(before=None, after=None)
)
"""Drops what a client looked like before and after each change; who changed what and when stays."""


def _found(scope: ColumnElement[bool]) -> CTE:
    """The record, locked until the end of the transaction."""
    return select(clients).where(clients.c.id == bindparam("record", type_=Text()), scope).with_for_update().cte("was")


def _same(was: CTE) -> ColumnElement[bool]:
    return and_(clients.c.organization_id == was.c.organization_id, clients.c.id == was.c.id)


def _as_expected(was: CTE) -> ColumnElement[bool]:
    expected = bindparam("expected", type_=ARRAY(Integer))
    return (was.c.version == func.any(expected)) | expected.is_(None)


def _as_then(was: CTE, names: Sequence[str]) -> list[ColumnElement[bool]]:
    """Whether columns still are what the parameters w_<column> say."""
    return [was.c[name].is_not_distinct_from(bindparam(f"w_{name}", type_=clients.c[name].type)) for name in names]


def _changing(
    selection: Selection,
    action: str,
    values: dict[str, Any],
    scope: ColumnElement[bool],
    *,
    step: int,
    still: Sequence[str] = (),
) -> Select[Any]:
    was = _found(scope)
    values = {**values, "version": clients.c.version + 1, "updated_at": LATER}
    changing = update(clients).values(values).where(_same(was), _as_expected(was), *_as_then(was, still))
    changed = changing.returning(clients).cte("ch")
    json, row = render_row(selection, changed)
    answer = select(json, changed.c.version, was.c.organization_id, changed.c.metadata)
    answer = answer.select_from(was.outerjoin(changed, true()).outerjoin(row, true()))
    log = _logged(changed, action, changed.join(was, true()), _image("was"), _image("ch"))
    return answer.add_cte(log, _counted(changed, step)) if step else answer.add_cte(log)
