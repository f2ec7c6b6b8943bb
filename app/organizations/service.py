"""What an operator does with accounts and organizations: each function is one transaction."""

from collections.abc import Sequence
from datetime import datetime

from app.auth import Environment, Principal, Scope
from app.errors import Conflict, NotFound
from app.ids import new_id
from app.organizations.record import check_name, check_organization_id
from app.organizations.repository import Organization, OrganizationRepository
from app.query.model import Predicate
from app.query.sql.render import Selection
from app.storage.database import Database
from app.tokens import issue_token


async def create_account(database: Database, email: str) -> str:
    """The new account's id. Raises Conflict when there is one with this address."""
    account_id = new_id()
    async with database.write() as connection:
        if not await OrganizationRepository(connection).add_account(account_id, email):
            raise Conflict(f"There is an account with the address {email}")
    return account_id


async def create_organization(
    database: Database,
    name: str,
    *,
    organization_id: str | None = None,
    account_email: str | None = None,
    email: str | None = None,
    locale: str = "en",
    country: str | None = None,
    environment: Environment = Environment.LIVE,
) -> str:
    """The new organization's id. Raises Conflict when the id is taken, NotFound when there is no such account."""
    values = {
        "id": check_organization_id(organization_id) if organization_id else new_id(),
        "name": check_name(name),
        "email": email,
        "locale": locale,
        "country": country,
        "environment": environment,
    }
    async with database.write() as connection:
        repository = OrganizationRepository(connection)
        if not await repository.add(values):
            raise Conflict(f"There is an organization with the id {values['id']}")
        if account_email is not None:
            await repository.join(await _account(repository, account_email), str(values["id"]))
    return str(values["id"])


async def _account(repository: OrganizationRepository, email: str) -> str:
    account_id = await repository.find_account(email)
    if account_id is None:
        raise NotFound(f"There is no account with the address {email}")
    return account_id


async def create_token(
    database: Database,
    *,
    organization_id: str | None = None,
    account_email: str | None = None,
    scope: Scope = Scope.WRITE,
    environment: Environment = Environment.LIVE,
    expires_at: datetime | None = None,
) -> str:
    """A token for one organization, or for an account's organizations of one environment.

    Raises NotFound when there is no such organization or account.
    """
    async with database.write() as connection:
        repository = OrganizationRepository(connection)
        account_id = await _account(repository, account_email) if account_email is not None else None
        if organization_id is not None:
            environment = await _environment(repository, organization_id)
        return await issue_token(
            connection,
            account_id=account_id,
            organization_id=organization_id,
            scope=scope,
            environment=environment,
            expires_at=expires_at,
        )


async def _environment(repository: OrganizationRepository, organization_id: str) -> Environment:
    found = await repository.environment(organization_id)
    if found is None:
        raise NotFound(f"There is no organization with the id {organization_id}")
    return Environment(found)


async def list_organizations(database: Database) -> Sequence[Organization]:
    """Every organization, for the operator."""
    async with database.read() as connection:
        return await OrganizationRepository(connection).list_all()


async def reach_organizations(
    database: Database, principal: Principal, ids: Sequence[str] | None = None
) -> Sequence[Organization]:
    """Those of `ids` that the caller may use, or all of them, the first created first."""
    wanted = principal.organizations if ids is None else [one for one in ids if one in principal.organizations]
    async with database.read() as connection:
        return await OrganizationRepository(connection).list_some(wanted)


async def reach_organizations_meeting(
    database: Database, principal: Principal, ids: Sequence[str], where: Predicate
) -> Sequence[Organization]:
    """Those of `ids` that the caller may use and that meet a predicate of the face INCLUDED."""
    wanted = [one for one in ids if one in principal.organizations]
    async with database.read() as connection:
        return await OrganizationRepository(connection).list_meeting(wanted, where)


async def render_organizations(
    database: Database, principal: Principal, ids: Sequence[str], selection: Selection
) -> list[str]:
    """Those of `ids` that the caller may use, the first created first, rendered."""
    wanted = [one for one in ids if one in principal.organizations]
    async with database.read() as connection:
        return await OrganizationRepository(connection).render(wanted, selection)


async def account_email(database: Database, principal: Principal) -> str | None:
    """The address of the caller's account; None for an organization's own token."""
    if principal.account_id is None:
        return None
    async with database.read() as connection:
        return await OrganizationRepository(connection).account_email(principal.account_id)
