"""The indexes of clients hold the beginnings of texts, so that every text fits, whatever it compresses to.

Three indexes are built anew: some seconds for each million rows, in which clients can be read but not written.
"""

from collections.abc import Callable

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LENGTH = 500

WHERE = " WHERE tax_key(tax_number) IS NOT NULL"
INDEXES = {
    "ix_clients_name": ("name_folded", ""),
    "ix_clients_email": ("email_folded", ""),
    "ix_clients_tax_number": ("tax_key(tax_number)", WHERE),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '2h'")
    _build(lambda text: f"left({text}, {LENGTH})")


def downgrade() -> None:
    """Fails if a stored text is too long for an index row."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '2h'")
    _build(lambda text: text)


def _build(key: Callable[[str], str]) -> None:
    """The new indexes are complete before the old ones go, so that reads wait for a moment only."""
    for name, (text, where) in INDEXES.items():
        op.execute(f"CREATE INDEX {name}_new ON clients (organization_id, {key(text)}, id){where}")
    op.execute("ANALYZE clients")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
        op.execute(f"ALTER INDEX {name}_new RENAME TO {name}")
