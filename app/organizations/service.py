"""Use cases of organizations, for operators and for accounts. Each function is one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.repository import AccountRepository
from app.accounts.service import require_account
from app.auth import Access, Environment, ExpectedVersion, Scope, Target
from app.countries import country_code
from app.errors import Conflict, NotFound
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.ids import new_id
from app.organizations.record import check_name, check_organization_id, read_fields
from app.organizations.repository import Organization, OrganizationRepository
from app.query.model import Predicate
from app.query.request import ListRequest, has_slow_pattern
from app.query.sql.render import Selection
from app.records.once import write_once
from app.records.repository import RenderedRecord
from app.storage.connection import Connection
from app.storage.database import Database
from app.storage.retries import retried
from app.tokens import issue_token


@retried
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
    """Makes an organization and gives its id. Raises Conflict if the id is taken, NotFound if the account does not exist."""
    values: dict[str, Any] = {
        "id": check_organization_id(organization_id) if organization_id else new_id(),
        "name": check_name(name),
        "email": email,
        "locale": locale,
        "country": country,
        "country_alpha2_code": country_code(country),
        "tax_subject": False,
        "custom": {},
        "environment": environment,
    }
    async with database.write() as connection:
        repository = OrganizationRepository(connection)
        if not await repository.add(values):
            raise Conflict(f"There is an organization with the id {values['id']}")
        if account_email is not None:
            await repository.join(await _account(connection, account_email), str(values["id"]))
    return str(values["id"])


async def _account(connection: Connection, email: str) -> str:
    credentials = await AccountRepository(connection).find(email)
    if credentials is None:
        raise NotFound(f"There is no account with the address {email}")
    return credentials.id


@retried
async def create_token(
    database: Database,
    *,
    organization_id: str | None = None,
    account_email: str | None = None,
    scope: Scope = Scope.WRITE,
    environment: Environment = Environment.LIVE,
    expires_at: datetime | None = None,
    label: str | None = None,
) -> str:
    """Makes a token for one organization, or for an account's organizations of one environment.

    Raises NotFound if the organization or the account does not exist.
    """
    async with database.write() as connection:
        repository = OrganizationRepository(connection)
        account_id = await _account(connection, account_email) if account_email is not None else None
        if organization_id is not None:
            environment = await _environment(repository, organization_id)
        return await issue_token(
            connection,
            account_id=account_id,
            organization_id=organization_id,
            scope=scope,
            environment=environment,
            expires_at=expires_at,
            label=label,
        )


async def _environment(repository: OrganizationRepository, organization_id: str) -> Environment:
    environment = await repository.environment(organization_id)
    if environment is None:
        raise NotFound(f"There is no organization with the id {organization_id}")
    return Environment(environment)


async def list_organizations(database: Database) -> Sequence[tuple[Organization, datetime | None]]:
    """Every organization, for the operator, and the moment of its permanent deletion if it is deleted."""
    async with database.read() as connection:
        return await OrganizationRepository(connection).list_all()


@dataclass(frozen=True, slots=True)
class OrganizationDetails:
    """An organization for the operator, with the addresses of the accounts that can access it."""

    organization: Organization
    accounts: Sequence[str]
    purge_at: datetime | None


async def describe_organization(database: Database, organization_id: str) -> OrganizationDetails:
    """An organization for the operator, also a deleted one. Raises NotFound."""
    async with database.read() as connection:
        row = await OrganizationRepository(connection).find(organization_id)
        if row is None:
            raise NotFound(f"There is no organization with the id {organization_id}")
        return OrganizationDetails(row[0], await AccountRepository(connection).list_members(organization_id), row[1])


@retried
async def update_organization(database: Database, organization_id: str, fields: Mapping[str, Any]) -> None:
    """Changes fields of any organization, for the operator. Raises NotFound, and Invalid with every problem."""
    values = read_fields(fields, "update")
    async with database.write() as connection:
        if await OrganizationRepository(connection).environment(organization_id) is None:
            raise NotFound(f"There is no organization with the id {organization_id}")
        target = Target((organization_id,), organization_id, "operator")
        await OrganizationRepository(connection).change(target, values, ())


async def filter_organizations(access: Access, ids: Sequence[str], where: Predicate) -> Sequence[Organization]:
    """The organizations of `ids` that the caller can access and that meet a predicate of the face INCLUDED."""
    accessible = access.organizations_among(ids)
    async with access.database.read(slow_pattern=has_slow_pattern(where)) as connection:
        return await OrganizationRepository(connection).list_meeting(accessible, where)


async def get_organizations(access: Access, ids: Sequence[str], selection: Selection) -> dict[str, str]:
    """The organizations of `ids` that the caller can access, rendered, by id."""
    accessible = access.organizations_among(ids)
    async with access.database.read() as connection:
        return await OrganizationRepository(connection).get_many(accessible, accessible, selection)


async def render_organizations(access: Access, ids: Sequence[str], selection: Selection) -> list[str]:
    """The organizations of `ids` that the caller can access, oldest first, rendered."""
    accessible = access.organizations_among(ids)
    async with access.database.read() as connection:
        return await OrganizationRepository(connection).render(accessible, selection)


async def list_account_organizations(access: Access, account_id: str, request: ListRequest) -> tuple[list[str], int]:
    """One page of the organizations of the caller's account, rendered, and the number of all that match.

    Raises NotFound for an account that is not the caller's.
    """
    require_account(access.principal, account_id)
    async with access.database.read(slow_pattern=request.has_slow_pattern) as connection:
        repository = OrganizationRepository(connection)
        rows = await repository.page(access.principal.organizations, request)
        return rows, await repository.count(access.principal.organizations, request)


async def count_account_organizations(access: Access, account_id: str, request: ListRequest) -> int:
    require_account(access.principal, account_id)
    async with access.database.read(slow_pattern=request.has_slow_pattern) as connection:
        return await OrganizationRepository(connection).count(access.principal.organizations, request)


@retried
async def add_organization(
    access: Access,
    account_id: str,
    values: Mapping[str, Any],
    selection: Selection,
    *,
    key: RequestKey | None = None,
    answer: Callable[[RenderedRecord], StoredResponse],
) -> StoredResponse:
    """Makes an organization of the caller's account and of its token's environment; `key` replays the first answer.

    Raises NotFound for an account that is not the caller's, and Forbidden for a token that may only read.
    """
    require_account(access.principal, account_id)
    access.require_write()
    row = {**values, "id": new_id(), "environment": access.principal.environment}
    async with access.database.write() as connection:
        kept = None if key is None else await claim(connection, key)
        if kept is not None:
            return kept
        repository = OrganizationRepository(connection)
        await repository.add(row)
        await repository.join(account_id, row["id"])
        made = await repository.get(access.narrow(row["id"]).target(row["id"]), selection)
        done = answer(_need(made))
        if key is not None:
            await remember(connection, key, done, row["id"])
        return done


async def get_organization(access: Access, organization_id: str, selection: Selection) -> RenderedRecord:
    """An organization that the caller can access. Raises NotFound."""
    access.require(organization_id)
    async with access.database.read() as connection:
        return _need(await OrganizationRepository(connection).get(access.target(organization_id), selection))


async def change_organization(
    access: Access,
    organization_id: str,
    values: Mapping[str, Any],
    selection: Selection,
    *,
    expected: ExpectedVersion = None,
    key: RequestKey | None = None,
) -> RenderedRecord:
    """Writes the columns of an organization that the caller can access; `key` replays the first answer.

    Raises NotFound, Forbidden and Stale.
    """
    access.require_write()
    access.require(organization_id)
    target = access.target(organization_id, expected)

    async def work(connection: Connection) -> RenderedRecord:
        return await OrganizationRepository(connection).change(target, values, selection)

    return await write_once(access, key, work)


def _need(organization: RenderedRecord | None) -> RenderedRecord:
    if organization is None:
        raise NotFound("There is no such organization")
    return organization
