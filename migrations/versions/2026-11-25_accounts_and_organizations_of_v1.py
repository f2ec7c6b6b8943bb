"""Adds passwords to accounts, the fields of v1 to organizations, and a table of failed logins."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ACCOUNT_TEXTS = (
    "password_hash",
    "firstname",
    "lastname",
    "tax_number",
    "label",
    "software_supplier_tax_number",
    "activate_redirect",
    "invitation_link",
    "invitation_new_link",
    "document_shareable_link",
    "reset_redirect",
)
ACCOUNT_IDS = ("master_id", "parent_id", "billing_organization_id")
ORGANIZATION_TEXTS = (
    "address",
    "address2",
    "city",
    "zip",
    "state",
    "country_alpha2_code",
    "tax_number",
    "company_number",
    "iban",
    "bank",
    "swift",
    "website",
    "phone",
    "timezone",
    "brand",
    "support_pin",
)
NOW = sa.text("date_trunc('milliseconds', now())")


def _words(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(collation="pg_c_utf8"), nullable=True)


def _time() -> "postgresql.TIMESTAMP":
    return postgresql.TIMESTAMP(timezone=True, precision=3)


def _json() -> "postgresql.JSONB":
    return postgresql.JSONB(none_as_null=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    _upgrade_accounts()
    _upgrade_organizations()
    op.add_column("access_tokens", sa.Column("ttl", sa.Integer(), nullable=True))
    op.create_index("ix_access_tokens_account_id", "access_tokens", ["account_id"], unique=False)
    op.create_table(
        "login_failures",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", _time(), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_login_failures"),
    )
    op.create_index("ix_login_failures_since", "login_failures", ["since"], unique=False)


def _upgrade_accounts() -> None:
    """Makes addresses unique without regard to case. As before, addresses with different accents are different."""
    op.drop_constraint("uq_accounts_email_folded", "accounts", type_="unique")
    op.drop_column("accounts", "email_folded")
    lower = sa.Computed("lower(email COLLATE pg_c_utf8)", persisted=True)
    op.add_column("accounts", sa.Column("email_lower", sa.Text(collation="C"), lower, nullable=True))
    op.create_unique_constraint("uq_accounts_email_lower", "accounts", ["email_lower"])
    for name in ACCOUNT_TEXTS:
        op.add_column("accounts", _words(name))
    for name in ACCOUNT_IDS:
        op.add_column("accounts", sa.Column(name, sa.Text(collation="C"), nullable=True))
    op.add_column("accounts", sa.Column("disable_creating_child_organizations", sa.Boolean(), nullable=True))
    op.add_column("accounts", sa.Column("email_verified", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("accounts", sa.Column("custom", _json(), nullable=True))


def _upgrade_organizations() -> None:
    for name in ORGANIZATION_TEXTS:
        op.add_column("organizations", _words(name))
    for column in (
        sa.Column("tax_subject", sa.Boolean(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("activated_at", _time(), nullable=True),
        sa.Column("deactivated_at", _time(), nullable=True),
        sa.Column("custom", _json(), nullable=True),
        sa.Column("defaults", _json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
    ):
        op.add_column("organizations", column)
    op.execute("UPDATE organizations SET activated_at = created_at")
    op.alter_column("organizations", "activated_at", server_default=NOW)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.drop_table("login_failures")
    op.drop_index("ix_access_tokens_account_id", table_name="access_tokens")
    op.drop_column("access_tokens", "ttl")
    for name in (
        *ORGANIZATION_TEXTS,
        "tax_subject",
        "active",
        "activated_at",
        "deactivated_at",
        "custom",
        "defaults",
        "version",
    ):
        op.drop_column("organizations", name)
    for name in (
        *ACCOUNT_TEXTS,
        *ACCOUNT_IDS,
        "disable_creating_child_organizations",
        "email_verified",
        "custom",
        "email_lower",
    ):
        op.drop_column("accounts", name)
    folded = sa.Computed("fold(email)", persisted=True)
    op.add_column("accounts", sa.Column("email_folded", sa.Text(collation="C"), folded, nullable=True))
    op.create_unique_constraint("uq_accounts_email_folded", "accounts", ["email_folded"])
