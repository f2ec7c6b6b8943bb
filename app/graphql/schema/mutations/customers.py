"""The mutations of one customer. Each returns the record after the write, under both faces, or the errors."""

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
    ExternalKeyInput,
    IdempotencyKey,
    UpdateCustomerInput,
    UpsertCustomerInput,
)
from app.graphql.schema.mutations.payloads import (
    CreateCustomerPayload,
    DeleteCustomerPayload,
    PermanentlyDeleteCustomerPayload,
    RestoreCustomerPayload,
    UpdateCustomerPayload,
    UpsertCustomerPayload,
)
from app.graphql.schema.mutations.records import CUSTOMERS, WrittenRecord
from app.graphql.schema.mutations.upserts import upsert_record

CreateCustomer = Annotated[CreateCustomerInput, argument("The new customer.")]
UpdateCustomer = Annotated[UpdateCustomerInput, argument("The fields to change.")]
UpsertCustomer = Annotated[UpsertCustomerInput, argument("The fields of the customer.")]
Key = Annotated[
    ExternalKeyInput,
    argument("The key of the customer: a member of `metadata` that identifies it in the organization."),
]


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
        self,
        info: Info,
        id: CustomerId,
        input: UpdateCustomer,
        expected_version: Expected = None,
        idempotency_key: IdempotencyKey = None,
    ) -> UpdateCustomerPayload:
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CUSTOMERS.change(info, record, input, "update")
        return UpdateCustomerPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Changes the customer that has a key of your own, or creates it. Repeated requests and requests at the same "
        "time make one customer."
    )
    async def upsert_customer(
        self,
        info: Info,
        key: Key,
        input: UpsertCustomer,
        organization_id: WrittenOrganizationArgument = None,
        expected_version: Expected = None,
        idempotency_key: IdempotencyKey = None,
    ) -> UpsertCustomerPayload:
        row = {**input, "key": key, "expectedVersion": expected_version}
        result = await upsert_record(info, CUSTOMERS, organization_id, row, idempotency_key)
        return UpsertCustomerPayload(**result.faces, created=result.created, user_errors=result.errors)

    @strawberry.mutation(description="Deletes a customer. Lists no longer show it, and it can be restored.")
    async def delete_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> DeleteCustomerPayload:
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CUSTOMERS.delete(info, remove_client, "delete", record)
        return DeleteCustomerPayload(**result.faces, **result.deleted_ids, user_errors=result.errors)

    @strawberry.mutation(
        description="Restores a deleted customer. The error for a customer that is not deleted is NOT_FOUND, and for one whose "
        "key another record has by now, TAKEN."
    )
    async def restore_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> RestoreCustomerPayload:
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CUSTOMERS.write(info, restore_client, "restore", record)
        return RestoreCustomerPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Erases a customer permanently, also a deleted one. The person is removed from the history, stored "
        "responses and messages too; the history keeps only the kind, author and time of each change. There is no undo. A "
        "repeated request with the same idempotency key shows no record."
    )
    async def permanently_delete_customer(
        self, info: Info, id: CustomerId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> PermanentlyDeleteCustomerPayload:
        erase = partial(erase_client, files=info.context.outbox.files)
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CUSTOMERS.delete(info, erase, "erase", record)
        return PermanentlyDeleteCustomerPayload(**result.faces, **result.deleted_ids, user_errors=result.errors)
