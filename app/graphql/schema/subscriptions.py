"""The subscription: the changes of an organization's clients, as soon as they are committed."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Self

import orjson
import strawberry
from strawberry import field

from app.changes.record import Change as FollowedChange
from app.changes.record import write_change_cursor
from app.changes.service import follow_changes
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.graphql.execution.context import Info, require_organization
from app.graphql.execution.loading import RecordT, python_name
from app.graphql.schema.history import Change, ChangeAction
from app.graphql.schema.inputs import DateTime, OrganizationArgument, argument
from app.graphql.schema.types import Client, Customer

ATTRIBUTES = {name: python_name(name) for face in (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER) for name in face.fields}


def read_image(type_: type[RecordT], text: str | None) -> RecordT | None:
    """The record that an image of it shows."""
    if text is None:
        return None
    return type_.of({ATTRIBUTES[name]: value for name, value in orjson.loads(text).items()})


@strawberry.type(description="A change of a client in a subscription. Its images have the field names of Client.")
class ClientChange(Change):
    cursor: str = field(
        description="The position of the change among all changes of its organization. A new subscription can continue after it."
    )
    client_id: strawberry.ID = field(description="The bare id of the client.")
    customer_text: strawberry.Private[str | None]

    @classmethod
    def of_followed(cls, change: FollowedChange) -> Self:
        return cls(
            action=ChangeAction(change.action),
            at=DateTime(change.at),
            actor=change.actor,
            version=change.version,
            before_text=change.before,
            after_text=change.after,
            cursor=write_change_cursor(change.organization_id, change.number, change.epoch),
            client_id=strawberry.ID(change.client_id),
            customer_text=change.customer_after,
        )

    @strawberry.field(description="The client after the change. Null if the record is erased.")
    def client(self) -> Client | None:
        return read_image(Client, self.after_text)

    @strawberry.field(
        description="The same record with the field names of the Customers API. Null if the record is erased."
    )
    def customer(self) -> Customer | None:
        return read_image(Customer, self.customer_text)


@strawberry.type(description="The subscriptions, over a WebSocket (graphql-transport-ws) or server-sent events.")
class Subscription:
    @strawberry.subscription(
        description="The changes of an organization's clients through every API, each once and in order. A subscription "
        "that starts after the last cursor of an earlier one gets every change once."
    )
    async def client_changes(
        self,
        info: Info,
        organization_id: OrganizationArgument = None,
        after: Annotated[
            str | None,
            argument(
                "The cursor of the last change that you have received. Later changes follow. Without a cursor, the changes "
                "that are committed after the start of the subscription follow."
            ),
        ] = None,
    ) -> AsyncIterator[ClientChange]:
        organization = require_organization(info, organization_id)
        context = info.context
        resumed = context.last_event_id or after
        changes = await follow_changes(
            context.access, context.changes, organization, resumed, note_start=context.note_start
        )
        return _show_changes(changes)


async def _show_changes(changes: AsyncGenerator[FollowedChange, None]) -> AsyncGenerator[ClientChange, None]:
    async with aclosing(changes):
        async for change in changes:
            yield ClientChange.of_followed(change)
