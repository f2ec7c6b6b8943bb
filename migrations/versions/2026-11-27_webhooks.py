"""Webhooks of organizations, and the deliveries of their events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
compatible = True

ID = sa.Text(collation="C")
WORDS = sa.Text(collation="pg_c_utf8")
TIME = postgresql.TIMESTAMP(timezone=True, precision=3)
NOW = sa.text("date_trunc('milliseconds', now())")


def make_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("url", WORDS, nullable=False),
        sa.Column("events", postgresql.JSONB(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("description", WORDS),
        sa.Column("secret", WORDS, nullable=False),
        sa.Column("previous_secret", WORDS),
        sa.Column("previous_secret_until", TIME),
        sa.Column("read_to", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", TIME),
        sa.Column("paused_until", TIME),
        sa.Column("last_success_at", TIME),
        sa.Column("disabled_at", TIME),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("updated_at", TIME, server_default=NOW, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Column("deleted_id", ID),
        sa.Column("is_deleted", sa.Boolean(), sa.Computed("deleted_at IS NOT NULL", persisted=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_webhooks_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhooks"),
    )
    live = sa.text("enabled AND deleted_at IS NULL")
    op.create_index("ix_webhooks_enabled", "webhooks", ["organization_id", "read_to"], postgresql_where=live)
    deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index("ix_webhooks_deleted_at", "webhooks", ["deleted_at"], postgresql_where=deleted)


def make_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("client_id", ID),
        sa.Column("change_number", sa.BigInteger()),
        sa.Column("event", WORDS, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("state", WORDS, server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", TIME, server_default=NOW, nullable=False),
        sa.Column("last_attempt_at", TIME),
        sa.Column("delivered_at", TIME),
        sa.Column("response_status", sa.SmallInteger()),
        sa.Column("response_ms", sa.Integer()),
        sa.Column("response_body", WORDS),
        sa.Column("last_error", WORDS),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_webhook_deliveries_organization_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint(
            "organization_id",
            "webhook_id",
            "change_number",
            name="uq_webhook_deliveries_organization_id_webhook_id_change_number",
        ),
    )


def index_deliveries() -> None:
    table, owner = "webhook_deliveries", ["organization_id", "webhook_id"]
    due: list[str | sa.TextClause] = [*owner, sa.text("(client_id IS NOT NULL)"), "next_attempt_at"]
    is_active, is_open = "state IN ('waiting', 'sending')", "state IN ('queued', 'waiting', 'sending')"
    op.create_index("ix_webhook_deliveries_due", table, due, postgresql_where=sa.text(is_active))
    of_client = [*owner, "client_id", "change_number"]
    op.create_index("ix_webhook_deliveries_open", table, of_client, postgresql_where=sa.text(is_open))
    op.create_index("ix_webhook_deliveries_webhook", table, [*owner, "id"])
    op.create_index("ix_webhook_deliveries_client", table, ["organization_id", "client_id"])
    op.create_index("ix_webhook_deliveries_created_at", table, ["created_at"])


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    make_webhooks()
    make_deliveries()
    index_deliveries()


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
