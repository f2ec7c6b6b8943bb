"""Creates the first tables, and the functions that fold text for order and search."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.storage.columns import Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FOLD = """
CREATE FUNCTION fold(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(given) = char_length(given) THEN lower(given COLLATE pg_c_utf8)
ELSE replace(replace(replace(replace(translate(
    lower(regexp_replace(normalize(given, NFKD), U&'[\\0300-\\036F]+', '', 'g') COLLATE pg_c_utf8),
    'łøđħŧıς', 'lodhtiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th') END
"""
"""Returns a text without case and accents, for order and search, by Unicode's rules and not the server's locale."""

JSON_TEXTS = """
CREATE FUNCTION json_texts(document jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN document NOT IN ('{}', '[]') THEN (
    SELECT string_agg(found #>> '{}', ' ') FROM jsonb_path_query(document, 'strict $.**') found
    WHERE jsonb_typeof(found) = 'string'
) END
"""
"""Returns all text values of a document at any depth, without keys and numbers."""

SQUEEZE = """
CREATE FUNCTION squeeze(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN given ~ '[^ -~]|  |^ | $' THEN btrim(regexp_replace(given, '\\s+', ' ', 'g')) ELSE given END
"""
"""Returns the words joined by single spaces. ASCII text that has this form already is returned after one check."""

SEARCH_WORDS = """
CREATE FUNCTION search_words(texts text[], metadata jsonb, custom jsonb, bank_accounts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ' ' || squeeze(fold(concat_ws(
    ' ', array_to_string(texts, ' '), json_texts(metadata), json_texts(custom), json_texts(bank_accounts)
)))
"""
"""Returns the text that a search reads: a space, then the folded words, so that '% word' finds the start of a word."""

LIKE_PART = """
CREATE FUNCTION like_part(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(given, '\\', '\\\\'), '%', '\\%'), '_', '\\_')
"""
"""Returns a text with the special characters of LIKE patterns escaped."""

FUNCTIONS = (FOLD, JSON_TEXTS, SQUEEZE, SEARCH_WORDS, LIKE_PART)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for extension in ("pg_trgm", "btree_gin"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    for function in FUNCTIONS:
        op.execute(function)
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("email_folded", sa.Text(collation="C"), sa.Computed("fold(email)", persisted=True), nullable=True),
        sa.Column("locale", sa.Text(collation="pg_c_utf8"), server_default="en", nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_accounts")),
        sa.UniqueConstraint("email_folded", name=("uq_accounts_email_folded")),
    )
    op.create_table(
        "client_changes",
        sa.Column("transaction", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("organization_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("actor", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.Column("before", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=("pk_client_changes")),
    )
    op.create_index("ix_client_changes_client", "client_changes", ["organization_id", "client_id", "id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("organization_id", sa.Text(collation="C"), nullable=True),
        sa.Column("client_id", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("owner", "id", name=("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_client", "idempotency_keys", ["organization_id", "client_id"], unique=False)
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "organizations",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("email", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("country", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("locale", sa.Text(collation="pg_c_utf8"), server_default="en", nullable=False),
        sa.Column("environment", sa.Text(collation="pg_c_utf8"), server_default="live", nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_organizations")),
    )
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Text(collation="C"), nullable=True),
        sa.Column("organization_id", sa.Text(collation="C"), nullable=True),
        sa.Column("scope", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("environment", sa.Text(collation="pg_c_utf8"), server_default="live", nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=("fk_access_tokens_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=("fk_access_tokens_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_access_tokens")),
        sa.UniqueConstraint("hash", name=("uq_access_tokens_hash")),
    )
    op.create_table(
        "account_organizations",
        sa.Column("account_id", sa.Text(collation="C"), nullable=False),
        sa.Column("organization_id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=("fk_account_organizations_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=("fk_account_organizations_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "organization_id", name=("pk_account_organizations")),
    )
    op.create_index(
        ("ix_account_organizations_organization_id"), "account_organizations", ["organization_id"], unique=False
    )
    op.create_table(
        "client_totals",
        sa.Column("organization_id", sa.Text(collation="C"), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=("fk_client_totals_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "slot", name=("pk_client_totals")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "clients",
        sa.Column("organization_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("email", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("contact", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("note", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("type", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("address", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("address2", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("city", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("zip", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("state", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("country", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("country_alpha2_code", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("fiscal_region_code", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("tax_number", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("company_number", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("iban", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("bank", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("swift", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("website", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("phone", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("business_type", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("peppol_id", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("peppol_scheme_id", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("tax_subject", sa.Boolean(), nullable=True),
        sa.Column("is_end_customer", sa.Boolean(), nullable=True),
        sa.Column("unit_id", sa.Text(collation="C"), nullable=True),
        sa.Column("unit_ids", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("data", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("metadata", postgresql.JSONB(none_as_null=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("vies", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("bank_accounts", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("ujp", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.Column("deleted_id", sa.Text(collation="C"), nullable=True),
        sa.Column("is_deleted", sa.Boolean(), sa.Computed("deleted_at IS NOT NULL", persisted=True), nullable=False),
        sa.Column("name_folded", sa.Text(collation="C"), sa.Computed("fold(name)", persisted=True), nullable=True),
        sa.Column("email_folded", sa.Text(collation="C"), sa.Computed("fold(email)", persisted=True), nullable=True),
        sa.Column(
            "search_text",
            sa.Text(collation="C"),
            sa.Computed(
                "search_words(ARRAY[name, email, contact, note, address, address2, city, zip, state, country, tax_number,"
                " company_number, iban, bank, swift, website, phone], metadata, custom, bank_accounts)",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=("fk_clients_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=("pk_clients")),
    )
    op.create_index("ix_clients_created_at", "clients", ["organization_id", "created_at", "id"], unique=False)
    op.create_index("ix_clients_email", "clients", ["organization_id", "email_folded", "id"], unique=False)
    op.create_index(
        "ix_clients_live",
        "clients",
        ["organization_id", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("ix_clients_name", "clients", ["organization_id", "name_folded", "id"], unique=False)
    op.create_index(
        "ix_clients_search_text",
        "clients",
        ["organization_id", "search_text"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": 2048},
    )
    op.create_index("ix_clients_updated_at", "clients", ["organization_id", "updated_at", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("organization_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("recipient", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("recipient_name", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("sender_name", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("reply_to", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column("language", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("subject", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("text", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("html", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("state", sa.Text(collation="pg_c_utf8"), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_attempt_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.Column("last_error", sa.Text(collation="pg_c_utf8"), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True, precision=3),
            server_default=sa.text("date_trunc('milliseconds', now())"),
            nullable=False,
        ),
        sa.Column("sent_at", postgresql.TIMESTAMP(timezone=True, precision=3), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=("fk_outbox_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=("pk_outbox")),
    )
    op.create_index("ix_outbox_client", "outbox", ["organization_id", "client_id", "id"], unique=False)
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for table in (
        "outbox",
        "idempotency_keys",
        "clients",
        "client_totals",
        "client_changes",
        "account_organizations",
        "access_tokens",
        "organizations",
        "accounts",
    ):
        op.drop_table(table)
    for function in ("search_words", "squeeze", "json_texts", "fold", "like_part"):
        op.execute(f"DROP FUNCTION {function}")
