"""The statements of the retention worker. They cover all organizations: one worker keeps the times of everybody.

Each deletes or empties at most BATCH rows and gives one row for each of them. A row that another transaction holds is
left for the next time.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Interval,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.sql.elements import ClauseElement

from app.storage.tables import (
    client_changes,
    clients,
    erasures,
    idempotency_keys,
    limit_counts,
    organizations,
    outbox,
    webhook_deliveries,
    webhooks,
)

BATCH = 500
LOCK = 4_017_231_902

TRY_TURN = select(func.pg_try_advisory_xact_lock(literal_column(str(LOCK))))
"""(taken) Keeps every other retention worker out until the transaction ends. False if another one is at work."""


WAIT_FOR_TURN = select(func.pg_advisory_xact_lock(literal_column(str(LOCK))))
"""As TRY_TURN, but waits for the other worker."""


@dataclass(frozen=True, slots=True)
class Task:
    """Work of the retention worker: `name` for the log, the rows `due` of a table, and the statement for a batch."""

    name: str
    due: ColumnElement[bool]
    statement: ClauseElement


def _older(moment: ColumnElement[Any], age: str) -> ColumnElement[bool]:
    return moment < func.now() - bindparam(age, type_=Interval)


def _batch(table: Table, due: ColumnElement[bool]) -> ColumnElement[bool]:
    """The keys of a batch of due rows, locked."""
    keys = tuple_(*table.primary_key)
    rows = select(*table.primary_key).where(due).limit(literal_column(str(BATCH))).with_for_update(skip_locked=True)
    return keys.in_(rows)


_has_image = or_(client_changes.c.before.is_not(None), client_changes.c.after.is_not(None))
_old_image = _has_image & _older(client_changes.c.at, "images")
_done = outbox.c.state.in_([literal_column("'sent'"), literal_column("'failed'")])
_old_message = (
    (outbox.c.text != literal_column("''"))
    & _done
    & _older(func.coalesce(outbox.c.sent_at, outbox.c.last_attempt_at, outbox.c.created_at), "messages")
)
_old_answer = _older(idempotency_keys.c.created_at, "answers")
_old_count = limit_counts.c.ends_at <= func.now()
_ended = webhook_deliveries.c.state.in_([literal_column("'sent'"), literal_column("'failed'")])
_old_delivery = _ended & _older(webhook_deliveries.c.created_at, "deliveries")
_old_webhook = _older(webhooks.c.deleted_at, "deliveries")

TASKS = (
    Task(
        "change images",
        _old_image,
        update(client_changes)
        .where(_batch(client_changes, _old_image))
        .values(before=None, after=None)
        .returning(literal_column("1")),
    ),
    Task(
        "message texts",
        _old_message,
        update(outbox)
        .where(_batch(outbox, _old_message))
        .values(recipient_name="", text="", html="", last_error=None)
        .returning(literal_column("1")),
    ),
    Task(
        "stored responses",
        _old_answer,
        delete(idempotency_keys).where(_batch(idempotency_keys, _old_answer)).returning(literal_column("1")),
    ),
    Task(
        "counts of limits",
        _old_count,
        delete(limit_counts).where(_batch(limit_counts, _old_count)).returning(literal_column("1")),
    ),
    Task(
        "deliveries of webhooks",
        _old_delivery,
        delete(webhook_deliveries).where(_batch(webhook_deliveries, _old_delivery)).returning(literal_column("1")),
    ),
    Task(
        "deleted webhooks",
        _old_webhook,
        delete(webhooks).where(_batch(webhooks, _old_webhook)).returning(literal_column("1")),
    ),
)

_exists: list[Any] = [select(literal_column("1")).where(task.due).exists() for task in TASKS]
DUE: Select[Any] = select(*_exists)
"""(for each task, whether a row is due)"""

ERASURES = select(erasures.c.id).order_by(erasures.c.id).limit(literal_column("10000"))
"""(id) The erasures since the last refresh of the statistics."""

FORGET_ERASURES = delete(erasures).where(erasures.c.id == func.any(bindparam("ids", type_=ARRAY(BigInteger))))

ANALYZED = ("accounts", "organizations", "clients")
"""The tables whose statistics hold samples of personal values. The other tables keep none of such columns."""

NO_CLIENT = ~select(literal_column("1")).select_from(clients).exists()
IS_EMPTY = select(NO_CLIENT)
"""(empty) PostgreSQL keeps the old statistics of a table without rows."""

_PLACEHOLDER = "-"
ADD_PLACEHOLDER = (
    insert(organizations).values(id=_PLACEHOLDER, name=_PLACEHOLDER),
    insert(clients).values(organization_id=_PLACEHOLDER, id=_PLACEHOLDER, name=_PLACEHOLDER),
)
"""Adds a client without any value, which nobody sees: REMOVE_PLACEHOLDER follows in the same transaction."""
REMOVE_PLACEHOLDER = delete(organizations).where(organizations.c.id == _PLACEHOLDER)


def analyze(table: str) -> ClauseElement:
    return text(f"ANALYZE {table}")
