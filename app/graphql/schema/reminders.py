"""The reminders of a client: a connection by key, loaded for all clients of a page at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Annotated

import strawberry
from strawberry import field

from app.auth import Access
from app.clients.reminders import count_reminders, list_reminders
from app.errors import Malformed
from app.graphql.execution.context import Info, planned
from app.graphql.execution.loading import Record
from app.graphql.execution.plans import selects_total
from app.graphql.schema.connections import Connection, keyed_connection, read_count
from app.graphql.schema.inputs import DateTime, argument
from app.ids import is_id
from app.mail.repository import ClientKey, Delivery
from app.query.cursor import read_cursor, write_cursor, write_values

SCOPE = "reminders"
"""The scope of the cursors: a cursor of another list is not valid here."""

REMINDERS = "The reminders that were sent to the client or are on their way, the newest first."

FirstReminders = Annotated[
    int | None, argument("How many from the newest on, or after `after`: at most 100; 20 by default.")
]
AfterReminder = Annotated[str | None, argument("The cursor of the reminder before the page.")]


@strawberry.enum(description="What a reminder is at.")
class ReminderState(Enum):
    WAITING = strawberry.enum_value("waiting", description="It is to be handed to the mail server, now or later.")
    SENDING = strawberry.enum_value("sending", description="It is being handed to the mail server.")
    SENT = strawberry.enum_value("sent", description="The mail server has taken it.")
    FAILED = strawberry.enum_value("failed", description="The mail server refused it for good, or took it never.")


@strawberry.type(description="A reminder of open documents, and what has become of it.")
class Reminder:
    to: str = field(description="The e-mail address that it goes to.")
    language: str = field(description="The language that it is written in, such as `en`.")
    state: ReminderState = field(description="What it is at.")
    attempts: int = field(description="How often it was tried to hand it to the mail server.")
    created_at: DateTime = field(description="When it was asked for; it has been safe since then.")
    last_attempt_at: DateTime | None = field(description="When the last attempt began; null before the first one.")
    next_attempt_at: DateTime | None = field(description="When it is tried next; null when it is sent or given up.")
    sent_at: DateTime | None = field(description="When the mail server took it; null before.")

    @classmethod
    def of(cls, stored: Delivery) -> "Reminder":
        return cls(
            to=stored.recipient,
            language=stored.language,
            state=ReminderState[stored.state.upper()],
            attempts=stored.attempts,
            created_at=show_moment(stored.created_at),
            last_attempt_at=show_moment(stored.last_attempt_at) if stored.last_attempt_at else None,
            next_attempt_at=show_moment(stored.next_attempt_at) if stored.next_attempt_at else None,
            sent_at=show_moment(stored.sent_at) if stored.sent_at else None,
        )


def show_moment(moment: datetime) -> DateTime:
    return DateTime(moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


async def resolve_reminders(
    root: Record, info: Info, first: FirstReminders = None, after: AfterReminder = None
) -> Connection[Reminder]:
    """A page of a client's reminders. Raises Malformed for a count that is negative or over 100, and a foreign cursor."""
    count, access = read_count(first), info.context.access
    behind = None if after is None else _read_cursor(after)
    load = partial(_load_reminders, access, count + 1, behind)
    deliveries = await info.context.loader(("reminders", count + 1, behind), load).load(root.key)
    total = 0
    if planned(info, "reminders", selects_total, "ReminderConnection"):
        total = await info.context.loader("numbers of reminders", partial(_count_reminders, access)).load(root.key)
    rows = [(write_cursor(SCOPE, write_values([sent.id])), Reminder.of(sent)) for sent in deliveries[:count]]
    return keyed_connection(rows, has_next=len(deliveries) > count, has_previous=after is not None, total=total)


def _read_cursor(text: str) -> str:
    """The id of the reminder that a cursor names."""
    (reminder_id,) = read_cursor(SCOPE, text, "after", 1)
    if not isinstance(reminder_id, str) or not is_id(reminder_id):
        raise Malformed("The cursor is not one that this service gave", "after")
    return reminder_id


async def _load_reminders(
    access: Access, most: int, after: str | None, clients: Sequence[ClientKey]
) -> list[Sequence[Delivery]]:
    deliveries = await list_reminders(access, clients, most, after)
    return [deliveries.get(client, ()) for client in clients]


async def _count_reminders(access: Access, clients: Sequence[ClientKey]) -> list[int]:
    counts = await count_reminders(access, clients)
    return [counts.get(client, 0) for client in clients]
