"""What may be done with accounts: making them, logging in and out, and looking at one's own."""

import hashlib
from collections.abc import Mapping
from typing import Any

from app.accounts.passwords import Passwords
from app.accounts.record import check_password, read_sign_up, taken
from app.accounts.repository import AccountRepository, Credentials
from app.auth import Access, Principal, Scope
from app.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from app.ids import new_id
from app.mail.addresses import check_address
from app.query.sql.render import Selection
from app.query.values import check_text
from app.storage.database import Database
from app.tokens import (
    AccessToken,
    end_sessions,
    forget_expired,
    issue_session,
    list_account_tokens,
    revoke_account_token,
    revoke_token,
)


class LoginFailed(Unauthenticated):
    """There is no account with this address and this password; which of them is wrong is not told."""


async def create_account(database: Database, email: str) -> str:
    """The new account's id; nobody can log in to it before it has a password. Raises Conflict when there is one."""
    account_id = new_id()
    async with database.write() as connection:
        if not await AccountRepository(connection).add({"id": account_id, "email": email, "custom": {}}):
            raise Conflict(f"There is an account with the address {email}")
    return account_id


async def sign_up(database: Database, passwords: Passwords, body: Mapping[str, Any], selection: Selection) -> str:
    """The new account, rendered. Raises Invalid, also for an address that has an account."""
    values, password = read_sign_up(body)
    if not await is_unique(database, values["email"]):
        raise taken(values["email"])
    async with passwords.turn():
        password_hash = await passwords.hash(password)
    account_id = new_id()
    async with database.write() as connection:
        repository = AccountRepository(connection)
        if not await repository.add({**values, "id": account_id, "password_hash": password_hash}):
            raise taken(values["email"])
        return str(await repository.render(account_id, selection))


async def is_unique(database: Database, email: str) -> bool:
    """Whether no account has an e-mail address."""
    async with database.read() as connection:
        return await AccountRepository(connection).find(_normal(email)) is None


def _normal(email: str) -> str:
    """The form in which an address is stored; a text that is no address is as it is, and nobody's."""
    try:
        return check_address(check_text(email, "email"))
    except Invalid:
        return email


async def log_in(database: Database, passwords: Passwords, email: str, password: str, ttl: int) -> AccessToken:
    """A new token for all live organizations of the account.

    Each attempt is counted before the password is looked at, and forgotten when it is right. Raises LoginFailed; TooMany
    after ten failures in a quarter of an hour, for addresses without an account too.
    """
    address = _normal(email)
    email_hash = hashlib.sha256(address.lower().encode()).digest()
    async with database.read() as connection:
        repository = AccountRepository(connection)
        _admit(await repository.barred(email_hash))
        known = await repository.find(address) or Credentials("", None)
    async with passwords.turn():
        async with database.statement() as connection:
            _admit(await AccountRepository(connection).count_failure(email_hash))
        if not await passwords.verify(known.password_hash, password):
            raise LoginFailed("login failed")
        outgrown = passwords.outgrown(str(known.password_hash))
        renewed = await passwords.hash(password) if outgrown else None
    async with database.write() as connection:
        repository = AccountRepository(connection)
        if await repository.hold(address) != known:
            raise LoginFailed("login failed")
        await repository.forgive(email_hash)
        if renewed:
            await repository.set_password(known.id, renewed)
        await forget_expired(connection, known.id)
        return await issue_session(connection, known.id, ttl=ttl)


def _admit(seconds: int | None) -> None:
    if seconds is not None:
        raise TooMany("Too many logins have failed", seconds)


async def set_password(database: Database, passwords: Passwords, email: str, password: str) -> None:
    """Gives the account a password; tokens that were made by logging in end. Raises NotFound and Invalid."""
    check_password(password)
    password_hash = await passwords.hash(password)
    async with database.write() as connection:
        repository = AccountRepository(connection)
        known = await repository.find(_normal(email))
        if known is None:
            raise NotFound(f"There is no account with the address {email}")
        await repository.set_password(known.id, password_hash)
        await end_sessions(connection, known.id)


async def log_out(access: Access) -> None:
    """Revokes the token that was sent."""
    async with access.database.statement() as connection:
        await revoke_token(connection, access.principal.token_id)


def require_account(principal: Principal, account_id: str) -> str:
    """The caller's own account. Raises NotFound for any other, and for an organization's own token."""
    if principal.account_id is None or principal.account_id != account_id:
        raise NotFound("There is no such account")
    return account_id


async def get_account(access: Access, account_id: str, selection: Selection) -> str:
    """The caller's own account, rendered. Raises NotFound."""
    async with access.database.read() as connection:
        found = await AccountRepository(connection).render(require_account(access.principal, account_id), selection)
    if found is None:
        raise NotFound("There is no such account")
    return found


async def account_email(access: Access) -> str | None:
    """The address of the caller's account; None for an organization's own token."""
    if access.principal.account_id is None:
        return None
    async with access.database.read() as connection:
        return await AccountRepository(connection).email(access.principal.account_id)


async def add_token(access: Access, account_id: str, ttl: int, scope: Scope) -> AccessToken:
    """Another token for the caller's account and environment. Raises NotFound, and Forbidden with one that may only read."""
    require_account(access.principal, account_id)
    access.require_write()
    async with access.database.write() as connection:
        return await issue_session(
            connection, account_id, ttl=ttl, scope=scope, environment=access.principal.environment
        )


async def list_tokens(access: Access, account_id: str, most: int) -> list[AccessToken]:
    """At most so many tokens of the caller's account, the newest first, each named by its id. Raises NotFound."""
    require_account(access.principal, account_id)
    async with access.database.read() as connection:
        return await list_account_tokens(connection, account_id, most)


async def remove_token(access: Access, account_id: str, named: str) -> bool:
    """Whether the caller's account had a token of this id, or this very token; it opens nothing any more."""
    require_account(access.principal, account_id)
    access.require_write()
    async with access.database.statement() as connection:
        return await revoke_account_token(connection, account_id, named)
