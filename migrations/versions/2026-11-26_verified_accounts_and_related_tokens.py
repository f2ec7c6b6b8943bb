"""Accounts of the operator are verified. Tokens get a label, a parent and the time of their last use.

An account counts as the operator's if it has no password, or a token of the command line. All other accounts may have signed
up by themselves; `clientele account verify` verifies them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
compatible = True

VERIFY = """
UPDATE accounts SET email_verified = true
WHERE password_hash IS NULL
OR EXISTS (SELECT FROM access_tokens WHERE access_tokens.account_id = accounts.id AND access_tokens.ttl IS NULL)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(VERIFY)
    op.add_column("access_tokens", sa.Column("label", sa.Text(collation="pg_c_utf8"), nullable=True))
    op.add_column("access_tokens", sa.Column("parent_id", sa.Text(collation="C"), nullable=True))
    op.add_column(
        "access_tokens", sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True)
    )
    op.create_foreign_key(
        "fk_access_tokens_parent_id", "access_tokens", "access_tokens", ["parent_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index("ix_access_tokens_parent_id", "access_tokens", ["parent_id"])


def downgrade() -> None:
    """Verified accounts stay so: earlier versions do not read it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for column in ("label", "parent_id", "last_used_at"):
        op.drop_column("access_tokens", column)
