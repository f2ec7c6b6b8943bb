"""Changes of access have a revision: each transaction that ends a token, or changes its organizations, writes another.

The triggers run at the commit, so that the lock on the row is short and is the last one that a transaction takes. Uses,
labels and parents of tokens do not matter, and neither do new tokens, because unknown tokens are never remembered. The
end of an account or an organization ends its tokens and memberships, by foreign keys.
"""

import sqlalchemy as sa
from alembic import op

from app.storage.columns import Xid8

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
compatible = True

NOTE = """
CREATE FUNCTION note_access_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO access_revision AS kept (singleton, revision, transaction)
    VALUES (true, gen_random_uuid(), pg_current_xact_id())
    ON CONFLICT (singleton) DO UPDATE SET revision = excluded.revision, transaction = excluded.transaction
    WHERE kept.transaction <> excluded.transaction;
    IF FOUND THEN
        RAISE INFO 'access has changed' USING ERRCODE = 'CLACC';
    END IF;
    RETURN NULL;
END
$$
"""
"""The message is always sent to the client, whatever client_min_messages is, and by default not logged."""


def changed(table: str, *columns: str) -> str:
    """The trigger for updates of these columns. It is named after the table."""
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("old", "new"))
    return f"{table}_change AFTER UPDATE ON {table} {DEFERRED} WHEN (({old}) IS DISTINCT FROM ({new})) {CALL}"


DEFERRED, CALL = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW", "EXECUTE FUNCTION note_access_change()"
ROW_TRIGGERS = (
    f"access_tokens_end AFTER DELETE ON access_tokens {DEFERRED}"
    f" WHEN (old.expires_at IS NULL OR old.expires_at > now()) {CALL}",
    changed("access_tokens", "hash", "account_id", "organization_id", "scope", "environment", "expires_at"),
    f"account_organizations_change AFTER INSERT OR UPDATE OR DELETE ON account_organizations {DEFERRED} {CALL}",
    changed("accounts", "id", "purge_at"),
    changed("organizations", "id", "environment", "created_at", "purge_at"),
)
EMPTIED = ("access_tokens", "account_organizations")
"""The tables with a trigger for TRUNCATE, which ends the tokens of all, and which the other triggers do not see."""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.create_table(
        "access_revision",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Uuid(), nullable=False),
        sa.Column("transaction", Xid8(), nullable=False),
        sa.CheckConstraint("singleton", name="ck_access_revision"),
        sa.PrimaryKeyConstraint("singleton", name="pk_access_revision"),
    )
    op.execute(NOTE)
    for trigger in ROW_TRIGGERS:
        op.execute(f"CREATE CONSTRAINT TRIGGER {trigger}")
    for table in EMPTIED:
        op.execute(f"CREATE TRIGGER {table}_emptied AFTER TRUNCATE ON {table} FOR EACH STATEMENT {CALL}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("DROP FUNCTION note_access_change() CASCADE")
    op.drop_table("access_revision")
