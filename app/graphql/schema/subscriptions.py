"""The subscription: the changes of an organization's clients, as soon as they are committed."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

import strawberry

from app.changes.record import Change as FollowedChange
from app.changes.record import write_change_cursor
from app.changes.service import follow_changes
from app.graphql.execution.change_pages import read_change_filter
from app.graphql.execution.context import Info, require_organization
from app.graphql.schema.changes import Actions, ClientIds, FaceArgument
from app.graphql.schema.history import FACES, RecordFace
from app.graphql.schema.inputs import OrganizationArgument, argument
from app.graphql.schema.types import Change


def show_change(change: FollowedChange, face: RecordFace) -> Change:
    """The event of a change, under one face."""
    past = change.client if face is RecordFace.CLIENT else change.customer
    cursor = write_change_cursor(change.organization_id, change.number, change.epoch)
    return Change.of(past, FACES[face], position=cursor, followed=change)


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
        client_ids: ClientIds = None,
        actions: Actions = None,
        face: FaceArgument = RecordFace.CLIENT,
    ) -> AsyncIterator[Change]:
        organization, wanted = require_organization(info, organization_id), read_change_filter(client_ids, actions)
        context = info.context
        resumed = context.last_event_id or after
        changes = await follow_changes(
            context.access, context.changes, organization, resumed, wanted, note_start=context.note_start
        )
        return _show_changes(changes, face)


async def _show_changes(
    changes: AsyncGenerator[FollowedChange, None], face: RecordFace
) -> AsyncGenerator[Change, None]:
    async with aclosing(changes):
        async for change in changes:
            yield show_change(change, face)
