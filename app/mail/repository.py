"""What has become of messages: all of them for the operator, and those of some clients."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import ARRAY, ColumnElement, Select, Text, bindparam, case, column, func, or_, select, true

from app.mail.outbox import OPEN
from app.storage.connection import Connection
from app.storage.tables import outbox

ClientKey: TypeAlias = tuple[str, str]
"""An organization's id and a client's."""


class State(StrEnum):
    """What a message is at: due now or later, with a worker, taken by a mail server, or given up."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What has become of one message. `next_attempt_at` is None when there is none; `last_error` outlives a success.

    The messages of somebody who has been erased have an empty recipient and subject.
    """

    organization_id: str
    id: str
    client_id: str
    recipient: str
    language: str
    subject: str
    state: str
    attempts: int
    created_at: datetime
    last_attempt_at: datetime | None
    sent_at: datetime | None
    next_attempt_at: datetime | None
    last_error: str | None


def _text(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=Text())


_next: ColumnElement[Any] = case((OPEN, outbox.c.next_attempt_at)).label("next_attempt_at")
_shown = [_next if field.name == "next_attempt_at" else outbox.c[field.name] for field in fields(Delivery)]
_LIST = (
    select(*_shown)
    .where(
        or_(_text("state").is_(None), outbox.c.state == _text("state")),
        or_(_text("organization").is_(None), outbox.c.organization_id == _text("organization")),
    )
    .order_by(outbox.c.id.desc())
)

_asked = func.unnest(bindparam("organizations", type_=ARRAY(Text)), bindparam("clients", type_=ARRAY(Text)))
_client = _asked.table_valued(
    column("organization_id", Text()), column("client_id", Text()), name="client"
).render_derived()
_theirs = (
    outbox.c.organization_id == _client.c.organization_id,
    outbox.c.client_id == _client.c.client_id,
    outbox.c.recipient != "",
)
_page = (
    select(*_shown)
    .where(*_theirs, or_(_text("after").is_(None), outbox.c.id < _text("after")))
    .order_by(outbox.c.id.desc())
    .limit(bindparam("most"))
    .correlate(_client)
    .lateral("page")
)
_OF_CLIENTS: Select[Any] = select(*_page.c).select_from(_client.join(_page, true())).order_by(_page.c.id.desc())
_COUNTS: Select[Any] = (
    select(outbox.c.organization_id, outbox.c.client_id, func.count())
    .select_from(_client.join(outbox, true()))
    .where(*_theirs)
    .group_by(outbox.c.organization_id, outbox.c.client_id)
)


async def list_messages(
    connection: Connection, organization_id: str | None = None, state: State | None = None
) -> AsyncIterator[Delivery]:
    """The messages of every organization or of one, the newest first; on a connection in a transaction."""
    async for row in connection.stream(_LIST, {"organization": organization_id, "state": state}):
        yield Delivery(**dict(row))


async def page_messages(
    connection: Connection, clients: Sequence[ClientKey], most: int, after: str | None
) -> dict[ClientKey, list[Delivery]]:
    """At most `most` messages of each client, the newest first, those older than the message `after` when one is given.

    Those of somebody who has been erased since are left out.
    """
    rows = await connection.execute(_OF_CLIENTS, {**_keys(clients), "most": most, "after": after})
    found: dict[ClientKey, list[Delivery]] = {}
    for row in rows.mappings():
        delivery = Delivery(**row)
        found.setdefault((delivery.organization_id, delivery.client_id), []).append(delivery)
    return found


async def count_messages(connection: Connection, clients: Sequence[ClientKey]) -> dict[ClientKey, int]:
    """How many messages page_messages would find of each client; none where it is not named."""
    rows = await connection.execute(_COUNTS, _keys(clients))
    return {(organization, client): count for organization, client, count in rows}


def _keys(clients: Iterable[ClientKey]) -> Mapping[str, list[str]]:
    pairs = list(clients)
    return {"organizations": [one for one, _ in pairs], "clients": [one for _, one in pairs]}
