"""Every table. The columns have the neutral names of the field table (app/clients/faces.py)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.storage.columns import FOLDED, ID, KEY_LENGTH, NOW, TIME, WORDS, Xid8, created_at, updated_at

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("email", WORDS, nullable=False),
    Column("email_lower", FOLDED, Computed("lower(email COLLATE pg_c_utf8)", persisted=True)),
    Column("password_hash", WORDS),
    Column("firstname", WORDS),
    Column("lastname", WORDS),
    Column("tax_number", WORDS),
    Column("label", WORDS),
    Column("software_supplier_tax_number", WORDS),
    Column("activate_redirect", WORDS),
    Column("invitation_link", WORDS),
    Column("invitation_new_link", WORDS),
    Column("document_shareable_link", WORDS),
    Column("reset_redirect", WORDS),
    Column("locale", WORDS, nullable=False, server_default="en"),
    Column("disable_creating_child_organizations", Boolean),
    Column("email_verified", Boolean, nullable=False, server_default="false"),
    Column("master_id", ID),
    Column("parent_id", ID),
    Column("billing_organization_id", ID),
    Column("custom", JSONB(none_as_null=True)),
    created_at(),
    updated_at(),
    UniqueConstraint("email_lower"),
)

login_failures = Table(  # The previous revision counts here. The next one drops the table.
    "login_failures",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("since", TIME, nullable=False, server_default=NOW),
    Index(None, "since"),
)

limit_counts = Table(
    "limit_counts",
    metadata,
    Column("kind", WORDS, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
    Column("ends_at", TIME, nullable=False),
    PrimaryKeyConstraint("kind", "hash"),
    Index(None, "ends_at"),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", WORDS, nullable=False),
    Column("email", WORDS),
    Column("address", WORDS),
    Column("address2", WORDS),
    Column("city", WORDS),
    Column("zip", WORDS),
    Column("state", WORDS),
    Column("country", WORDS),
    Column("country_alpha2_code", WORDS),
    Column("tax_number", WORDS),
    Column("company_number", WORDS),
    Column("iban", WORDS),
    Column("bank", WORDS),
    Column("swift", WORDS),
    Column("website", WORDS),
    Column("phone", WORDS),
    Column("timezone", WORDS),
    Column("brand", WORDS),
    Column("support_pin", WORDS),
    Column("tax_subject", Boolean),
    Column("locale", WORDS, nullable=False, server_default="en"),
    Column("environment", WORDS, nullable=False, server_default="live"),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("activated_at", TIME, server_default=NOW),
    Column("deactivated_at", TIME),
    Column("custom", JSONB(none_as_null=True)),
    Column("defaults", JSONB(none_as_null=True), nullable=False, server_default=text("'[]'")),
    Column("version", Integer, nullable=False, server_default="1"),
    created_at(),
    updated_at(),
)

account_organizations = Table(
    "account_organizations",
    metadata,
    Column("account_id", ID, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    created_at(),
    PrimaryKeyConstraint("account_id", "organization_id"),
    Index(None, "organization_id"),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", ID, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("account_id", ID, ForeignKey("accounts.id", ondelete="CASCADE")),
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE")),
    Column("scope", WORDS, nullable=False),
    Column("environment", WORDS, nullable=False, server_default="live"),
    Column("ttl", Integer),
    Column("expires_at", TIME),
    created_at(),
    UniqueConstraint("hash"),
    Index(None, "account_id"),
)

SEARCHED_TEXTS = (
    "name", "email", "contact", "note", "address", "address2", "city", "zip", "state", "country", "tax_number",
    "company_number", "iban", "bank", "swift", "website", "phone",
)  # fmt: skip
SEARCHED_DOCUMENTS = ("metadata", "custom", "bank_accounts")
"""The columns that a search reads: texts, and the texts inside documents."""

clients = Table(
    "clients",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("id", ID, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("name", WORDS, nullable=False),
    Column("email", WORDS),
    Column("contact", WORDS),
    Column("note", WORDS),
    Column("type", WORDS),
    Column("address", WORDS),
    Column("address2", WORDS),
    Column("city", WORDS),
    Column("zip", WORDS),
    Column("state", WORDS),
    Column("country", WORDS),
    Column("country_alpha2_code", WORDS),
    Column("fiscal_region_code", WORDS),
    Column("tax_number", WORDS),
    Column("company_number", WORDS),
    Column("iban", WORDS),
    Column("bank", WORDS),
    Column("swift", WORDS),
    Column("website", WORDS),
    Column("phone", WORDS),
    Column("business_type", WORDS),
    Column("peppol_id", WORDS),
    Column("peppol_scheme_id", WORDS),
    Column("tax_subject", Boolean),
    Column("is_end_customer", Boolean),
    Column("unit_id", ID),
    Column("unit_ids", JSONB(none_as_null=True)),
    Column("custom", JSONB(none_as_null=True)),
    Column("data", JSONB(none_as_null=True)),
    Column("metadata", JSONB(none_as_null=True), nullable=False, server_default=text("'{}'")),
    Column("vies", JSONB(none_as_null=True)),
    Column("bank_accounts", JSONB(none_as_null=True)),
    Column("ujp", JSONB(none_as_null=True)),
    created_at(),
    updated_at(),
    Column("deleted_at", TIME),
    Column("deleted_id", ID),
    Column("is_deleted", Boolean, Computed("deleted_at IS NOT NULL", persisted=True), nullable=False),
    Column("name_folded", FOLDED, Computed("fold(name)", persisted=True)),
    Column("email_folded", FOLDED, Computed("fold(email)", persisted=True)),
    Column(
        "search_text",
        FOLDED,
        Computed(
            f"search_words(ARRAY[{', '.join(SEARCHED_TEXTS)}], {', '.join(SEARCHED_DOCUMENTS)})",
            persisted=True,
        ),
    ),
    PrimaryKeyConstraint("organization_id", "id"),
    Index("ix_clients_live", "organization_id", "id", postgresql_where=text("deleted_at IS NULL")),
    Index(
        "ix_clients_tax_number",
        "organization_id",
        text(f"left(tax_key(tax_number), {KEY_LENGTH})"),
        "id",
        postgresql_where=text("tax_key(tax_number) IS NOT NULL"),
    ),
    Index("ix_clients_created_at", "organization_id", "created_at", "id"),
    Index("ix_clients_updated_at", "organization_id", "updated_at", "id"),
    Index(
        "ix_clients_search_text",
        "organization_id",
        "search_text",
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": 2048},
    ),
)

for index, folded in (("ix_clients_name", clients.c.name_folded), ("ix_clients_email", clients.c.email_folded)):
    Index(index, clients.c.organization_id, func.left(folded, literal_column(str(KEY_LENGTH))), clients.c.id)

client_totals = Table(
    "client_totals",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
    PrimaryKeyConstraint("organization_id", "slot"),
    postgresql_with={"fillfactor": 50},
)

client_changes = Table(
    "client_changes",
    metadata,
    Column("transaction", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("organization_id", ID, nullable=False),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("client_id", ID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("action", WORDS, nullable=False),
    Column("actor", WORDS, nullable=False),
    Column("at", TIME, nullable=False, server_default=NOW),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("organization_id", "id"),
    Index("ix_client_changes_client", "organization_id", "client_id", "id"),
    Index("ix_client_changes_images", "at", postgresql_where=text("before IS NOT NULL OR after IS NOT NULL")),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", ID, nullable=False),
    Column("id", FOLDED, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("body", LargeBinary),
    Column("organization_id", ID),
    Column("client_id", ID),
    created_at(),
    PrimaryKeyConstraint("owner", "id"),
    Index("ix_idempotency_keys_client", "organization_id", "client_id"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("id", ID, nullable=False),
    Column("client_id", ID, nullable=False),
    Column("recipient", WORDS, nullable=False),
    Column("recipient_name", WORDS, nullable=False),
    Column("sender_name", WORDS, nullable=False),
    Column("reply_to", WORDS),
    Column("language", WORDS, nullable=False),
    Column("subject", WORDS, nullable=False),
    Column("text", WORDS, nullable=False),
    Column("html", WORDS, nullable=False),
    Column("state", WORDS, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", TIME, nullable=False, server_default=NOW),
    Column("last_error", WORDS),
    created_at(),
    Column("sent_at", TIME),
    Column("last_attempt_at", TIME),
    PrimaryKeyConstraint("organization_id", "id"),
    Index("ix_outbox_due", "next_attempt_at", postgresql_where=text("state IN ('waiting', 'sending')")),
    Index("ix_outbox_client", "organization_id", "client_id", "id"),
    Index("ix_outbox_recipient", "organization_id", text(f"left(fold(recipient), {KEY_LENGTH})")),
    Index("ix_outbox_erased", "id", postgresql_where=text("recipient = ''")),
    Index(
        "ix_outbox_texts",
        text("COALESCE(sent_at, last_attempt_at, created_at)"),
        postgresql_where=text("text <> '' AND state IN ('sent', 'failed')"),
    ),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
)
"""One row for each erasure until the planner's statistics, which hold samples of values, have been refreshed."""
