"""The mutations of customers. Each returns the record after the write, or the errors."""

from functools import partial
from typing import Annotated

import strawberry

from app.clients.service import erase_client, remove_client, restore_client
from app.graphql.execution.context import Info
from app.graphql.schema.inputs import WrittenOrganizationArgument, argument
from app.graphql.schema.mutations.inputs import (
    CreateCustomerInput,
    CustomerId,
    Expected,
    IdempotencyKey,
    UpdateCustomerInput,
)
from app.graphql.schema.mutations.payloads import (
    CreateCustomerPayload,
    DeleteCustomerPayload,
    PermanentlyDeleteCustomerPayload,
    RestoreCustomerPayload,
    UpdateCustomerPayload,
)
from app.graphql.schema.mutations.records import CUSTOMERS

CreateCustomer = Annotated[CreateCustomerInput, argument("The new customer.")]
UpdateCustomer = Annotated[UpdateCustomerInput, argument("The fields to change.")]


@strawberry.type
class CustomerMutations:
    @strawberry.mutation(description="Creates a customer.")
    async def create_customer(
        self,
        info: Info,
        input: CreateCustomer,
        organization_id: WrittenOrganizationArgument = None,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateCustomerPayload:
        result = await CUSTOMERS.create(info, organization_id, input, idempotency_key)
        return CreateCustomerPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Changes some fields of a customer. Omitted fields keep their values, and null clears a field."
    )
    async def update_customer(
        self, info: Info, id: CustomerId, input: UpdateCustomer, expected_version: Expected = None
    ) -> UpdateCustomerPayload:
        result = await CUSTOMERS.change(info, id, input, "update", expected_version)
        return UpdateCustomerPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(description="Deletes a customer. Lists no longer show it, and it can be restored.")
    async def delete_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None
    ) -> DeleteCustomerPayload:
        result = await CUSTOMERS.delete(info, remove_client, id, expected_version)
        return DeleteCustomerPayload(**result.faces, **result.deleted_ids, user_errors=result.errors)

    @strawberry.mutation(
        description="Restores a deleted customer. The error for a customer that is not deleted is NOT_FOUND."
    )
    async def restore_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None
    ) -> RestoreCustomerPayload:
        result = await CUSTOMERS.write(info, restore_client, id, expected_version)
        return RestoreCustomerPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Erases a customer permanently, also a deleted one. The person is removed from the history, stored "
        "responses and messages too; the history keeps only the kind, author and time of each change. There is no undo."
    )
    async def permanently_delete_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None
    ) -> PermanentlyDeleteCustomerPayload:
        erase = partial(erase_client, files=info.context.outbox.files)
        result = await CUSTOMERS.delete(info, erase, id, expected_version)
        return PermanentlyDeleteCustomerPayload(**result.faces, **result.deleted_ids, user_errors=result.errors)
