"""Adds the key by which tax numbers are compared, without case, spaces and punctuation."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TAX_KEY = """
CREATE FUNCTION tax_key(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN given ~ '[1-9]' THEN regexp_replace(fold(given) COLLATE pg_c_utf8, '[^[:alnum:]]+', '', 'g') END
"""
"""Returns a tax number without case, spaces and punctuation, or null for a text without a digit from 1 to 9, such as `N/A`."""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(TAX_KEY)
    op.execute(
        "CREATE INDEX ix_clients_tax_number ON clients (organization_id, tax_key(tax_number), id)"
        " WHERE tax_key(tax_number) IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("DROP INDEX ix_clients_tax_number")
    op.execute("DROP FUNCTION tax_key")
