"""A creation notes the columns that its caller sent, and the changes of an organization are found by their action."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
compatible = True


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.add_column("client_changes", sa.Column("sent_columns", postgresql.JSONB(none_as_null=True), nullable=True))
    op.create_index("ix_client_changes_action", "client_changes", ["organization_id", "action", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.drop_index("ix_client_changes_action", table_name="client_changes")
    op.drop_column("client_changes", "sent_columns")
