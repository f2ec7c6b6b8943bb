"""The queue: the deliveries of events, which workers claim and whose outcomes they record.

A delivery is `queued` behind an earlier one of the same client and webhook, then `waiting` until it is due, `sending` while
a worker holds a lease on it, and then `sent`, `failed` or `waiting` again. Its end makes the next one of the client due.

Whatever adds, ends or moves deliveries of a webhook first locks the row of the webhook, in a statement of its own. So no
delivery becomes queued behind one that ends at the same time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Double,
    Integer,
    Interval,
    Text,
    bindparam,
    case,
    column,
    func,
    literal_column,
    select,
    true,
    update,
)

from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import webhook_deliveries as deliveries
from app.storage.tables import webhooks

MOST_AT_ONCE = 4
"""The attempts of one webhook at the same time, in one process. A webhook whose last attempt has failed makes one."""
LONGEST_LOOK = 500
"""The webhooks of one look at the queue."""
CANCELLED = "The webhook was disabled or deleted"
ERASED = "The client was erased"

QUEUED: ColumnElement[bool] = literal_column("webhook_deliveries.state = 'queued'", Boolean)
ACTIVE: ColumnElement[bool] = literal_column("webhook_deliveries.state IN ('waiting', 'sending')", Boolean)
OPEN: ColumnElement[bool] = literal_column("webhook_deliveries.state IN ('queued', 'waiting', 'sending')", Boolean)
"""Literals instead of parameters, so that the partial indexes are used under every plan."""
LIVE = webhooks.c.deleted_at.is_(None)


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """A webhook with `due` deliveries. `most` is the number of its attempts that may be made at the same time."""

    organization_id: str
    webhook_id: str
    due: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that a worker holds until its lease ends. `attempt` counts from 1 and identifies this claim.

    `secrets` are the valid ones, the newest first. A test has no client and no change.
    """

    organization_id: str
    id: str
    webhook_id: str
    attempt: int
    event: str
    event_id: str
    client_id: str | None
    change_number: int | None
    created_at: datetime
    url: str
    secrets: Sequence[str]


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text())


_of_webhook = (deliveries.c.organization_id == webhooks.c.organization_id, deliveries.c.webhook_id == webhooks.c.id)
_tests_first = literal_column("(webhook_deliveries.client_id IS NOT NULL)", Boolean)
_is_due = (ACTIVE, deliveries.c.next_attempt_at <= func.now())
_first_due = (
    select(deliveries.c.next_attempt_at)
    .where(*_of_webhook, *_is_due)
    .order_by(_tests_first, deliveries.c.next_attempt_at)
    .limit(literal_column(str(MOST_AT_ONCE)))
    .correlate(webhooks)
    .subquery("first")
)
_due = select(func.count().label("n"), func.min(_first_due.c.next_attempt_at).label("oldest")).lateral("due")
_is_healthy = webhooks.c.failures == literal_column("0")
_FIND_DUE = (
    select(
        webhooks.c.organization_id,
        webhooks.c.id,
        _due.c.n,
        case((_is_healthy, literal_column(str(MOST_AT_ONCE))), else_=literal_column("1")),
    )
    .select_from(webhooks.join(_due, true()))
    .where(
        webhooks.c.enabled,
        LIVE,
        func.coalesce(webhooks.c.paused_until <= func.now(), literal_column("true")),
        webhooks.c.id != func.all(bindparam("busy", type_=ARRAY(Text))),
        _due.c.n > literal_column("0"),
    )
    .order_by(_due.c.oldest)
    .limit(literal_column(str(LONGEST_LOOK)))
)

_chosen = (
    func.unnest(
        bindparam("organizations", type_=ARRAY(Text)),
        bindparam("webhooks", type_=ARRAY(Text)),
        bindparam("numbers", type_=ARRAY(Integer)),
    )
    .table_valued(column("organization_id", Text()), column("id", Text()), column("most", Integer()))
    .render_derived(name="chosen")
)
_own = (
    select(deliveries.c.organization_id, deliveries.c.id, _tests_first.label("is_event"), deliveries.c.next_attempt_at)
    .where(deliveries.c.organization_id == _chosen.c.organization_id, deliveries.c.webhook_id == _chosen.c.id, *_is_due)
    .order_by(_tests_first, deliveries.c.next_attempt_at)
    .limit(literal_column(str(MOST_AT_ONCE)))
    .with_for_update(skip_locked=True)
    .correlate(_chosen)
    .lateral("own")
)
_order = (_own.c.is_event, _own.c.next_attempt_at)
_place = func.row_number().over(partition_by=_chosen.c.id, order_by=_order).label("place")
_locked = select(_own.c.organization_id, _own.c.id, _chosen.c.most, _place).select_from(_chosen.join(_own, true()))
_placed = _locked.cte("placed")
# Both limits tell the planner how few rows are claimed; without them it reads the whole table.
_claimed = (
    select(_placed.c.organization_id, _placed.c.id)
    .where(_placed.c.place <= _placed.c.most)
    .limit(bindparam("total", type_=Integer()))
    .cte("claimed")
)
_is_kept = case((webhooks.c.previous_secret_until > func.now(), webhooks.c.previous_secret))
_CLAIM = (
    update(deliveries)
    .where(
        deliveries.c.organization_id == _claimed.c.organization_id,
        deliveries.c.id == _claimed.c.id,
        *_of_webhook,
        webhooks.c.enabled,
        LIVE,
    )
    .values(
        state="sending",
        attempts=deliveries.c.attempts + 1,
        last_attempt_at=NOW,
        next_attempt_at=NOW + bindparam("lease", type_=Interval),
    )
    .returning(
        deliveries.c.organization_id,
        deliveries.c.id,
        deliveries.c.webhook_id,
        deliveries.c.attempts,
        deliveries.c.event,
        deliveries.c.event_id,
        deliveries.c.client_id,
        deliveries.c.change_number,
        deliveries.c.created_at,
        webhooks.c.url,
        webhooks.c.secret,
        _is_kept,
    )
)


