"""Payloads: the results of mutations. Each mutation has its own type, which can grow without the others."""

import strawberry
from strawberry import field

from app.graphql.schema.connections import Edge, make_edge
from app.graphql.schema.inputs import DateTime
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.user_errors import UserError

EDGE = "The record as an edge of the list in its default order, for a front end that adds it to a list."
DELETED = (
    "The global id of the deleted record, for a front end that removes it from its lists. Null if the mutation failed."
)


@strawberry.type
class Payload:
    user_errors: list[UserError] = field(description="The errors of the mutation. Empty if it succeeded.")


@strawberry.type
class ClientPayload(Payload):
    client: Client | None = field(
        default=None, description="The client after the mutation. Null if the mutation failed."
    )


@strawberry.type
class NewClientPayload(ClientPayload):
    @strawberry.field(description=EDGE)
    def client_edge(self) -> Edge[Client] | None:
        return make_edge(self.client) if self.client else None


@strawberry.type
class CustomerPayload(Payload):
    customer: Customer | None = field(
        default=None, description="The customer after the mutation. Null if the mutation failed."
    )


@strawberry.type
class NewCustomerPayload(CustomerPayload):
    @strawberry.field(description=EDGE)
    def customer_edge(self) -> Edge[Customer] | None:
        return make_edge(self.customer) if self.customer else None


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
class CreateClientPayload(NewClientPayload):
    pass


@strawberry.type(description="The result of `replaceClient`.")
class ReplaceClientPayload(ClientPayload):
    pass


@strawberry.type(description="The result of `updateClient`.")
class UpdateClientPayload(ClientPayload):
    pass


@strawberry.type(description="The result of `deleteClient`.")
class DeleteClientPayload(ClientPayload):
    deleted_client_id: strawberry.ID | None = field(default=None, description=DELETED)


@strawberry.type(description="The result of `restoreClient`.")
class RestoreClientPayload(NewClientPayload):
    pass


@strawberry.type(description="The result of `sendClientReminder`.")
class SendClientReminderPayload(Payload):
    success: bool = field(description="True if the reminder is stored in the outbox, which delivers it with retries.")


@strawberry.type(description="The result of `createCustomer`.")
class CreateCustomerPayload(NewCustomerPayload):
    pass


@strawberry.type(description="The result of `updateCustomer`.")
class UpdateCustomerPayload(CustomerPayload):
    pass


@strawberry.type(description="The result of `deleteCustomer`.")
class DeleteCustomerPayload(CustomerPayload):
    deleted_customer_id: strawberry.ID | None = field(default=None, description=DELETED)


@strawberry.type(description="The result of `restoreCustomer`.")
class RestoreCustomerPayload(NewCustomerPayload):
    pass


@strawberry.type(description="The result of `permanentlyDeleteCustomer`, with a last view of the customer.")
class PermanentlyDeleteCustomerPayload(CustomerPayload):
    deleted_customer_id: strawberry.ID | None = field(default=None, description=DELETED)
