"""The statements that read client_changes. The database renders the images as it renders records."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
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

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.query.face import Face, Field, Kind
from app.query.sql.render import render_field, render_row
from app.storage.columns import Xid8
from app.storage.tables import client_changes, clients

CHANNEL = "client_changes"
AT = Field("at", "at", Kind.DATE)
STORED = tuple(stored for stored in clients.c if stored.computed is None)

_sequence = table("client_changes_id_seq", column("last_value", BigInteger), column("is_called", Boolean))

LAST_NUMBER = select(case((_sequence.c.is_called, _sequence.c.last_value), else_=0))
"""(number) The last number that any change took, committed or not."""

NEW_TRANSACTION = select(func.pg_current_xact_id())
"""(transaction) A transaction id newer than every id so far."""

IS_SETTLED = select(
    func.pg_snapshot_xmin(func.pg_current_snapshot()) >= bindparam("transaction", type_=Xid8()),
)
"""(settled) Whether every older writing transaction in the cluster has ended."""

SNAPSHOT = select(cast(func.pg_current_snapshot(), Text))
"""(text) The transactions committed now; app.changes.record.Snapshot reads the text."""

WAKE = select(func.pg_notify(CHANNEL, ""))
"""Wakes the readers in every process. NOTIFY locks the whole server until its commit, so it is a transaction of its own."""


def _image(changes: FromClause, document: ColumnElement[Any], face: Face) -> ColumnElement[Any]:
    """The image in one column of `changes`, as JSON text with the fields of a face; null if there is none."""
    populated = func.jsonb_populate_record(literal_column("NULL::clients"), document)
    row = populated.table_valued(*(column(stored.name, stored.type) for stored in STORED), name="image")
    deleted = row.c.deleted_at.is_not(None).label("is_deleted")
    record = select(*row.c, deleted).where(document.is_not(None)).correlate(changes).lateral("record")
    json, rendered = render_row(tuple(face.fields.items()), record)
    return select(json).select_from(record.join(rendered, true())).correlate(changes).scalar_subquery()


def _before(changes: FromClause) -> ColumnElement[Any]:
    """The image before a change: the image after it, with the former values of what has changed."""
    return changes.c.after.op("||")(changes.c.before)


def _select_changes(changes: FromClause) -> Select[Any]:
    """One column for each field of app.changes.record.Change."""
    c = changes.c
    return select(
        c.id,
        c.transaction,
        c.organization_id,
        c.client_id,
        c.version,
        c.action,
        c.actor,
        render_field(AT, c),
        _image(changes, _before(changes), GRAPHQL_CLIENT),
        _image(changes, c.after, GRAPHQL_CLIENT),
        _image(changes, c.after, GRAPHQL_CUSTOMER),
    ).order_by(c.id)


def _between(scope: ColumnElement[bool]) -> Select[Any]:
    """At most `most` changes with numbers above `after` and up to `upto`, in order."""
    number = client_changes.c.id
    after, upto = bindparam("after", type_=BigInteger()), bindparam("upto", type_=BigInteger())
    changes = select(client_changes).where(scope, number > after, number <= upto).order_by(number)
    return _select_changes(changes.limit(bindparam("most", type_=Integer())).subquery("c"))


SETTLED_CHANGES = _between(client_changes.c.organization_id == func.any(bindparam("organizations", type_=ARRAY(Text))))
"""The changes of several organizations, close to the end of the table."""

REPLAYED_CHANGES = _between(client_changes.c.organization_id == bindparam("organization", type_=Text()))
"""The changes of one organization anywhere in the table."""

_of_record = (
    client_changes.c.organization_id == bindparam("organization", type_=Text()),
    client_changes.c.client_id == bindparam("record", type_=Text()),
)

HISTORY_LENGTH = select(func.count()).select_from(client_changes).where(*_of_record)


@lru_cache(maxsize=4)
def history_statement(face: Face) -> Select[Any]:
    """At most `most` changes of a record with numbers below `before`, newest first, with the fields of PastChange."""
    number = client_changes.c.id
    older = select(client_changes).where(*_of_record, number < bindparam("before", type_=BigInteger()))
    changes = older.order_by(number.desc()).limit(bindparam("most", type_=Integer())).subquery("c")
    c = changes.c
    images: Sequence[ColumnElement[Any]] = (_image(changes, _before(changes), face), _image(changes, c.after, face))
    return select(c.id, c.version, c.action, c.actor, render_field(AT, c), *images).order_by(c.id.desc())
