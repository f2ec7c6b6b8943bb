"""The mutation that sends a reminder to a client."""

from typing import Annotated

import strawberry

from app.clients.reminders import send_reminder
from app.graphql.execution.context import Info, read_id
from app.graphql.schema.inputs import EmailAddress, argument
from app.graphql.schema.mutations.inputs import ClientId, IdempotencyKey
from app.graphql.schema.mutations.payloads import SendClientReminderPayload
from app.graphql.schema.mutations.records import request_key
from app.graphql.schema.user_errors import attempt
from app.graphql.schema.words import ReminderLanguage


@strawberry.type
class ReminderMutations:
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


async def _send_reminder(info: Info, client_id: str, email: str | None, language: str | None, key: str | None) -> str:
    context, bare = info.context, read_id("Client", client_id)
    request = request_key(info, key, "send reminder", bare, email or "", language or "")
    return await send_reminder(context.access, context.outbox, bare, recipient=email, language=language, key=request)
