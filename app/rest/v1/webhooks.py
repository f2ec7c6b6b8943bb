"""The operations on webhooks: those that v1 documents, and the rotation of the secret."""

from datetime import timedelta

from app.auth import Access
from app.errors import Invalid, NotFound, Problem
from app.query.request import count_request
from app.records.repository import RenderedRecord
from app.rest.preconditions import FIRST_VERSION, etag
from app.rest.v1.answers import V1Response, not_modified, show, show_listing, show_record
from app.rest.v1.call import V1Call
from app.rest.v1.errors import (
    checking,
    no_model,
    not_replaced,
    other_id_in_change,
    other_id_in_replacement,
    stale_deletion,
    unknown_record,
)
from app.rest.v1.filters import blaming_patterns, read_count, read_filter, read_record_filter
from app.rest.v1.models import WEBHOOK
from app.rest.v1.reads import require_organization
from app.webhooks.faces import SECRET
from app.webhooks.record import V1_RULES, read_new_webhook, read_webhook_change
from app.webhooks.service import (
    KEPT,
    change_webhook,
    count_webhooks,
    create_webhook,
    delete_webhook,
    get_webhook,
    list_webhooks,
    rotate_secret,
)

FACE, ALL = WEBHOOK.face, WEBHOOK.everything
WITH_SECRET = (*ALL, ("secret", SECRET))
KEEP_FOR = "keepFor"
ROTATION_ARGUMENTS = frozenset({KEEP_FOR})


async def create(call: V1Call) -> V1Response:
    """Creates a webhook. Its secret is in this response only."""
    members = (await call.body()).lax_object()
    access = await require_organization(call)
    access.require_write()
    with checking(WEBHOOK.name):
        values = read_new_webhook(FACE, members, V1_RULES, call.services.webhooks.destinations)
        key = call.key(access.principal, "create webhook", values)
        webhook = await create_webhook(access, call.id, values, WITH_SECRET, key)
    return V1Response(webhook.json.encode(), 200, etag(FIRST_VERSION))


async def find(call: V1Call) -> V1Response:
    """A page of an organization's webhooks, with the number of all in x-total-count."""
    tree = call.object_parameter("filter")
    access = await require_organization(call)
    filter_ = read_filter(tree, WEBHOOK)
    request = filter_.list_request(WEBHOOK, call.services.page_cap)
    with blaming_patterns(filter_.query.where):
        listing = await list_webhooks(access, call.id, request)
    return show_listing(listing)


async def count(call: V1Call) -> V1Response:
    """The number of an organization's webhooks that meet the conditions."""
    tree = call.object_parameter("where")
    access = await require_organization(call)
    query = read_count(tree, WEBHOOK)
    with blaming_patterns(query.where):
        return show({"count": await count_webhooks(access, call.id, count_request(FACE, query))})


async def get(call: V1Call) -> V1Response:
    """One webhook."""
    tree = call.object_parameter("filter")
    access = await call.access()
    filter_ = read_record_filter(tree, WEBHOOK)
    try:
        webhook = await get_webhook(access, call.id, filter_.selection)
    except NotFound as error:
        raise unknown_record(WEBHOOK, call.id) from error
    if call.has_version(webhook.version):
        return not_modified(webhook.version)
    return show_record(webhook.json, webhook.version)


async def exists(call: V1Call) -> V1Response:
    """Answers whether the webhook exists."""
    access = await call.access()
    try:
        await get_webhook(access, call.id, ())
    except NotFound:
        return show({"exists": False})
    return show({"exists": True})


async def replace(call: V1Call) -> V1Response:
    """Replaces every writable property; an absent property gets its default."""
    members = (await call.body()).object()
    access = await call.access()
    access.require_write()
    if members.get("id") and members["id"] != call.id:
        raise other_id_in_replacement(call.id, members["id"])
    with checking(WEBHOOK.name):
        values = read_webhook_change(FACE, members, V1_RULES, call.services.webhooks.destinations, "replace")
    try:
        replaced = await change_webhook(access, call.id, values, ALL, call.expected_versions())
    except NotFound as error:
        raise not_replaced(call.id) from error
    return show_record(replaced.json, replaced.version)


async def patch(call: V1Call) -> V1Response:
    """Changes the properties in the body. A list of events is replaced as a whole."""
    body = await call.body()
    body.require_type()
    members = body.object()
    access = await call.access()
    access.require_write()
    await require_webhook(call, access)
    if "id" in members and members["id"] != call.id:
        raise other_id_in_change(call.id, members["id"])
    with checking(WEBHOOK.name):
        values = read_webhook_change(FACE, members, V1_RULES, call.services.webhooks.destinations)
    try:
        patched = await change_webhook(access, call.id, values, ALL, call.expected_versions())
    except NotFound as error:
        raise no_model(call.id) from error
    return show_record(patched.json, patched.version)


async def delete(call: V1Call) -> V1Response:
    """Deletes a webhook and answers with the count. With If-Match, a missing webhook is Stale."""
    access = await call.access()
    access.require_write()
    try:
        await delete_webhook(access, call.id, (), call.expected_versions())
    except NotFound as error:
        if "if-match" in call.request.headers:
            raise stale_deletion() from error
        return show({"count": 0})
    return show({"count": 1})


async def rotate(call: V1Call) -> V1Response:
    """Gives a webhook a new secret, which is in this response only. The one before stays valid for `keepFor` seconds."""
    body = await call.body()
    body.require_type()
    members = body.lax_object()
    access = await call.access()
    access.require_write()
    with checking(WEBHOOK.name):
        kept = read_keep_for(members)
        key = call.key(access.principal, "rotate secret", kept.total_seconds())
        try:
            webhook = await rotate_secret(access, call.id, WITH_SECRET, kept, key)
        except NotFound as error:
            raise no_model(call.id) from error
    return show_record(webhook.json, webhook.version)


def read_keep_for(members: dict[str, object]) -> timedelta:
    """The time for which the secret before a rotation stays valid: a whole number of seconds. Raises Invalid."""
    unknown = [name for name in members if name not in ROTATION_ARGUMENTS]
    if unknown:
        message = f"is not an argument of rotate-secret, which takes {KEEP_FOR}"
        raise Invalid([Problem(name, "unknown-property", message, members[name]) for name in unknown])
    seconds = members.get(KEEP_FOR)
    if seconds is None:
        return KEPT
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) < 10:
        seconds = int(seconds)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or abs(seconds) > 10**9:
        raise Invalid([Problem(KEEP_FOR, "type", "is not a whole number of seconds", seconds)])
    return timedelta(seconds=seconds)


async def require_webhook(call: V1Call, access: Access) -> RenderedRecord:
    """The live webhook in the path, without properties. Raises UnknownModel."""
    try:
        return await get_webhook(access, call.id, ())
    except NotFound as error:
        raise no_model(call.id) from error
