"""Webhooks and their deliveries in the database."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from app.auth import Target
from app.deliveries.queue import cancel_deliveries
from app.deliveries.signatures import new_secret
from app.errors import NotFound
from app.ids import new_id
from app.query.sql.render import Selection
from app.records.repository import ListRepository, RenderedRecord, write_record
from app.storage.tables import webhook_deliveries, webhooks
from app.webhooks.statements import (
    ADD_TEST,
    COUNT_WEBHOOKS,
    END_PAUSE,
    FIND_DELIVERY,
    IS_VERIFIED,
    LOCK_ORGANIZATION,
    LOCK_WEBHOOK,
    QUEUE_FAILED,
    REDELIVER,
    RESUME,
    START_QUEUES,
    add_statement,
    remove_statement,
    rotate_statement,
)


class LockedWebhook(NamedTuple):
    """A live webhook that no other transaction changes until this one ends."""

    organization_id: str
    enabled: bool
    first_event: str


class WebhookRepository(ListRepository):
    """Over one connection."""

    table = webhooks

    async def count_live(self, organization_id: str) -> int:
        """The number of webhooks of an organization. No other one is added until the transaction ends."""
        owner = {"organization": organization_id}
        await self.connection.execute(LOCK_ORGANIZATION, owner)
        return int(await self.connection.scalar(COUNT_WEBHOOKS, owner))

    async def is_verified(self, organization_id: str) -> bool:
        """False if all accounts of an organization signed up by themselves and none is verified."""
        return bool(await self.connection.scalar(IS_VERIFIED, {"organization": organization_id}))

    async def add(
        self, organization_id: str, values: Mapping[str, Any], settled: int, selection: Selection
    ) -> RenderedRecord:
        """Adds a webhook that gets the changes after the number `settled`."""
        row = {
            **values,
            "organization_id": organization_id,
            "id": new_id(),
            "secret": new_secret(),
            "read_to": settled,
        }
        _, json, version = (await self.connection.execute(add_statement(selection), {"rows": [row]})).one()
        return RenderedRecord(json, version, organization_id)

    async def lock(self, target: Target) -> LockedWebhook:
        """Raises NotFound."""
        parameters = {"organizations": list(target.organizations), "webhook": target.id}
        row = (await self.connection.execute(LOCK_WEBHOOK, parameters)).first()
        if row is None:
            raise NotFound("There is no such webhook")
        return LockedWebhook(*row)

    async def resume(self, organization_id: str, webhook_id: str, settled: int) -> None:
        """Clears the failures of a webhook, which gets the changes after the number `settled`."""
        await self.connection.execute(RESUME, {**_key(organization_id, webhook_id), "settled": settled})

    async def end_pause(self, organization_id: str, webhook_id: str) -> None:
        await self.connection.execute(END_PAUSE, _key(organization_id, webhook_id))

    async def rotate(self, target: Target, kept: timedelta, selection: Selection) -> RenderedRecord:
        """Gives a webhook another secret. The one before is valid for a while. Raises NotFound and Stale."""
        parameters = {"secret": new_secret(), "kept": kept}
        record, _ = await write_record(self.connection, rotate_statement(selection), target, parameters)
        return record

    async def remove(self, target: Target, selection: Selection) -> RenderedRecord:
        """Deletes a webhook and cancels its deliveries. Raises NotFound and Stale."""
        record, _ = await write_record(self.connection, remove_statement(selection), target, {})
        await cancel_deliveries(self.connection, record.organization_id, target.id)
        return record


class DeliveryRepository(ListRepository):
    """Over one connection."""

    table = webhook_deliveries

    async def find_webhook(self, target: Target) -> tuple[str, str]:
        """The organization and the webhook of a delivery. Raises NotFound."""
        parameters = {"organizations": list(target.organizations), "delivery": target.id}
        row = (await self.connection.execute(FIND_DELIVERY, parameters)).first()
        if row is None:
            raise NotFound("There is no such delivery")
        return row[0], row[1]

    async def find(self, target: Target, selection: Selection) -> str:
        """A delivery, rendered. Raises NotFound."""
        found = await self.get_many(target.organizations, [target.id], selection)
        if target.id not in found:
            raise NotFound("There is no such delivery")
        return found[target.id]

    async def add_test(self, organization_id: str, webhook_id: str, event: str, event_id: str) -> str:
        """Adds a delivery of a test, and gives its id."""
        row = {
            "organization_id": organization_id,
            "id": new_id(),
            "webhook_id": webhook_id,
            "event": event,
            "event_id": event_id,
        }
        await self.connection.execute(ADD_TEST, row)
        return row["id"]

    async def redeliver(self, organization_id: str, delivery_id: str) -> None:
        """Makes a delivery due, unless it is queued or being sent."""
        await self.connection.execute(REDELIVER, {"organization": organization_id, "delivery": delivery_id})

    async def redeliver_failed(self, organization_id: str, webhook_id: str) -> int:
        """Queues the failed deliveries of a webhook again, and gives their number."""
        key = _key(organization_id, webhook_id)
        number = len(await self.connection.execute(QUEUE_FAILED, key))
        await self.connection.execute(START_QUEUES, key)
        return number


def _key(organization_id: str, webhook_id: str) -> dict[str, str]:
    return {"organization": organization_id, "webhook": webhook_id}
