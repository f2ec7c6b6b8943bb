"""The inputs of mutations. The fields of records come from the field table, their descriptions from the object types."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry
from strawberry.types import get_object_definition

from app.graphql.execution.loading import Record, python_name
from app.graphql.schema.inputs import RECORD_ID, CountryCode, Json, Member, argument, make_input, optional
from app.graphql.schema.types import Client, Customer
from app.query.face import Kind

COLUMNS: Mapping[str, Any] = {
    "country_alpha2_code": CountryCode,
    "unit_ids": list[str],
    "data": list[Json],
    "bank_accounts": list[Json],
}
"""The types of the columns that have another one than their kind."""
WRITTEN: Mapping[Kind, Any] = {Kind.TEXT: str, Kind.BOOLEAN: bool, Kind.JSON: Json}


def make_values(name: str, description: str, type_: type[Record], *, whole: bool) -> Any:
    """The writable fields of a type's face. `whole` makes the name required, as in a new record."""
    shown = {field.python_name: field.description for field in get_object_definition(type_, strict=True).fields}
    fields: dict[str, Member] = {}
    for field in type_.face.fields.values():
        key = python_name(field.name)
        written = COLUMNS.get(field.column) or WRITTEN.get(field.kind)
        if field.writable and key == "name" and whole:
            fields[key] = (str, strawberry.field(description=shown[key]))
        elif field.writable and key in shown:
            fields[key] = optional(written, shown[key] or "")
    return make_input(name, description, fields)


CreateClientInput = make_values("CreateClientInput", "A new client.", Client, whole=True)
ReplaceClientInput = make_values(
    "ReplaceClientInput",
    "All fields of a client. Omitted fields get their defaults.",
    Client,
    whole=True,
)
UpdateClientInput = make_values(
    "UpdateClientInput",
    "The fields to change. Omitted fields keep their values, and null clears a field.",
    Client,
    whole=False,
)
CreateCustomerInput = make_values("CreateCustomerInput", "A new customer.", Customer, whole=True)
UpdateCustomerInput = make_values(
    "UpdateCustomerInput",
    "The fields to change. Omitted fields keep their values, and null clears a field. `metadata` is merged by key, and a "
    "null value removes its key.",
    Customer,
    whole=False,
)

ClientId = Annotated[strawberry.ID, argument(f"The id of the client: {RECORD_ID}")]
CustomerId = Annotated[strawberry.ID, argument(f"The id of the customer: {RECORD_ID}")]
Expected = Annotated[
    int | None,
    argument(
        "The version that the record must have. A record with another version is not changed, and the error is STALE_VERSION."
    ),
]
IdempotencyKey = Annotated[
    str | None,
    argument(
        "A text of your choice, of 1 to 255 characters. The same request with the same key is done once, and repeats get "
        "the same result for at least a day. The error for another request with the same key is IDEMPOTENCY_KEY_REUSED."
    ),
]
