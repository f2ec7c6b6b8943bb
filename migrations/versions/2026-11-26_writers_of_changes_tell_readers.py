"""A transaction that writes changes holds a lock, from which readers learn which changes are not settled yet."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
compatible = False
"""Services of the previous revision write changes without the lock, so that readers could miss one."""

BEGIN_CHANGE = """
CREATE FUNCTION begin_change(organization text) RETURNS xid8 LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('clientele.changing', true) IS DISTINCT FROM organization THEN
        PERFORM pg_advisory_xact_lock_shared(
            hashtext(organization),
            (coalesce(pg_sequence_last_value('client_changes_id_seq'), 0) & 2147483647)::integer
        );
        PERFORM set_config('clientele.changing', organization, true);
    END IF;
    RETURN pg_current_xact_id();
END
$$
"""
"""Takes one lock per transaction and organization: the hash of the organization, and the last number at the start."""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(BEGIN_CHANGE)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("DROP FUNCTION begin_change(text)")
