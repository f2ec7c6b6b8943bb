"""Use cases of webhooks. Each function is one transaction.

Every function raises NotFound for an organization, a webhook or a delivery that the caller cannot access, and Forbidden for
a write with a token that may only read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from app.auth import Access, ExpectedVersion
from app.changes.repository import ChangeRepository
from app.deliveries.addresses import Destinations
from app.deliveries.queue import cancel_deliveries
from app.errors import Conflict, Invalid, NotFound, NotVerified, Problem
from app.idempotency import RequestKey, forget_record
from app.query.request import ListRequest
from app.query.sql.render import Selection
from app.records.once import write_once
from app.records.repository import Listing, RenderedRecord, list_page
from app.storage.connection import Connection
from app.webhooks.events import TEST, has_customer_form
from app.webhooks.repository import DeliveryRepository, LockedWebhook, WebhookRepository

MOST_WEBHOOKS = 20
"""The webhooks of one organization."""
KEPT, LONGEST_KEPT = timedelta(days=1), timedelta(days=7)
"""The default and the longest time for which the secret before a rotation stays valid."""
NOT_VERIFIED = (
    "The organization cannot have webhooks, because none of its accounts is verified. "
    "Ask the operator of this service to verify your account."
)
DISABLED = "The webhook is disabled. Enable it first; then events can be delivered."


@dataclass(frozen=True, slots=True)
class WebhookDesk:
    """The allowed destinations of webhooks, and a function that wakes the worker after a commit."""

    destinations: Destinations
    wake: Callable[[], None]


def _ignore() -> None:
    pass


NO_WORKER = WebhookDesk(Destinations(), _ignore)
"""The desk of a process without a worker: the workers of other processes find new deliveries within seconds."""


async def create_webhook(
    access: Access,
    organization_id: str,
    values: Mapping[str, Any],
    selection: Selection,
    key: RequestKey | None = None,
) -> RenderedRecord:
    """Adds a webhook, which gets the changes from now on. `values` are those of `read_new_webhook`.

    The selection can contain `SECRET` of app.webhooks.faces: no later answer shows the secret. Raises Invalid if the
    organization has too many webhooks, and NotVerified if only strangers have accounts in it.
    """
    access.require_write()
    access.require(organization_id)

    async def work(connection: Connection) -> RenderedRecord:
        repository = WebhookRepository(connection)
        if not await repository.is_verified(organization_id):
            raise NotVerified(NOT_VERIFIED)
        if await repository.count_live(organization_id) >= MOST_WEBHOOKS:
            raise too_many_webhooks()
        settled = await find_settled_number(connection, organization_id)
        return await repository.add(organization_id, values, settled, selection)

    return await write_once(access, key, work, whole=True)


def too_many_webhooks() -> Invalid:
    message = f"cannot be added: the organization has {MOST_WEBHOOKS} webhooks already. Delete one first"
    return Invalid([Problem("url", "quota", message)])


def check_kept(kept: timedelta) -> None:
    """Raises Invalid for a time that is negative or too long."""
    if not timedelta(0) <= kept <= LONGEST_KEPT:
        days = LONGEST_KEPT.days
        message = f"must be from 0 to {LONGEST_KEPT // timedelta(seconds=1)} seconds, which are {days} days"
        raise Invalid([Problem("keepFor", "range", message, kept // timedelta(seconds=1))])


async def find_settled_number(connection: Connection, organization_id: str) -> int:
    """The number up to which the changes of an organization are settled now."""
    changes = ChangeRepository(connection)
    last = await changes.last_position()
    return (await changes.settled_numbers([organization_id], last.number))[organization_id]


async def list_webhooks(access: Access, organization_id: str, request: ListRequest) -> Listing:
    """A page of the webhooks of an organization."""
    access.require(organization_id)
    async with access.database.read(slow_pattern=request.has_slow_pattern) as connection:
        return await list_page(WebhookRepository(connection), organization_id, request)


async def count_webhooks(access: Access, organization_id: str, request: ListRequest) -> int:
    """The number of webhooks of an organization that a request matches."""
    access.require(organization_id)
    async with access.database.read(slow_pattern=request.has_slow_pattern) as connection:
        return await WebhookRepository(connection).count(organization_id, request)


async def get_webhook(access: Access, webhook_id: str, selection: Selection) -> RenderedRecord:
    """A live webhook."""
    target = access.target(webhook_id)
    async with access.database.read() as connection:
        webhook = await WebhookRepository(connection).get(target, selection)
    if webhook is None:
        raise NotFound("There is no such webhook")
    return webhook


async def change_webhook(
    access: Access,
    webhook_id: str,
    values: Mapping[str, Any],
    selection: Selection,
    expected: ExpectedVersion = None,
    key: RequestKey | None = None,
) -> RenderedRecord:
    """The changed webhook. `values` are those of `read_webhook_change`. Raises Stale.

    A webhook that is enabled again begins with the changes from now on, and its failures are forgotten. Disabling one
    cancels the deliveries that are not sent yet.
    """
    target = access.writable_target(webhook_id, expected)

    async def work(connection: Connection) -> RenderedRecord:
        repository = WebhookRepository(connection)
        webhook = await repository.lock(target)
        enabled = values.get("enabled", webhook.enabled)
        if enabled and not webhook.enabled:
            settled = await find_settled_number(connection, webhook.organization_id)
            await repository.resume(webhook.organization_id, webhook_id, settled)
        elif webhook.enabled and not enabled:
            await cancel_deliveries(connection, webhook.organization_id, webhook_id)
        return await repository.change(target, values, selection)

    return await write_once(access, key, work, whole=True)


async def delete_webhook(
    access: Access,
    webhook_id: str,
    selection: Selection,
    expected: ExpectedVersion = None,
    key: RequestKey | None = None,
) -> RenderedRecord:
    """The deleted webhook. Its deliveries that are not sent yet are cancelled, and its secrets are forgotten. Raises Stale."""
    target = access.writable_target(webhook_id, expected)

    async def work(connection: Connection) -> RenderedRecord:
        webhook = await WebhookRepository(connection).remove(target, selection)
        await forget_record(connection, webhook.organization_id, webhook_id)
        return webhook

    return await write_once(access, key, work, whole=True)


async def rotate_secret(
    access: Access, webhook_id: str, selection: Selection, kept: timedelta = KEPT, key: RequestKey | None = None
) -> RenderedRecord:
    """The webhook with a new secret, which the selection shows by `SECRET`. Raises Invalid for the time `kept`.

    Events are signed with the secret before, too, as long as it is kept.
    """
    target = access.writable_target(webhook_id)
    check_kept(kept)

    async def work(connection: Connection) -> RenderedRecord:
        return await WebhookRepository(connection).rotate(target, kept, selection)

    return await write_once(access, key, work, whole=True)


async def list_deliveries(access: Access, organization_id: str, request: ListRequest) -> Listing:
    """A page of the deliveries of an organization. A predicate on `webhook_id` selects those of a webhook."""
    access.require(organization_id)
    async with access.database.read(slow_pattern=request.has_slow_pattern) as connection:
        return await list_page(DeliveryRepository(connection), organization_id, request)


async def count_deliveries(access: Access, organization_id: str, request: ListRequest) -> int:
    """The number of deliveries of an organization that a request matches."""
    access.require(organization_id)
    async with access.database.read(slow_pattern=request.has_slow_pattern) as connection:
        return await DeliveryRepository(connection).count(organization_id, request)


async def get_webhooks(access: Access, ids: Sequence[str], selection: Selection) -> dict[str, str]:
    """The live webhooks of `ids` that the caller can access, rendered, by id."""
    async with access.database.read() as connection:
        repository = WebhookRepository(connection)
        return await repository.get_many(access.principal.organizations, ids, selection, deleted_too=False)


async def get_deliveries(access: Access, ids: Sequence[str], selection: Selection) -> dict[str, str]:
    """The deliveries of `ids` that the caller can access, rendered, by id."""
    async with access.database.read() as connection:
        return await DeliveryRepository(connection).get_many(access.principal.organizations, ids, selection)


async def get_delivery(access: Access, delivery_id: str, selection: Selection) -> str:
    """A delivery, rendered."""
    target = access.target(delivery_id)
    async with access.database.read() as connection:
        return await DeliveryRepository(connection).find(target, selection)


async def redeliver(
    access: Access, desk: WebhookDesk, delivery_id: str, selection: Selection, key: RequestKey | None = None
) -> str:
    """Delivers an event once more, with the same id and body, or makes the next attempt now. Gives the delivery, rendered.

    Raises Conflict if the webhook is disabled.
    """
    target = access.writable_target(delivery_id)

    async def work(connection: Connection) -> RenderedRecord:
        repository, webhooks = DeliveryRepository(connection), WebhookRepository(connection)
        organization_id, webhook_id = await repository.find_webhook(target)
        await _require_enabled(webhooks, access.narrow(organization_id), webhook_id)
        await repository.redeliver(organization_id, delivery_id)
        return RenderedRecord(await repository.find(target, selection), 0, organization_id)

    delivery = await write_once(access, key, work, whole=True)
    desk.wake()
    return delivery.json


async def redeliver_failed(access: Access, desk: WebhookDesk, webhook_id: str, key: RequestKey | None = None) -> int:
    """Delivers the failed events of a webhook once more. Gives their number, at most MOST_REDELIVERIES of the statements.

    Raises Conflict if the webhook is disabled.
    """
    access.require_write()

    async def work(connection: Connection) -> RenderedRecord:
        webhook = await _require_enabled(WebhookRepository(connection), access, webhook_id)
        number = await DeliveryRepository(connection).redeliver_failed(webhook.organization_id, webhook_id)
        return RenderedRecord(str(number), 0, webhook.organization_id)

    number = await write_once(access, key, work, whole=True)
    desk.wake()
    return int(number.json)


async def send_test(
    access: Access, desk: WebhookDesk, webhook_id: str, selection: Selection, key: RequestKey | None = None
) -> str:
    """Sends a test event to a webhook, in one attempt. Gives the delivery, rendered, which shows the outcome later.

    Raises Conflict if the webhook is disabled.
    """
    access.require_write()

    async def work(connection: Connection) -> RenderedRecord:
        webhook = await _require_enabled(WebhookRepository(connection), access, webhook_id)
        event = TEST.customer if has_customer_form(webhook.first_event) else TEST.v1
        repository = DeliveryRepository(connection)
        delivery_id = await repository.add_test(webhook.organization_id, webhook_id, event, str(uuid4()))
        delivery = await repository.find(access.target(delivery_id), selection)
        return RenderedRecord(delivery, 0, webhook.organization_id)

    delivery = await write_once(access, key, work, whole=True)
    desk.wake()
    return delivery.json


async def _require_enabled(webhooks: WebhookRepository, access: Access, webhook_id: str) -> LockedWebhook:
    """Locks a webhook and ends its pause. Raises Conflict if it is disabled."""
    webhook = await webhooks.lock(access.target(webhook_id))
    if not webhook.enabled:
        raise Conflict(DISABLED)
    await webhooks.end_pause(webhook.organization_id, webhook_id)
    return webhook
