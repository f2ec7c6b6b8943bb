"""The tables of clients: records, totals and changes."""

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
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.storage.columns import FOLDED, ID, KEY_LENGTH, NOW, TIME, WORDS, Xid8, created_at, updated_at
from app.storage.tables.naming import metadata

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
    Column("sent_columns", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("organization_id", "id"),
    Index("ix_client_changes_client", "organization_id", "client_id", "id"),
    Index("ix_client_changes_action", "organization_id", "action", "id"),
    Index("ix_client_changes_images", "at", postgresql_where=text("before IS NOT NULL OR after IS NOT NULL")),
)

client_keys = Table(
    "client_keys",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("document", ID, nullable=False),
    Column("name", ID, nullable=False),
    PrimaryKeyConstraint("organization_id", "document", "name"),
)
"""The members of `custom` and `metadata` that identify the clients of an organization."""

client_key_values = Table(
    "client_key_values",
    metadata,
    Column("organization_id", ID, nullable=False),
    Column("document", ID, nullable=False),
    Column("name", ID, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("client_id", ID, nullable=False),
    PrimaryKeyConstraint("organization_id", "document", "name", "digest"),
    Index("ix_client_key_values_client", "organization_id", "client_id"),
)
"""The value of each key of each live client, as a digest. Triggers on the clients keep it."""
