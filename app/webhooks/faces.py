"""The field tables of webhooks and of their deliveries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.query.face import PLAIN, Codec, Face, Field, Kind
from app.query.sql.render import Columns, Selection
from app.webhooks.columns import show_next_attempt

ID, TEXT, BOOLEAN, DATE, NUMBER, JSON = Kind.ID, Kind.TEXT, Kind.BOOLEAN, Kind.DATE, Kind.NUMBER, Kind.JSON
STATE_WORD = Codec(
    words=(
        ("QUEUED", "queued"),
        ("WAITING", "waiting"),
        ("SENDING", "sending"),
        ("SENT", "sent"),
        ("FAILED", "failed"),
    ),
    otherwise="FAILED",
)
"""The words of GraphQL's enum."""


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The time of the next attempt; null for a delivery that has ended or waits for another one."""

    columns: Sequence[str] = ("state", "next_attempt_at")

    def render(self, columns: Columns) -> Any:
        return show_next_attempt(columns)


NEXT_ATTEMPT = Codec(computed=NextAttempt())


def _shown(name: str, column: str, kind: Kind = TEXT, codec: Codec = PLAIN, *, nullable: bool = True) -> Field:
    """A field that callers only read."""
    computed = codec.computed is not None
    return Field(
        name, column, kind, codec, writable=False, nullable=nullable, filterable=not computed, sortable=not computed
    )


def _face(name: str, type_name: str, fields: Iterable[Field], *, folds: bool = False) -> Face:
    return Face(name, type_name, {field.name: field for field in fields}, folds)


SECRET = _shown("secret", "secret", nullable=False)
"""The secret, for the answers to the creation of a webhook and to the rotation of its secret. No face has it."""
PREVIOUS_SECRET_UNTIL = _shown("previousSecretUntil", "previous_secret_until", DATE)

_WRITTEN = (
    Field("url", "url", nullable=False),
    Field("events", "events", JSON, nullable=False, is_list=True),
    Field("enabled", "enabled", BOOLEAN, nullable=False),
    Field("description", "description"),
)
_TIMES = (
    _shown("failingSince", "failing_since", DATE),
    _shown("lastSuccessAt", "last_success_at", DATE),
    _shown("disabledAt", "disabled_at", DATE),
    PREVIOUS_SECRET_UNTIL,
    _shown("createdAt", "created_at", DATE, nullable=False),
    _shown("updatedAt", "updated_at", DATE, nullable=False),
)

V1_WEBHOOK = _face(
    "v1 webhooks",
    "Webhook",
    (
        _shown("id", "id", ID, nullable=False),
        *_WRITTEN,
        _shown("organizationId", "organization_id", ID, nullable=False),
        *_TIMES,
        _shown("deletedAt", "deleted_at", DATE),
        _shown("deletedId", "deleted_id", ID),
        _shown("_isDeleted", "is_deleted", BOOLEAN, nullable=False),
    ),
)
GRAPHQL_WEBHOOK = _face(
    "graphql webhook",
    "Webhook",
    (
        _shown("webhookId", "id", ID, nullable=False),
        *_WRITTEN,
        _shown("organizationId", "organization_id", ID, nullable=False),
        _shown("version", "version", NUMBER, nullable=False),
        *_TIMES,
        _shown("id", "id", ID, Codec(node="Webhook"), nullable=False),
    ),
    folds=True,
)


def _list_delivery_fields(state: Codec) -> tuple[Field, ...]:
    return (
        _shown("webhookId", "webhook_id", ID, nullable=False),
        _shown("organizationId", "organization_id", ID, nullable=False),
        _shown("event", "event", nullable=False),
        _shown("uid", "event_id", ID, nullable=False),
        _shown("clientId", "client_id", ID),
        _shown("state", "state", codec=state, nullable=False),
        _shown("attempts", "attempts", NUMBER, nullable=False),
        _shown("createdAt", "created_at", DATE, nullable=False),
        _shown("lastAttemptAt", "last_attempt_at", DATE),
        _shown("nextAttemptAt", "next_attempt_at", DATE, NEXT_ATTEMPT),
        _shown("deliveredAt", "delivered_at", DATE),
        _shown("responseStatus", "response_status", NUMBER),
        _shown("responseMs", "response_ms", NUMBER),
        _shown("responseBody", "response_body"),
        _shown("error", "last_error"),
    )


V1_DELIVERY = _face(
    "v1 webhook deliveries",
    "WebhookDelivery",
    (_shown("id", "id", ID, nullable=False), *_list_delivery_fields(PLAIN)),
)
GRAPHQL_DELIVERY = _face(
    "graphql webhook delivery",
    "WebhookDelivery",
    (
        _shown("deliveryId", "id", ID, nullable=False),
        *_list_delivery_fields(STATE_WORD),
        _shown("id", "id", ID, Codec(node="WebhookDelivery"), nullable=False),
    ),
    folds=True,
)

V1_WEBHOOK_FIELDS: Selection = tuple(V1_WEBHOOK.fields.items())
V1_DELIVERY_FIELDS: Selection = tuple(V1_DELIVERY.fields.items())
"""Every field of a webhook and of a delivery in v1."""
