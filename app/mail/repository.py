"""The delivery status of messages: of all messages for the operator, and of the messages of some clients."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Select,
    Subquery,
    Text,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    true,
)

from app.mail.outbox import OPEN
from app.query.key_page import KeyPage
from app.query.sql.render import Selection, render_object
from app.storage.connection import Connection
from app.storage.kept import keep_statements
from app.storage.tables import outbox

ClientKey: TypeAlias = tuple[str, str]
"""The id of an organization and the id of a client."""


class State(StrEnum):
    """The state of a message: due now or later, being sent, taken by the mail server, or failed permanently."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The delivery status of one message.

    `next_attempt_at` is None if there is no further attempt. `last_error` stays after a success. A message to an erased
    person has an empty recipient and subject.
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


class RenderedMessage(NamedTuple):
    """A message as JSON text, and its id."""

    id: str
    json: str


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

_age = func.extract("epoch", func.now() - func.min(outbox.c.created_at))
_MEASURE = select(func.count(), cast(func.coalesce(_age, 0), Double)).select_from(outbox).where(OPEN)

_keys = func.unnest(bindparam("organizations", type_=ARRAY(Text)), bindparam("clients", type_=ARRAY(Text)))
_client = _keys.table_valued(
    column("organization_id", Text()), column("client_id", Text()), name="client"
).render_derived()
_of_client = (
    outbox.c.organization_id == _client.c.organization_id,
    outbox.c.client_id == _client.c.client_id,
    outbox.c.recipient != "",
)


@keep_statements
def page_statement(selection: Selection, descending: bool) -> Select[Any]:
    """(organization, client, id, JSON) At most `most` messages of each client between the ids `above` and `below`.

    Null stands for no bound.
    """
    above, below = _text("above"), _text("below")
    bounds = (or_(above.is_(None), outbox.c.id > above), or_(below.is_(None), outbox.c.id < below))
    rows = select(*_shown).where(*_of_client, *bounds).limit(bindparam("most")).correlate(_client)
    page = rows.order_by(outbox.c.id.desc() if descending else outbox.c.id.asc()).lateral("page")
    messages = select(*page.c).select_from(_client.join(page, true())).subquery("m")
    rendered = _render(messages, selection)
    return rendered.order_by(messages.c.id.desc() if descending else messages.c.id.asc())


def _render(messages: Subquery, selection: Selection) -> Select[Any]:
    own = (messages.c.organization_id, messages.c.client_id, messages.c.id)
    return select(*own, render_object(selection, messages.c))


def _has_messages(bound: ColumnElement[bool]) -> ColumnElement[bool]:
    """False where the bound is null."""
    return select(literal_column("1")).where(*_of_client, bound).correlate(_client).exists()


_BOUNDS: Select[Any] = select(
    _client.c.organization_id,
    _client.c.client_id,
    _has_messages(outbox.c.id >= _text("below")),
    _has_messages(outbox.c.id <= _text("above")),
).select_from(_client)
_COUNTS: Select[Any] = (
    select(outbox.c.organization_id, outbox.c.client_id, func.count())
    .select_from(_client.join(outbox, true()))
    .where(*_of_client)
    .group_by(outbox.c.organization_id, outbox.c.client_id)
)


@keep_statements
def get_statement(selection: Selection) -> Select[Any]:
    """As `page_statement`, the messages of some organizations with some ids."""
    messages = select(*_shown).where(
        outbox.c.organization_id == func.any(bindparam("organizations", type_=ARRAY(Text))),
        outbox.c.id == func.any(bindparam("ids", type_=ARRAY(Text))),
        outbox.c.recipient != "",
    )
    return _render(messages.subquery("m"), selection)


async def measure_outbox(connection: Connection) -> tuple[int, float]:
    """The number of messages that are not delivered yet, and the age of the oldest one in seconds."""
    count, age = (await connection.execute(_MEASURE)).one()
    return count, age


async def list_messages(
    connection: Connection, organization_id: str | None = None, state: State | None = None
) -> AsyncIterator[Delivery]:
    """The messages of one organization or of all, the newest first. The connection must be in a transaction."""
    async for row in connection.stream(_LIST, {"organization": organization_id, "state": state}):
        yield Delivery(**dict(row))


async def page_messages(
    connection: Connection, clients: Sequence[ClientKey], page: KeyPage[str], selection: Selection
) -> dict[ClientKey, list[RenderedMessage]]:
    """The messages of each client, the newest first, one more than the page holds.

    A backward page begins with the oldest message. Messages to erased persons are left out.
    """
    parameters = {**_parameters(clients), "most": page.limit + 1, "above": page.before, "below": page.after}
    by_client: dict[ClientKey, list[RenderedMessage]] = {}
    for organization, client, id_, json in await connection.execute(
        page_statement(selection, not page.backward), parameters
    ):
        by_client.setdefault((organization, client), []).append(RenderedMessage(id_, json))
    return by_client


async def look_outside(
    connection: Connection, clients: Sequence[ClientKey], page: KeyPage[str]
) -> dict[ClientKey, tuple[bool, bool]]:
    """(True if a message is `page.after` or newer, True if one is `page.before` or older) for each client."""
    rows = await connection.execute(_BOUNDS, {**_parameters(clients), "above": page.before, "below": page.after})
    return {(organization, client): (newer, older) for organization, client, newer, older in rows}


async def get_messages(
    connection: Connection, organizations: Sequence[str], ids: Sequence[str], selection: Selection
) -> dict[str, str]:
    """The messages of some organizations with some ids, rendered, without those to erased persons."""
    parameters = {"organizations": list(organizations), "ids": list(ids)}
    return {id_: json for *_, id_, json in await connection.execute(get_statement(selection), parameters)}


async def count_messages(connection: Connection, clients: Sequence[ClientKey]) -> dict[ClientKey, int]:
    """The number of messages of each client that page_messages can return. A client without messages is left out."""
    rows = await connection.execute(_COUNTS, _parameters(clients))
    return {(organization, client): count for organization, client, count in rows}


def _parameters(clients: Sequence[ClientKey]) -> Mapping[str, list[str]]:
    return {
        "organizations": [organization_id for organization_id, _ in clients],
        "clients": [client_id for _, client_id in clients],
    }
