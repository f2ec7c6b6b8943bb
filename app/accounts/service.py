"""Use cases of accounts: sign-up, login, logout, the caller's own account and its tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.accounts.limits import AccountLimits, check_sign_ups, count_sign_up, login_counters, settle_login
from app.accounts.password_rules import check_password
from app.accounts.passwords import Passwords
from app.accounts.record import email_taken, read_sign_up
from app.accounts.repository import AccountDetails, AccountEntry, AccountRepository, Credentials
from app.auth import Access, Principal
from app.counts import Counter, check_counts, count_acts
from app.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.ids import new_id
from app.mail.addresses import check_address
from app.query.invisible import trim
from app.query.sql.render import Selection
from app.query.values import check_text
from app.storage.connection import Connection
from app.storage.database import Database
from app.storage.retries import retried
from app.tokens import (
    AccessToken,
    TokenTerms,
    delete_expired_sessions,
    end_sessions,
    issue_child_session,
    issue_session,
    list_account_tokens,
    revoke_account_token,
    revoke_token,
)


class LoginFailed(Unauthenticated):
    """No account has this address and this password. The caller does not learn which of them is wrong."""


@retried
async def create_account(database: Database, email: str) -> str:
    """Makes a verified account without a password and gives its id. Raises Conflict if the address has an account."""
    async with database.write() as connection:
        return await add_account(connection, email)


async def add_account(connection: Connection, email: str) -> str:
    """As `create_account`, in the caller's transaction."""
    account_id = new_id()
    values = {"id": account_id, "email": email, "email_verified": True, "custom": {}}
    if not await AccountRepository(connection).add(values):
        raise Conflict(f"There is an account with the address {email}")
    return account_id


async def verify_account(database: Database, email: str) -> None:
    """Records that the operator knows the owner of an account that signed up. Raises NotFound."""
    async with database.statement() as connection:
        if not await AccountRepository(connection).verify(_normalise(email)):
            raise NotFound(f"There is no account with the address {email}")


async def list_accounts(database: Database) -> list[AccountEntry]:
    """Every account, oldest first, for the operator."""
    async with database.read() as connection:
        return await AccountRepository(connection).list_all()


async def describe_account(database: Database, email: str) -> AccountDetails:
    """An account for the operator, also a deleted one. Raises NotFound."""
    async with database.read() as connection:
        details = await AccountRepository(connection).describe(_normalise(email))
    if details is None:
        raise NotFound(f"There is no account with the address {email}")
    return details


async def find_unverified(
    database: Database, *, email: str | None = None, organization_id: str | None = None
) -> list[str]:
    """The addresses of unverified accounts: the account with an address, and those that can access an organization."""
    async with database.read() as connection:
        repository = AccountRepository(connection)
        return await repository.find_unverified(email and _normalise(email), organization_id)


@dataclass(frozen=True, slots=True)
class LoginDesk:
    """The services behind sign-ups and logins that come from one source, which is a network of the internet."""

    database: Database
    passwords: Passwords
    limits: AccountLimits
    source: str = ""


async def sign_up(desk: LoginDesk, body: Mapping[str, Any], selection: Selection) -> str:
    """Makes an account and renders it. Raises TooMany, and Invalid, also for an address that has an account."""
    database, passwords = desk.database, desk.passwords
    values, password = read_sign_up(body)
    check_sign_ups(desk.limits, desk.source)
    if not await is_unique(database, values["email"]):
        raise email_taken(values["email"])
    async with passwords.turn(desk.source):
        async with database.write() as connection:
            await count_sign_up(connection, desk.limits, desk.source)
        password_hash = await passwords.hash(password)
    account_id = new_id()
    async with database.write() as connection:
        repository = AccountRepository(connection)
        if not await repository.add({**values, "id": account_id, "password_hash": password_hash}):
            raise email_taken(values["email"])
        return str(await repository.render(account_id, selection))


async def is_unique(database: Database, email: str) -> bool:
    """True if no account has the e-mail address."""
    async with database.read() as connection:
        return not await AccountRepository(connection).is_taken(_normalise(email))


