"""The operations of organizations: an account finds, counts and makes its own; one is read and patched."""

from collections.abc import Mapping
from typing import Any

from app.accounts.service import require_account
from app.auth import Access
from app.errors import Malformed, NotFound, Stale
from app.idempotency import StoredResponse
from app.organizations.record import read_change, read_new
from app.organizations.service import (
    Shown,
    add_organization,
    change_organization,
    count_account_organizations,
    get_organization,
    list_account_organizations,
)
from app.query.messages import stringify
from app.query.model import Page
from app.rest.v1.answers import Reply, show, show_rows, tag
from app.rest.v1.arguments import object_argument
from app.rest.v1.call import Call
from app.rest.v1.errors import UnknownModel, checking, no_model
from app.rest.v1.models import ORGANIZATION_MODEL
from app.rest.v1.questions import patience, read_count, read_one, read_question

FIRST_VERSION = 1
FACE, ALL = ORGANIZATION_MODEL.face, ORGANIZATION_MODEL.everything


async def find(call: Call) -> Reply:
    """A page of the organizations of an account, and in x-total-count how many there are in all."""
    tree = object_argument(call.parameters("filter"), "filter") if call.query else None
    access = await require_own(call)
    question = read_question(tree, ORGANIZATION_MODEL)
    page = Page(min(question.limit or call.services.page_cap, call.services.page_cap), question.skip)
    with patience(question.query.where):
        rows, total = await list_account_organizations(access, call.id, FACE, question.selection, question.query, page)
    return show_rows(rows, total)


async def count(call: Call) -> Reply:
    """How many organizations of an account meet the conditions."""
    tree = object_argument(call.parameters("where"), "where") if call.query else None
    access = await require_own(call)
    query = read_count(tree, ORGANIZATION_MODEL)
    with patience(query.where):
        return show({"count": await count_account_organizations(access, call.id, FACE, query)})


async def create(call: Call) -> Reply:
    """A new organization of the account, which all of its tokens reach at once."""
    body = await call.body()
    given = body.object() if body.value is not None else {}
    access = await require_own(call)
    access.require_write()
    with checking(ORGANIZATION_MODEL.name):
        values = read_new(given)
    key = call.key(access.principal, "create organization", body.data)
    done = await add_organization(access, call.id, values, ALL, key=key, answer=_answer)
    return Reply(done.body, done.status, tag(FIRST_VERSION))


def _answer(made: Shown) -> StoredResponse:
    return StoredResponse(200, made.json.encode())


async def require_own(call: Call) -> Access:
    """Who calls. Raises UnknownModel when the account in the path is not the caller's."""
    access = await call.access()
    try:
        require_account(access.principal, call.id)
    except NotFound as error:
        raise no_model(call.id) from error
    return access


async def get(call: Call) -> Reply:
    """One organization."""
    tree = object_argument(call.parameters("filter"), "filter") if call.query else None
    access = await call.access()
    question = read_one(tree, ORGANIZATION_MODEL)
    try:
        found = await get_organization(access, call.id, question.selection)
    except NotFound as error:
        raise UnknownModel(f'Unknown "Organization" id "{call.id}".') from error
    headers = tag(found.version)
    return Reply(b"", 304, headers) if call.knows(found.version) else Reply(found.json.encode(), headers=headers)


async def patch(call: Call) -> Reply:
    """The given properties; objects are replaced whole."""
    body = await call.body()
    body.need_type()
    given = body.object()
    access = await call.access()
    access.require_write()
    if call.id not in access.principal.organizations:
        raise no_model(call.id)
    changed = await _patched(call, access, given)
    return Reply(changed.json.encode(), headers=tag(changed.version))


async def _patched(call: Call, access: Access, given: Mapping[str, Any]) -> Shown:
    if "id" in given and given["id"] != call.id:
        wanted = given["id"] if isinstance(given["id"], str) else stringify(given["id"])
        message = f"id cannot be updated from {call.id} to {wanted} when forceId is set to true"
        raise Malformed(message, "id")
    with checking(ORGANIZATION_MODEL.name):
        values = read_change(given)
    expected = call.expected()
    if values:
        return await change_organization(access, call.id, values, ALL, expected=expected)
    found = await get_organization(access, call.id, ALL)
    if expected is not None and found.version not in expected:
        raise Stale("The record has changed since that version")
    return found
