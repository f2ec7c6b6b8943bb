"""The operations on the deliveries of a webhook: its log, a test, and another delivery."""

from dataclasses import replace

import orjson

from app.auth import Access
from app.errors import NotFound
from app.query.model import And, Compare, Query
from app.query.operators import EQ
from app.query.request import DESCENDING_ID, count_request
from app.rest.v1.answers import V1Response, show, show_listing
from app.rest.v1.call import V1Call
from app.rest.v1.errors import no_model, unknown_record
from app.rest.v1.filters import blaming_patterns, read_count, read_filter
from app.rest.v1.models import WEBHOOK_DELIVERY
from app.rest.v1.webhooks import require_webhook
from app.webhooks.service import (
    count_deliveries,
    get_delivery,
    list_deliveries,
    redeliver,
    redeliver_failed,
    send_test,
)

FACE, ALL = WEBHOOK_DELIVERY.face, WEBHOOK_DELIVERY.everything


async def find(call: V1Call) -> V1Response:
    """A page of a webhook's deliveries, the newest first, with the number of all in x-total-count."""
    tree = call.object_parameter("filter")
    access = await call.access()
    filter_ = read_filter(tree, WEBHOOK_DELIVERY)
    webhook = await require_webhook(call, access)
    narrowed = replace(filter_, query=narrow(filter_.query, call.id))
    request = narrowed.list_request(WEBHOOK_DELIVERY, call.services.page_cap)
    with blaming_patterns(filter_.query.where):
        listing = await list_deliveries(access, webhook.organization_id, request)
    return show_listing(listing)


async def count(call: V1Call) -> V1Response:
    """The number of a webhook's deliveries that meet the conditions."""
    tree = call.object_parameter("where")
    access = await call.access()
    query = read_count(tree, WEBHOOK_DELIVERY)
    webhook = await require_webhook(call, access)
    request = count_request(FACE, narrow(query, call.id))
    with blaming_patterns(query.where):
        return show({"count": await count_deliveries(access, webhook.organization_id, request)})


def narrow(query: Query, webhook_id: str) -> Query:
    """The query within the deliveries of a webhook. Without an order, the newest ones come first."""
    where = And((Compare("webhook_id", EQ, webhook_id), query.where))
    return replace(query, where=where, orders=query.orders or (DESCENDING_ID,))


async def get(call: V1Call) -> V1Response:
    """One delivery of a webhook."""
    return V1Response((await _find(call, await call.access())).encode())


async def test(call: V1Call) -> V1Response:
    """Sends a test event to a webhook. Answers with its delivery, which shows the outcome later."""
    await call.body()
    access = await call.access()
    key = call.key(access.principal, "test webhook")
    try:
        delivery = await send_test(access, call.services.webhooks, call.id, ALL, key)
    except NotFound as error:
        raise no_model(call.id) from error
    return V1Response(delivery.encode())


async def deliver_again(call: V1Call) -> V1Response:
    """Delivers an event once more, or makes its next attempt now. Answers with the delivery."""
    await call.body()
    access = await call.access()
    access.require_write()
    await _find(call, access)
    delivery_id = call.path_parameters["fk"]
    key = call.key(access.principal, "redeliver", delivery_id)
    return V1Response((await redeliver(access, call.services.webhooks, delivery_id, ALL, key)).encode())


async def deliver_failed_again(call: V1Call) -> V1Response:
    """Delivers the failed events of a webhook once more. Answers with their number."""
    await call.body()
    access = await call.access()
    access.require_write()
    key = call.key(access.principal, "redeliver failed")
    try:
        number = await redeliver_failed(access, call.services.webhooks, call.id, key)
    except NotFound as error:
        raise no_model(call.id) from error
    return show({"count": number})


async def _find(call: V1Call, access: Access) -> str:
    """The delivery in the path, rendered. Raises UnknownModel for a delivery of another webhook, too."""
    delivery_id = call.path_parameters["fk"]
    try:
        delivery = await get_delivery(access, delivery_id, ALL)
    except NotFound:
        delivery = "{}"
    if orjson.loads(delivery).get("webhookId") != call.id:
        raise unknown_record(WEBHOOK_DELIVERY, delivery_id)
    return delivery
