"""The schemas of the Customers API, in the components of its document."""

from collections.abc import Mapping

from app.auth import Environment
from app.clients.descriptions import DESCRIPTIONS
from app.clients.faces import BANK_ACCOUNT, CUSTOMER, UJP_RECEIVER, VIES_CHECK
from app.clients.record import CUSTOMER_RULES, LONGEST_KEY, LONGEST_METADATA, MOST_METADATA
from app.organizations.descriptions import DESCRIPTIONS as ENTITY_DESCRIPTIONS
from app.organizations.faces import ENTITY
from app.organizations.record import RULES as ORGANIZATION_RULES
from app.rest.customers.dialect import MONGO
from app.rest.openapi.schemas import (
    RecordType,
    body_schema,
    document_schema,
    filter_schemas,
    or_null,
    record_schema,
)
from app.rest.operations import BOOLEAN, TEXT, Schema, list_of, object_of, ref


def metadata_schema(text: Schema) -> Schema:
    """The metadata, whose values are of the schema `text`."""
    return {
        "type": "object",
        "maxProperties": MOST_METADATA,
        "propertyNames": {"minLength": 1, "maxLength": LONGEST_KEY},
        "additionalProperties": {**text, "maxLength": LONGEST_METADATA},
    }


SHOWN: Mapping[str, Schema] = {
    "metadata": metadata_schema(TEXT),
    "bank_accounts": document_schema(BANK_ACCOUNT, complete=True),
    "ujp": document_schema(UJP_RECEIVER, complete=True),
    "vies": ref("VatCheck"),
}
WRITTEN: Mapping[str, Schema] = {
    "bank_accounts": document_schema(BANK_ACCOUNT, complete=False),
    "ujp": document_schema(UJP_RECEIVER, complete=False),
}
CUSTOMER_RECORD = RecordType(
    face=CUSTOMER,
    rules=CUSTOMER_RULES,
    description="A customer: a person or company that receives or sends documents.",
    descriptions=DESCRIPTIONS,
    values=SHOWN,
    written=WRITTEN,
)
ENTITY_RECORD = RecordType(
    face=ENTITY,
    rules=ORGANIZATION_RULES,
    description="An entity: an organization, which has customers.",
    descriptions=ENTITY_DESCRIPTIONS,
    values={"environment": {"type": "string", "enum": list(Environment)}},
)
PAGINATION: Schema = object_of(
    total={
        "type": "integer",
        "minimum": -1,
        "description": "The number of records on all pages; -1 if it was not counted.",
    },
    next_cursor={"type": ["string", "null"], "description": "The cursor of the next page. Null on the last one."},
    prev_cursor={"type": ["string", "null"], "description": "The cursor of the previous page. Null on the first one."},
    has_more={**BOOLEAN, "description": "True if there are records after this page."},
)
CAUSE: Schema = {
    "type": "object",
    "description": "The problems by field, as zod's format() writes them: each field has `_errors`. Those of the whole body are "
    "`_errors` of the cause itself.",
    "additionalProperties": True,
}
ERROR: Schema = {
    "type": "object",
    "required": ["code", "message", "request_id"],
    "properties": {
        "code": {**TEXT, "description": "A stable word for the error."},
        "message": {**TEXT, "description": "The explanation of the error."},
        "request_id": {**TEXT, "description": "The id of the request, as in X-Request-Id."},
        "cause": CAUSE,
    },
}


def make_schemas() -> dict[str, Schema]:
    """Every schema by its name."""
    check = document_schema(VIES_CHECK, complete=True)
    changes = RecordType(
        face=CUSTOMER,
        rules=CUSTOMER_RULES,
        description="",
        descriptions=DESCRIPTIONS,
        values=SHOWN,
        written={**WRITTEN, "metadata": metadata_schema(or_null(TEXT))},
    )
    return {
        "Customer": record_schema(CUSTOMER_RECORD),
        "NewCustomer": body_schema(CUSTOMER_RECORD, "A new customer.", whole=True),
        "CustomerChanges": body_schema(
            changes, "The fields of a customer to change. In `metadata`, null removes a key.", whole=False
        ),
        "CustomerList": object_of(data=list_of(ref("Customer")), pagination=ref("Pagination")),
        **filter_schemas("CustomerQuery", CUSTOMER, MONGO, "Conditions on customers, all of which hold."),
        "VatCheck": {**check, "description": "The result of a check of the tax number."},
        "Entity": record_schema(ENTITY_RECORD),
        "EntityList": object_of(data=list_of(ref("Entity")), pagination=ref("Pagination")),
        "Pagination": PAGINATION,
        "Error": ERROR,
    }
