"""Samples of the public document of the Customers API. Every request with them succeeds."""

from collections.abc import Mapping
from typing import Any

from app.clients.faces import CUSTOMER
from app.organizations.faces import ENTITY

CUSTOMER_ID = "cust_6595a27b5d35015c3ef0c3fd"
ENTITY_ID = "ent_6595a27b5d35015c3ef0c3fd"
CREATED, UPDATED = "2024-01-01T00:00:00.000Z", "2024-09-01T00:00:00.000Z"

NEW_CUSTOMER: Mapping[str, Any] = {"name": "Minimal Customer"}
SHOWN_CUSTOMER: Mapping[str, Any] = {
    **dict.fromkeys(CUSTOMER.fields),
    **NEW_CUSTOMER,
    "id": CUSTOMER_ID,
    "entity_id": ENTITY_ID,
    "is_tax_subject": True,
    "is_end_consumer": False,
    "metadata": {},
    "created_at": CREATED,
    "updated_at": UPDATED,
}
"""The customer of the public document, with the fields that are newer than the document."""

SHOWN_ENTITY: Mapping[str, Any] = {
    **dict.fromkeys(ENTITY.fields),
    "id": ENTITY_ID,
    "name": "Studio Example",
    "locale": "en",
    "environment": "live",
    "created_at": CREATED,
    "updated_at": UPDATED,
}
PAGINATION: Mapping[str, Any] = {"total": 1, "next_cursor": None, "prev_cursor": None, "has_more": False}
CHECK: Mapping[str, Any] = {
    "valid": True,
    "name": None,
    "address": None,
    "request_identifier": None,
    "checked_at": UPDATED,
    "source": "offline",
    "message": None,
}
