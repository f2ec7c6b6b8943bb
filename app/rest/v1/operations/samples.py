"""Samples of the public v1 document, and others of the same kind. Every request with them succeeds."""

from collections.abc import Mapping
from typing import Any

CLIENT_ID = "5a3683ea12d5a67dd0ef2f4c"
ORGANIZATION_ID = "5a3683ea12d5a67dd0ef2f4a"
ACCOUNT_ID = "5a3683ea12d5a67dd0ef2f49"
TOKEN_ID = "5a3683ea12d5a67dd0ef2f48"  # noqa: S105 - an id
MOMENT = "2022-04-20T10:10:30.000Z"

NEW_CLIENT: Mapping[str, Any] = {
    "contact": "string",
    "note": "string",
    "isEndCustomer": False,
    "type": "customer",
    "name": "string",
    "address": "string",
    "address2": "string",
    "city": "string",
    "zip": "string",
    "state": "string",
    "country": "string",
    "countryAlpha2Code": "string",
    "taxNumber": "string",
    "taxSubject": True,
    "companyNumber": "string",
    "IBAN": "string",
    "bank": "string",
    "SWIFT": "string",
    "website": "string",
    "email": "string",
    "phone": "string",
    "businessType": "string",
    "fiscalRegionCode": "string",
    "custom": {},
    "_data": [{"name": "string", "value": {}, "options": {}}],
}
"""The body of the public document. Its `type` is one that the document lists."""

CLIENT: Mapping[str, Any] = {
    **NEW_CLIENT,
    "id": CLIENT_ID,
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
    "deletedAt": None,
    "_isDeleted": False,
    "deletedId": None,
    "organizationId": ORGANIZATION_ID,
    "unitId": None,
    "unitIds": None,
}

NEW_ACCOUNT: Mapping[str, Any] = {"email": "ana@studio.example", "password": "correct horse 7", "firstname": "Ana"}
LOGIN: Mapping[str, Any] = {"email": "ana@studio.example", "password": "correct horse 7"}
PASSWORDS: Mapping[str, Any] = {"oldPassword": "correct horse 7", "newPassword": "battery staple 8"}
NEW_ORGANIZATION: Mapping[str, Any] = {"name": "Space Exploration Ltd", "country": "Slovenia", "city": "Ljubljana"}
NEW_TOKEN: Mapping[str, Any] = {"ttl": 86_400, "scopes": ["read"], "label": "Report"}

TOKEN: Mapping[str, Any] = {
    "id": "EYPtaMp4cbHd1QTXKLPnQhVbZ6JlwNsKfYO5Wc8RgUzDm0xv2iA3t9eqFuSkBvoY",
    "ttl": 1_209_600,
    "created": MOMENT,
    "userId": ACCOUNT_ID,
    "scopes": ["read", "write"],
}
LISTED_TOKEN: Mapping[str, Any] = {
    **TOKEN,
    "id": TOKEN_ID,
    "label": None,
    "expires": "2022-05-04T10:10:30.000Z",
    "lastUsed": None,
    "parentId": None,
}
