"""Accounts in the database, and how often a login to each has failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Text,
    bindparam,
    case,
    cast,
    collate,
    delete,
    func,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from app.query.sql.render import Selection, needed_columns, render_row
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import accounts, login_failures

MOST_FAILURES = 10
WINDOW = text("interval '15 minutes'")
FORGOTTEN_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Credentials:
    """`password_hash` is None for an account that nobody can log in to."""

    id: str
    password_hash: str | None


EMAIL = func.lower(collate(bindparam("email", type_=Text()), "pg_c_utf8"))
HAS_EMAIL = accounts.c.email_lower == collate(EMAIL, "C")
"""The account of the parameter `email`, whatever its case."""

FIND = select(accounts.c.id, accounts.c.password_hash).where(HAS_EMAIL)

HELD = FIND.with_for_update(key_share=True)

OVER: ColumnElement[bool] = login_failures.c.since <= func.now() - WINDOW
SECONDS_LEFT = cast(func.ceil(func.extract("epoch", login_failures.c.since + WINDOW - func.now())), Integer)
OF_HASH = login_failures.c.hash == bindparam("hash", type_=LargeBinary())
BARRED = select(func.greatest(SECONDS_LEFT, 1)).where(OF_HASH, ~OVER, login_failures.c.failures >= MOST_FAILURES)

_first = upsert(login_failures).values(hash=bindparam("hash", type_=LargeBinary()), failures=1)
COUNT = _first.on_conflict_do_update(
    index_elements=["hash"],
    set_={
        "failures": case((OVER, 1), else_=func.least(login_failures.c.failures, MOST_FAILURES) + 1),
        "since": case((OVER, NOW), else_=login_failures.c.since),
    },
).returning(login_failures.c.failures, func.greatest(SECONDS_LEFT, 1))

_old = select(login_failures.c.hash).where(OVER).limit(FORGOTTEN_AT_ONCE).with_for_update(skip_locked=True)
FORGET = delete(login_failures).where(login_failures.c.hash.in_(_old.scalar_subquery()))


@lru_cache(maxsize=64)
def render_statement(selection: Selection) -> Select[Any]:
    """(JSON) of the account `account`."""
    names = dict.fromkeys((*needed_columns(selection), "id"))
    wanted = accounts.c.id == bindparam("account", type_=Text())
    found = select(*(accounts.c[name] for name in names)).where(wanted).subquery("c")
    json, row = render_row(selection, found)
    return select(json).select_from(found.join(row, true()))


class AccountRepository:
    """Over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def add(self, values: Mapping[str, Any]) -> bool:
        """Whether it was added: False when there is one with this e-mail address, whatever its case."""
        statement = upsert(accounts).values(values).on_conflict_do_nothing().returning(accounts.c.id)
        return (await self.connection.execute(statement)).first() is not None

    async def find(self, email: str) -> Credentials | None:
        """The account with an e-mail address, whatever its case."""
        row = (await self.connection.execute(FIND, {"email": email})).first()
        return None if row is None else Credentials(*row)

    async def hold(self, email: str) -> Credentials | None:
        """As find, and until the transaction ends nobody else changes the password."""
        row = (await self.connection.execute(HELD, {"email": email})).first()
        return None if row is None else Credentials(*row)

    async def email(self, account_id: str) -> str | None:
        found: str | None = await self.connection.scalar(select(accounts.c.email).where(accounts.c.id == account_id))
        return found

    async def render(self, account_id: str, selection: Selection) -> str | None:
        found: str | None = await self.connection.scalar(render_statement(selection), {"account": account_id})
        return found

    async def set_password(self, account_id: str, password_hash: str) -> None:
        change = update(accounts).where(accounts.c.id == account_id)
        await self.connection.execute(change.values(password_hash=password_hash))

    async def barred(self, email_hash: bytes) -> int | None:
        """For how many seconds nobody may try to log in with an address; None when everybody may."""
        found: int | None = await self.connection.scalar(BARRED, {"hash": email_hash})
        return found

    async def count_failure(self, email_hash: bytes) -> int | None:
        """Counts a login as failed before it is looked at; as `barred` when there have been too many. Forgets old ones."""
        await self.connection.execute(FORGET)
        failures, seconds = (await self.connection.execute(COUNT, {"hash": email_hash})).one()
        return int(seconds) if failures > MOST_FAILURES else None

    async def forgive(self, email_hash: bytes) -> None:
        await self.connection.execute(delete(login_failures).where(OF_HASH), {"hash": email_hash})
