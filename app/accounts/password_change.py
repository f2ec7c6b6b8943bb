"""The change of the password of an account by its owner."""

from dataclasses import dataclass

from app.accounts.password_rules import password_problems
from app.accounts.repository import AccountRepository
from app.accounts.service import (
    LoginDesk,
    LoginFailed,
    admit_login,
    find_own_account,
    settle_login_attempt,
    verify_password,
)
from app.auth import Access
from app.errors import AccountTokenRequired, IdempotencyKeyReused, Invalid, Malformed
from app.idempotency import RequestKey, StoredResponse, claim, find_stored, remember
from app.tokens import end_sessions


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """The current and the new password. The hash of the request in `key` has none of them, because it is a fast hash."""

    old: str
    new: object
    key: RequestKey | None = None


async def change_password(desk: LoginDesk, access: Access, change: PasswordChange) -> None:
    """Changes the password of the caller's account, and ends all its logins but the caller's own.

    A wrong old password counts as a failed login. A request that comes again with its key changes nothing, if the new
    password is the password of the account. Raises Invalid for the new password and Malformed for the old one, TooMany,
    IdempotencyKeyReused, and Forbidden for a token that may only read or belongs to an organization.
    """
    access.require_write()
    account = await find_own_account(access)
    if account is None:
        raise AccountTokenRequired("The token belongs to an organization, which has no password")
    async with access.database.read() as connection:
        names = await AccountRepository(connection).find_names(account.id)
        repeated = change.key is not None and await find_stored(connection, change.key) is not None
    problems = password_problems(change.new, names, "newPassword")
    if problems:
        raise Invalid(problems)
    try:
        await (_confirm if repeated else _change)(desk, account.email, access.principal.token_id, change)
    except LoginFailed as error:
        if repeated:
            raise IdempotencyKeyReused("The idempotency key was used for another password.") from error
        raise Malformed("Invalid current password", "oldPassword", code="INVALID_PASSWORD") from error


async def _change(desk: LoginDesk, email: str, token_id: str, change: PasswordChange) -> None:
    """Raises LoginFailed if the old password is not the one of the account."""
    attempt = await admit_login(desk, email)
    async with desk.passwords.turn(desk.source):
        await verify_password(desk, attempt, change.old)
        password_hash = await desk.passwords.hash(str(change.new))
    async with desk.database.write() as connection:
        await settle_login_attempt(connection, desk, attempt)
        await AccountRepository(connection).set_password(attempt.credentials.id, password_hash)
        await end_sessions(connection, attempt.credentials.id, token_id)
        if change.key is not None and await claim(connection, change.key) is None:
            await remember(connection, change.key, StoredResponse(200, b""), None)


async def _confirm(desk: LoginDesk, email: str, token_id: str, change: PasswordChange) -> None:
    """Raises LoginFailed if the new password is not the one of the account."""
    attempt = await admit_login(desk, email)
    async with desk.passwords.turn(desk.source):
        await verify_password(desk, attempt, str(change.new))
    async with desk.database.write() as connection:
        await settle_login_attempt(connection, desk, attempt)
