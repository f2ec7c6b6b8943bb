"""The changes: each gives the record as it is now, or says what was wrong."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import orjson
import strawberry

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.clients.record import CLIENT_RULES, CUSTOMER_RULES, Rules, read_body
from app.clients.reminders import send_reminder
from app.clients.repository import Found
from app.clients.service import add_clients, change_client, remove_client
from app.errors import NotFound
from app.graphql.context import Info, planned
from app.graphql.ids import read_id
from app.graphql.inputs import (
    CreateClientInput,
    CreateCustomerInput,
    ReplaceClientInput,
    UpdateClientInput,
    UpdateCustomerInput,
    to_plain,
)
from app.graphql.loading import make_record, whole_record
from app.graphql.payloads import ClientPayload, CustomerPayload, SendReminderPayload, attempt
from app.graphql.plans import Reading, plan_record, types_of
from app.graphql.queries import OrganizationArgument, argument, chosen_organization
from app.graphql.types import Client, Customer
from app.idempotency import Answer, RequestKey
from app.query.face import Face
from app.query.sql.render import Selection

ClientId = Annotated[strawberry.ID, argument("The client, by global or bare id.")]
CustomerId = Annotated[strawberry.ID, argument("The customer, by global id or `cust_` and 24 hex digits.")]
Expected = Annotated[
    int | None, argument("The version that the record must still have; it is refused with STALE_VERSION otherwise.")
]
IdempotencyKey = Annotated[
    str | None,
    argument(
        "Any text of yours: the same request with the same key is done once and answered alike, for a day or more."
    ),
]


class Noun:
    """One of the two spellings of a record, as mutations need it."""

    def __init__(self, face: Face, type_: Any, payload: Any, rules: Rules) -> None:
        self.face, self.type, self.payload, self.rules = face, type_, payload, rules
        self.key = face.noun.lower()
        self.whole = whole_record(face)

    def plan(self, info: Info) -> Selection | None:
        """The selection of the payload's record, or None when some of it needs a resolver or it is asked for twice."""

        def plan(reading: Reading, nodes: Sequence[Any]) -> Selection | None:
            payload = reading.collect(nodes, frozenset({f"{self.face.noun}Payload"}))
            records = [group for group in payload.values() if group[0].name.value == self.key]
            if len(records) != 1:
                return None if records else ()
            return plan_record(reading.collect(records[0], types_of(self.face.noun)), self.face, self.face.noun)

        return planned(info, self.face.name, plan)

    async def write(self, info: Info, work: Callable[[Selection], Awaitable[str]]) -> Any:
        """The payload of a write that answers with the rendered record."""
        selection = self.plan(info)

        async def done() -> Any:
            json = await work(selection if selection is not None else self.whole)
            return make_record(self.type, selection, json)

        return await attempt(done, lambda one, errors: self.payload(**{self.key: one}, user_errors=errors), ["input"])

    async def create(self, info: Info, organization_id: str | None, given: Any, key: str | None) -> Any:
        async def work(selection: Selection) -> str:
            context, body = info.context, to_plain(given)
            organization = chosen_organization(info, organization_id)
            if organization is None:
                raise NotFound("There is no such organization", "organizationId")
            values = read_body(self.face, body, self.rules, "create")
            answer = await add_clients(
                context.database,
                context.principal,
                organization,
                [values],
                selection,
                key=self.request_key(info, key, organization, body, selection),
                answer=lambda found: Answer(200, found[0].json.encode()),
            )
            return answer.body.decode()

        return await self.write(info, work)

    def request_key(
        self, info: Info, key: str | None, organization: str, body: Any, selection: Selection
    ) -> RequestKey | None:
        """The key with what makes two requests the same: the kept answer is as the first one selected it."""
        if key is None:
            return None
        request = (f"create {self.face.name}", organization, orjson.dumps(body), repr(selection))
        return RequestKey.of(info.context.principal.owner, key, *request)

    async def change(self, info: Info, given_id: str, given: Any, mode: Any, expected: int | None) -> Any:
        async def work(selection: Selection) -> str:
            body = to_plain(given)
            values = read_body(self.face, body, self.rules, mode)
            if mode == "replace":
                values = {column: values.get(column) for column in self.face.by_column()}
            found: Found = await change_client(
                info.context.database,
                info.context.principal,
                read_id(self.face.noun, given_id),
                values,
                selection,
                expected=expected,
                merge_metadata=body.get("metadata") is not None,
            )
            return found.json

        return await self.write(info, work)

    async def delete(self, info: Info, given_id: str, expected: int | None) -> Any:
        async def work(selection: Selection) -> str:
            bare = read_id(self.face.noun, given_id)
            context = info.context
            return (await remove_client(context.database, context.principal, bare, selection, expected=expected)).json

        return await self.write(info, work)


