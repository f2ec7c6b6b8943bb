"""The tables that the service keeps for itself: counts of limits, stored responses, messages and erasures."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    text,
)

from app.storage.columns import FOLDED, ID, KEY_LENGTH, NOW, TIME, WORDS, created_at
from app.storage.tables.naming import metadata

login_failures = Table(  # The previous revision counts here. The next one drops the table.
    "login_failures",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("since", TIME, nullable=False, server_default=NOW),
    Index(None, "since"),
)

limit_counts = Table(
    "limit_counts",
    metadata,
    Column("kind", WORDS, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
    Column("ends_at", TIME, nullable=False),
    PrimaryKeyConstraint("kind", "hash"),
    Index(None, "ends_at"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", ID, nullable=False),
    Column("id", FOLDED, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("body", LargeBinary),
    Column("organization_id", ID),
    Column("client_id", ID),
    created_at(),
    PrimaryKeyConstraint("owner", "id"),
    Index("ix_idempotency_keys_client", "organization_id", "client_id"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("id", ID, nullable=False),
    Column("client_id", ID, nullable=False),
    Column("recipient", WORDS, nullable=False),
    Column("recipient_name", WORDS, nullable=False),
    Column("sender_name", WORDS, nullable=False),
    Column("reply_to", WORDS),
    Column("language", WORDS, nullable=False),
    Column("subject", WORDS, nullable=False),
    Column("text", WORDS, nullable=False),
    Column("html", WORDS, nullable=False),
    Column("state", WORDS, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", TIME, nullable=False, server_default=NOW),
    Column("last_error", WORDS),
    created_at(),
    Column("sent_at", TIME),
    Column("last_attempt_at", TIME),
    PrimaryKeyConstraint("organization_id", "id"),
    Index("ix_outbox_due", "next_attempt_at", postgresql_where=text("state IN ('waiting', 'sending')")),
    Index("ix_outbox_client", "organization_id", "client_id", "id"),
    Index("ix_outbox_recipient", "organization_id", text(f"left(fold(recipient), {KEY_LENGTH})")),
    Index("ix_outbox_erased", "id", postgresql_where=text("recipient = ''")),
    Index(
        "ix_outbox_texts",
        text("COALESCE(sent_at, last_attempt_at, created_at)"),
        postgresql_where=text("text <> '' AND state IN ('sent', 'failed')"),
    ),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
)
"""One row for each erasure until the planner's statistics, which hold samples of values, have been refreshed."""
