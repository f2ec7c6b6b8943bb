"""The reminders of a client: a connection by key, loaded for all clients of a page at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry import field

from app.clients.reminders import count_reminders, list_reminders
from app.errors import Malformed
from app.graphql.execution.context import Info, planned
from app.graphql.execution.plans import SelectionReader
from app.graphql.schema.connections import Connection, keyed_connection, read_count
from app.graphql.schema.scalars import DateTime
from app.ids import is_id
from app.mail.repository import ClientKey, Delivery
from app.query.cursor import read_cursor, write_cursor, write_values

MARK = "reminders"

REMINDERS = "The reminders that were sent to the client or are on their way, the newest first."


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


async def load_reminders(info: Info, client: ClientKey, first: int | None, after: str | None) -> Connection[Reminder]:
    """Raises Malformed for a negative count, one over 100, or a cursor that is none of these."""
    count = read_count(first)
    behind = None if after is None else _read_cursor(after)
    found = await _load(info, client, count + 1, behind)
    total = await _count(info, client) if _total_asked(info) else 0
    rows = [(write_cursor(MARK, write_values([one.id])), Reminder.of(one)) for one in found[:count]]
    return keyed_connection(rows, has_next=len(found) > count, has_previous=after is not None, total=total)


def _read_cursor(text: str) -> str:
    (found,) = read_cursor(MARK, text, "after", 1)
    if not isinstance(found, str) or not is_id(found):
        raise Malformed("The cursor is not one that this service gave", "after")
    return found


async def _load(info: Info, client: ClientKey, most: int, after: str | None) -> Sequence[Delivery]:
    context = info.context

    async def load(clients: Sequence[Any]) -> list[Sequence[Delivery]]:
        found = await list_reminders(context.access, clients, most, after)
        return [found.get(one, ()) for one in clients]

    rows: Sequence[Delivery] = await context.loader(("reminders", most, after), load).load(client)
    return rows


async def _count(info: Info, client: ClientKey) -> int:
    context = info.context

    async def load(clients: Sequence[Any]) -> list[int]:
        found = await count_reminders(context.access, clients)
        return [found.get(one, 0) for one in clients]

    return int(await context.loader("numbers of reminders", load).load(client))


def _total_asked(info: Info) -> bool:
    def plan(reading: SelectionReader, nodes: Sequence[Any]) -> bool:
        fields = reading.collect(nodes, frozenset({"ReminderConnection"}))
        return any(group[0].name.value == "totalCount" for group in fields.values())

    return planned(info, MARK, plan)
