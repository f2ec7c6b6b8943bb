"""What can be changed of clients: each mutation gives the record as it is now, or says what was wrong."""

from typing import Annotated, Any

import strawberry

from app.clients.reminders import send_reminder
from app.graphql.execution.context import Info, read_id
from app.graphql.schema.arguments import ClientId, Expected, IdempotencyKey, OrganizationArgument, argument
from app.graphql.schema.mutations.bulk import CreateClientsPayload, ErrorPolicy, create_clients
from app.graphql.schema.mutations.inputs import CreateClientInput, ReplaceClientInput, UpdateClientInput
from app.graphql.schema.mutations.payloads import (
    CreateClientPayload,
    DeleteClientPayload,
    ReplaceClientPayload,
    RestoreClientPayload,
    SendClientReminderPayload,
    UpdateClientPayload,
)
from app.graphql.schema.mutations.records import CLIENT, request_key
from app.graphql.schema.user_errors import attempt

CreateClient = Annotated[CreateClientInput, argument("The new client.")]
CreateClients = Annotated[list[CreateClientInput], argument("The new clients: at most 1,000.")]
ReplaceClient = Annotated[ReplaceClientInput, argument("The whole client.")]
UpdateClient = Annotated[UpdateClientInput, argument("What changes.")]
Policy = Annotated[ErrorPolicy, argument("What becomes of the others when some of the clients are refused.")]


@strawberry.type
class ClientMutations:
    @strawberry.mutation(description="Makes a client.")
    async def create_client(
        self,
        info: Info,
        input: CreateClient,
        organization_id: OrganizationArgument = None,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateClientPayload:
        return await CLIENT.create(info, CreateClientPayload, organization_id, input, idempotency_key)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Makes up to 1,000 clients at once, and says of each what became of it.")
    async def create_clients(
        self,
        info: Info,
        input: CreateClients,
        organization_id: OrganizationArgument = None,
        error_policy: Policy = ErrorPolicy.REJECT_ALL,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateClientsPayload:
        return await create_clients(info, organization_id, input, error_policy, idempotency_key)

    @strawberry.mutation(description="Writes a whole client anew: what is left out gets its default. The id stays.")
    async def replace_client(
        self, info: Info, id: ClientId, input: ReplaceClient, expected_version: Expected = None
    ) -> ReplaceClientPayload:
        return await CLIENT.change(info, ReplaceClientPayload, id, input, "replace", expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Changes some fields of a client: what is left out stays, null clears.")
    async def update_client(
        self, info: Info, id: ClientId, input: UpdateClient, expected_version: Expected = None
    ) -> UpdateClientPayload:
        return await CLIENT.change(info, UpdateClientPayload, id, input, "update", expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Deletes a client softly: it is no longer found, and can be restored.")
    async def delete_client(self, info: Info, id: ClientId, expected_version: Expected = None) -> DeleteClientPayload:
        return await CLIENT.delete(info, DeleteClientPayload, id, expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Brings a deleted client back; one that is not deleted is refused with NOT_FOUND.")
    async def restore_client(self, info: Info, id: ClientId, expected_version: Expected = None) -> RestoreClientPayload:
        return await CLIENT.restore(info, RestoreClientPayload, id, expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Sends a general, polite reminder of open documents to a client by e-mail.")
    async def send_client_reminder(
        self,
        info: Info,
        id: ClientId,
        email: Annotated[str | None, argument("Sent there instead of to the client's own address.")] = None,
        language: Annotated[
            str | None, argument("One of en, de, fr, it, sl and hr; by default the organization's.")
        ] = None,
        idempotency_key: IdempotencyKey = None,
    ) -> SendClientReminderPayload:
        async def work() -> bool:
            context, bare = info.context, read_id("Client", id)
            key = request_key(info, idempotency_key, "send reminder", bare, email or "", language or "")
            await send_reminder(context.access, context.outbox, bare, recipient=email, language=language, key=key)
            return True

        def payload(done: bool | None, errors: Any) -> SendClientReminderPayload:
            return SendClientReminderPayload(success=bool(done), user_errors=errors)

        return await attempt(work, payload, [])  # type: ignore[no-any-return]
