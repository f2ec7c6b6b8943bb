"""Payloads: the results of mutations. Each mutation has its own type, which can grow without the others."""

import strawberry
from strawberry import field

from app.graphql.schema.connections import Edge
from app.graphql.schema.inputs import DateTime
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.user_errors import UserError

EDGE = "The record as an edge of the list in its default order, for a front end that adds it to a list."
OTHER_FACE = "The same record with the field names of the Customers API."
DELETED_CLIENT = (
    "The global id of the deleted client, for a front end that removes it from its lists. Null if the mutation failed."
)
DELETED_CUSTOMER = "The global id of the same record as a customer. Null if the mutation failed."
DELETED = (
    "The global id of the deleted record, for a front end that removes it from its lists. Null if the mutation failed."
)


@strawberry.type
class Payload:
    user_errors: list[UserError] = field(description="The errors of the mutation. Empty if it succeeded.")


@strawberry.type
class RecordPayload(Payload):
    client: Client | None = field(
        default=None, description="The client after the mutation. Null if the mutation failed."
    )
    customer: Customer | None = field(default=None, description=f"{OTHER_FACE} Null if the mutation failed.")


@strawberry.type
class NewRecordPayload(RecordPayload):
    client_edge: Edge[Client] | None = field(default=None, description=EDGE)
    customer_edge: Edge[Customer] | None = field(default=None, description=EDGE)


@strawberry.type
class UpsertPayload(NewRecordPayload):
    created: bool = field(default=False, description="True if the record was created, and false if it existed.")


@strawberry.type
class DeletedRecordPayload(RecordPayload):
    deleted_client_id: strawberry.ID | None = field(default=None, description=DELETED_CLIENT)
    deleted_customer_id: strawberry.ID | None = field(default=None, description=DELETED_CUSTOMER)


@strawberry.type
class DeletionPayload(Payload):
    permanently_deleted_at: DateTime | None = field(
        default=None,
        description="The time after which everything is deleted permanently. Until then the operator can restore it. Null "
        "if the mutation failed.",
    )


@strawberry.type(description="The result of `deleteOrganization`.")
class DeleteOrganizationPayload(DeletionPayload):
    deleted_organization_id: strawberry.ID | None = field(default=None, description=DELETED)


@strawberry.type(description="The result of `deleteAccount`.")
class DeleteAccountPayload(DeletionPayload):
    deleted_account_id: strawberry.ID | None = field(default=None, description=DELETED)


@strawberry.type(description="The result of `createClient`.")
class CreateClientPayload(NewRecordPayload):
    pass


@strawberry.type(description="The result of `replaceClient`.")
class ReplaceClientPayload(RecordPayload):
    pass


@strawberry.type(description="The result of `updateClient`.")
class UpdateClientPayload(RecordPayload):
    pass


@strawberry.type(description="The result of `deleteClient`.")
class DeleteClientPayload(DeletedRecordPayload):
    pass


@strawberry.type(description="The result of `restoreClient`.")
class RestoreClientPayload(NewRecordPayload):
    pass


@strawberry.type(description="The result of `permanentlyDeleteClient`, with a last view of the client.")
class PermanentlyDeleteClientPayload(DeletedRecordPayload):
    pass


@strawberry.type(description="The result of `upsertClient`.")
class UpsertClientPayload(UpsertPayload):
    pass


@strawberry.type(description="The result of `upsertCustomer`.")
class UpsertCustomerPayload(UpsertPayload):
    pass


@strawberry.type(description="The result of `createCustomer`.")
class CreateCustomerPayload(NewRecordPayload):
    pass


@strawberry.type(description="The result of `updateCustomer`.")
class UpdateCustomerPayload(RecordPayload):
    pass


@strawberry.type(description="The result of `deleteCustomer`.")
class DeleteCustomerPayload(DeletedRecordPayload):
    pass


@strawberry.type(description="The result of `restoreCustomer`.")
class RestoreCustomerPayload(NewRecordPayload):
    pass


@strawberry.type(description="The result of `permanentlyDeleteCustomer`, with a last view of the customer.")
class PermanentlyDeleteCustomerPayload(DeletedRecordPayload):
    pass
