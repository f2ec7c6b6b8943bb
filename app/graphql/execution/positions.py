"""Positions: how far the changes of organizations are settled, read before the lists of the same operation."""

from collections.abc import Mapping, Sequence
from functools import partial

from app.auth import Access
from app.changes.record import Position
from app.changes.service import find_settled
from app.graphql.execution.context import Info


async def load_settled(info: Info, organizations: Sequence[str]) -> Mapping[str, Position]:
    """The positions up to which the changes of organizations are settled. An operation reads each once."""
    load = partial(_load_settled, info.context.access)
    positions = await info.context.loader("settled positions", load).load_many(organizations)
    return dict(zip(organizations, positions, strict=True))


async def _load_settled(access: Access, organizations: Sequence[str]) -> list[Position]:
    settled = await find_settled(access, organizations)
    return [settled[organization_id] for organization_id in organizations]
