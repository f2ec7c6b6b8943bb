"""Deletion of the caller's account and of its organizations. The answer counts them, as LoopBack does."""

from app.errors import NotFound
from app.privacy.deletion import delete_own_account, delete_own_organization
from app.rest.v1.answers import V1Response, show
from app.rest.v1.call import V1Call


async def delete_account(call: V1Call) -> V1Response:
    """Deletes the caller's own account. No other account is counted."""
    access = await call.access()
    access.require_write()
    try:
        await delete_own_account(access, call.id, call.services.deletion_delay)
    except NotFound:
        return show({"count": 0})
    return show({"count": 1})


async def delete_organization(call: V1Call) -> V1Response:
    """Deletes an organization that only the caller's account can access."""
    access = await call.access()
    access.require_write()
    try:
        await delete_own_organization(access, call.id, call.services.deletion_delay)
    except NotFound:
        return show({"count": 0})
    return show({"count": 1})
