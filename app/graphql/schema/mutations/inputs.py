"""Record inputs: what may be written into a client, made from the field table and described as the types are."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.graphql.execution.loading import python_name
from app.graphql.schema.inputs import Json, argument, make_input, optional
from app.graphql.schema.types import Client, Customer
from app.query.face import Face, Kind

LISTS: Mapping[str, Any] = {"unit_ids": list[str], "data": list[Json], "bank_accounts": list[Json]}
WRITTEN: Mapping[Kind, Any] = {Kind.TEXT: str, Kind.BOOLEAN: bool, Kind.JSON: Json}


def _make_values(name: str, description: str, face: Face, type_: Any, *, whole: bool) -> Any:
    """The writable fields; `whole` makes the name required, as for a new record."""
    shown = {field.python_name: field.description for field in type_.__strawberry_definition__.fields}
    fields: dict[str, tuple[Any, Any]] = {}
    for field in face.fields.values():
        key = python_name(field.name)
        written = LISTS.get(field.column) or WRITTEN.get(field.kind)
        if field.writable and key == "name" and whole:
            fields[key] = (str, strawberry.field(description=shown[key]))
        elif field.writable and key in shown:
            fields[key] = optional(written, shown[key] or "")
    return make_input(name, description, fields)


CreateClientInput = _make_values("CreateClientInput", "A new client.", GRAPHQL_CLIENT, Client, whole=True)
ReplaceClientInput = _make_values(
    "ReplaceClientInput", "A whole client: what is left out gets its default.", GRAPHQL_CLIENT, Client, whole=True
)
UpdateClientInput = _make_values(
    "UpdateClientInput", "What changes: what is left out stays, null clears.", GRAPHQL_CLIENT, Client, whole=False
)
CreateCustomerInput = _make_values("CreateCustomerInput", "A new customer.", GRAPHQL_CUSTOMER, Customer, whole=True)
UpdateCustomerInput = _make_values(
    "UpdateCustomerInput",
    "What changes: what is left out stays, null clears. `metadata` is merged by key, and a null value removes its key.",
    GRAPHQL_CUSTOMER,
    Customer,
    whole=False,
)

ClientId = Annotated[strawberry.ID, argument("The client, by global or bare id.")]
CustomerId = Annotated[strawberry.ID, argument("The customer, by global id or `cust_` and 24 hex digits.")]
Expected = Annotated[
    int | None, argument("The version that the record must still have; it is refused with STALE_VERSION otherwise.")
]
IdempotencyKey = Annotated[
    str | None,
    argument(
        "Any text of yours, of 1 to 255 characters: the same request with the same key is done once and answered alike, "
        "for a day or more; another request with it is refused with CONFLICT."
    ),
]
