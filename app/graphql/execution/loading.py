"""Loading single records and organizations for resolvers, in batches: one statement for all siblings."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import orjson

from app.clients.service import get_clients
from app.graphql.execution.context import Context, Info, planned
from app.graphql.execution.plans import SelectionReader, plan_record, types_of
from app.graphql.execution.rendered import Rendered
from app.organizations.repository import Organization
from app.organizations.service import reach_organizations
from app.query.face import Face
from app.query.sql.render import Selection

R = TypeVar("R", bound=Any)
CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def python_name(name: str) -> str:
    """The attribute that a GraphQL field is read from: countryAlpha2Code -> country_alpha2_code."""
    return CAPITAL.sub(r"_\1", name).lower()


def whole_record(face: Face) -> Selection:
    """Every field of a face under its attribute's name, for records whose fields are resolved one by one."""
    return tuple((python_name(field.name), field) for field in face.fields.values())


def record_plan(info: Info, face: Face) -> Selection | None:
    """The selection under the field being resolved, or None when some of it needs a resolver."""

    def plan(reading: SelectionReader, nodes: Sequence[Any]) -> Selection | None:
        return plan_record(reading.collect(nodes, types_of(face.noun)), face, face.noun)

    return planned(info, face.name, plan)


def make_record(type_: type[R], selection: Selection | None, json: str) -> R:
    """A rendered record when the selection could be rendered, else one whose fields are resolved one by one."""
    return Rendered(json) if selection is not None else type_.of(orjson.loads(json))  # type: ignore[return-value]


async def load_record(info: Info, type_: type[R], face: Face, record_id: str, *, deleted_too: bool = True) -> R | None:
    """The record with an id under a face, rendered if it can be."""
    selection = record_plan(info, face)
    chosen = selection if selection is not None else whole_record(face)
    context = info.context

    async def load(ids: Sequence[str]) -> list[str | None]:
        found = await get_clients(context.access, ids, chosen, deleted_too=deleted_too)
        return [found.get(one) for one in ids]

    json = await context.loader((face.name, chosen, deleted_too), load).load(record_id)
    return None if json is None else make_record(type_, selection, json)


async def load_organization(context: Context, organization_id: str) -> Organization | None:
    """An organization that the caller may use."""

    async def load(ids: Sequence[str]) -> list[Organization | None]:
        found = {one.id: one for one in await reach_organizations(context.access, ids)}
        return [found.get(one) for one in ids]

    stored: Organization | None = await context.loader("organizations", load).load(organization_id)
    return stored
