"""Adds the moment at which a deleted account or organization is deleted permanently. Others have none."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
compatible = True

TABLES = ("accounts", "organizations")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for table in TABLES:
        op.add_column(table, sa.Column("purge_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True))
        op.create_index(f"ix_{table}_purge_at", table, ["purge_at"], postgresql_where=sa.text("purge_at IS NOT NULL"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for table in TABLES:
        op.drop_column(table, "purge_at")
