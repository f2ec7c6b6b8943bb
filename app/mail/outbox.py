"""The outbox: the table that holds messages until a mail server has taken them.

A message is `waiting`, then `sending` while a worker holds a lease on it, then `sent`, `failed` or `waiting` again.
A message is due again when its lease ends. So a process that dies loses no message, but a message may be sent twice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Interval,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from app.ids import new_id
from app.mail.message import Message
from app.query.sql.index_keys import index_key
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import outbox

ERROR_LENGTH = 500
"""The most characters of an error that are stored."""
OPEN: ColumnElement[bool] = literal_column("outbox.state IN ('waiting', 'sending')", Boolean)
"""Literals instead of parameters, so that the claim uses the partial index ix_outbox_due under every plan."""
NO_CLIENT = ""
"""The client of a notice, which is about no client."""
IS_REMINDER: ColumnElement[bool] = outbox.c.client_id != literal_column("''")
"""False for a notice. The limits of reminders count no notices."""
MESSAGE = tuple(outbox.c[field.name] for field in fields(Message))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A message that a worker holds until its lease ends. `attempt` counts from 1 and identifies this claim."""

    organization_id: str
    id: str
    attempt: int
    created_at: datetime
    message: Message


_ADD = insert(outbox)
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
_SENT = _held.values(state="sent", sent_at=NOW).returning(outbox.c.id)
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
    """Adds a message in the caller's transaction and returns its id. Wake the worker after the commit.

    A notice has the client NO_CLIENT.
    """
    row = {field.name: getattr(message, field.name) for field in fields(Message)}
    row |= {"organization_id": organization_id, "id": new_id(), "client_id": client_id}
    await connection.execute(_ADD, row)
    return str(row["id"])


async def claim_due(connection: Connection, *, most: int, lease: timedelta) -> list[Claim]:
    """Claims up to `most` due messages, the longest due first. No other worker gets them until the lease ends.

    The claim covers all tenants: one worker delivers for every organization.
    """
    rows = await connection.execute(_CLAIM, {"most": most, "lease": lease})
    return [
        Claim(organization_id=tenant, id=id_, attempt=attempts, created_at=created, message=_message(rest))
        for tenant, id_, attempts, created, *rest in rows
    ]


def _message(values: Sequence[Any]) -> Message:
    return Message(**{field.name: value for field, value in zip(fields(Message), values, strict=True)})


async def mark_sent(connection: Connection, claim: Claim) -> bool:
    """Returns False if the worker no longer holds the message.

    As every function below, it does nothing if the lease has ended and another worker holds the message.
    """
    return (await connection.execute(_SENT, _key(claim))).first() is not None


async def mark_failed(connection: Connection, claim: Claim, error: str) -> None:
    """Ends the attempts."""
    await connection.execute(_FAIL, _key(claim) | {"error": error[:ERROR_LENGTH]})


async def mark_waiting(connection: Connection, claim: Claim, error: str, delay: timedelta) -> None:
    """Makes the next attempt due after `delay`."""
    await connection.execute(_RETRY, _key(claim) | {"error": error[:ERROR_LENGTH], "delay": delay})


async def renew_lease(connection: Connection, claim: Claim, lease: timedelta) -> None:
    """Extends the lease: it ends `lease` from now."""
    await connection.execute(_RENEW, _key(claim) | {"lease": lease})


async def release(connection: Connection, claim: Claim) -> None:
    """Undoes the claim: the message is due at once, and the attempt does not count."""
    await connection.execute(_RELEASE, _key(claim))


def _key(claim: Claim) -> dict[str, object]:
    return {"organization": claim.organization_id, "message": claim.id, "attempt": claim.attempt}


_addresses = bindparam("addresses", type_=ARRAY(Text))
_sent_to = select(outbox.c.id).where(
    outbox.c.organization_id == bindparam("organization"),
    index_key(func.fold(outbox.c.recipient)).op("=")(func.any(_addresses)),
)
"""An address has at most 254 characters, so the beginning that the index holds is the whole of it."""
_ERASE = (
    update(outbox)
    .where(
        outbox.c.organization_id == bindparam("organization"),
        or_(outbox.c.client_id == bindparam("client"), outbox.c.id.in_(_sent_to.scalar_subquery())),
    )
    .values(
        recipient="",
        recipient_name="",
        subject="",
        text="",
        html="",
        state=case((OPEN, "failed"), else_=outbox.c.state),
        last_error=None,
    )
    .returning(outbox.c.id)
)


async def erase_messages(
    connection: Connection, organization_id: str, client_id: str, addresses: Sequence[str] = ()
) -> list[str]:
    """Removes the recipient and the text from a client's messages, and from all messages to the folded `addresses`.

    Messages that are not sent yet become failed. Gives the ids of the messages.
    """
    parameters = {"organization": organization_id, "client": client_id, "addresses": list(addresses)}
    return await connection.scalars(_ERASE, parameters)


_ERASED = select(outbox.c.id).where(
    outbox.c.recipient == literal_column("''"), outbox.c.id == func.any(bindparam("messages", type_=ARRAY(Text)))
)


async def erased_messages(connection: Connection, ids: Collection[str]) -> list[str]:
    """The messages among `ids` to erased persons, of every organization."""
    return await connection.scalars(_ERASED, {"messages": list(ids)})


_by_ids = outbox.c.id == func.any(bindparam("messages", type_=ARRAY(Text)))
_AGAIN = (
    update(outbox)
    .where(or_(outbox.c.state == "waiting", outbox.c.state == "failed"), outbox.c.recipient != "", outbox.c.text != "")
    .values(state="waiting", attempts=0, next_attempt_at=NOW)
    .returning(outbox.c.id)
)
_RETRY_MESSAGES = _AGAIN.where(_by_ids)
_organization = bindparam("organization", type_=Text())
_RETRY_FAILED = _AGAIN.where(
    outbox.c.state == "failed", or_(_organization.is_(None), outbox.c.organization_id == _organization)
)
_CANCEL = (
    update(outbox)
    .where(outbox.c.state == "waiting", _by_ids)
    .values(state="failed", last_error="Cancelled by the operator")
    .returning(outbox.c.id)
)


async def retry_messages(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Makes messages due now that wait or have failed, with all attempts before them. Returns their ids.

    A message without a text is left out: its time was over, or its recipient was erased.
    """
    return await connection.scalars(_RETRY_MESSAGES, {"messages": list(ids)})


async def retry_failed(connection: Connection, organization_id: str | None) -> list[str]:
    """As retry_messages, for all messages of an organization, or of all, that have failed."""
    return await connection.scalars(_RETRY_FAILED, {"organization": organization_id})


async def cancel_messages(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Makes waiting messages failed, so that no worker sends them. Returns their ids."""
    return await connection.scalars(_CANCEL, {"messages": list(ids)})
