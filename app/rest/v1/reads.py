"""The operations that read: find, get, exists, count and search."""

from collections.abc import Sequence

from app.auth import Access
from app.clients.faces import V1
from app.clients.service import count_clients, get_client, list_clients, search_clients
from app.errors import Malformed, NotFound
from app.organizations.repository import Organization
from app.organizations.service import reach_organizations_meeting
from app.query.model import Page
from app.query.sql.render import Selection
from app.rest.v1.answers import Reply, show, show_record, show_rows, tag
from app.rest.v1.arguments import object_argument, required_text, text_argument
from app.rest.v1.call import Call
from app.rest.v1.errors import UnknownModel, no_model, refuse_missing
from app.rest.v1.fields import ALL
from app.rest.v1.includes import FOREIGN_KEY, Include, embed
from app.rest.v1.questions import Question, patience, read_count, read_one, read_question

TYPES = {"customer": ("customer", "both"), "supplier": ("supplier", "both"), "both": ("both",)}


async def find(call: Call) -> Reply:
    """A page of an organization's clients, and in x-total-count how many there are in all."""
    tree = object_argument(call.parameters("filter"), "filter") if call.query else None
    access = await require_organization(call)
    question = read_question(tree)
    page = Page(min(question.limit or call.services.page_cap, call.services.page_cap), question.skip)
    with patience(question.query.where):
        listing = await list_clients(
            access,
            call.id,
            V1,
            question.selection,
            question.query,
            page,
            total=True,
            keys=False,
        )
    rows = [row for row, _ in listing.rows]
    if _includes(question):
        rows = await _embedded(call, access, call.id, question.include, rows)
    return show_rows(rows, listing.total)


async def get(call: Call) -> Reply:
    """One client."""
    tree = object_argument(call.parameters("filter"), "filter") if call.query else None
    access = await call.access()
    question = read_one(tree)
    try:
        found = await get_client(access, call.id, question.selection)
    except NotFound as error:
        raise UnknownModel(f'Unknown "Client" id "{call.id}".') from error
    if not _includes(question):
        return Reply(b"", 304, tag(found.version)) if call.knows(found.version) else show_record(found)
    rows = await _embedded(call, access, found.organization_id, question.include, [found.json])
    return show_record(found, rows[0])


async def exists(call: Call) -> Reply:
    """Whether there is such a client."""
    access = await call.access()
    try:
        await get_client(access, call.id, ())
    except NotFound:
        return show({"exists": False})
    return show({"exists": True})


async def count(call: Call) -> Reply:
    """How many of an organization's clients meet the conditions."""
    tree = object_argument(call.parameters("where"), "where") if call.query else None
    access = await require_organization(call)
    query = read_count(tree)
    with patience(query.where):
        return show({"count": await count_clients(access, call.id, V1, query)})


async def search(call: Call) -> Reply:
    """At most 100 clients that contain every word, best match first."""
    parameters = call.parameters("term", "type")
    term, kind = required_text(parameters, "term"), text_argument(parameters, "type")
    access = await require_organization(call)
    if not term.strip():
        raise refuse_missing("term")
    if kind is not None and kind not in TYPES:
        raise Malformed(f"The type is one of {', '.join(TYPES)}, not {kind!r}", "type")
    types = TYPES[kind] if kind else None
    return show_rows(await search_clients(access, call.id, term, types, ALL))


async def require_organization(call: Call) -> Access:
    """Who calls. Raises UnknownModel when the organization in the path is out of reach."""
    access = await call.access()
    if call.id not in access.principal.organizations:
        raise no_model(call.id)
    return access


def _includes(question: Question) -> bool:
    """Whether an organization is to be embedded: as in LoopBack, only beside the key that leads to it."""
    return question.include is not None and _has(question.selection, FOREIGN_KEY)


def _has(selection: Selection, name: str) -> bool:
    return any(label == name for label, _ in selection)


async def _embedded(
    call: Call, access: Access, organization_id: str, include: Include | None, rows: Sequence[str]
) -> list[str]:
    included = include or Include()
    organizations: Sequence[Organization] = await reach_organizations_meeting(access, [organization_id], included.where)
    found = next(iter(organizations), None)
    return [embed(row, found, included) for row in rows]
