"""The operations that read clients: find, get, exists, count and search."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from app.auth import Access
from app.clients.faces import V1
from app.clients.service import count_clients, get_client, list_clients, search_clients
from app.errors import Malformed, NotFound
from app.organizations.repository import Organization
from app.organizations.service import filter_organizations
from app.query.request import ROWS_AND_TOTAL, ListRequest, count_request
from app.query.sql.render import Selection
from app.rest.known_queries import keep_known
from app.rest.v1.answers import V1Response, not_modified, show, show_listing, show_record, show_rows
from app.rest.v1.call import V1Call, object_argument, parse_query, required_text, text_argument
from app.rest.v1.errors import missing_argument, no_model, unknown_record
from app.rest.v1.fields import ALL, FOREIGN_KEY, Include, embed, render_included
from app.rest.v1.filters import Filter, blaming_patterns, read_count, read_filter, read_record_filter
from app.rest.v1.models import CLIENT

TYPES = {"customer": ("customer", "both"), "supplier": ("supplier", "both"), "both": ("both",)}


async def find(call: V1Call) -> V1Response:
    """A page of an organization's clients, with the number of all in x-total-count."""
    parameter = parse_filter(call.query, call.services.page_cap)
    access = await require_organization(call)
    filter_, request = parameter.read
    if _includes(filter_):
        request = request._replace(wanted=ROWS_AND_TOTAL)
    with blaming_patterns(filter_.query.where):
        listing = await list_clients(access, call.id, request)
    if not _includes(filter_):
        return show_listing(listing)
    rows = [row for row, _ in listing.rows]
    return show_rows(await _embedded(call, access, call.id, filter_.include, rows), listing.total)


class FilterParameter:
    """The parameter `filter` of a list, parsed. What it asks for is read after the caller is known."""

    def __init__(self, tree: Mapping[str, Any] | None, cap: int) -> None:
        self.tree, self.cap = tree, cap

    @cached_property
    def read(self) -> tuple[Filter, ListRequest]:
        """The filter, and the request for a page of at most `cap` clients. Raises Malformed."""
        filter_ = read_filter(self.tree)
        return filter_, filter_.list_request(CLIENT, self.cap)


@keep_known
def parse_filter(query: bytes, cap: int) -> FilterParameter:
    """The parameter in a query string. Raises Malformed."""
    return FilterParameter(object_argument(parse_query(query, "filter"), "filter"), cap)


async def get(call: V1Call) -> V1Response:
    """One client."""
    tree = call.object_parameter("filter")
    access = await call.access()
    filter_ = read_record_filter(tree)
    try:
        client = await get_client(access, call.id, filter_.selection)
    except NotFound as error:
        raise unknown_record(CLIENT, call.id) from error
    if not _includes(filter_):
        unchanged = call.has_version(client.version)
        return not_modified(client.version) if unchanged else show_record(client.json, client.version)
    rows = await _embedded(call, access, client.organization_id, filter_.include, [client.json])
    return show_record(rows[0], client.version)


async def exists(call: V1Call) -> V1Response:
    """Answers whether the client exists."""
    access = await call.access()
    try:
        await get_client(access, call.id, ())
    except NotFound:
        return show({"exists": False})
    return show({"exists": True})


async def count(call: V1Call) -> V1Response:
    """The number of an organization's clients that meet the conditions."""
    tree = call.object_parameter("where")
    access = await require_organization(call)
    query = read_count(tree)
    with blaming_patterns(query.where):
        return show({"count": await count_clients(access, call.id, count_request(V1, query))})


async def search(call: V1Call) -> V1Response:
    """At most 100 clients that contain every word, the best match first."""
    parameters = call.parameters("term", "type")
    term, kind = required_text(parameters, "term"), text_argument(parameters, "type")
    access = await require_organization(call)
    if not term.strip():
        raise missing_argument("term")
    if kind is not None and kind not in TYPES:
        raise Malformed(f"type must be one of {', '.join(TYPES)}; got {kind!r}.", "type")
    types = TYPES[kind] if kind else None
    return show_rows(await search_clients(access, call.id, term, types, ALL))


async def require_organization(call: V1Call) -> Access:
    """The access of the caller. Raises UnknownModel for an organization that the token cannot access."""
    access = await call.access()
    if call.id not in access.principal.organizations:
        raise no_model(call.id)
    return access


def _includes(filter_: Filter) -> bool:
    """True if the organization is embedded. LoopBack embeds it only beside its foreign key."""
    return filter_.include is not None and _has(filter_.selection, FOREIGN_KEY)


def _has(selection: Selection, name: str) -> bool:
    return any(label == name for label, _ in selection)


async def _embedded(
    call: V1Call, access: Access, organization_id: str, include: Include | None, rows: Sequence[str]
) -> list[str]:
    included = include or Include()
    organizations: Sequence[Organization] = await filter_organizations(access, [organization_id], included.where)
    if not organizations:
        return list(rows)
    organization = render_included(organizations[0], included)
    access.database.hold(len(organization) * len(rows))
    return [embed(row, organization) for row in rows]
