"""The tables of webhooks: their subscriptions, and one delivery for each event of each webhook."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.storage.columns import ID, NOW, TIME, WORDS, created_at, updated_at
from app.storage.tables.naming import metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("id", ID, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("url", WORDS, nullable=False),
    Column("events", JSONB, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default="true"),
    Column("description", WORDS),
    Column("secret", WORDS, nullable=False),
    Column("previous_secret", WORDS),
    Column("previous_secret_until", TIME),
    Column("read_to", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", TIME),
    Column("paused_until", TIME),
    Column("last_success_at", TIME),
    Column("disabled_at", TIME),
    created_at(),
    updated_at(),
    Column("deleted_at", TIME),
    Column("deleted_id", ID),
    Column("is_deleted", Boolean, Computed("deleted_at IS NOT NULL", persisted=True), nullable=False),
    PrimaryKeyConstraint("organization_id", "id"),
    Index("ix_webhooks_enabled", "organization_id", "read_to", postgresql_where=text("enabled AND deleted_at IS NULL")),
    Index("ix_webhooks_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
)
"""`read_to` is the number of the last change that has become deliveries. `failures` counts the failed attempts since the
last success. `disabled_at` is set when the service itself has disabled a webhook."""

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("id", ID, nullable=False),
    Column("webhook_id", ID, nullable=False),
    Column("client_id", ID),
    Column("change_number", BigInteger),
    Column("event", WORDS, nullable=False),
    Column("event_id", ID, nullable=False),
    Column("state", WORDS, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", TIME, nullable=False, server_default=NOW),
    Column("last_attempt_at", TIME),
    Column("delivered_at", TIME),
    Column("response_status", SmallInteger),
    Column("response_ms", Integer),
    Column("response_body", WORDS),
    Column("last_error", WORDS),
    created_at(),
    PrimaryKeyConstraint("organization_id", "id"),
    UniqueConstraint("organization_id", "webhook_id", "change_number"),
    Index(
        "ix_webhook_deliveries_due",
        "organization_id",
        "webhook_id",
        text("(client_id IS NOT NULL)"),
        "next_attempt_at",
        postgresql_where=text("state IN ('waiting', 'sending')"),
    ),
    Index(
        "ix_webhook_deliveries_open",
        "organization_id",
        "webhook_id",
        "client_id",
        "change_number",
        postgresql_where=text("state IN ('queued', 'waiting', 'sending')"),
    ),
    Index("ix_webhook_deliveries_webhook", "organization_id", "webhook_id", "id"),
    Index("ix_webhook_deliveries_client", "organization_id", "client_id"),
    Index("ix_webhook_deliveries_created_at", "created_at"),
)
"""A delivery without a client is a test. Deliveries hold no record: the body is made of the change at each attempt."""
