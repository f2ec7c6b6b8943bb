"""Entities: the organizations that a key can reach, the first created first."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from app.errors import Malformed
from app.organizations.faces import ENTITY_SELECTION
from app.organizations.service import render_organizations
from app.query.cursor import read_cursor, write_cursor, write_values
from app.rest.customers.call import CustomersCall, CustomersResponse
from app.rest.customers.lists import envelope
from app.rest.customers.parameters import read_flag, read_limit, read_parameters, read_single

NAMES = ("limit", "next_cursor", "prev_cursor", "include_total_count")
MARK = "entities"


async def get_entity(call: CustomersCall) -> Response:
    entity = call.require_entity(call.id)
    (rendered,) = await render_organizations(call.access, [entity], ENTITY_SELECTION)
    return CustomersResponse(rendered.encode())


async def list_entities(call: CustomersCall) -> Response:
    asked = read_single(read_parameters(call.request.scope), NAMES)
    everything = call.access.principal.organizations
    start, end = read_range(asked, everything)
    page = everything[start:end]
    rows = await render_organizations(call.access, page, ENTITY_SELECTION)
    total = len(everything) if read_flag(asked, "include_total_count", default=True) else None
    following = _cursor(page[-1]) if end < len(everything) else None
    preceding = _cursor(page[0]) if start > 0 else None
    return envelope(rows, total, following, preceding, more=following is not None)


def read_range(asked: Mapping[str, str], everything: Sequence[str]) -> tuple[int, int]:
    """Where the page begins and ends among all entities. Raises Malformed for a cursor of an entity that is not there."""
    limit = read_limit(asked.get("limit"))
    following, preceding = asked.get("next_cursor"), asked.get("prev_cursor")
    if following and preceding:
        raise Malformed("next_cursor and prev_cursor exclude each other", "prev_cursor")
    if preceding:
        end = _place(preceding, "prev_cursor", everything)
        return max(end - limit, 0), end
    start = _place(following, "next_cursor", everything) + 1 if following else 0
    return start, min(start + limit, len(everything))


def _cursor(entity: str) -> str:
    return write_cursor(MARK, write_values([entity]))


def _place(text: str, name: str, everything: Sequence[str]) -> int:
    (entity,) = read_cursor(MARK, text, name, 1)
    if entity not in everything:
        raise Malformed("The cursor is not one that this service gave", name)
    return everything.index(str(entity))
