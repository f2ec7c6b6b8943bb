"""Adds what erasing and the retention worker need: a table of erasures, and indexes of due rows.

Statistics of columns that no plan needs are dropped and never made again, because they hold samples of personal values.
Giving a column its own type drops its statistics, without a rewrite.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
compatible = True

UNSAMPLED = {
    "client_changes": {"before": "jsonb", "after": "jsonb"},
    "idempotency_keys": {"id": 'text COLLATE "C"', "body": "bytea", "request_hash": "bytea"},
    "outbox": dict.fromkeys(
        ("recipient", "recipient_name", "sender_name", "reply_to", "subject", "text", "html", "last_error"),
        'text COLLATE "pg_c_utf8"',
    ),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for table, columns in UNSAMPLED.items():
        for column, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ALTER {column} TYPE {kind}, ALTER {column} SET STATISTICS 0")
    op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_outbox_recipient", "outbox", ["organization_id", sa.text("left(fold(recipient), 500)")])
    op.execute("ALTER INDEX ix_outbox_recipient ALTER COLUMN 2 SET STATISTICS 0")
    op.create_index("ix_outbox_erased", "outbox", ["id"], postgresql_where=sa.text("recipient = ''"))
    op.create_index(
        "ix_outbox_texts",
        "outbox",
        [sa.text("COALESCE(sent_at, last_attempt_at, created_at)")],
        postgresql_where=sa.text("text <> '' AND state IN ('sent', 'failed')"),
    )
    op.create_index(
        "ix_client_changes_images",
        "client_changes",
        ["at"],
        postgresql_where=sa.text("before IS NOT NULL OR after IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.drop_index("ix_client_changes_images", table_name="client_changes")
    for index in ("ix_outbox_texts", "ix_outbox_erased", "ix_outbox_recipient"):
        op.drop_index(index, table_name="outbox")
    op.drop_table("erasures")
    for table, columns in UNSAMPLED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER {column} SET STATISTICS DEFAULT")