CLIENT = Noun(GRAPHQL_CLIENT, Client, ClientPayload, CLIENT_RULES)
CUSTOMER = Noun(GRAPHQL_CUSTOMER, Customer, CustomerPayload, CUSTOMER_RULES)

CreateClient = Annotated[CreateClientInput, argument("The new client.")]
ReplaceClient = Annotated[ReplaceClientInput, argument("The whole client.")]
UpdateClient = Annotated[UpdateClientInput, argument("What changes.")]
CreateCustomer = Annotated[CreateCustomerInput, argument("The new customer.")]
UpdateCustomer = Annotated[UpdateCustomerInput, argument("What changes.")]


@strawberry.type(description="What can be changed.")
class Mutation:
    @strawberry.mutation(description="Makes a client.")
    async def create_client(
        self,
        info: Info,
        input: CreateClient,
        organization_id: OrganizationArgument = None,
        idempotency_key: IdempotencyKey = None,
    ) -> ClientPayload:
        return await CLIENT.create(info, organization_id, input, idempotency_key)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Writes a whole client anew: what is left out gets its default. The id stays.")
    async def replace_client(
        self, info: Info, id: ClientId, input: ReplaceClient, expected_version: Expected = None
    ) -> ClientPayload:
        return await CLIENT.change(info, id, input, "replace", expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Changes some fields of a client: what is left out stays, null clears.")
    async def update_client(
        self, info: Info, id: ClientId, input: UpdateClient, expected_version: Expected = None
    ) -> ClientPayload:
        return await CLIENT.change(info, id, input, "update", expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Deletes a client softly: it is no longer found, and can be restored.")
    async def delete_client(self, info: Info, id: ClientId, expected_version: Expected = None) -> ClientPayload:
        return await CLIENT.delete(info, id, expected_version)  # type: ignore[no-any-return]

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
    ) -> SendReminderPayload:
        async def work() -> bool:
            context, bare = info.context, read_id("Client", id)
            request = ("send reminder", bare, email or "", language or "")
            key = None
            if idempotency_key is not None:
                key = RequestKey.of(context.principal.owner, idempotency_key, *request)
            await send_reminder(
                context.database, context.outbox, context.principal, bare, recipient=email, language=language, key=key
            )
            return True

        def payload(done: bool | None, errors: Any) -> SendReminderPayload:
            return SendReminderPayload(success=bool(done), user_errors=errors)

        return await attempt(work, payload, [])  # type: ignore[no-any-return]

    @strawberry.mutation(description="Makes a customer.")
    async def create_customer(
        self,
        info: Info,
        input: CreateCustomer,
        organization_id: OrganizationArgument = None,
        idempotency_key: IdempotencyKey = None,
    ) -> CustomerPayload:
        return await CUSTOMER.create(info, organization_id, input, idempotency_key)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Changes some fields of a customer: what is left out stays, null clears.")
    async def update_customer(
        self, info: Info, id: CustomerId, input: UpdateCustomer, expected_version: Expected = None
    ) -> CustomerPayload:
        return await CUSTOMER.change(info, id, input, "update", expected_version)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Deletes a customer softly: it is no longer found, and can be restored.")
    async def delete_customer(self, info: Info, id: CustomerId, expected_version: Expected = None) -> CustomerPayload:
        return await CUSTOMER.delete(info, id, expected_version)  # type: ignore[no-any-return]
