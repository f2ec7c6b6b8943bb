"""The schemas of webhooks and of their deliveries, in the components of the v1 document."""

from datetime import timedelta

from app.deliveries.addresses import LONGEST_URL
from app.records.bodies import LOOPBACK_MESSAGES, Rules
from app.rest.openapi.schemas import RecordType, body_schema, filter_schemas, record_schema
from app.rest.operations import TEXT, Schema, list_of
from app.rest.v1.dialect import LOOPBACK
from app.rest.v1.models import WEBHOOK, WEBHOOK_DELIVERY
from app.rest.v1.operations.schemas import filter_schema, record_filter
from app.webhooks import descriptions
from app.webhooks.events import KNOWN_EVENTS
from app.webhooks.faces import STATE_WORD, V1_DELIVERY, V1_WEBHOOK
from app.webhooks.record import V1_RULES
from app.webhooks.service import KEPT, LONGEST_KEPT

WEBHOOK_RECORD = RecordType(
    face=V1_WEBHOOK,
    rules=V1_RULES,
    description="A webhook: a URL that gets the changes of an organization's clients.",
    descriptions=descriptions.WEBHOOK,
    values={"events": list_of({"type": "string", "enum": list(KNOWN_EVENTS)})},
    written={"url": {**TEXT, "format": "uri", "maxLength": LONGEST_URL}},
)
DELIVERY_RECORD = RecordType(
    face=V1_DELIVERY,
    rules=Rules(columns={}, messages=LOOPBACK_MESSAGES),
    description="A delivery of one event to a webhook.",
    descriptions=descriptions.DELIVERY,
    values={"state": {"type": "string", "enum": [stored for _, stored in STATE_WORD.words]}},
)
SECRET: Schema = {**TEXT, "description": descriptions.SECRET}
SECRET_ROTATION: Schema = {
    "type": "object",
    "properties": {
        "keepFor": {
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": LONGEST_KEPT // timedelta(seconds=1),
            "default": KEPT // timedelta(seconds=1),
            "description": "The seconds for which events are signed with the secret before, too.",
        }
    },
    "additionalProperties": False,
}


def make_webhook_schemas() -> dict[str, Schema]:
    """The schemas of webhooks and their deliveries by their names."""
    webhook = record_schema(WEBHOOK_RECORD)
    secret = {"required": [*webhook["required"], "secret"], "properties": {**webhook["properties"], "secret": SECRET}}
    return {
        "Webhook": webhook,
        "WebhookWithSecret": {**webhook, **secret},
        "PartialWebhook": record_schema(WEBHOOK_RECORD, complete=False),
        "NewWebhook": body_schema(
            WEBHOOK_RECORD, "A new webhook, or all values of a webhook that is replaced.", whole=True
        ),
        "WebhookChanges": body_schema(WEBHOOK_RECORD, "The properties of a webhook to change.", whole=False),
        "WebhookFilter": filter_schema(WEBHOOK, "WebhookWhere"),
        "WebhookRecordFilter": record_filter(WEBHOOK),
        **filter_schemas("WebhookWhere", V1_WEBHOOK, LOOPBACK, "Conditions on webhooks, all of which hold."),
        "SecretRotation": SECRET_ROTATION,
        "WebhookDelivery": record_schema(DELIVERY_RECORD),
        "PartialWebhookDelivery": record_schema(DELIVERY_RECORD, complete=False),
        "WebhookDeliveryFilter": filter_schema(WEBHOOK_DELIVERY, "WebhookDeliveryWhere"),
        **filter_schemas("WebhookDeliveryWhere", V1_DELIVERY, LOOPBACK, "Conditions on deliveries, all of which hold."),
    }
