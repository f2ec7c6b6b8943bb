"""Every table. The columns have the neutral names of the field table (app/clients/faces.py)."""

from app.storage.tables.client_tables import (
    SEARCHED_DOCUMENTS,
    SEARCHED_TEXTS,
    client_changes,
    client_key_values,
    client_keys,
    client_totals,
    clients,
)
from app.storage.tables.naming import metadata
from app.storage.tables.service_tables import erasures, idempotency_keys, limit_counts, login_failures, outbox
from app.storage.tables.tenant_tables import (
    access_revision,
    access_tokens,
    account_organizations,
    accounts,
    organizations,
)
from app.storage.tables.webhook_tables import webhook_deliveries, webhooks

__all__ = [
    "SEARCHED_DOCUMENTS",
    "SEARCHED_TEXTS",
    "access_revision",
    "access_tokens",
    "account_organizations",
    "accounts",
    "client_changes",
    "client_key_values",
    "client_keys",
    "client_totals",
    "clients",
    "erasures",
    "idempotency_keys",
    "limit_counts",
    "login_failures",
    "metadata",
    "organizations",
    "outbox",
    "webhook_deliveries",
    "webhooks",
]
