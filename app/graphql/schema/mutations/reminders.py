"""The mutations that send a reminder to a client or a customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry import field

from app.clients.reminders import find_reminders, send_reminder
from app.graphql.execution.context import Info, read_id
from app.graphql.execution.loading import find_payload_plan, load_planned_row
from app.graphql.schema.inputs import EmailAddress, argument
from app.graphql.schema.mutations.inputs import ClientId, CustomerId, IdempotencyKey
from app.graphql.schema.mutations.payloads import Payload
from app.graphql.schema.mutations.records import request_key
from app.graphql.schema.reminders import Reminder
from app.graphql.schema.user_errors import attempt
from app.graphql.schema.words import ReminderLanguage

DESCRIPTION = (
    "Sends a {0} a polite, general reminder of open documents by e-mail. It is stored in the outbox, which delivers it with "
    "retries. Ask for the reminder again to see its state."
)
Recipient = Annotated[
    EmailAddress | None, argument("The recipient's e-mail address. The default is the address of the record.")
]
Language = Annotated[
    ReminderLanguage | None, argument("The language. The default is that of the organization, or else English.")
]


@strawberry.type
class ReminderPayload(Payload):
    reminder: Reminder | None = field(default=None, description="The reminder. Null if the mutation failed.")


@strawberry.type(description="The result of `sendClientReminder`.")
class SendClientReminderPayload(ReminderPayload):
    pass


@strawberry.type(description="The result of `sendCustomerReminder`.")
class SendCustomerReminderPayload(ReminderPayload):
    pass


@dataclass(frozen=True, slots=True)
class ReminderRequest:
    """The arguments of a mutation. `id` is the bare id of the record."""

    id: str
    email: str | None
    language: str | None
    key: str | None


@strawberry.type
class ReminderMutations:
    @strawberry.mutation(description=DESCRIPTION.format("client"))
    async def send_client_reminder(
        self,
        info: Info,
        id: ClientId,
        email: Recipient = None,
        language: Language = None,
        idempotency_key: IdempotencyKey = None,
    ) -> SendClientReminderPayload:
        request = ReminderRequest(read_id("Client", id), email, language and language.lower(), idempotency_key)
        return SendClientReminderPayload(**await _send(info, request))

    @strawberry.mutation(description=DESCRIPTION.format("customer"))
    async def send_customer_reminder(
        self,
        info: Info,
        id: CustomerId,
        email: Recipient = None,
        language: Language = None,
        idempotency_key: IdempotencyKey = None,
    ) -> SendCustomerReminderPayload:
        request = ReminderRequest(read_id("Customer", id), email, language and language.lower(), idempotency_key)
        return SendCustomerReminderPayload(**await _send(info, request))


async def _send(info: Info, request: ReminderRequest) -> Mapping[str, Any]:
    """The members of the payload."""
    reminder_id, errors = await attempt(_store(info, request), [])
    info.context.forget_loaded()
    return {"reminder": await _show(info, reminder_id) if reminder_id else None, "user_errors": errors}


async def _show(info: Info, reminder_id: str) -> Reminder | None:
    selection = await find_payload_plan(info, Reminder.face, "reminder")
    return await load_planned_row(info, Reminder, find_reminders, reminder_id, selection)


async def _store(info: Info, request: ReminderRequest) -> str:
    """Puts the reminder into the outbox, and gives its id."""
    context = info.context
    key = request_key(info, request.key, "send reminder", request.id, request.email or "", request.language or "")
    return await send_reminder(
        context.access, context.outbox, request.id, recipient=request.email, language=request.language, key=key
    )
