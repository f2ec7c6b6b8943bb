"""The reminders of a client: a connection by key. Those of all clients of a page are loaded together."""

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
from app.graphql.execution.context import Info, find_plan
from app.graphql.execution.loading import Record
from app.graphql.execution.plans import selects_total
from app.graphql.schema.connections import Connection, make_connection, read_count
from app.graphql.schema.inputs import DateTime, argument
from app.graphql.schema.words import ReminderLanguage
from app.ids import is_id
from app.mail.repository import ClientKey, Delivery
from app.query.cursor import read_cursor, write_cursor, write_values

SCOPE = "reminders"
"""The scope of the cursors: a cursor of another list is not valid here."""

REMINDERS = "The reminders to the client in every state, newest first."

FirstReminders = Annotated[
    int | None, argument("The number of reminders, newest first: at most 100. The default is 20.")
]
AfterReminder = Annotated[str | None, argument("The cursor of the reminder before the page.")]


@strawberry.enum(description="The state of a reminder.")
class ReminderState(Enum):
    WAITING = strawberry.enum_value("waiting", description="The reminder waits for its next delivery attempt.")
    SENDING = strawberry.enum_value("sending", description="The reminder is being delivered to the mail server.")
    SENT = strawberry.enum_value("sent", description="The mail server accepted the reminder.")
    FAILED = strawberry.enum_value("failed", description="Delivery failed permanently, or every retry failed.")


@strawberry.type(description="A reminder of open documents, with the state of its delivery.")
class Reminder:
    to: str = field(description="The e-mail address of the recipient.")
    language: ReminderLanguage = field(description="The language of the text.")
    state: ReminderState = field(description="The state of the delivery.")
    attempts: int = field(description="The number of delivery attempts.")
    created_at: DateTime = field(description="The time when the reminder was stored for delivery.")
    last_attempt_at: DateTime | None = field(
        description="The start of the last delivery attempt. Null before the first attempt."
    )
    next_attempt_at: DateTime | None = field(
        description="The time of the next delivery attempt. Null for a reminder that is sent or has failed."
    )
    sent_at: DateTime | None = field(
        description="The time when the mail server accepted the reminder. Null until then."
    )

    @classmethod
    def of(cls, stored: Delivery) -> "Reminder":
        return cls(
            to=stored.recipient,
            language=ReminderLanguage(stored.language.upper()),
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
    """A page of a client's reminders. Raises Malformed for a count below 0 or over 100, and for the cursor of another list."""
    count, access = read_count(first), info.context.access
    behind = None if after is None else _read_cursor(after)
    load = partial(_load_reminders, access, count + 1, behind)
    deliveries = await info.context.loader(("reminders", count + 1, behind), load).load(root.key)
    total = 0
    if find_plan(info, "reminders", selects_total, "ReminderConnection"):
        total = await info.context.loader("numbers of reminders", partial(_count_reminders, access)).load(root.key)
    rows = [(write_cursor(SCOPE, write_values([sent.id])), Reminder.of(sent)) for sent in deliveries[:count]]
    return make_connection(rows, has_next=len(deliveries) > count, has_previous=after is not None, total=total)


def _read_cursor(text: str) -> str:
    """The id of the reminder that a cursor names."""
    (reminder_id,) = read_cursor(SCOPE, text, "after", 1)
    if not isinstance(reminder_id, str) or not is_id(reminder_id):
        raise Malformed("Invalid cursor: pass a cursor that this API returned.", "after")
    return reminder_id


async def _load_reminders(
    access: Access, most: int, after: str | None, clients: Sequence[ClientKey]
) -> list[Sequence[Delivery]]:
    deliveries = await list_reminders(access, clients, most, after)
    return [deliveries.get(client, ()) for client in clients]


async def _count_reminders(access: Access, clients: Sequence[ClientKey]) -> list[int]:
    counts = await count_reminders(access, clients)
    return [counts.get(client, 0) for client in clients]
