"""Webhooks: the type, its deliveries, and their connections."""

from typing import Annotated, Any, ClassVar

import strawberry
from strawberry import field

from app.graphql.execution.compiler import compile_bound_rows
from app.graphql.execution.context import Info, read_page
from app.graphql.execution.loading import ShownRow, load_planned_row, load_row, whole_record
from app.graphql.schema.connections import Connection, make_connection
from app.graphql.schema.inputs import DateTime, argument
from app.graphql.schema.key_pages import After, Before, First, Last, Wanted, find_wanted
from app.graphql.schema.nodes import Node
from app.graphql.schema.words import Word
from app.query.cursor import write_cursor
from app.query.face import Face
from app.query.model import And, Compare, Page, Query
from app.query.operators import EQ, IN
from app.query.request import DESCENDING_ID, ListRequest, PageArguments, complete_request
from app.query.request import Wanted as WantedParts
from app.records.repository import Listing
from app.webhooks.descriptions import DELIVERY
from app.webhooks.descriptions import WEBHOOK as SHOWN
from app.webhooks.faces import GRAPHQL_DELIVERY, GRAPHQL_WEBHOOK
from app.webhooks.service import get_deliveries, get_webhooks, list_deliveries, list_webhooks
from app.webhooks.sources import DELIVERIES, WEBHOOKS, read_key

WEBHOOK_LIST = "The webhooks of the organization, oldest first."


@strawberry.enum(description="The state of a delivery.")
class WebhookDeliveryState(Word):
    QUEUED = strawberry.enum_value(
        "QUEUED", description="The event waits for an earlier event of the same client, so that the order is kept."
    )
    WAITING = strawberry.enum_value("WAITING", description="The event waits for its next attempt.")
    SENDING = strawberry.enum_value("SENDING", description="The event is being sent.")
    SENT = strawberry.enum_value("SENT", description="The receiver answered with a status from 200 to 299.")
    FAILED = strawberry.enum_value(
        "FAILED", description="Every attempt failed, or the webhook was disabled or deleted before."
    )


@strawberry.type(description="A delivery of one event to a webhook. It can be delivered again.")
class WebhookDelivery(ShownRow, Node):
    face: ClassVar[Face] = GRAPHQL_DELIVERY

    delivery_id: strawberry.ID = field(description="The bare id, as in the v1 API: 24 hex digits.")
    webhook_id: strawberry.ID = field(description="The bare id of the webhook.")
    organization_id: strawberry.ID = field(description="The bare id of the organization.")
    event: str = field(description=DELIVERY["event"])
    uid: strawberry.ID = field(description=DELIVERY["event_id"])
    client_id: strawberry.ID | None = field(description="The bare id of the changed client. Null for a test.")
    state: WebhookDeliveryState = field(description="The state of the delivery.")
    attempts: int = field(description=DELIVERY["attempts"])
    created_at: DateTime = field(description=DELIVERY["created_at"])
    last_attempt_at: DateTime | None = field(description=DELIVERY["last_attempt_at"])
    next_attempt_at: DateTime | None = field(description=DELIVERY["next_attempt_at"])
    delivered_at: DateTime | None = field(description=DELIVERY["delivered_at"])
    response_status: int | None = field(description=DELIVERY["response_status"])
    response_ms: int | None = field(description=DELIVERY["response_ms"])
    response_body: str | None = field(description=DELIVERY["response_body"])
    error: str | None = field(description=DELIVERY["last_error"])


States = Annotated[
    list[WebhookDeliveryState] | None, argument("Only deliveries in these states. The default is all states.")
]


async def resolve_deliveries(
    root: Any,
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    states: States = None,
) -> Connection[WebhookDelivery]:
    """A page of the deliveries of the webhook `root`."""
    arguments = read_page(first, after, last, before)
    where = And((Compare("webhook_id", EQ, root.webhook_id),))
    if states is not None:
        stored = tuple(state.lower() for state in states)
        where = And((*where.parts, Compare("state", IN, stored)))
    query, wanted = Query(where, orders=(DESCENDING_ID,)), find_wanted(info, "WebhookDeliveryConnection")
    request = make_request(GRAPHQL_DELIVERY, query, arguments, DELIVERIES, wanted)
    listing = await list_deliveries(info.context.access, root.organization_id, request)
    return show_listing(listing, DELIVERIES, WebhookDelivery)


@strawberry.type(
    description="A webhook: a URL that gets the changes of an organization's clients, each signed with its secret."
)
class Webhook(ShownRow, Node):
    face: ClassVar[Face] = GRAPHQL_WEBHOOK

    webhook_id: strawberry.ID = field(description="The bare id, as in the v1 API: 24 hex digits.")
    url: str = field(description="The URL that gets the events.")
    events: list[str] = field(description=SHOWN["events"])
    enabled: bool = field(description=SHOWN["enabled"])
    description: str | None = field(description=SHOWN["description"])
    organization_id: strawberry.ID = field(description="The bare id of the organization that the webhook belongs to.")
    version: int = field(
        description="The version. It grows by one with each change, and `expectedVersion` of a mutation is compared with it."
    )
    failing_since: DateTime | None = field(description=SHOWN["failing_since"])
    last_success_at: DateTime | None = field(description=SHOWN["last_success_at"])
    disabled_at: DateTime | None = field(description=SHOWN["disabled_at"])
    previous_secret_until: DateTime | None = field(description=SHOWN["previous_secret_until"])
    created_at: DateTime = field(description=SHOWN["created_at"])
    updated_at: DateTime = field(description=SHOWN["updated_at"])

    deliveries: Connection[WebhookDelivery] = field(
        resolver=resolve_deliveries, description="The deliveries of the webhook, newest first."
    )


async def resolve_webhooks(
    root: Any, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Connection[Webhook]:
    """A page of the webhooks of the organization `root`."""
    arguments, wanted = read_page(first, after, last, before), find_wanted(info, "WebhookConnection")
    request = make_request(GRAPHQL_WEBHOOK, Query(), arguments, WEBHOOKS, wanted)
    listing = await list_webhooks(info.context.access, root.organization_id, request)
    return show_listing(listing, WEBHOOKS, Webhook)


def make_request(face: Face, query: Query, arguments: PageArguments, scope: str, wanted: Wanted) -> ListRequest:
    """The request for a page by id, whose cursors have a scope. Raises Malformed for the cursor of another list."""
    after, before = [
        None if cursor is None else (read_key(scope, cursor),) for cursor in (arguments.after, arguments.before)
    ]
    beyond = wanted.bounds and (after is not None or before is not None)
    parts = WantedParts(total=wanted.total, beyond=beyond)
    request = complete_request(face, whole_record(face), query, PageArguments(arguments.limit), parts)
    return request.with_page(Page(arguments.limit, 0, after, before, arguments.backward))


def show_listing(listing: Listing, scope: str, type_: Any) -> Connection[Any]:
    keyed = [(write_cursor(scope, keys or "[]"), type_.read(json)) for json, keys in listing.rows]
    total = listing.total or 0
    return make_connection(keyed, has_next=listing.has_next, has_previous=listing.has_previous, total=total)


async def load_webhook(info: Info, webhook_id: str) -> Webhook | None:
    """A webhook by its bare id; None when the token can access no such webhook."""
    selection = await compile_bound_rows(info, Webhook.face)
    return await load_planned_row(info, Webhook, get_webhooks, webhook_id, selection)


async def load_delivery(info: Info, delivery_id: str) -> WebhookDelivery | None:
    """A delivery by its bare id; None when the token can access no such delivery."""
    return await load_row(info, WebhookDelivery, get_deliveries, delivery_id)
