"""Organizations: an account lists, counts and creates them; a single organization is read and changed."""

from app.errors import NotFound
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
from app.records.repository import RenderedRecord
from app.rest.preconditions import FIRST_VERSION, etag
from app.rest.v1.accounts import require_own_account
from app.rest.v1.answers import V1Response, not_modified, show, show_record, show_rows
from app.rest.v1.call import V1Call
from app.rest.v1.errors import checking, no_model, other_id_in_change, unknown_record
from app.rest.v1.filters import blaming_patterns, read_count, read_filter, read_record_filter
from app.rest.v1.models import ORGANIZATION_MODEL

FACE, ALL = ORGANIZATION_MODEL.face, ORGANIZATION_MODEL.everything


async def find(call: V1Call) -> V1Response:
    """A page of the organizations of an account, with the number of all in x-total-count."""
    tree = call.object_parameter("filter")
    access = await require_own_account(call)
    filter_ = read_filter(tree, ORGANIZATION_MODEL)
    request = filter_.list_request(ORGANIZATION_MODEL, call.services.page_cap)
    with blaming_patterns(filter_.query.where):
        rows, total = await list_account_organizations(access, call.id, request)
    return show_rows(rows, total)


async def count(call: V1Call) -> V1Response:
    """The number of an account's organizations that meet the conditions."""
    tree = call.object_parameter("where")
    access = await require_own_account(call)
    query = read_count(tree, ORGANIZATION_MODEL)
    with blaming_patterns(query.where):
        return show({"count": await count_account_organizations(access, call.id, count_request(FACE, query))})


async def create(call: V1Call) -> V1Response:
    """Creates an organization of the account. All live tokens of the account can access it at once."""
    members = (await call.body()).lax_object()
    access = await require_own_account(call)
    access.require_write()
    with checking(ORGANIZATION_MODEL.name):
        values = read_new(members)
    key = call.key(access.principal, "create organization", values)
    created = await add_organization(access, call.id, values, ALL, key=key, answer=_store)
    return V1Response(created.body, created.status, etag(FIRST_VERSION))


def _store(organization: RenderedRecord) -> StoredResponse:
    return StoredResponse(200, organization.json.encode())


async def get(call: V1Call) -> V1Response:
    """One organization."""
    tree = call.object_parameter("filter")
    access = await call.access()
    filter_ = read_record_filter(tree, ORGANIZATION_MODEL)
    try:
        organization = await get_organization(access, call.id, filter_.selection)
    except NotFound as error:
        raise unknown_record(ORGANIZATION_MODEL, call.id) from error
    if call.has_version(organization.version):
        return not_modified(organization.version)
    return show_record(organization.json, organization.version)


async def patch(call: V1Call) -> V1Response:
    """Changes the properties in the body. An object is replaced as a whole. A PUT does the same, as public SDKs expect."""
    return await _change(call, call.id, own_account=False)


async def patch_of_account(call: V1Call) -> V1Response:
    """Changes an organization of an account, as `patch` does."""
    return await _change(call, call.path_parameters["fk"], own_account=True)


async def _change(call: V1Call, organization_id: str, *, own_account: bool) -> V1Response:
    body = await call.body()
    body.require_type()
    members = body.object()
    access = await (require_own_account(call) if own_account else call.access())
    access.require_write()
    if organization_id not in access.principal.organizations:
        raise no_model(organization_id)
    if "id" in members and members["id"] != organization_id:
        raise other_id_in_change(organization_id, members["id"])
    with checking(ORGANIZATION_MODEL.name):
        values = read_change(members)
    changed = await change_organization(access, organization_id, values, ALL, expected=call.expected_versions())
    return show_record(changed.json, changed.version)
