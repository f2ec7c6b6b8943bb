"""Payloads: the outcome of each mutation. Each has a type of its own, so that it can grow without the others."""

import strawberry
from strawberry import field

from app.graphql.schema.connections import Edge, make_edge
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.user_errors import UserError

EDGE = "The same record as a row of the list in its default order, for a client that adds it there."
DELETED = "The global id of the record that is no longer found, for a client that removes it from its lists."


@strawberry.type
class Outcome:
    user_errors: list[UserError] = field(description="What was wrong; empty when the mutation was done.")


@strawberry.type
class ClientOutcome(Outcome):
    client: Client | None = field(
        default=None, description="The client as it is now; null when the mutation was refused."
    )


@strawberry.type
class NewClientOutcome(ClientOutcome):
    @strawberry.field(description=EDGE)
    def client_edge(self) -> Edge[Client] | None:
        return make_edge(self.client) if self.client else None


@strawberry.type
class CustomerOutcome(Outcome):
    customer: Customer | None = field(
        default=None, description="The customer as it is now; null when the mutation was refused."
    )


@strawberry.type
class NewCustomerOutcome(CustomerOutcome):
    @strawberry.field(description=EDGE)
    def customer_edge(self) -> Edge[Customer] | None:
        return make_edge(self.customer) if self.customer else None


@strawberry.type(description="The outcome of making a client.")
class CreateClientPayload(NewClientOutcome):
    pass


@strawberry.type(description="The outcome of writing a whole client anew.")
class ReplaceClientPayload(ClientOutcome):
    pass


@strawberry.type(description="The outcome of changing a client.")
class UpdateClientPayload(ClientOutcome):
    pass


@strawberry.type(description="The outcome of deleting a client softly.")
class DeleteClientPayload(ClientOutcome):
    deleted_client_id: strawberry.ID | None = field(default=None, description=DELETED)


@strawberry.type(description="The outcome of restoring a client.")
class RestoreClientPayload(NewClientOutcome):
    pass


@strawberry.type(description="The outcome of sending a reminder.")
class SendClientReminderPayload(Outcome):
    success: bool = field(description="Whether the reminder is safe in the outbox; it is then delivered, with retries.")


@strawberry.type(description="The outcome of making a customer.")
class CreateCustomerPayload(NewCustomerOutcome):
    pass


@strawberry.type(description="The outcome of changing a customer.")
class UpdateCustomerPayload(CustomerOutcome):
    pass


@strawberry.type(description="The outcome of deleting a customer softly.")
class DeleteCustomerPayload(CustomerOutcome):
    deleted_customer_id: strawberry.ID | None = field(default=None, description=DELETED)


@strawberry.type(description="The outcome of restoring a customer.")
class RestoreCustomerPayload(NewCustomerOutcome):
    pass


@strawberry.type(description="The outcome of erasing a customer: the customer is shown as it was, this last time.")
class PermanentlyDeleteCustomerPayload(CustomerOutcome):
    deleted_customer_id: strawberry.ID | None = field(default=None, description=DELETED)
