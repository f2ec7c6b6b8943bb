"""Logins in the service: the cost of each attempt, and changes that happen during one."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from app.accounts.limits import AccountLimits
from app.accounts.passwords import Passwords
from app.accounts.service import LoginDesk, LoginFailed, create_account, log_in, set_password
from app.auth import Caller
from app.config import Config
from app.errors import TooMany
from app.mail.files import NO_FILES
from app.privacy.policy import Retention
from app.privacy.worker import RetentionWorker
from app.storage.database import Database

EMAIL = "ana@studio.example"


def desk(database: Database, passwords: Passwords | None = None, source: str = "192.0.2.1") -> LoginDesk:
    return LoginDesk(database, passwords or Passwords(1), AccountLimits.of(Config()), source)


async def fail(desk: LoginDesk, email: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(LoginFailed):
            await log_in(desk, email, "wrong", 60)


async def is_limited(desk: LoginDesk, email: str) -> bool:
    try:
        await log_in(desk, email, "the right one", 60)
    except TooMany:
        return True
    return False


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
    await set_password(database, Passwords(1), EMAIL, "the right one")
    return account_id


async def test_every_attempt_verifies_one_password(database: Database, account: str) -> None:
    await create_account(database, "keys-only@studio.example")
    for email in (EMAIL, "keys-only@studio.example", "nobody@studio.example", "nobody"):
        watched = Watched()
        with pytest.raises(LoginFailed):
            await log_in(desk(database, watched), email, "wrong", 60)
        assert watched.verified == 1
    made = await log_in(desk(database, Watched()), EMAIL, "the right one", 60)
    assert (await Caller((made.name,), database).principal()).account_id == account


@pytest.mark.usefixtures("account")
async def test_a_password_that_changes_during_a_login_is_rejected(database: Database) -> None:
    async def change() -> None:
        await set_password(database, Passwords(1), EMAIL, "a newer one")

    with pytest.raises(LoginFailed):
        await log_in(desk(database, Watched(change)), EMAIL, "the right one", 60)
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM access_tokens")) == 0
    await log_in(desk(database), EMAIL, "a newer one", 60)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    "spelling", ["ANA@studio.example", "ana@STUDIO.example", " ana@studio.example ", "\u200bana@studio.example"]
)
async def test_every_spelling_of_an_address_counts_as_one(database: Database, spelling: str) -> None:
    await fail(desk(database), EMAIL, 5)
    await fail(desk(database), spelling, 5)
    assert await is_limited(desk(database), EMAIL)
    assert await is_limited(desk(database), spelling)


async def test_a_dotted_capital_i_is_a_spelling_of_i(database: Database) -> None:
    """PostgreSQL writes İ in lower case as i. Python writes it as i and a combining dot."""
    await create_account(database, "mimi@studio.example")
    await set_password(database, Passwords(1), "mimi@studio.example", "the right one")
    await fail(desk(database), "m\u0130mi@studio.example", 4)
    await fail(desk(database), "mim\u0130@studio.example", 3)
    await fail(desk(database), "MIMI@studio.example", 3)
    assert await is_limited(desk(database), "mimi@studio.example")
    assert await is_limited(desk(database), "m\u0130m\u0130@studio.example")


@pytest.mark.usefixtures("account")
async def test_a_stranger_does_not_lock_the_owner_out(database: Database) -> None:
    stranger, owner = desk(database, source="198.51.100.7"), desk(database)
    await fail(stranger, EMAIL, 10)
    assert await is_limited(stranger, EMAIL)
    assert not await is_limited(owner, EMAIL)
    assert await is_limited(stranger, EMAIL)


@pytest.mark.usefixtures("account")
async def test_many_strangers_do_not_lock_out_a_source_that_has_logged_in(database: Database) -> None:
    owner, new_place = desk(database), desk(database, source="203.0.113.9")
    assert not await is_limited(owner, EMAIL)
    for number in range(10):
        await fail(desk(database, source=f"198.51.100.{number}"), EMAIL, 10)
    assert await is_limited(desk(database, source="198.51.100.77"), EMAIL)
    assert await is_limited(new_place, EMAIL)
    assert not await is_limited(owner, EMAIL)


async def test_one_source_cannot_try_many_addresses(database: Database) -> None:
    sprayer = desk(database)
    for number in range(100):
        await fail(sprayer, f"somebody{number}@studio.example", 1)
    with pytest.raises(TooMany) as limited:
        await log_in(sprayer, "another@studio.example", "wrong", 60)
    assert limited.value.quota
    assert (limited.value.quota.name, limited.value.quota.amount) == ("source-logins", 100)
    await fail(desk(database, source="203.0.113.9"), "another@studio.example", 1)


@pytest.mark.usefixtures("account")
async def test_an_attempt_that_is_rejected_does_not_count(database: Database) -> None:
    """Otherwise one source would use up the limit of the address alone."""
    stranger = desk(database, source="198.51.100.7")
    await fail(stranger, EMAIL, 10)
    attempts = [log_in(stranger, EMAIL, "wrong", 60) for _ in range(100)]
    assert {type(error) for error in await asyncio.gather(*attempts, return_exceptions=True)} == {TooMany}
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT max(count) FROM limit_counts")) == 10


@pytest.mark.usefixtures("account")
async def test_a_right_password_does_not_clear_the_failures_of_strangers(database: Database) -> None:
    await fail(desk(database, source="198.51.100.7"), EMAIL, 3)
    await fail(desk(database), EMAIL, 4)
    assert not await is_limited(desk(database), EMAIL)
    async with database.read() as connection:
        rows = await connection.execute(text("SELECT kind, count FROM limit_counts WHERE kind != 'known-source'"))
    assert sorted(tuple(row) for row in rows) == [
        ("email-logins", 7),
        ("logins", 0),
        ("logins", 3),
        ("source-logins", 3),
        ("source-logins", 4),
    ]


async def test_limits_that_are_off_count_nothing(database: Database) -> None:
    free = LoginDesk(database, Passwords(1), AccountLimits(0, 0, 0, 0, 0), "192.0.2.1")
    await fail(free, EMAIL, 12)
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM limit_counts")) == 0


async def test_counts_of_windows_that_have_ended_are_deleted(database: Database) -> None:
    await fail(desk(database), EMAIL, 1)
    async with database.write() as connection:
        await connection.execute(text("UPDATE limit_counts SET ends_at = now() - interval '1 s' WHERE kind = 'logins'"))
    assert await RetentionWorker(database, NO_FILES, Retention.of(Config())).clean() == {"counts of limits": 1}
    async with database.read() as connection:
        kinds = await connection.scalars(text("SELECT kind FROM limit_counts ORDER BY kind"))
    assert kinds == ["email-logins", "source-logins"]
