"""The outbox: messages that are safe in the database until somebody has taken them.

A message is `waiting`, then `sending` under a lease while a worker tries, then `sent` or `failed`, or `waiting` again.
A lease that runs out makes a message due again, so a process that dies loses none; it may be sent twice, though.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Interval,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
    update,
)

from app.ids import new_id
from app.mail.message import Message
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import outbox

ERROR_LENGTH = 500
"""The most characters that are kept of why an attempt failed."""
OPEN: ColumnElement[bool] = literal_column("outbox.state IN ('waiting', 'sending')", Boolean)
"""Written out, not bound, so that the partial index ix_outbox_due serves the claim under every plan."""
MESSAGE = tuple(outbox.c[field.name] for field in fields(Message))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A message that a worker holds until its lease ends. `attempt` counts from 1 and tells this claim from others."""

    organization_id: str
    id: str
    attempt: int
    created_at: datetime
    message: Message


_PUT = insert(outbox)
_LEASE_END = NOW + bindparam("lease", type_=Interval)
_AFTER_DELAY = NOW + bindparam("delay", type_=Interval)
"""NOW is rounded down to milliseconds. The column itself rounds up as well, so that a message without a delay would be
due up to half a millisecond in the future, and a worker would pass over it."""

_due = (
    select(outbox.c.organization_id, outbox.c.id)
    .where(OPEN, outbox.c.next_attempt_at <= func.now())
    .order_by(outbox.c.next_attempt_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.organization_id == _due.c.organization_id, outbox.c.id == _due.c.id)
    .values(
        state="sending",
        attempts=outbox.c.attempts + 1,
        last_attempt_at=NOW,
        next_attempt_at=_LEASE_END,
    )
    .returning(outbox.c.organization_id, outbox.c.id, outbox.c.attempts, outbox.c.created_at, *MESSAGE)
)

_held = update(outbox).where(
    outbox.c.organization_id == bindparam("organization"),
    outbox.c.id == bindparam("message"),
    outbox.c.state == "sending",
    outbox.c.attempts == bindparam("attempt"),
)
_SENT = _held.values(state="sent", sent_at=NOW)
_FAIL = _held.values(state="failed", last_error=bindparam("error"))
_RETRY = _held.values(
    state="waiting",
    next_attempt_at=_AFTER_DELAY,
    last_error=bindparam("error"),
)
_RENEW = _held.values(next_attempt_at=_LEASE_END)
_RELEASE = _held.values(
    state="waiting",
    attempts=outbox.c.attempts - 1,
    last_attempt_at=case((outbox.c.attempts > 1, outbox.c.last_attempt_at)),
    next_attempt_at=NOW,
)


async def put_message(connection: Connection, organization_id: str, client_id: str, message: Message) -> str:
    """Puts a message into the outbox, in the caller's transaction; its id. Wake the worker after the commit."""
    row = {field.name: getattr(message, field.name) for field in fields(Message)}
    row |= {"organization_id": organization_id, "id": new_id(), "client_id": client_id}
    await connection.execute(_PUT, row)
    return str(row["id"])


async def claim_due(connection: Connection, *, most: int, lease: timedelta) -> list[Claim]:
    """Takes up to `most` due messages, the longest due first; no other worker gets them until the lease ends.

    Crosses tenants on purpose: one worker delivers for every organization.
    """
    rows = await connection.execute(_CLAIM, {"most": most, "lease": lease})
    return [
        Claim(organization_id=tenant, id=id_, attempt=attempts, created_at=created, message=_message(rest))
        for tenant, id_, attempts, created, *rest in rows
    ]


def _message(values: Sequence[Any]) -> Message:
    return Message(**{field.name: value for field, value in zip(fields(Message), values, strict=True)})


async def mark_sent(connection: Connection, claim: Claim) -> None:
    """Like every mark below: does nothing when the lease has ended and another worker holds the message."""
    await connection.execute(_SENT, _key(claim))


async def mark_failed(connection: Connection, claim: Claim, error: str) -> None:
    """No further attempt is made."""
    await connection.execute(_FAIL, _key(claim) | {"error": error[:ERROR_LENGTH]})


async def mark_waiting(connection: Connection, claim: Claim, error: str, delay: timedelta) -> None:
    """The next attempt is due after `delay`."""
    await connection.execute(_RETRY, _key(claim) | {"error": error[:ERROR_LENGTH], "delay": delay})


async def renew(connection: Connection, claim: Claim, lease: timedelta) -> None:
    """Holds the message for another `lease` from now on."""
    await connection.execute(_RENEW, _key(claim) | {"lease": lease})


async def release(connection: Connection, claim: Claim) -> None:
    """Gives the message back as if it had not been claimed: due at once, the attempt not counted."""
    await connection.execute(_RELEASE, _key(claim))


def _key(claim: Claim) -> dict[str, object]:
    return {"organization": claim.organization_id, "message": claim.id, "attempt": claim.attempt}


_ERASE = (
    update(outbox)
    .where(outbox.c.organization_id == bindparam("organization"), outbox.c.client_id == bindparam("client"))
    .values(
        recipient="",
        recipient_name="",
        subject="",
        text="",
        html="",
        state=case((OPEN, "failed"), else_=outbox.c.state),
        last_error=None,
    )
)


async def erase_messages(connection: Connection, organization_id: str, client_id: str) -> None:
    """Empties a client's messages, so that nothing tells who they were for; those not yet sent never will be."""
    await connection.execute(_ERASE, {"organization": organization_id, "client": client_id})
