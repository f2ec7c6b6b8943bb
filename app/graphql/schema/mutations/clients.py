"""The mutations of clients. Each returns the record after the write, or the errors."""

from typing import Annotated

import strawberry

from app.clients.reminders import send_reminder
from app.clients.service import remove_client, restore_client
from app.graphql.execution.context import Info, read_id
from app.graphql.schema.inputs import EmailAddress, WrittenOrganizationArgument, argument
from app.graphql.schema.mutations.bulk import CreateClientsPayload, ErrorPolicy, create_clients
from app.graphql.schema.mutations.inputs import (
    ClientId,
    CreateClientInput,
    Expected,
    IdempotencyKey,
    ReplaceClientInput,
    UpdateClientInput,
)
from app.graphql.schema.mutations.payloads import (
    CreateClientPayload,
    DeleteClientPayload,
    ReplaceClientPayload,
    RestoreClientPayload,
    SendClientReminderPayload,
    UpdateClientPayload,
)
from app.graphql.schema.mutations.records import CLIENTS, request_key
from app.graphql.schema.user_errors import attempt
from app.graphql.schema.words import ReminderLanguage

CreateClient = Annotated[CreateClientInput, argument("The new client.")]
CreateClients = Annotated[list[CreateClientInput], argument("The new clients: at most 1,000.")]
ReplaceClient = Annotated[ReplaceClientInput, argument("All fields of the client.")]
UpdateClient = Annotated[UpdateClientInput, argument("The fields to change.")]
Policy = Annotated[ErrorPolicy, argument("The treatment of valid clients when other clients are invalid.")]


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

    @strawberry.mutation(description="Creates up to 1,000 clients in one request, with a result for each client.")
    async def create_clients(
        self,
        info: Info,
        input: CreateClients,
        organization_id: WrittenOrganizationArgument = None,
        error_policy: Policy = ErrorPolicy.REJECT_ALL,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateClientsPayload:
        return await create_clients(info, organization_id, input, error_policy, idempotency_key)

    @strawberry.mutation(
        description="Replaces all fields of a client. Omitted fields get their defaults, and the id stays."
    )
    async def replace_client(
        self, info: Info, id: ClientId, input: ReplaceClient, expected_version: Expected = None
    ) -> ReplaceClientPayload:
        result = await CLIENTS.change(info, id, input, "replace", expected_version)
        return ReplaceClientPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(
        description="Changes some fields of a client. Omitted fields keep their values, and null clears a field."
    )
    async def update_client(
        self, info: Info, id: ClientId, input: UpdateClient, expected_version: Expected = None
    ) -> UpdateClientPayload:
        result = await CLIENTS.change(info, id, input, "update", expected_version)
        return UpdateClientPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(description="Deletes a client. Lists no longer show it, and it can be restored.")
    async def delete_client(self, info: Info, id: ClientId, expected_version: Expected = None) -> DeleteClientPayload:
        result = await CLIENTS.delete(info, remove_client, id, expected_version)
        return DeleteClientPayload(**result.faces, **result.deleted_ids, user_errors=result.errors)

    @strawberry.mutation(
        description="Restores a deleted client. The error for a client that is not deleted is NOT_FOUND."
    )
    async def restore_client(self, info: Info, id: ClientId, expected_version: Expected = None) -> RestoreClientPayload:
        result = await CLIENTS.write(info, restore_client, id, expected_version)
        return RestoreClientPayload(**result.faces, user_errors=result.errors)

    @strawberry.mutation(description="Sends a client a polite, general reminder of open documents by e-mail.")
    async def send_client_reminder(
        self,
        info: Info,
        id: ClientId,
        email: Annotated[
            EmailAddress | None, argument("The recipient's e-mail address. The default is the address of the client.")
        ] = None,
        language: Annotated[
            ReminderLanguage | None,
            argument("The language. The default is that of the organization, or else English."),
        ] = None,
        idempotency_key: IdempotencyKey = None,
    ) -> SendClientReminderPayload:
        _, errors = await attempt(_send_reminder(info, id, email, language and language.lower(), idempotency_key), [])
        return SendClientReminderPayload(success=not errors, user_errors=errors)


async def _send_reminder(info: Info, client_id: str, email: str | None, language: str | None, key: str | None) -> None:
    context, bare = info.context, read_id("Client", client_id)
    request = request_key(info, key, "send reminder", bare, email or "", language or "")
    await send_reminder(context.access, context.outbox, bare, recipient=email, language=language, key=request)