def _normalise(email: str) -> str:
    """Normalises an e-mail address. Invalid text is returned unchanged; no account can match it."""
    try:
        return check_address(trim(check_text(email, "email")))
    except Invalid:
        return email


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A password that somebody sends for an address. `email` is its stored form."""

    address: str
    email: str
    credentials: Credentials
    counters: Sequence[Counter]


async def log_in(desk: LoginDesk, email: str, password: str, ttl: int) -> AccessToken:
    """A new token for all live organizations of the account.

    Each attempt counts as failed until its password is verified, under the stored form of the address. Raises
    LoginFailed, and TooMany over a limit of failures, also for an address without an account.
    """
    attempt = await admit_login(desk, _normalise(email))
    passwords, credentials = desk.passwords, attempt.credentials
    async with passwords.turn(desk.source):
        await verify_password(desk, attempt, password)
        needs_rehash = passwords.needs_rehash(str(credentials.password_hash))
        rehashed = await passwords.hash(password) if needs_rehash else None
    async with desk.database.write() as connection:
        await settle_login_attempt(connection, desk, attempt)
        if rehashed:
            await AccountRepository(connection).set_password(credentials.id, rehashed)
        await delete_expired_sessions(connection, credentials.id)
        return await issue_session(connection, credentials.id, TokenTerms(ttl))


async def admit_login(desk: LoginDesk, address: str) -> LoginAttempt:
    """The attempt to log in to an address. Raises TooMany."""
    async with desk.database.read() as connection:
        repository = AccountRepository(connection)
        stored_address = await repository.stored_form(address)
        credentials = await repository.find(address) or Credentials("", None)
        counters = await login_counters(connection, desk.limits, stored_address, desk.source)
        await check_counts(connection, counters)
    return LoginAttempt(address, stored_address, credentials, counters)


async def verify_password(desk: LoginDesk, attempt: LoginAttempt, password: str) -> None:
    """Counts the attempt, and verifies its password. Raises TooMany and LoginFailed."""
    async with desk.database.write() as connection:
        await count_acts(connection, attempt.counters)
    if not await desk.passwords.verify(attempt.credentials.password_hash, password):
        raise LoginFailed("login failed")


async def settle_login_attempt(connection: Connection, desk: LoginDesk, attempt: LoginAttempt) -> None:
    """Records a success. Raises LoginFailed if the password was changed meanwhile."""
    if await AccountRepository(connection).lock(attempt.address) != attempt.credentials:
        raise LoginFailed("login failed")
    await settle_login(connection, attempt.counters, attempt.email, desk.source)


async def set_password(database: Database, passwords: Passwords, email: str, password: str) -> None:
    """Sets the password of an account and ends the tokens of its logins. Raises NotFound and Invalid."""
    async with database.read() as connection:
        repository = AccountRepository(connection)
        credentials = await repository.find(_normalise(email))
        if credentials is None:
            raise NotFound(f"There is no account with the address {email}")
        names = await repository.find_names(credentials.id)
    password_hash = await passwords.hash(check_password(password, names))
    async with database.write() as connection:
        await AccountRepository(connection).set_password(credentials.id, password_hash)
        await end_sessions(connection, credentials.id)


async def log_out(access: Access) -> None:
    """Revokes the token of the request."""
    async with access.database.statement() as connection:
        await revoke_token(connection, access.principal.token_id)


def require_account(principal: Principal, account_id: str) -> str:
    """The id of the caller's own account. Raises NotFound for any other, and for an organization's own token."""
    if principal.account_id is None or principal.account_id != account_id:
        raise NotFound("There is no such account")
    return account_id


async def get_account(access: Access, account_id: str, selection: Selection) -> str:
    """The caller's own account, rendered. Raises NotFound."""
    async with access.database.read() as connection:
        account = await AccountRepository(connection).render(require_account(access.principal, account_id), selection)
    if account is None:
        raise NotFound("There is no such account")
    return account


async def find_own_account(access: Access) -> AccountEntry | None:
    """The caller's account; None for an organization's own token."""
    if access.principal.account_id is None:
        return None
    async with access.database.read() as connection:
        return await AccountRepository(connection).entry(access.principal.account_id)


async def get_own_accounts(access: Access, ids: Sequence[str], selection: Selection) -> dict[str, str]:
    """The account of `ids` that is the caller's, rendered, by its id."""
    own = access.principal.account_id
    if own is None or own not in ids:
        return {}
    async with access.database.read() as connection:
        json = await AccountRepository(connection).render(own, selection)
    return {} if json is None else {own: json}


@retried
async def add_token(access: Access, account_id: str, terms: TokenTerms) -> AccessToken:
    """Makes another token for the caller's account and environment. It does not outlive the caller's token.

    Raises NotFound, and Forbidden for a read-only token.
    """
    require_account(access.principal, account_id)
    access.require_write()
    async with access.database.write() as connection:
        return await issue_child_session(connection, access.principal, terms)


async def list_tokens(access: Access, account_id: str, most: int) -> list[AccessToken]:
    """At most `most` tokens of the caller's account, newest first, each named by its id. Raises NotFound.

    A sandbox token sees only sandbox tokens.
    """
    require_account(access.principal, account_id)
    async with access.database.read() as connection:
        return await list_account_tokens(connection, account_id, access.principal.environment, most)


async def remove_token(access: Access, account_id: str, name: str) -> bool:
    """Revokes a token of the caller's account by its id or its text. False if there is none, or if a sandbox token names
    a live one."""
    require_account(access.principal, account_id)
    access.require_write()
    async with access.database.statement() as connection:
        return await revoke_account_token(connection, account_id, access.principal.environment, name)
