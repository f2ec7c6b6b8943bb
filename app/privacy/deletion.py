"""Deletion of accounts and organizations: at once nobody can use them, and after a delay all that is theirs is deleted.

The operator may delete any of them. A caller may delete its own account, and an organization that only its own account
can access, so that no caller takes data from another one.
"""

from datetime import datetime, timedelta

from app.accounts.service import require_account
from app.auth import Access, Environment
from app.errors import AccountTokenRequired, Forbidden, NotFound, OrganizationShared
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.privacy.ownership import (
    DELETE_ACCOUNT,
    DELETE_ITS_ORGANIZATIONS,
    DELETE_ORGANIZATION,
    FIND_ACCOUNT,
    IS_SHARED,
    LOCK_ORGANIZATIONS,
    RESTORE_ACCOUNT,
    RESTORE_ITS_ORGANIZATIONS,
    RESTORE_ORGANIZATION,
)
from app.storage.connection import Connection
from app.storage.database import Database

SHARED = "Other accounts can access the organization too. Ask the operator of the service to delete it."


async def delete_own_organization(
    access: Access, organization_id: str, delay: timedelta, key: RequestKey | None = None
) -> datetime:
    """Deletes an organization of the caller's account. Gives the moment of the permanent deletion.

    A request that comes again with its `key` gets the moment of the first time.

    Raises NotFound; Forbidden for a token that may only read or belongs to an organization; Conflict if another account
    can access the organization.
    """
    access.require_write()
    async with access.database.write() as connection:
        stored = None if key is None else await claim(connection, key)
        if stored is not None:
            return datetime.fromisoformat(stored.body.decode())
        moment = await _delete_own_organization(connection, access, organization_id, delay)
        await _remember(connection, key, moment)
        return moment


async def _remember(connection: Connection, key: RequestKey | None, moment: datetime) -> None:
    if key is not None:
        await remember(connection, key, StoredResponse(200, moment.isoformat().encode()), None)


async def _delete_own_organization(
    connection: Connection, access: Access, organization_id: str, delay: timedelta
) -> datetime:
    access.require(organization_id)
    if access.principal.account_id is None:
        raise AccountTokenRequired("Only a token of an account may delete an organization")
    parameters = {"organization": organization_id, "account": access.principal.account_id}
    if await connection.scalar(IS_SHARED, parameters):
        raise OrganizationShared(SHARED, "id")
    return await _delete_organization(connection, organization_id, delay)


async def delete_organization(database: Database, organization_id: str, delay: timedelta) -> datetime:
    """Deletes any organization, for the operator. Raises NotFound."""
    async with database.write() as connection:
        return await _delete_organization(connection, organization_id, delay)


async def _delete_organization(connection: Connection, organization_id: str, delay: timedelta) -> datetime:
    moment = await connection.scalar(DELETE_ORGANIZATION, {"organization": organization_id, "delay": delay})
    if not isinstance(moment, datetime):
        raise NotFound("There is no such organization")
    return moment


async def restore_organization(database: Database, organization_id: str) -> None:
    """Restores a deleted organization before its permanent deletion. Raises NotFound."""
    async with database.write() as connection:
        if await connection.scalar(RESTORE_ORGANIZATION, {"organization": organization_id}) is None:
            raise NotFound(f"There is no deleted organization with the id {organization_id}")


async def delete_own_account(
    access: Access, account_id: str, delay: timedelta, key: RequestKey | None = None
) -> datetime:
    """Deletes the caller's own account with its organizations of both environments.

    A repetition with the `key` finds no valid token any more, because the tokens of the account end with the first time.

    Raises NotFound for any other account, and Forbidden for a token that may only read or belongs to the sandbox.
    """
    require_account(access.principal, account_id)
    access.require_write()
    if access.principal.environment is not Environment.LIVE:
        raise Forbidden(
            "A sandbox token may not delete the account, because its live organizations would be deleted too"
        )
    async with access.database.write() as connection:
        stored = None if key is None else await claim(connection, key)
        if stored is not None:
            return datetime.fromisoformat(stored.body.decode())
        moment = await _delete_account(connection, account_id, delay)
        await _remember(connection, key, moment)
        return moment


async def delete_account(database: Database, email: str, delay: timedelta) -> datetime:
    """Deletes any account, for the operator. Raises NotFound."""
    async with database.write() as connection:
        return await _delete_account(connection, await _find_account(connection, email), delay)


async def _find_account(connection: Connection, email: str) -> str:
    account_id: str | None = await connection.scalar(FIND_ACCOUNT, {"email": email})
    if account_id is None:
        raise NotFound(f"There is no account with the address {email}")
    return account_id


async def _delete_account(connection: Connection, account_id: str, delay: timedelta) -> datetime:
    """Deletes an account with the organizations that no other live account can access."""
    await connection.execute(LOCK_ORGANIZATIONS, {"account": account_id})
    moment = await connection.scalar(DELETE_ACCOUNT, {"account": account_id, "delay": delay})
    if not isinstance(moment, datetime):
        raise NotFound("There is no such account")
    await connection.execute(DELETE_ITS_ORGANIZATIONS, {"account": account_id, "moment": moment})
    return moment


async def restore_account(database: Database, email: str) -> None:
    """Restores a deleted account, with the organizations that were deleted together with an account. Raises NotFound."""
    async with database.write() as connection:
        account_id = await _find_account(connection, email)
        await connection.execute(LOCK_ORGANIZATIONS, {"account": account_id})
        await connection.execute(RESTORE_ITS_ORGANIZATIONS, {"account": account_id})
        if await connection.scalar(RESTORE_ACCOUNT, {"account": account_id}) is None:
            raise NotFound(f"There is no deleted account with the address {email}")
