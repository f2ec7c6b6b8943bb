"""The operations of organizations: an account finds, counts and makes its own; one is read and patched."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from app.auth import Access
from app.errors import Malformed, NotFound, Stale
from app.idempotency import StoredResponse
from app.organizations.record import read_change, read_new
from app.organizations.service import (
    add_organization,
    change_organization,
    count_account_organizations,
    get_organization,
    list_account_organizations,
)
from app.query.request import count_request
from app.query.values import stringify
from app.records.repository import RenderedRecord
from app.rest.preconditions import FIRST_VERSION, etag
from app.rest.v1.accounts import require_own_account
from app.rest.v1.answers import V1Response, not_modified, show, show_record, show_rows
from app.rest.v1.call import V1Call
from app.rest.v1.errors import UnknownModel, checking, no_model
from app.rest.v1.filters import patience, read_count, read_one, read_question
from app.rest.v1.models import ORGANIZATION_MODEL

FACE, ALL = ORGANIZATION_MODEL.face, ORGANIZATION_MODEL.everything


async def find(call: V1Call) -> Response:
    """A page of the organizations of an account, and in x-total-count how many there are in all."""
    tree = call.object_parameter("filter")
    access = await require_own_account(call)
    question = read_question(tree, ORGANIZATION_MODEL)
    request = question.list_request(ORGANIZATION_MODEL, call.services.page_cap)
    with patience(question.query.where):
        rows, total = await list_account_organizations(access, call.id, request)
    return show_rows(rows, total)


async def count(call: V1Call) -> Response:
    """How many organizations of an account meet the conditions."""
    tree = call.object_parameter("where")
    access = await require_own_account(call)
    query = read_count(tree, ORGANIZATION_MODEL)
    with patience(query.where):
        return show({"count": await count_account_organizations(access, call.id, count_request(FACE, query))})


async def create(call: V1Call) -> Response:
    """A new organization of the account, which all of its tokens reach at once."""
    body = await call.body()
    given = body.object() if body.value is not None else {}
    access = await require_own_account(call)
    access.require_write()
    with checking(ORGANIZATION_MODEL.name):
        values = read_new(given)
    key = call.key(access.principal, "create organization", body.data)
    done = await add_organization(access, call.id, values, ALL, key=key, answer=_answer)
    return V1Response(done.body, done.status, etag(FIRST_VERSION))


def _answer(made: RenderedRecord) -> StoredResponse:
    return StoredResponse(200, made.json.encode())


async def get(call: V1Call) -> Response:
    """One organization."""
    tree = call.object_parameter("filter")
    access = await call.access()
    question = read_one(tree, ORGANIZATION_MODEL)
    try:
        organization = await get_organization(access, call.id, question.selection)
    except NotFound as error:
        raise UnknownModel(f'Unknown "Organization" id "{call.id}".') from error
    if call.has_version(organization.version):
        return not_modified(organization.version)
    return show_record(organization.json, organization.version)


async def patch(call: V1Call) -> Response:
    """The given properties; objects are replaced whole."""
    body = await call.body()
    body.need_type()
    given = body.object()
    access = await call.access()
    access.require_write()
    if call.id not in access.principal.organizations:
        raise no_model(call.id)
    changed = await _patched(call, access, given)
    return show_record(changed.json, changed.version)


async def _patched(call: V1Call, access: Access, given: Mapping[str, Any]) -> RenderedRecord:
    if "id" in given and given["id"] != call.id:
        wanted = given["id"] if isinstance(given["id"], str) else stringify(given["id"])
        message = f"id cannot be updated from {call.id} to {wanted} when forceId is set to true"
        raise Malformed(message, "id")
    with checking(ORGANIZATION_MODEL.name):
        values = read_change(given)
    expected = call.expected_versions()
    if values:
        return await change_organization(access, call.id, values, ALL, expected=expected)
    found = await get_organization(access, call.id, ALL)
    if expected is not None and found.version not in expected:
        raise Stale("The record has changed since that version")
    return found
