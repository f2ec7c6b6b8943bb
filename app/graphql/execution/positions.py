"""Positions: how far the changes of organizations are settled, read before the lists of the same operation."""

from collections.abc import Sequence
from functools import partial

from app.auth import Access
from app.changes.record import Position
from app.changes.service import find_settled
from app.graphql.execution.context import Info


async def load_settled(info: Info, organization_id: str) -> Position:
    """The position up to which the changes of an organization are settled. An operation reads it once."""
    load = partial(_load_settled, info.context.access)
    return await info.context.loader("settled positions", load).load(organization_id)


async def _load_settled(access: Access, organizations: Sequence[str]) -> list[Position]:
    settled = await find_settled(access, organizations)
    return [settled[organization_id] for organization_id in organizations]
