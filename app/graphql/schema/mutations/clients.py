"""The mutations of one client. Each returns the record after the write, under both faces, or the errors."""

from functools import partial
from typing import Annotated

import strawberry

from app.clients.service import erase_client, remove_client, restore_client
from app.graphql.execution.context import Info
from app.graphql.schema.inputs import WrittenOrganizationArgument, argument
from app.graphql.schema.mutations.inputs import (
    ClientId,
    CreateClientInput,
    Expected,
    ExternalKeyInput,
    IdempotencyKey,
    ReplaceClientInput,
    UpdateClientInput,
    UpsertClientInput,
)
from app.graphql.schema.mutations.payloads import (
    CreateClientPayload,
    DeleteClientPayload,
    PermanentlyDeleteClientPayload,
    ReplaceClientPayload,
    RestoreClientPayload,
    UpdateClientPayload,
    UpsertClientPayload,
)
from app.graphql.schema.mutations.records import CLIENTS, WrittenRecord
from app.graphql.schema.mutations.upserts import upsert_record

CreateClient = Annotated[CreateClientInput, argument("The new client.")]
ReplaceClient = Annotated[ReplaceClientInput, argument("All fields of the client.")]
UpdateClient = Annotated[UpdateClientInput, argument("The fields to change.")]
UpsertClient = Annotated[UpsertClientInput, argument("The fields of the client.")]
Key = Annotated[
    ExternalKeyInput,
    argument("The key of the client: a member of `custom` that identifies it in the organization."),
]


@strawberry.type
class ClientMutations:
    @strawberry.mutation(description="Creates a client.")
    async def create_client(
        self,
        info: Info,
        input: CreateClient,
        organization_id: WrittenOrganizationArgument = None,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateClientPayload:
        result = await CLIENTS.create(info, organization_id, input, idempotency_key)
        return CreateClientPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Replaces all fields of a client. Omitted fields get their defaults, and the id stays."
    )
    async def replace_client(
        self,
        info: Info,
        id: ClientId,
        input: ReplaceClient,
        expected_version: Expected = None,
        idempotency_key: IdempotencyKey = None,
    ) -> ReplaceClientPayload:
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CLIENTS.change(info, record, input, "replace")
        return ReplaceClientPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Changes some fields of a client. Omitted fields keep their values, and null clears a field."
    )
    async def update_client(
        self,
        info: Info,
        id: ClientId,
        input: UpdateClient,
        expected_version: Expected = None,
        idempotency_key: IdempotencyKey = None,
    ) -> UpdateClientPayload:
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CLIENTS.change(info, record, input, "update")
        return UpdateClientPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Changes the client that has a key of your own, or creates it. Repeated requests and requests at the same "
        "time make one client."
    )
    async def upsert_client(
        self,
        info: Info,
        key: Key,
        input: UpsertClient,
        organization_id: WrittenOrganizationArgument = None,
        expected_version: Expected = None,
        idempotency_key: IdempotencyKey = None,
    ) -> UpsertClientPayload:
        row = {**input, "key": key, "expectedVersion": expected_version}
        result = await upsert_record(info, CLIENTS, organization_id, row, idempotency_key)
        return UpsertClientPayload(**result.faces, created=result.created, user_errors=result.errors)

    @strawberry.mutation(description="Deletes a client. Lists no longer show it, and it can be restored.")
    async def delete_client(
        self, info: Info, id: ClientId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> DeleteClientPayload:
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CLIENTS.delete(info, remove_client, "delete", record)
        return DeleteClientPayload(**result.faces, **result.deleted_ids, user_errors=result.errors)

    @strawberry.mutation(
        description="Restores a deleted client. The error for a client that is not deleted is NOT_FOUND, and for one whose "
        "key another record has by now, TAKEN."
    )
    async def restore_client(
        self, info: Info, id: ClientId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> RestoreClientPayload:
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CLIENTS.write(info, restore_client, "restore", record)
        return RestoreClientPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Erases a client permanently, also a deleted one. The person is removed from the history, stored "
        "responses and messages too; the history keeps only the kind, author and time of each change. There is no undo. A "
        "repeated request with the same idempotency key shows no record."
    )
    async def permanently_delete_client(
        self, info: Info, id: ClientId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> PermanentlyDeleteClientPayload:
        erase = partial(erase_client, files=info.context.outbox.files)
        record = WrittenRecord(id, expected_version, idempotency_key)
        result = await CLIENTS.delete(info, erase, "erase", record)
        return PermanentlyDeleteClientPayload(**result.faces, **result.deleted_ids, user_errors=result.errors)
