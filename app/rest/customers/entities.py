"""Entities: the organizations that a token can access, in the order of their creation."""

from collections.abc import Mapping, Sequence

from app.errors import Malformed
from app.organizations.faces import ENTITY_SELECTION
from app.organizations.service import render_organizations
from app.query.cursor import read_cursor, write_cursor, write_values
from app.rest.customers.call import CustomersCall, CustomersResponse
from app.rest.customers.lists import envelope
from app.rest.customers.parameters import read_cursors, read_flag, read_limit, read_parameters, read_single_values

NAMES = ("limit", "next_cursor", "prev_cursor", "include_total_count")
CURSOR_SCOPE = "entities"


async def get_entity(call: CustomersCall) -> CustomersResponse:
    entity = call.require_entity(call.path_parameters["id"])
    (rendered,) = await render_organizations(call.access, [entity], ENTITY_SELECTION)
    return CustomersResponse(rendered.encode())


async def list_entities(call: CustomersCall) -> CustomersResponse:
    parameters = read_single_values(read_parameters(call.query), NAMES)
    entities = call.access.principal.organizations
    start, end = read_range(parameters, entities)
    page = entities[start:end]
    rows = await render_organizations(call.access, page, ENTITY_SELECTION)
    total = len(entities) if read_flag(parameters, "include_total_count", default=True) else None
    following = _cursor(page[-1]) if page and end < len(entities) else None
    preceding = _cursor(page[0]) if page and start > 0 else None
    return envelope(",".join(rows).encode(), total, following, preceding, more=following is not None)


def read_range(parameters: Mapping[str, str], entities: Sequence[str]) -> tuple[int, int]:
    """Start and end of the page in all entities. Raises Malformed for a cursor of an entity that is gone."""
    limit, (following, preceding) = read_limit(parameters.get("limit")), read_cursors(parameters)
    if preceding:
        end = _position(preceding, "prev_cursor", entities)
        return max(end - limit, 0), end
    start = _position(following, "next_cursor", entities) + 1 if following else 0
    return start, min(start + limit, len(entities))


def _cursor(entity: str) -> str:
    return write_cursor(CURSOR_SCOPE, write_values([entity]))


def _position(cursor: str, name: str, entities: Sequence[str]) -> int:
    (entity,) = read_cursor(CURSOR_SCOPE, cursor, name, 1)
    if entity not in entities:
        raise Malformed(f"Invalid {name}: pass a cursor that this API returned.", name)
    return entities.index(str(entity))
