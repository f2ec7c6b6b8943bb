"""The inputs of mutations. The fields of records come from the field table, their descriptions from the object types."""

from collections.abc import Mapping
from types import GenericAlias
from typing import Annotated, Any

import strawberry
from strawberry.types import get_object_definition

from app.clients.faces import BANK_ACCOUNT, DATA_ITEM, UJP_RECEIVER
from app.graphql.execution.loading import Document, Record, python_name
from app.graphql.schema.documents import BankAccount, ClientDataItem, UjpReceiver
from app.graphql.schema.inputs import RECORD_ID, CountryCode, Json, Member, argument, make_input, optional
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.words import WORDS, BankAccountType
from app.query.face import Codec, Kind

WRITTEN: Mapping[Kind, Any] = {Kind.TEXT: str, Kind.BOOLEAN: bool, Kind.JSON: Json}


def make_document(name: str, description: str, type_: type[Document], codec: Codec) -> Any:
    """The input type of a document. A member that is left out is null, and the type of an account is then IBAN."""
    shown = {field.python_name: field.description or "" for field in get_object_definition(type_, strict=True).fields}
    fields: dict[str, Member] = {}
    for key, field in codec.members:
        key = python_name(key)
        word = WORDS.get(field.codec)
        if word is BankAccountType:
            described = strawberry.field(default=BankAccountType.IBAN, description=shown[key])
            fields[key] = (BankAccountType, described)
        else:
            fields[key] = optional(WRITTEN[field.kind], shown[key])
    return make_input(name, description, fields)


BankAccountInput = make_document("BankAccountInput", "A bank account of a customer.", BankAccount, BANK_ACCOUNT)
UjpReceiverInput = make_document(
    "UjpReceiverInput", "The receiver of documents in the Slovenian public sector.", UjpReceiver, UJP_RECEIVER
)
ClientDataItemInput = make_document("ClientDataItemInput", "A named value of a client.", ClientDataItem, DATA_ITEM)

COLUMNS: Mapping[str, Any] = {
    "country_alpha2_code": CountryCode,
    "unit_ids": list[str],
    "data": GenericAlias(list, (ClientDataItemInput,)),
    "bank_accounts": GenericAlias(list, (BankAccountInput,)),
    "ujp": UjpReceiverInput,
}
"""The types of the columns that have another one than their kind."""


def make_values(
    name: str, description: str, type_: type[Record], *, whole: bool, more: Mapping[str, Member] | None = None
) -> Any:
    """The writable fields of a type's face, after the members `more`. `whole` makes the name required, as in a new record."""
    shown = {field.python_name: field.description for field in get_object_definition(type_, strict=True).fields}
    fields: dict[str, Member] = {**(more or {})}
    for field in type_.face.fields.values():
        key = python_name(field.name)
        written = COLUMNS.get(field.column) or WORDS.get(field.codec) or WRITTEN.get(field.kind)
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

ExternalKeyInput = make_input(
    "ExternalKeyInput",
    "A key of your own: a member of `custom` of clients, or of `metadata` of customers. The first upsert with a name makes the "
    "member unique among the live records of the organization, on every API. An organization can have 5 keys.",
    {
        "name": (str, strawberry.field(description="The name of the member: at most 40 characters.")),
        "value": (
            str,
            strawberry.field(
                description="The value: at most 250 characters. It matches an equal text, and a number in the spelling of JSON."
            ),
        ),
    },
)
EXPECTED_VERSION = optional(
    int,
    "The version that the record must have. A record with another version is not changed, and the error is STALE_VERSION.",
)
ROW_ID = (strawberry.ID, strawberry.field(description=f"The id of the record: {RECORD_ID}"))
ROW_KEY = (ExternalKeyInput, strawberry.field(description="The key that identifies the record."))
OMITTED = "Omitted fields keep their values, and null clears a field."
METADATA = " `metadata` is merged by key, and a null value removes its key."
UPSERTED = (
    "The fields of a new record, or the changes of the one that has the key. A new record needs a name. In a change, omitted "
    "fields keep their values, and null clears a field. The key is added to its document."
)


def _make_row_inputs(type_: type[Record], plural: str, more: str) -> tuple[Any, Any, Any]:
    """The inputs of one upsert, of a row of an update and of a row of an upsert."""
    name = type_.face.type_name
    changed, upserted = {"id": ROW_ID, "expected_version": EXPECTED_VERSION}, {"key": ROW_KEY}
    return (
        make_values(f"Upsert{name}Input", f"{UPSERTED}{more}", type_, whole=False),
        make_values(
            f"Update{plural}Input", f"A record and its changes. {OMITTED}{more}", type_, whole=False, more=changed
        ),
        make_values(
            f"Upsert{plural}Input",
            f"A record by its key. {UPSERTED}{more}",
            type_,
            whole=False,
            more={**upserted, "expected_version": EXPECTED_VERSION},
        ),
    )


UpsertClientInput, UpdateClientsInput, UpsertClientsInput = _make_row_inputs(Client, "Clients", "")
UpsertCustomerInput, UpdateCustomersInput, UpsertCustomersInput = _make_row_inputs(Customer, "Customers", METADATA)

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
