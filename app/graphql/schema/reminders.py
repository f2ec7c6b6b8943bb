"""The reminders of a client: a connection by key. Those of all clients of a page are loaded together."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import strawberry
from strawberry import field

from app.auth import Access
from app.clients.reminders import count_reminders, find_reminders, list_reminders
from app.graphql.execution.context import Info, read_page
from app.graphql.execution.loading import Record, ShownRow, load_row, whole_record
from app.graphql.schema.connections import Connection
from app.graphql.schema.inputs import DateTime
from app.graphql.schema.key_pages import After, Before, First, Last, find_wanted, show_rows
from app.graphql.schema.nodes import Node
from app.graphql.schema.words import ReminderLanguage, Word
from app.mail.faces import REMINDER
from app.mail.repository import ClientKey, RenderedMessage
from app.mail.sources import SCOPE, read_reminder_cursor
from app.query.cursor import write_cursor, write_values
from app.query.face import Face
from app.query.key_page import KeyPage, KeyRows

REMINDERS = "The reminders to the client in every state, newest first."


@strawberry.enum(description="The state of a reminder.")
class ReminderState(Word):
    WAITING = strawberry.enum_value("WAITING", description="The reminder waits for its next delivery attempt.")
    SENDING = strawberry.enum_value("SENDING", description="The reminder is being delivered to the mail server.")
    SENT = strawberry.enum_value("SENT", description="The mail server accepted the reminder.")
    FAILED = strawberry.enum_value("FAILED", description="Delivery failed permanently, or every retry failed.")


@strawberry.type(description="A reminder of open documents, with the state of its delivery.")
class Reminder(ShownRow, Node):
    face: ClassVar[Face] = REMINDER

    client_id: strawberry.ID = field(description="The bare id of the client, as in the v1 API.")
    customer_id: strawberry.ID = field(description="The id of the customer, as in the Customers API: `cust_…`.")
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


async def resolve_reminders(
    root: Record, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Connection[Reminder]:
    """A page of a client's reminders. Raises Malformed for a count below 0 or over 100, and for the cursor of another list."""
    arguments, access = read_page(first, after, last, before), info.context.access
    after_id, before_id = [
        None if cursor is None else read_reminder_cursor(cursor) for cursor in (arguments.after, arguments.before)
    ]
    page = KeyPage(arguments.limit, after_id, before_id, arguments.backward)
    wanted = find_wanted(info, "ReminderConnection")
    bounds = wanted.bounds and (after_id is not None or before_id is not None)
    load = partial(_load_reminders, access, page, bounds)
    rows = await info.context.loader(("reminders", page, bounds), load).load(root.key)
    total = 0
    if wanted.total:
        total = await info.context.loader("numbers of reminders", partial(_count_reminders, access)).load(root.key)
    keyed = [(write_cursor(SCOPE, write_values([row_id])), Reminder.read(json)) for row_id, json in rows.rows]
    return show_rows(keyed, rows, total)


async def load_reminder(info: Info, reminder_id: str) -> Reminder | None:
    """A reminder by its bare id; None when the token can access no such reminder."""
    return await load_row(info, Reminder, find_reminders, reminder_id)


async def _load_reminders(
    access: Access, page: KeyPage[str], bounds: bool, clients: Sequence[ClientKey]
) -> list[KeyRows[RenderedMessage]]:
    reminders = await list_reminders(access, clients, page, whole_record(REMINDER), bounds=bounds)
    return [reminders.get(client, KeyRows((), False, False)) for client in clients]


async def _count_reminders(access: Access, clients: Sequence[ClientKey]) -> list[int]:
    counts = await count_reminders(access, clients)
    return [counts.get(client, 0) for client in clients]
