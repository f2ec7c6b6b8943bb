"""The statements that write webhooks and move their deliveries on request."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Interval,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy import insert as insert_into

from app.deliveries.queue import LIVE, OPEN
from app.query.sql.render import Selection
from app.records.creations import write_new
from app.records.statements import of_organizations
from app.records.writes import Change, write_change
from app.storage.columns import NOW
from app.storage.kept import keep_statements
from app.storage.tables import account_organizations, accounts, organizations, webhooks
from app.storage.tables import webhook_deliveries as deliveries

MOST_REDELIVERIES = 10_000
"""The failed deliveries that one request delivers again."""


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text())


_organization, _webhook = _text("organization"), _text("webhook")

LOCK_ORGANIZATION = (
    select(organizations.c.id).where(organizations.c.id == _organization).with_for_update(key_share=True)
)
"""Webhooks of an organization are added one after the other."""
IS_VERIFIED = (
    select(func.coalesce(func.bool_or(and_(accounts.c.email_verified, accounts.c.purge_at.is_(None))), true()))
    .join(account_organizations, account_organizations.c.account_id == accounts.c.id)
    .where(account_organizations.c.organization_id == _organization)
)
"""(verified) True for an organization with a verified account, and for one without accounts."""
COUNT_WEBHOOKS = select(func.count()).select_from(webhooks).where(webhooks.c.organization_id == _organization, LIVE)


@keep_statements
def add_statement(selection: Selection) -> Select[Any]:
    """(id, JSON, version) Adds the webhooks of the JSON list `rows`."""
    return write_new(webhooks, selection).statement


@keep_statements
def remove_statement(selection: Selection) -> Select[Any]:
    """Marks the live webhook `record` as deleted, and forgets its secrets."""
    values = {
        "deleted_at": NOW,
        "deleted_id": webhooks.c.id,
        "secret": "",
        "previous_secret": None,
        "previous_secret_until": None,
    }
    return write_change(Change(table=webhooks, values=values, scope=of_organizations(webhooks)), selection).statement


@keep_statements
def rotate_statement(selection: Selection) -> Select[Any]:
    """Gives the live webhook `record` the secret `secret`. The one before is valid for the interval `kept`."""
    values = {
        "secret": _text("secret"),
        "previous_secret": webhooks.c.secret,
        "previous_secret_until": NOW + bindparam("kept", type_=Interval),
    }
    return write_change(Change(table=webhooks, values=values, scope=of_organizations(webhooks)), selection).statement


LOCK_WEBHOOK = (
    select(webhooks.c.organization_id, webhooks.c.enabled, webhooks.c.events[0].astext)
    .where(of_organizations(webhooks), webhooks.c.id == _webhook)
    .with_for_update(key_share=True)
)
"""(organization, enabled, first event) of the live webhook `webhook` in `organizations`."""

_of_webhook = (webhooks.c.organization_id == _organization, webhooks.c.id == _webhook)
RESUME = (
    update(webhooks)
    .where(*_of_webhook)
    .values(
        read_to=func.greatest(webhooks.c.read_to, bindparam("settled", type_=BigInteger())),
        failures=0,
        failing_since=None,
        paused_until=None,
        disabled_at=None,
    )
)
"""Makes a webhook begin with the changes that are not settled yet."""
END_PAUSE = update(webhooks).where(*_of_webhook).values(paused_until=None)

ADD_TEST = insert_into(deliveries)

FIND_DELIVERY = select(deliveries.c.organization_id, deliveries.c.webhook_id).where(
    of_organizations(deliveries), deliveries.c.id == _text("delivery")
)
"""(organization, webhook) of the delivery `delivery` in `organizations`."""

_other = deliveries.alias("other")
_is_behind = (
    select(literal_column("1"))
    .where(
        _other.c.organization_id == deliveries.c.organization_id,
        _other.c.webhook_id == deliveries.c.webhook_id,
        _other.c.client_id == deliveries.c.client_id,
        _other.c.id != deliveries.c.id,
        literal_column("other.state IN ('waiting', 'sending')"),
    )
    .correlate(deliveries)
    .exists()
)
REDELIVER = (
    update(deliveries)
    .where(
        deliveries.c.organization_id == _organization,
        deliveries.c.id == _text("delivery"),
        deliveries.c.state.in_([literal_column("'sent'"), literal_column("'failed'"), literal_column("'waiting'")]),
    )
    .values(
        state=case((_is_behind, "queued"), else_="waiting"),
        attempts=case((OPEN, deliveries.c.attempts), else_=0),
        next_attempt_at=NOW,
    )
)
"""Makes a delivery due: with all attempts before it if it has ended, and otherwise with those that are left."""

_failed = (
    select(deliveries.c.id)
    .where(
        deliveries.c.organization_id == _organization,
        deliveries.c.webhook_id == _webhook,
        deliveries.c.state == literal_column("'failed'"),
        deliveries.c.client_id.is_not(None),
    )
    .order_by(deliveries.c.id)
    .limit(literal_column(str(MOST_REDELIVERIES)))
)
QUEUE_FAILED = (
    update(deliveries)
    .where(deliveries.c.organization_id == _organization, deliveries.c.id.in_(_failed))
    .values(state="queued", attempts=0, next_attempt_at=NOW)
    .returning(deliveries.c.id)
)
"""(id) Queues the failed deliveries of a webhook again."""

_earlier = deliveries.alias("earlier")
_is_first = ~(
    select(literal_column("1"))
    .where(
        _earlier.c.organization_id == deliveries.c.organization_id,
        _earlier.c.webhook_id == deliveries.c.webhook_id,
        _earlier.c.client_id == deliveries.c.client_id,
        literal_column("earlier.state IN ('queued', 'waiting', 'sending')"),
        (_earlier.c.change_number < deliveries.c.change_number)
        | literal_column("earlier.state IN ('waiting', 'sending')"),
    )
    .correlate(deliveries)
    .exists()
)
START_QUEUES = (
    update(deliveries)
    .where(
        deliveries.c.organization_id == _organization,
        deliveries.c.webhook_id == _webhook,
        literal_column("webhook_deliveries.state = 'queued'"),
        _is_first,
    )
    .values(state="waiting", next_attempt_at=NOW)
)
"""Makes the first queued event of each client due, unless another one of the client is."""
