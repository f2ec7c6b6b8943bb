"""The mutations of webhooks and of their deliveries."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import orjson
import strawberry
from strawberry import field
from strawberry.types import get_object_definition

from app.graphql.execution.context import Info, read_id, require_written_organization, write_global_id
from app.graphql.execution.loading import find_payload_plan, load_planned_row
from app.graphql.schema.inputs import Member, WrittenOrganizationArgument, argument, make_input, optional
from app.graphql.schema.mutations.inputs import Expected, IdempotencyKey
from app.graphql.schema.mutations.payloads import Payload
from app.graphql.schema.mutations.records import request_key
from app.graphql.schema.user_errors import attempt
from app.graphql.schema.webhooks import Webhook, WebhookDelivery
from app.query.sql.render import Selection
from app.webhooks.faces import GRAPHQL_DELIVERY, GRAPHQL_WEBHOOK, SECRET
from app.webhooks.record import GRAPHQL_RULES, read_new_webhook, read_webhook_change
from app.webhooks.service import (
    KEPT,
    change_webhook,
    create_webhook,
    delete_webhook,
    get_deliveries,
    get_webhooks,
    redeliver,
    redeliver_failed,
    rotate_secret,
    send_test,
)

ID: Selection = (("id", GRAPHQL_WEBHOOK.fields["webhookId"]),)
ID_AND_SECRET: Selection = (*ID, ("secret", SECRET))
DELIVERY_ID: Selection = (("id", GRAPHQL_DELIVERY.fields["deliveryId"]),)
WRITTEN: Mapping[str, Any] = {"url": str, "events": list[str], "enabled": bool, "description": str}
REQUIRED = frozenset({"url", "events"})
"""The fields that every new webhook has."""
KEEP_SECONDS = KEPT // timedelta(seconds=1)


def _make_values(name: str, description: str, required: frozenset[str]) -> Any:
    shown = {each.python_name: each.description or "" for each in get_object_definition(Webhook, strict=True).fields}
    fields: dict[str, Member] = {}
    for key, type_ in WRITTEN.items():
        fields[key] = (type_, field(description=shown[key])) if key in required else optional(type_, shown[key])
    return make_input(name, description, fields)


CreateWebhookInput: Any = _make_values("CreateWebhookInput", "A new webhook.", REQUIRED)
UpdateWebhookInput: Any = _make_values(
    "UpdateWebhookInput", "The fields to change. Omitted fields keep their values.", frozenset()
)
NewWebhook = Annotated[CreateWebhookInput, argument("The new webhook.")]
WebhookChanges = Annotated[UpdateWebhookInput, argument("The fields to change.")]
WebhookId = Annotated[strawberry.ID, argument("The id of the webhook: the global id or 24 hex digits.")]
DeliveryId = Annotated[strawberry.ID, argument("The id of the delivery: the global id or 24 hex digits.")]
KeepFor = Annotated[
    int,
    argument(
        "The seconds for which events are signed with the secret before, too, so that receivers can change it without a gap: "
        "at most seven days. The default is one day."
    ),
]


@strawberry.type
class WebhookPayload(Payload):
    webhook: Webhook | None = field(
        default=None, description="The webhook after the mutation. Null if the mutation failed."
    )


@strawberry.type
class WebhookSecretPayload(WebhookPayload):
    secret: str | None = field(
        default=None,
        description="The secret that events are signed with: `whsec_` and base64. No query shows it. Null if the mutation failed.",
    )


@strawberry.type(description="The result of `createWebhook`.")
class CreateWebhookPayload(WebhookSecretPayload):
    pass


@strawberry.type(description="The result of `updateWebhook`.")
class UpdateWebhookPayload(WebhookPayload):
    pass


@strawberry.type(description="The result of `rotateWebhookSecret`.")
class RotateWebhookSecretPayload(WebhookSecretPayload):
    pass


@strawberry.type(description="The result of `deleteWebhook`.")
class DeleteWebhookPayload(Payload):
    deleted_webhook_id: strawberry.ID | None = field(
        default=None, description="The global id of the deleted webhook. Null if the mutation failed."
    )


@strawberry.type
class DeliveryPayload(Payload):
    delivery: WebhookDelivery | None = field(
        default=None, description="The delivery, which shows its outcome later. Null if the mutation failed."
    )


@strawberry.type(description="The result of `testWebhook`.")
class TestWebhookPayload(DeliveryPayload):
    pass


@strawberry.type(description="The result of `redeliverWebhookDelivery`.")
class RedeliverWebhookDeliveryPayload(DeliveryPayload):
    pass


@strawberry.type(description="The result of `redeliverFailedWebhookDeliveries`.")
class RedeliverFailedWebhookDeliveriesPayload(Payload):
    redelivered: int | None = field(
        default=None, description="The number of events that are delivered once more. Null if the mutation failed."
    )


@strawberry.type
class WebhookMutations:
    @strawberry.mutation(
        description="Creates a webhook of an organization. It gets the changes from now on. Its secret is shown once: verify the "
        "signature of each event with it."
    )
    async def create_webhook(
        self,
        info: Info,
        input: NewWebhook,
        organization_id: WrittenOrganizationArgument = None,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateWebhookPayload:
        shown, errors = await attempt(_create(info, organization_id, input, idempotency_key), ["input"])
        if shown is None:
            return CreateWebhookPayload(user_errors=errors)
        webhook = await _show(info, shown["id"])
        return CreateWebhookPayload(webhook=webhook, secret=shown["secret"], user_errors=[])

    @strawberry.mutation(
        description="Changes some fields of a webhook. One that is enabled again gets the changes from then on. Disabling it "
        "cancels the events that are not sent yet."
    )
    async def update_webhook(
        self,
        info: Info,
        id: WebhookId,
        input: WebhookChanges,
        expected_version: Expected = None,
        idempotency_key: IdempotencyKey = None,
    ) -> UpdateWebhookPayload:
        change = _change(info, read_id("Webhook", id), input, expected_version, idempotency_key)
        webhook_id, errors = await attempt(change, ["input"])
        webhook = await _show(info, webhook_id) if webhook_id else None
        return UpdateWebhookPayload(webhook=webhook, user_errors=errors)

    @strawberry.mutation(description="Deletes a webhook. Its events that are not sent yet are cancelled.")
    async def delete_webhook(
        self, info: Info, id: WebhookId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> DeleteWebhookPayload:
        bare = read_id("Webhook", id)
        _, errors = await attempt(_delete(info, bare, expected_version, idempotency_key), [])
        info.context.forget_loaded()
        deleted = None if errors else strawberry.ID(write_global_id("Webhook", bare))
        return DeleteWebhookPayload(deleted_webhook_id=deleted, user_errors=errors)

    @strawberry.mutation(
        description="Gives a webhook a new secret, which is shown once. Events are signed with both secrets for a while."
    )
    async def rotate_webhook_secret(
        self, info: Info, id: WebhookId, keep_for: KeepFor = KEEP_SECONDS, idempotency_key: IdempotencyKey = None
    ) -> RotateWebhookSecretPayload:
        rotation = _rotate(info, read_id("Webhook", id), keep_for, idempotency_key)
        shown, errors = await attempt(rotation, [])
        if shown is None:
            return RotateWebhookSecretPayload(user_errors=errors)
        webhook = await _show(info, shown["id"])
        return RotateWebhookSecretPayload(webhook=webhook, secret=shown["secret"], user_errors=[])

    @strawberry.mutation(description="Sends a test event to a webhook, in one attempt.")
    async def test_webhook(
        self, info: Info, id: WebhookId, idempotency_key: IdempotencyKey = None
    ) -> TestWebhookPayload:
        shown, errors = await attempt(_send_test(info, read_id("Webhook", id), idempotency_key), [])
        return TestWebhookPayload(delivery=await _show_delivery(info, shown), user_errors=errors)

    @strawberry.mutation(
        description="Delivers an event once more, with the same id and the same body, or makes its next attempt now."
    )
    async def redeliver_webhook_delivery(
        self, info: Info, id: DeliveryId, idempotency_key: IdempotencyKey = None
    ) -> RedeliverWebhookDeliveryPayload:
        shown, errors = await attempt(_redeliver(info, read_id("WebhookDelivery", id), idempotency_key), [])
        return RedeliverWebhookDeliveryPayload(delivery=await _show_delivery(info, shown), user_errors=errors)

    @strawberry.mutation(description="Delivers the failed events of a webhook once more, in the order of the changes.")
    async def redeliver_failed_webhook_deliveries(
        self, info: Info, id: WebhookId, idempotency_key: IdempotencyKey = None
    ) -> RedeliverFailedWebhookDeliveriesPayload:
        number, errors = await attempt(_redeliver_failed(info, read_id("Webhook", id), idempotency_key), [])
        info.context.forget_loaded()
        return RedeliverFailedWebhookDeliveriesPayload(redelivered=number, user_errors=errors)


async def _create(info: Info, organization: str | None, body: Mapping[str, Any], key: str | None) -> dict[str, str]:
    """The bare id and the secret of the new webhook."""
    organization_id = require_written_organization(info, organization)
    info.context.access.require_write()
    values = read_new_webhook(GRAPHQL_WEBHOOK, body, GRAPHQL_RULES, info.context.webhooks.destinations)
    request = request_key(info, key, "create webhook", organization_id, body, selection=ID_AND_SECRET)
    return _read(await create_webhook(info.context.access, organization_id, values, ID_AND_SECRET, request))


async def _change(info: Info, webhook_id: str, body: Mapping[str, Any], expected: int | None, key: str | None) -> str:
    info.context.access.require_write()
    values = read_webhook_change(GRAPHQL_WEBHOOK, body, GRAPHQL_RULES, info.context.webhooks.destinations)
    request = request_key(info, key, "change webhook", webhook_id, expected, body)
    await change_webhook(info.context.access, webhook_id, values, ID, expected, request)
    return webhook_id


async def _delete(info: Info, webhook_id: str, expected: int | None, key: str | None) -> None:
    request = request_key(info, key, "delete webhook", webhook_id, expected)
    await delete_webhook(info.context.access, webhook_id, ID, expected, request)


async def _send_test(info: Info, webhook_id: str, key: str | None) -> str:
    context, request = info.context, request_key(info, key, "test webhook", webhook_id, selection=DELIVERY_ID)
    return await send_test(context.access, context.webhooks, webhook_id, DELIVERY_ID, request)


async def _redeliver(info: Info, delivery_id: str, key: str | None) -> str:
    context, request = info.context, request_key(info, key, "redeliver", delivery_id, selection=DELIVERY_ID)
    return await redeliver(context.access, context.webhooks, delivery_id, DELIVERY_ID, request)


async def _redeliver_failed(info: Info, webhook_id: str, key: str | None) -> int:
    context, request = info.context, request_key(info, key, "redeliver failed", webhook_id)
    return await redeliver_failed(context.access, context.webhooks, webhook_id, request)


async def _rotate(info: Info, webhook_id: str, keep_for: int, key: str | None) -> dict[str, str]:
    request = request_key(info, key, "rotate secret", webhook_id, keep_for, selection=ID_AND_SECRET)
    kept = timedelta(seconds=keep_for)
    return _read(await rotate_secret(info.context.access, webhook_id, ID_AND_SECRET, kept, request))


def _read(record: Any) -> dict[str, str]:
    shown: dict[str, str] = orjson.loads(record.json)
    return shown


async def _show(info: Info, webhook_id: str) -> Webhook | None:
    """The webhook as it is now."""
    info.context.forget_loaded()
    selection = await find_payload_plan(info, Webhook.face, "webhook")
    return await load_planned_row(info, Webhook, get_webhooks, webhook_id, selection)


async def _show_delivery(info: Info, shown: str | None) -> WebhookDelivery | None:
    """The delivery whose rendered id is given, as it is now."""
    info.context.forget_loaded()
    if shown is None:
        return None
    selection = await find_payload_plan(info, WebhookDelivery.face, "delivery")
    delivery_id = orjson.loads(shown)["id"]
    return await load_planned_row(info, WebhookDelivery, get_deliveries, delivery_id, selection)
