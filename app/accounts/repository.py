"""Accounts in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Select,
    Text,
    bindparam,
    collate,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from app.accounts.record import NAME_COLUMNS
from app.query.sql.render import Selection, needed_columns, render_object
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.kept import keep_statements
from app.storage.tables import account_organizations, accounts, organizations

MOST_NAMES = 100
"""The most organizations whose names a password is compared with."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The id and the password of an account. Without a `password_hash`, the account cannot log in."""

    id: str
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """An account as lists show it. `verified` is false for an account that signed up, until the operator verifies it."""

    id: str
    email: str
    verified: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An account for the operator, also a deleted one. `organizations` are pairs of id and name."""

    id: str
    email: str
    verified: bool
    has_password: bool
    created_at: datetime
    purge_at: datetime | None
    organizations: Sequence[tuple[str, str]]


ENTRY = select(accounts.c.id, accounts.c.email, accounts.c.email_verified, accounts.c.created_at)

EMAIL = func.lower(collate(bindparam("email", type_=Text()), "pg_c_utf8"))
HAS_EMAIL = accounts.c.email_lower == collate(EMAIL, "C")
"""The account of the parameter `email`, in any case."""

STORED_FORM = select(EMAIL)
FIND_BY_EMAIL = select(accounts.c.id, accounts.c.password_hash).where(HAS_EMAIL, accounts.c.purge_at.is_(None))
IS_TAKEN = select(accounts.c.id).where(HAS_EMAIL)

_members = select(account_organizations.c.account_id).where(
    account_organizations.c.organization_id == bindparam("organization", type_=Text())
)
UNVERIFIED = (
    select(accounts.c.email)
    .where(~accounts.c.email_verified, or_(HAS_EMAIL, accounts.c.id.in_(_members)))
    .order_by(accounts.c.created_at, accounts.c.id)
)

OWN_NAMES = select(
    *(accounts.c[name] for name in NAME_COLUMNS),
    func.concat(accounts.c.firstname, accounts.c.lastname),
).where(accounts.c.id == bindparam("account", type_=Text()))
ORGANIZATION_NAMES = (
    select(organizations.c.name)
    .join(account_organizations, account_organizations.c.organization_id == organizations.c.id)
    .where(account_organizations.c.account_id == bindparam("account", type_=Text()))
    .limit(MOST_NAMES)
)

DETAILS = select(
    accounts.c.id,
    accounts.c.email,
    accounts.c.email_verified,
    accounts.c.password_hash.is_not(None),
    accounts.c.created_at,
    accounts.c.purge_at,
).where(HAS_EMAIL)
ACCESSIBLE = (
    select(organizations.c.id, organizations.c.name)
    .join(account_organizations, account_organizations.c.organization_id == organizations.c.id)
    .where(account_organizations.c.account_id == bindparam("account", type_=Text()))
    .order_by(organizations.c.created_at, organizations.c.id)
)
MEMBERS = (
    select(accounts.c.email)
    .join(account_organizations, account_organizations.c.account_id == accounts.c.id)
    .where(account_organizations.c.organization_id == bindparam("organization", type_=Text()))
    .order_by(accounts.c.created_at, accounts.c.id)
)

LOCK_BY_EMAIL = FIND_BY_EMAIL.with_for_update(key_share=True)


@keep_statements
def render_statement(selection: Selection) -> Select[Any]:
    """(JSON) of the account `account`."""
    names = dict.fromkeys((*needed_columns(selection), "id"))
    wanted = accounts.c.id == bindparam("account", type_=Text())
    account = select(*(accounts.c[name] for name in names)).where(wanted).subquery("c")
    return select(render_object(selection, account.c)).select_from(account)


class AccountRepository:
    """Over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def add(self, values: Mapping[str, Any]) -> bool:
        """Adds an account. False if one has this e-mail address, in any case, already."""
        statement = upsert(accounts).values(values).on_conflict_do_nothing().returning(accounts.c.id)
        return (await self.connection.execute(statement)).first() is not None

    async def find(self, email: str) -> Credentials | None:
        """The live account with an e-mail address, in any case."""
        row = (await self.connection.execute(FIND_BY_EMAIL, {"email": email})).first()
        return None if row is None else Credentials(*row)

    async def is_taken(self, email: str) -> bool:
        """True if an account has the e-mail address, in any case. An account that can be restored keeps its address."""
        return (await self.connection.execute(IS_TAKEN, {"email": email})).first() is not None

    async def stored_form(self, email: str) -> str:
        """The form of an address that is equal for all spellings of one account's address."""
        stored: str = await self.connection.scalar(STORED_FORM, {"email": email})
        return stored

    async def lock(self, email: str) -> Credentials | None:
        """As find. No other transaction changes the password until this one ends."""
        row = (await self.connection.execute(LOCK_BY_EMAIL, {"email": email})).first()
        return None if row is None else Credentials(*row)

    async def any_exist(self) -> bool:
        return (await self.connection.execute(select(accounts.c.id).limit(1))).first() is not None

    async def entry(self, account_id: str) -> AccountEntry | None:
        row = (await self.connection.execute(ENTRY.where(accounts.c.id == account_id))).first()
        return None if row is None else AccountEntry(*row)

    async def describe(self, email: str) -> AccountDetails | None:
        row = (await self.connection.execute(DETAILS, {"email": email})).first()
        if row is None:
            return None
        account_id, address, verified, has_password, created_at, purge_at = row
        accessible = await self.connection.execute(ACCESSIBLE, {"account": account_id})
        organizations = [(organization_id, name) for organization_id, name in accessible]
        return AccountDetails(account_id, address, verified, has_password, created_at, purge_at, organizations)

    async def list_members(self, organization_id: str) -> list[str]:
        """The addresses of the accounts that can access an organization, oldest first."""
        return await self.connection.scalars(MEMBERS, {"organization": organization_id})

    async def list_all(self) -> list[AccountEntry]:
        """All accounts, oldest first."""
        rows = await self.connection.execute(ENTRY.order_by(accounts.c.created_at, accounts.c.id))
        return [AccountEntry(*row) for row in rows]

    async def find_unverified(self, email: str | None, organization_id: str | None) -> list[str]:
        """The addresses of the unverified accounts among the one with an address and those of an organization."""
        rows = await self.connection.execute(UNVERIFIED, {"email": email, "organization": organization_id})
        return [address for (address,) in rows]

    async def find_names(self, account_id: str) -> list[str]:
        """The texts that others know about an account: its address, and the names of its owner and organizations."""
        parameters = {"account": account_id}
        account = (await self.connection.execute(OWN_NAMES, parameters)).first()
        organizations = await self.connection.execute(ORGANIZATION_NAMES, parameters)
        return [name for row in (account or (), *organizations) for name in row if name]

    async def verify(self, email: str) -> bool:
        """Marks the live account with an e-mail address as verified. False if there is none."""
        live = update(accounts).where(HAS_EMAIL, accounts.c.purge_at.is_(None))
        change = live.values(email_verified=True, updated_at=NOW).returning(accounts.c.id)
        return (await self.connection.execute(change, {"email": email})).first() is not None

    async def render(self, account_id: str, selection: Selection) -> str | None:
        json: str | None = await self.connection.scalar(render_statement(selection), {"account": account_id})
        return json

    async def set_password(self, account_id: str, password_hash: str) -> None:
        change = update(accounts).where(accounts.c.id == account_id)
        await self.connection.execute(change.values(password_hash=password_hash))
