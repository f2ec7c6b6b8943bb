"""Descriptions of the fields of webhooks and of deliveries, by column, for the documents of the APIs."""

from collections.abc import Mapping

from app.webhooks.events import KNOWN_EVENTS

EVENTS = (
    f"The events that are sent: {', '.join(f'`{event}`' for event in KNOWN_EVENTS)}. A webhook has events of the v1 API, of "
    "which `*` means all, or `customer.` events of the Customers API. The body of an event has the form of its API."
)
WEBHOOK: Mapping[str, str] = {
    "id": "The id. The service makes it.",
    "url": "The URL that gets the events. Each is signed with the secret of the webhook.",
    "events": EVENTS,
    "enabled": "False if no event is sent. The service disables a webhook that fails for three days.",
    "description": "A note for your own use.",
    "organization_id": "The id of the organization that the webhook belongs to.",
    "failing_since": "The time of the first failed attempt since the last success. Null if the last attempt succeeded.",
    "last_success_at": "The time of the last attempt that succeeded.",
    "disabled_at": "The time when the service disabled the webhook because it failed. Null for a webhook that it did not.",
    "previous_secret_until": "The time until which events are signed with the secret before the last rotation, too.",
    "created_at": "The time when the webhook was created.",
    "updated_at": "The time when the webhook was last changed.",
    "deleted_at": "The time of the deletion. Null for a webhook that is not deleted.",
    "deleted_id": "The id that the webhook had when it was deleted.",
    "is_deleted": "True if the webhook is deleted.",
}
SECRET = (
    "The secret that events are signed with: `whsec_` and base64. "  # noqa: S105 - a description
    "Only this answer shows it, and its repetition with the same idempotency key."
)
DELIVERY: Mapping[str, str] = {
    "id": "The id. The service makes it.",
    "webhook_id": "The id of the webhook.",
    "organization_id": "The id of the organization.",
    "event": "The event, such as `client/update` or `customer.updated`.",
    "event_id": "The id of the event, which is the same at each attempt. A receiver ignores an event that it knows.",
    "client_id": "The id of the changed client. Null for a test.",
    "state": "The state: an event is `queued` behind an earlier one of the same client, `waiting` for its next attempt, being "
    "sent (`sending`), accepted by the receiver (`sent`), or given up (`failed`).",
    "attempts": "The number of attempts.",
    "created_at": "The time when the delivery was stored.",
    "last_attempt_at": "The start of the last attempt. Null before the first one.",
    "next_attempt_at": "The time of the next attempt. Null if there is none, and for an event that waits for another one.",
    "delivered_at": "The time when the receiver accepted the event. Null until then.",
    "response_status": "The HTTP status of the last response. Null without a response.",
    "response_ms": "The milliseconds until the last response.",
    "response_body": "The beginning of the last response, at most 1,000 characters.",
    "last_error": "The reason why the last attempt failed. Null if it did not.",
}