async def find_due(connection: Connection, busy: Sequence[str]) -> list[DueWebhook]:
    """The webhooks of every organization that have due deliveries, the longest due first, without those in `busy`."""
    return [DueWebhook(*row) for row in await connection.execute(_FIND_DUE, {"busy": list(busy)})]


async def claim(connection: Connection, numbers: Mapping[DueWebhook, int], lease: timedelta) -> list[Claim]:
    """Claims up to some number of due deliveries of each webhook. No other worker gets them until the lease ends."""
    parameters = {
        "organizations": [webhook.organization_id for webhook in numbers],
        "webhooks": [webhook.webhook_id for webhook in numbers],
        "numbers": list(numbers.values()),
        "total": sum(numbers.values()),
        "lease": lease,
    }
    return [_read_claim(row) for row in await connection.execute(_CLAIM, parameters)]


def _read_claim(row: Sequence[Any]) -> Claim:
    organization_id, id_, webhook_id, attempt, event, event_id, client_id, number, created_at, url, *secrets = row
    return Claim(
        organization_id=organization_id,
        id=id_,
        webhook_id=webhook_id,
        attempt=attempt,
        event=event,
        event_id=event_id,
        client_id=client_id,
        change_number=number,
        created_at=created_at,
        url=url,
        secrets=[secret for secret in secrets if secret is not None],
    )


_organization, _webhook = _text("organization"), _text("webhook")
_of_organization = webhooks.c.organization_id == _organization
LOCK_WEBHOOKS = select(webhooks.c.id).where(_of_organization).order_by(webhooks.c.id).with_for_update(key_share=True)
_others = (deliveries.c.organization_id == _organization, deliveries.c.client_id == _text("client"))
_ERASE = (
    update(deliveries)
    .where(*_others)
    .values(
        state=case((OPEN, "failed"), else_=deliveries.c.state),
        last_error=case((OPEN, ERASED)),
        response_body=None,
    )
)


async def erase_deliveries(connection: Connection, organization_id: str, client_id: str) -> None:
    """Removes the responses about a client. Its events that are not delivered yet become failed."""
    parameters = {"organization": organization_id, "client": client_id}
    await connection.execute(LOCK_WEBHOOKS, parameters)
    await connection.execute(_ERASE, parameters)


_CANCEL = (
    update(deliveries)
    .where(
        deliveries.c.organization_id == _organization,
        deliveries.c.webhook_id == _webhook,
        OPEN,
        deliveries.c.state != "sending",
    )
    .values(state="failed", last_error=func.coalesce(deliveries.c.last_error, CANCELLED))
)


async def cancel_deliveries(connection: Connection, organization_id: str, webhook_id: str) -> None:
    """Makes the deliveries of a webhook failed that no worker is sending. The row of the webhook is locked."""
    await connection.execute(_CANCEL, {"organization": organization_id, "webhook": webhook_id})


_COUNT_OPEN = select(func.count()).select_from(deliveries).where(OPEN)
_lateness = func.extract("epoch", func.now() - func.min(_due.c.oldest))
_MEASURE = select(
    _COUNT_OPEN.scalar_subquery(),
    func.coalesce(
        select(_lateness)
        .select_from(webhooks.join(_due, true()))
        .where(webhooks.c.enabled, LIVE, _is_healthy)
        .scalar_subquery(),
        literal_column("0"),
    ).cast(Double),
    select(func.count()).select_from(webhooks).where(webhooks.c.enabled, LIVE, ~_is_healthy).scalar_subquery(),
)


async def measure_deliveries(connection: Connection) -> tuple[int, float, int]:
    """The events that are not delivered yet, the seconds for which one to a healthy webhook is due, failing webhooks."""
    open_, late, failing = (await connection.execute(_MEASURE)).one()
    return open_, late, failing
