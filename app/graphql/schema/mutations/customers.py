"""What can be changed of customers: each mutation gives the record as it is now, or says what was wrong."""

from typing import Annotated

import strawberry

from app.graphql.execution.context import Info
from app.graphql.schema.arguments import CustomerId, Expected, IdempotencyKey, OrganizationArgument, argument
from app.graphql.schema.mutations.inputs import CreateCustomerInput, UpdateCustomerInput
from app.graphql.schema.mutations.payloads import (
    CreateCustomerPayload,
    DeleteCustomerPayload,
    PermanentlyDeleteCustomerPayload,
    RestoreCustomerPayload,
    UpdateCustomerPayload,
)
from app.graphql.schema.mutations.records import CUSTOMER

CreateCustomer = Annotated[CreateCustomerInput, argument("The new customer.")]
UpdateCustomer = Annotated[UpdateCustomerInput, argument("What changes.")]


@strawberry.type
class CustomerMutations:
    @strawberry.mutation(description="Makes a customer.")
    async def create_customer(
        self,
        info: Info,
        input: CreateCustomer,
        organization_id: OrganizationArgument = None,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateCustomerPayload:
        return await CUSTOMER.create(info, CreateCustomerPayload, organization_id, input, idempotency_key)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Changes some fields of a customer: what is left out stays, null clears.")
    async def update_customer(
        self, info: Info, id: CustomerId, input: UpdateCustomer, expected_version: Expected = None
    ) -> UpdateCustomerPayload:
        return await CUSTOMER.change(info, UpdateCustomerPayload, id, input, "update", expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Deletes a customer softly: it is no longer found, and can be restored.")
    async def delete_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None
    ) -> DeleteCustomerPayload:
        return await CUSTOMER.delete(info, DeleteCustomerPayload, id, expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(
        description="Brings a deleted customer back; one that is not deleted is refused with NOT_FOUND."
    )
    async def restore_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None
    ) -> RestoreCustomerPayload:
        return await CUSTOMER.restore(info, RestoreCustomerPayload, id, expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(
        description="Erases a customer, live or deleted, for good: the person goes from the history, kept answers and "
        "messages too, and only who changed what and when is kept. It cannot be undone."
    )
    async def permanently_delete_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None
    ) -> PermanentlyDeleteCustomerPayload:
        return await CUSTOMER.erase(info, PermanentlyDeleteCustomerPayload, id, expected_version)  # type: ignore[no-any-return]
