"""The outcomes of attempts: they end a delivery or plan its next attempt, and keep the state of the webhook."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Interval,
    SmallInteger,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from app.deliveries.queue import CANCELLED, LIVE, QUEUED, Claim, cancel_deliveries
from app.deliveries.sender import Response
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import webhook_deliveries as deliveries
from app.storage.tables import webhooks

VENDOR_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (2, 4, 8))
LATER_DELAY, LATER_ATTEMPTS = timedelta(hours=6), 12
DELAYS = (*VENDOR_DELAYS, *[LATER_DELAY] * LATER_ATTEMPTS)
"""The delay after each failed attempt: the vendor's, and then six hours until three days are over."""
LONGEST_FAILURE = timedelta(days=3)
"""The time without a success after which a failed attempt disables a webhook."""
LONGEST_PAUSE = 120
"""The most seconds without an attempt of any delivery of a webhook. The pause after a failure begins with two seconds."""
ERROR_LENGTH = 500
"""The most characters of an error that are stored."""


class Outcome(StrEnum):
    """The end of an attempt. DISABLED is a failure that has also disabled the webhook. LOST is one of another's claim."""

    SENT = "sent"
    RETRIED = "retried"
    FAILED = "failed"
    DISABLED = "disabled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt. `final` is true if another attempt would fail too. `response` is None if there was none."""

    error: str
    response: Response | None = None
    final: bool = False


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text())


_of_webhook = (webhooks.c.organization_id == _text("organization"), webhooks.c.id == _text("webhook"))
LOCK = (
    select(webhooks.c.enabled & LIVE, func.now() - webhooks.c.failing_since)
    .where(*_of_webhook)
    .with_for_update(key_share=True)
)
"""(enabled, the time without a success)"""

_held = update(deliveries).where(
    deliveries.c.organization_id == _text("organization"),
    deliveries.c.id == _text("delivery"),
    deliveries.c.state == "sending",
    deliveries.c.attempts == bindparam("attempt", type_=Integer()),
)
_response = {
    "response_status": bindparam("status", type_=SmallInteger()),
    "response_ms": bindparam("milliseconds", type_=Integer()),
    "response_body": _text("body"),
    "last_error": _text("error"),
}
_SENT = _held.values(**_response, state="sent", delivered_at=NOW).returning(deliveries.c.id)
_FAIL = _held.values(**_response, state="failed").returning(deliveries.c.id)
_RETRY = _held.values(**_response, state="waiting", next_attempt_at=NOW + bindparam("delay", type_=Interval)).returning(
    deliveries.c.id
)
_RELEASE = _held.values(state="waiting", attempts=deliveries.c.attempts - 1, next_attempt_at=NOW)

_next = deliveries.alias("next")
_PROMOTE = (
    update(deliveries)
    .where(
        deliveries.c.organization_id == _text("organization"),
        deliveries.c.webhook_id == _text("webhook"),
        deliveries.c.client_id == _text("client"),
        deliveries.c.change_number
        == select(func.min(_next.c.change_number))
        .where(
            _next.c.organization_id == _text("organization"),
            _next.c.webhook_id == _text("webhook"),
            _next.c.client_id == _text("client"),
            literal_column("next.state = 'queued'"),
        )
        .scalar_subquery(),
        QUEUED,
    )
    .values(state="waiting", next_attempt_at=NOW)
)
"""Makes the next event of a client due."""

_SUCCEED = (
    update(webhooks).where(*_of_webhook).values(failures=0, failing_since=None, paused_until=None, last_success_at=NOW)
)
_pause = func.least(func.power(literal_column("2"), webhooks.c.failures + 1), literal_column(str(LONGEST_PAUSE)))
_NOTE_FAILURE = (
    update(webhooks)
    .where(*_of_webhook)
    .values(
        failures=func.least(webhooks.c.failures + 1, literal_column("1000")),
        failing_since=func.coalesce(webhooks.c.failing_since, NOW),
        paused_until=NOW + _pause * literal_column("interval '1 second'"),
    )
)
_DISABLE = (
    update(webhooks)
    .where(*_of_webhook)
    .values(enabled=False, disabled_at=NOW, version=webhooks.c.version + 1, updated_at=NOW)
)


async def record_success(connection: Connection, claim: Claim, response: Response) -> Outcome:
    """Ends a delivery, in the caller's transaction. LOST if the worker no longer holds it; then nothing is written."""
    await connection.execute(LOCK, _key(claim))
    if not await connection.execute(_SENT, _key(claim) | _show(response, None)):
        return Outcome.LOST
    await _promote(connection, claim)
    await connection.execute(_SUCCEED, _key(claim))
    return Outcome.SENT


async def record_failure(connection: Connection, claim: Claim, failure: Failure) -> Outcome:
    """Plans the next attempt of a delivery, or ends it, in the caller's transaction. LOST as for `record_success`.

    A test has one attempt, and it does not count as a failure of the webhook.
    """
    webhook = (await connection.execute(LOCK, _key(claim))).first()
    enabled, failing = (False, None) if webhook is None else webhook
    is_test = claim.client_id is None
    ends = failure.final or is_test or not enabled or claim.attempt > len(DELAYS)
    shown = _show(failure.response, failure.error if enabled or webhook is None else CANCELLED)
    delay = timedelta(0) if ends else DELAYS[claim.attempt - 1]
    statement, delayed = (_FAIL, {}) if ends else (_RETRY, {"delay": delay})
    if not await connection.execute(statement, _key(claim) | shown | delayed):
        return Outcome.LOST
    if ends:
        await _promote(connection, claim)
    if failure.final or is_test or not enabled:
        return Outcome.FAILED
    await connection.execute(_NOTE_FAILURE, _key(claim))
    if failing is not None and failing >= LONGEST_FAILURE:
        await connection.execute(_DISABLE, _key(claim))
        await cancel_deliveries(connection, claim.organization_id, claim.webhook_id)
        return Outcome.DISABLED
    return Outcome.FAILED if ends else Outcome.RETRIED


async def release(connection: Connection, claim: Claim) -> None:
    """Undoes a claim: the delivery is due at once, and the attempt does not count."""
    await connection.execute(_RELEASE, _key(claim))


async def _promote(connection: Connection, claim: Claim) -> None:
    if claim.client_id is not None:
        await connection.execute(_PROMOTE, _key(claim))


def _key(claim: Claim) -> dict[str, Any]:
    return {
        "organization": claim.organization_id,
        "webhook": claim.webhook_id,
        "client": claim.client_id,
        "delivery": claim.id,
        "attempt": claim.attempt,
    }


def _show(response: Response | None, error: str | None) -> dict[str, Any]:
    return {
        "status": response and response.status,
        "milliseconds": response and response.milliseconds,
        "body": response and response.text,
        "error": error and error[:ERROR_LENGTH],
    }
