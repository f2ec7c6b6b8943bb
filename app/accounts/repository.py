"""Accounts in the database, and the failed logins to each."""

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
OLD_FAILURES_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Credentials:
    """The id and the password of an account. Without a `password_hash`, the account cannot log in."""

    id: str
    password_hash: str | None


EMAIL = func.lower(collate(bindparam("email", type_=Text()), "pg_c_utf8"))
HAS_EMAIL = accounts.c.email_lower == collate(EMAIL, "C")
"""The account of the parameter `email`, in any case."""

FIND_BY_EMAIL = select(accounts.c.id, accounts.c.password_hash).where(HAS_EMAIL)

LOCK_BY_EMAIL = FIND_BY_EMAIL.with_for_update(key_share=True)

WINDOW_ENDED: ColumnElement[bool] = login_failures.c.since <= func.now() - WINDOW
SECONDS_LEFT = cast(func.ceil(func.extract("epoch", login_failures.c.since + WINDOW - func.now())), Integer)
OF_HASH = login_failures.c.hash == bindparam("hash", type_=LargeBinary())
LOCKED_OUT = select(func.greatest(SECONDS_LEFT, 1)).where(
    OF_HASH, ~WINDOW_ENDED, login_failures.c.failures >= MOST_FAILURES
)

_first = upsert(login_failures).values(hash=bindparam("hash", type_=LargeBinary()), failures=1)
COUNT_FAILURE = _first.on_conflict_do_update(
    index_elements=["hash"],
    set_={
        "failures": case((WINDOW_ENDED, 1), else_=func.least(login_failures.c.failures, MOST_FAILURES) + 1),
        "since": case((WINDOW_ENDED, NOW), else_=login_failures.c.since),
    },
).returning(login_failures.c.failures, func.greatest(SECONDS_LEFT, 1))

_old = select(login_failures.c.hash).where(WINDOW_ENDED).limit(OLD_FAILURES_AT_ONCE).with_for_update(skip_locked=True)
DELETE_OLD_FAILURES = delete(login_failures).where(login_failures.c.hash.in_(_old.scalar_subquery()))


@lru_cache(maxsize=64)
def render_statement(selection: Selection) -> Select[Any]:
    """(JSON) of the account `account`."""
    names = dict.fromkeys((*needed_columns(selection), "id"))
    wanted = accounts.c.id == bindparam("account", type_=Text())
    account = select(*(accounts.c[name] for name in names)).where(wanted).subquery("c")
    json, row = render_row(selection, account)
    return select(json).select_from(account.join(row, true()))


class AccountRepository:
    """Over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def add(self, values: Mapping[str, Any]) -> bool:
        """Adds an account. False if one has this e-mail address, in any case, already."""
        statement = upsert(accounts).values(values).on_conflict_do_nothing().returning(accounts.c.id)
        return (await self.connection.execute(statement)).first() is not None

    async def find(self, email: str) -> Credentials | None:
        """The account with an e-mail address, in any case."""
        row = (await self.connection.execute(FIND_BY_EMAIL, {"email": email})).first()
        return None if row is None else Credentials(*row)

    async def lock(self, email: str) -> Credentials | None:
        """As find. No other transaction changes the password until this one ends."""
        row = (await self.connection.execute(LOCK_BY_EMAIL, {"email": email})).first()
        return None if row is None else Credentials(*row)

    async def email(self, account_id: str) -> str | None:
        email: str | None = await self.connection.scalar(select(accounts.c.email).where(accounts.c.id == account_id))
        return email

    async def render(self, account_id: str, selection: Selection) -> str | None:
        json: str | None = await self.connection.scalar(render_statement(selection), {"account": account_id})
        return json

    async def set_password(self, account_id: str, password_hash: str) -> None:
        change = update(accounts).where(accounts.c.id == account_id)
        await self.connection.execute(change.values(password_hash=password_hash))

    async def locked_out(self, email_hash: bytes) -> int | None:
        """The seconds until an address may log in again; None if it may now."""
        seconds: int | None = await self.connection.scalar(LOCKED_OUT, {"hash": email_hash})
        return seconds

    async def count_failure(self, email_hash: bytes) -> int | None:
        """Counts a login as failed, before its password is verified. Gives the same as locked_out. Deletes old failures."""
        await self.connection.execute(DELETE_OLD_FAILURES)
        failures, seconds = (await self.connection.execute(COUNT_FAILURE, {"hash": email_hash})).one()
        return int(seconds) if failures > MOST_FAILURES else None

    async def clear_failures(self, email_hash: bytes) -> None:
        await self.connection.execute(delete(login_failures).where(OF_HASH), {"hash": email_hash})
