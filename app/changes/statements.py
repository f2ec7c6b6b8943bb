"""The statements that read client_changes. The database renders the images as it renders records."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    true,
)

from app.changes.columns import CODED_FACES, image_name, render_differences, render_images
from app.changes.sources import CHANGE_FACES
from app.query.face import Face, Kind
from app.query.sql.render import render_object
from app.storage.tables import client_changes

CHANNEL = "client_changes"
Statement: TypeAlias = Select[Any]

_sequence = table("client_changes_id_seq", column("last_value", BigInteger), column("is_called", Boolean))

_history = func.concat(
    select(column("system_identifier")).select_from(func.pg_control_system()).scalar_subquery(),
    func.left(func.pg_walfile_name(func.pg_current_wal_lsn()), 8),
)
"""The database system and its timeline. A promoted standby and a recovery from a backup begin a new timeline."""
_epoch = case((~func.pg_is_in_recovery(), func.to_hex(func.hashtextextended(_history, 0))))

LAST_POSITION = select(case((_sequence.c.is_called, _sequence.c.last_value), else_=0), _epoch)
"""(number, epoch) The last number that any change took, committed or not. A standby has no epoch."""

_locks = table(
    "pg_locks", column("locktype"), column("database"), column("classid"), column("objid"), column("objsubid")
)
_database: Select[Any] = (
    select(column("oid")).select_from(table("pg_database")).where(column("datname") == func.current_database())
)
_last: ColumnElement[int] = bindparam("last", type_=BigInteger())
_distance = (_last - cast(_locks.c.objid, BigInteger)).op("&")(literal_column("2147483647"))
_writers = (
    select(
        cast(_locks.c.classid, BigInteger).label("key"),
        # A writer that began after `last` was read holds a larger number, so its distance is close to 2^31.
        func.min(_last - case((_distance < literal_column("1073741824"), _distance), else_=0)).label("began"),
    )
    .where(
        _locks.c.locktype == literal_column("'advisory'"),
        _locks.c.objsubid == literal_column("2"),
        _locks.c.database == _database.scalar_subquery(),
    )
    .group_by(_locks.c.classid)
    .subquery("writers")
)
_followed = (
    func.unnest(bindparam("organizations", type_=ARRAY(Text)))
    .table_valued(column("id", Text()))
    .render_derived(name="followed")
)
_key = cast(func.hashtext(_followed.c.id), BigInteger).op("&")(literal_column("4294967295"))

SETTLED_NUMBERS = select(_followed.c.id, func.coalesce(_writers.c.began, _last)).select_from(
    _followed.outerjoin(_writers, _writers.c.key == _key)
)
"""(organization, number) Every change of an organization up to its number is committed or never will be.

`last` is a last number that was read before. An open transaction that writes changes of an organization holds a lock
from `begin_change`, with the last number at its start. Each of its own changes has a larger number.
"""

SNAPSHOT = select(cast(func.pg_current_snapshot(), Text))
"""(text) The transactions committed now; app.changes.record.Snapshot reads the text."""

WAKE = select(func.pg_notify(CHANNEL, ""))
"""Wakes the readers in every process. NOTIFY locks the whole server until its commit, so it is a transaction of its own."""


ERASED: ColumnElement[Any] = literal_column("'erased'")
_later = client_changes.alias("later")


def images_expired(changes: FromClause) -> ColumnElement[bool]:
    """True for a change without images whose person was not erased: the retention worker has dropped the images."""
    c = changes.c
    of_record = (_later.c.organization_id == c.organization_id, _later.c.client_id == c.client_id)
    erasure: Select[Any] = select(literal_column("1")).where(*of_record, _later.c.id > c.id, _later.c.action == ERASED)
    return and_(c.after.is_(None), c.action != ERASED, ~erasure.correlate(changes).exists())


def list_facts(changes: FromClause) -> Sequence[ColumnElement[Any]]:
    """The columns of app.changes.record.PastChange that do not depend on a face."""
    c = changes.c
    return c.id, c.organization_id, c.client_id, c.action, c.actor, images_expired(changes)


def _list_shown(changes: FromClause, images: FromClause, face: Face) -> Sequence[ColumnElement[Any]]:
    """The columns of PastChange that depend on a face."""
    before, after = [images.c[image_name(name, face)] for name in ("before", "after")]
    facts = tuple(
        (name, field) for name, field in CHANGE_FACES[face.name].fields.items() if field.kind is not Kind.JSON
    )
    differences = render_differences(changes.c, before, after, face)
    return cast(render_object(facts, changes.c), Text), before, after, differences


def select_changes(changes: FromClause, *faces: Face) -> Select[Any]:
    """The facts of changes, and what is shown of them under each face."""
    images = render_images(changes, *faces)
    shown = [column for face in faces for column in _list_shown(changes, images, face)]
    return select(*list_facts(changes), *shown).select_from(changes.join(images, true()))


def select_followed_changes(changes: FromClause) -> Select[Any]:
    """The transaction of changes, with what `select_changes` shows under both faces, in the order of their numbers."""
    shown = select_changes(changes, *CODED_FACES)
    return (
        select(changes.c.transaction, *shown.selected_columns)
        .select_from(*shown.get_final_froms())
        .order_by(changes.c.id)
    )


_ranges = (
    func.unnest(
        bindparam("organizations", type_=ARRAY(Text)),
        bindparam("after", type_=ARRAY(BigInteger)),
        bindparam("upto", type_=ARRAY(BigInteger)),
    )
    .table_valued(column("id", Text()), column("after", BigInteger), column("upto", BigInteger))
    .render_derived(name="ranges")
)
MOST = bindparam("most", type_=Integer())
_in_range = (
    select(client_changes)
    .where(
        client_changes.c.organization_id == _ranges.c.id,
        client_changes.c.id > _ranges.c.after,
        client_changes.c.id <= _ranges.c.upto,
    )
    .order_by(client_changes.c.id)
    .limit(MOST)
    .correlate(_ranges)
    .lateral("each")
)

SETTLED_CHANGES = select_followed_changes(
    select(*_in_range.c).select_from(_ranges.join(_in_range, true())).order_by(_in_range.c.id).limit(MOST).subquery("c")
)
"""At most `most` changes of several organizations, in order: those above `after` and up to `upto` of each of them."""
