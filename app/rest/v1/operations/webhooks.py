"""The routes of webhooks and of their deliveries."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.deliveries.addresses import Destinations
from app.errors import Conflict
from app.rest.operations import Answer, Errors, Operations, raised_by, ref
from app.rest.v1 import deliveries, webhooks
from app.rest.v1.errors import (
    InvalidModel,
    checking,
    no_model,
    not_replaced,
    other_id_in_change,
    other_id_in_replacement,
    stale_deletion,
    unknown_record,
)
from app.rest.v1.models import WEBHOOK as WEBHOOK_MODEL
from app.rest.v1.models import WEBHOOK_DELIVERY as DELIVERY_MODEL
from app.rest.v1.operations.samples import CLIENT_ID, MOMENT, ORGANIZATION_ID
from app.rest.v1.operations.shared import (
    COUNT,
    DELETED,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    TAG_HEADER,
    TYPE_NEEDED,
    Handler,
    V1Operation,
    existence_answer,
    filter_parameter,
    list_answer,
    make_body,
    record_filter_parameter,
    replace_by_post,
    where_parameter,
)
from app.webhooks.record import V1_RULES, read_new_webhook, read_webhook_change
from app.webhooks.service import DISABLED, KEPT, LONGEST_KEPT, check_kept, too_many_webhooks

TAG = "Webhooks"
WEBHOOK_ID, OTHER_ID, DELIVERY_ID = (
    "5a3683ea12d5a67dd0ef2f50",
    "5a3683ea12d5a67dd0ef2f51",
    "5a3683ea12d5a67dd0ef2f52",
)
NO_ORGANIZATION = no_model(ORGANIZATION_ID)
NO_WEBHOOK = no_model(WEBHOOK_ID)
UNKNOWN = unknown_record(WEBHOOK_MODEL, WEBHOOK_ID)
UNKNOWN_DELIVERY = unknown_record(DELIVERY_MODEL, DELIVERY_ID)
NOT_REPLACED = not_replaced(WEBHOOK_ID)
OTHER_ID_IN_PUT = other_id_in_replacement(WEBHOOK_ID, OTHER_ID)
OTHER_ID_IN_PATCH = other_id_in_change(WEBHOOK_ID, OTHER_ID)
IS_DISABLED = Conflict(DISABLED)

NEW_WEBHOOK: Mapping[str, Any] = {
    "url": "https://receiver.studio.example/hook",
    "events": ["client/create", "client/update"],
}
WEBHOOK: Mapping[str, Any] = {
    **dict.fromkeys(WEBHOOK_MODEL.face.fields),
    **NEW_WEBHOOK,
    "id": WEBHOOK_ID,
    "enabled": True,
    "organizationId": ORGANIZATION_ID,
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
    "_isDeleted": False,
}
SECRET = {**WEBHOOK, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
DELIVERY: Mapping[str, Any] = {
    **dict.fromkeys(DELIVERY_MODEL.face.fields),
    "id": DELIVERY_ID,
    "webhookId": WEBHOOK_ID,
    "organizationId": ORGANIZATION_ID,
    "event": "client/update",
    "uid": "7f0c1ea0-2d4f-4a2a-9a55-6a9f0e9c5c11",
    "clientId": CLIENT_ID,
    "state": "sent",
    "attempts": 1,
    "createdAt": MOMENT,
    "lastAttemptAt": MOMENT,
    "deliveredAt": MOMENT,
    "responseStatus": 204,
    "responseMs": 31,
}
FILTER = '{"where":{"enabled":true},"order":"createdAt DESC","limit":10}'
DELIVERY_FILTER = '{"where":{"state":"failed"},"limit":10}'


def _create(**values: object) -> None:
    with checking(WEBHOOK_MODEL.name):
        read_new_webhook(WEBHOOK_MODEL.face, {**NEW_WEBHOOK, **values}, V1_RULES, Destinations())


def _change(**values: object) -> None:
    with checking(WEBHOOK_MODEL.name):
        read_webhook_change(WEBHOOK_MODEL.face, values, V1_RULES, Destinations())


def _keep_long() -> None:
    with checking(WEBHOOK_MODEL.name):
        check_kept(LONGEST_KEPT * 2)


def _keep_words() -> None:
    with checking(WEBHOOK_MODEL.name):
        webhooks.read_keep_for({"keepFor": "soon"})


NEW_ERRORS: Errors = (
    raised_by(lambda: _create(url=None)),
    raised_by(lambda: _create(url="http://127.0.0.1/")),
    raised_by(lambda: _create(events=["client/rename"])),
    raised_by(lambda: _create(events=["*", "customer.created"])),
    raised_by(lambda: _change(colour="red")),
)
SHOWN = Answer(description="The webhook.", schema=ref("Webhook"), headers=TAG_HEADER, example=WEBHOOK)
SHOWN_WITH_SECRET = Answer(
    description="The webhook with its secret, which no later answer shows.",
    schema=ref("WebhookWithSecret"),
    headers=TAG_HEADER,
    example=SECRET,
)
SHOWN_DELIVERY = Answer(description="The delivery.", schema=ref("WebhookDelivery"), example=DELIVERY)
KEEP_FOR_BODY = replace(make_body("SecretRotation", {"keepFor": 3600}, TYPE_NEEDED, form=False), required=False)
REPLACE = V1Operation(
    handler=webhooks.replace,
    id="replaceWebhook",
    tag=TAG,
    summary="Replace a webhook",
    description="Writes every property. An absent property gets its default or null; organization and secret stay.",
    parameters=(IF_MATCH,),
    body=make_body("NewWebhook", NEW_WEBHOOK, OTHER_ID_IN_PUT, form=False),
    answers={200: SHOWN},
    errors=(NOT_REPLACED, *NEW_ERRORS),
)

WEBHOOK_ROUTES: Operations[Handler] = {
    ("POST", "/v1/organizations/{id}/webhooks"): V1Operation(
        handler=webhooks.create,
        id="createWebhook",
        tag=TAG,
        summary="Create a webhook",
        description="Creates a webhook, which gets the changes from now on. The answer has its secret, with which a receiver "
        "verifies the signature of each event.",
        parameters=(IDEMPOTENCY_KEY,),
        body=make_body("NewWebhook", NEW_WEBHOOK, form=False),
        answers={200: SHOWN_WITH_SECRET},
        errors=(NO_ORGANIZATION, *NEW_ERRORS, InvalidModel(too_many_webhooks(), WEBHOOK_MODEL.name)),
    ),
    ("GET", "/v1/organizations/{id}/webhooks"): V1Operation(
        handler=webhooks.find,
        id="findWebhooks",
        tag=TAG,
        summary="Find webhooks",
        description="A page of the webhooks of an organization, the oldest first. Deleted webhooks are left out.",
        parameters=(filter_parameter(WEBHOOK_MODEL, FILTER),),
        answers={200: list_answer(WEBHOOK_MODEL, "webhooks", WEBHOOK)},
        errors=(NO_ORGANIZATION,),
    ),
    ("GET", "/v1/organizations/{id}/webhooks/count"): V1Operation(
        handler=webhooks.count,
        id="countWebhooks",
        tag=TAG,
        summary="Count webhooks",
        parameters=(where_parameter(WEBHOOK_MODEL, '{"enabled":true}'),),
        answers={200: COUNT},
        errors=(NO_ORGANIZATION,),
    ),
    ("GET", "/v1/webhooks/{id}"): V1Operation(
        handler=webhooks.get,
        id="getWebhook",
        tag=TAG,
        summary="Get a webhook",
        parameters=(record_filter_parameter(WEBHOOK_MODEL), IF_NONE_MATCH),
        answers={200: replace(SHOWN, schema=ref("PartialWebhook")), 304: NOT_MODIFIED},
        errors=(UNKNOWN,),
    ),
    ("GET", "/v1/webhooks/{id}/exists"): V1Operation(
        handler=webhooks.exists,
        id="webhookExists",
        tag=TAG,
        summary="Ask whether a webhook exists",
        answers={200: existence_answer("webhook")},
    ),
    ("PUT", "/v1/webhooks/{id}"): REPLACE,
    ("POST", "/v1/webhooks/{id}/replace"): replace_by_post(REPLACE),
    ("PATCH", "/v1/webhooks/{id}"): V1Operation(
        handler=webhooks.patch,
        id="updateWebhook",
        tag=TAG,
        summary="Change a webhook",
        description="Writes the properties of the body. A webhook that is enabled again gets the changes from then on. "
        "Disabling it cancels the events that are not sent yet.",
        parameters=(IF_MATCH,),
        body=make_body("WebhookChanges", {"enabled": False}, OTHER_ID_IN_PATCH, TYPE_NEEDED, form=False),
        answers={200: SHOWN},
        errors=(NO_WEBHOOK, *NEW_ERRORS),
    ),
    ("DELETE", "/v1/webhooks/{id}"): V1Operation(
        handler=webhooks.delete,
        id="deleteWebhook",
        tag=TAG,
        summary="Delete a webhook",
        description="Deletes a webhook. Its events that are not sent yet are cancelled.",
        parameters=(IF_MATCH,),
        answers={200: DELETED},
        errors=(stale_deletion(),),
    ),
    ("POST", "/v1/webhooks/{id}/rotate-secret"): V1Operation(
        handler=webhooks.rotate,
        id="rotateWebhookSecret",
        tag=TAG,
        summary="Give a webhook a new secret",
        description="Makes another secret. Events are signed with both until `keepFor` seconds have passed, so that receivers "
        f"can change it without a gap: {KEPT // timedelta(seconds=1):,} seconds if the body names none.",
        parameters=(IDEMPOTENCY_KEY,),
        body=KEEP_FOR_BODY,
        answers={200: SHOWN_WITH_SECRET},
        errors=(
            NO_WEBHOOK,
            raised_by(_keep_long),
            raised_by(_keep_words),
            raised_by(lambda: webhooks.read_keep_for({"days": 1})),
        ),
    ),
    ("POST", "/v1/webhooks/{id}/test"): V1Operation(
        handler=deliveries.test,
        id="testWebhook",
        tag=TAG,
        summary="Send a test event",
        description="Sends a test event in one attempt. The answer is its delivery, which shows the outcome later.",
        parameters=(IDEMPOTENCY_KEY,),
        answers={200: SHOWN_DELIVERY},
        errors=(NO_WEBHOOK, IS_DISABLED),
    ),
    ("GET", "/v1/webhooks/{id}/deliveries"): V1Operation(
        handler=deliveries.find,
        id="findWebhookDeliveries",
        tag=TAG,
        summary="Find deliveries",
        description="A page of the deliveries of a webhook, the newest first.",
        parameters=(filter_parameter(DELIVERY_MODEL, DELIVERY_FILTER),),
        answers={200: list_answer(DELIVERY_MODEL, "deliveries", DELIVERY)},
        errors=(NO_WEBHOOK,),
    ),
    ("GET", "/v1/webhooks/{id}/deliveries/count"): V1Operation(
        handler=deliveries.count,
        id="countWebhookDeliveries",
        tag=TAG,
        summary="Count deliveries",
        parameters=(where_parameter(DELIVERY_MODEL, '{"state":"failed"}'),),
        answers={200: COUNT},
        errors=(NO_WEBHOOK,),
    ),
    ("GET", "/v1/webhooks/{id}/deliveries/{fk}"): V1Operation(
        handler=deliveries.get,
        id="getWebhookDelivery",
        tag=TAG,
        summary="Get a delivery",
        answers={200: SHOWN_DELIVERY},
        errors=(UNKNOWN_DELIVERY,),
    ),
    ("POST", "/v1/webhooks/{id}/deliveries/{fk}/redeliver"): V1Operation(
        handler=deliveries.deliver_again,
        id="redeliverWebhookDelivery",
        tag=TAG,
        summary="Deliver an event once more",
        description="Sends an event once more, with the same id and the same body, or makes its next attempt now.",
        parameters=(IDEMPOTENCY_KEY,),
        answers={200: SHOWN_DELIVERY},
        errors=(UNKNOWN_DELIVERY, IS_DISABLED),
    ),
    ("POST", "/v1/webhooks/{id}/redeliver-failed"): V1Operation(
        handler=deliveries.deliver_failed_again,
        id="redeliverFailedWebhookDeliveries",
        tag=TAG,
        summary="Deliver the failed events once more",
        description="Sends the failed events of a webhook once more, in the order of the changes. The answer is their number.",
        parameters=(IDEMPOTENCY_KEY,),
        answers={200: COUNT},
        errors=(NO_WEBHOOK, IS_DISABLED),
    ),
}
