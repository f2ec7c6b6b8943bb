"""Logins in the service: the cost of each attempt, and changes that happen during one."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from app.accounts.passwords import Passwords
from app.accounts.service import LoginFailed, create_account, log_in, set_password
from app.auth import Caller
from app.storage.database import Database

EMAIL = "ana@studio.example"


class Watched(Passwords):
    """Counts verified passwords, and runs something meanwhile."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__(1)
        self.verified = 0
        self.meanwhile = meanwhile

    async def verify(self, stored: str | None, password: str) -> bool:
        self.verified += 1
        right = await super().verify(stored, password)
        if self.meanwhile is not None:
            await self.meanwhile()
        return right


@pytest.fixture
async def account(database: Database) -> str:
    account_id = await create_account(database, EMAIL)
    await set_password(database, Passwords(1), EMAIL, "right")
    return account_id


async def test_every_attempt_verifies_one_password(database: Database, account: str) -> None:
    await create_account(database, "keys-only@studio.example")
    for email in (EMAIL, "keys-only@studio.example", "nobody@studio.example", "nobody"):
        watched = Watched()
        with pytest.raises(LoginFailed):
            await log_in(database, watched, email, "wrong", 60)
        assert watched.verified == 1
    made = await log_in(database, Watched(), EMAIL, "right", 60)
    assert (await Caller((made.name,), database).principal()).account_id == account


@pytest.mark.usefixtures("account")
async def test_a_password_that_changes_during_a_login_is_rejected(database: Database) -> None:
    async def change() -> None:
        await set_password(database, Passwords(1), EMAIL, "new")

    with pytest.raises(LoginFailed):
        await log_in(database, Watched(change), EMAIL, "right", 60)
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM access_tokens")) == 0
    await log_in(database, Passwords(1), EMAIL, "new", 60)


async def test_old_failures_are_deleted_by_later_ones(database: Database) -> None:
    async with database.write() as connection:
        old = "SELECT int4send(n), 3, now() - interval '16 minutes' FROM generate_series(1, 30) n"
        await connection.execute(text(f"INSERT INTO login_failures (hash, failures, since) {old}"))
    for left in (11, 1, 1):
        with pytest.raises(LoginFailed):
            await log_in(database, Passwords(1), "nobody@studio.example", "wrong", 60)
        async with database.read() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM login_failures")) == left
