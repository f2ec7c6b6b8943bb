"""Followers get every change once and in order, even if the changes become visible in another order."""

import asyncio
from contextlib import aclosing, suppress

import pytest

from app.auth import Access
from app.changes.reader import ChangeReader
from app.changes.repository import ChangeRepository
from app.changes.service import follow_changes
from app.errors import ChangesReset, Malformed, NotFound
from app.storage.database import Database
from app.storage.deadline import time_limit
from app.storage.listener import NAME
from tests.changes.conftest import NEVER, add_change, beginning, cursor, last_position, reading, take
from tests.conftest import opened
from tests.seeding import principal

HOME, OTHER = "a" * 24, "b" * 24


async def test_a_change_that_is_committed_after_a_later_one_is_not_missed(database: Database) -> None:
    async with reading(database) as reader, aclosing(reader.follow(HOME, await beginning(database), 0)) as changes:
        following = asyncio.create_task(take(changes, 2))
        async with database.write() as slow:
            first = await add_change(slow, HOME)
            async with database.write() as quick:
                second = await add_change(quick, HOME)
            assert first < second
            async with database.write() as connection:
                await add_change(connection, OTHER)
            await asyncio.wait([following], timeout=0.2)
            assert not following.done()
        assert await following == [first, second]


async def test_a_change_that_is_rolled_back_delays_no_other(database: Database) -> None:
    async with reading(database) as reader, aclosing(reader.follow(HOME, await beginning(database), 0)) as changes:
        with suppress(ZeroDivisionError):
            async with database.write() as connection:
                await add_change(connection, HOME)
                raise ZeroDivisionError
        async with database.write() as connection:
            number = await add_change(connection, HOME)
        assert await take(changes, 1) == [number]


async def test_many_writers_at_once_in_two_readers(database: Database, database_url: str) -> None:
    """Each reader delivers each change once and in order; a third follower leaves and comes back all the time."""

    async def write() -> None:
        for index in range(15):
            async with database.write() as connection:
                await add_change(connection, HOME if index % 3 else OTHER)
                await asyncio.sleep(0.001 * (index % 4))
                await add_change(connection, HOME)

    async def follow_in_pieces(reader: ChangeReader) -> list[int]:
        numbers: list[int] = []
        while len(numbers) < 4 * 25:
            after = numbers[-1] if numbers else 0
            async with aclosing(reader.follow(HOME, await beginning(database), after)) as changes:
                numbers += await take(changes, min(7, 4 * 25 - len(numbers)))
        return numbers

    async with (
        opened(database_url) as second,
        reading(database, notifies=True) as one,
        reading(second) as two,
        aclosing(one.follow(HOME, await beginning(database), 0)) as first,
        aclosing(two.follow(HOME, await beginning(database), 0)) as other,
    ):
        told = asyncio.gather(take(first, 100), take(other, 100), follow_in_pieces(two))
        await asyncio.gather(*(write() for _ in range(4)))
        seen = await told
    async with database.read() as connection:
        rows = await connection.driver.fetch(
            "SELECT id FROM client_changes WHERE organization_id = $1 ORDER BY id", HOME
        )
    assert list(seen) == [[row[0] for row in rows]] * 3


async def test_a_follower_without_a_cursor_gets_what_is_not_yet_committed(database: Database) -> None:
    async with database.write() as connection:
        await add_change(connection, HOME)
    async with reading(database, poll=NEVER) as reader:
        async with database.write() as connection:
            await add_change(connection, HOME)
        async with database.write() as open_already:
            first = await add_change(open_already, HOME)
            async with database.write() as connection:
                await add_change(connection, HOME)
            changes = await follow_changes(access_of(database), reader, HOME, None)
        async with database.write() as connection:
            second = await add_change(connection, HOME)
        async with aclosing(changes):
            following = asyncio.create_task(take(changes, 2))
            await asyncio.sleep(0)
            reader.wake()
            assert await following == [first, second]


async def test_a_follower_with_a_cursor_goes_on_after_it(database: Database) -> None:
    async with database.write() as connection:
        numbers = [await add_change(connection, HOME if index % 2 else OTHER) for index in range(400)]
    ours = numbers[1::2]
    async with reading(database) as reader:
        changes = await follow_changes(access_of(database), reader, HOME, await cursor(database, HOME, ours[10]))
        async with aclosing(changes):
            assert await take(changes, len(ours) - 11) == ours[11:]


def access_of(database: Database) -> Access:
    return Access(database, principal(HOME))


async def test_an_organization_or_a_cursor_that_is_not_the_callers_is_rejected(database: Database) -> None:
    async with database.write() as connection:
        await add_change(connection, HOME)
    async with reading(database) as reader:
        with pytest.raises(NotFound):
            await follow_changes(access_of(database), reader, OTHER, None)
        for text in (
            await cursor(database, OTHER, 1),
            "x",
            await cursor(database, HOME, (await last_position(database)).number + 1),
        ):
            with pytest.raises(Malformed):
                await follow_changes(access_of(database), reader, HOME, text)
        changes = await follow_changes(
            access_of(database), reader, HOME, await cursor(database, HOME, (await last_position(database)).number)
        )
        await changes.aclose()


async def test_a_notice_wakes_a_reader_in_another_process(database: Database, database_url: str) -> None:
    async with (
        opened(database_url) as second,
        reading(database, notifies=True),
        reading(second, poll=NEVER) as reader,
        aclosing(reader.follow(HOME, await beginning(database), 0)) as changes,
    ):
        following = asyncio.create_task(take(changes, 1))
        await listening(database)
        async with database.write() as connection:
            number = await add_change(connection, HOME)
        assert await following == [number]


async def test_a_notice_is_sent_after_the_deadline_of_its_writer(database: Database, database_url: str) -> None:
    async with (
        opened(database_url) as second,
        reading(database, notifies=True),
        reading(second, poll=NEVER) as reader,
        aclosing(reader.follow(HOME, await beginning(database), 0)) as changes,
    ):
        following = asyncio.create_task(take(changes, 1))
        await listening(database)
        async with database.read() as connection:
            number = await add_change(connection, HOME)
        assert database.on_commit is not None
        with time_limit(-1):
            database.on_commit()
        assert await following == [number]


async def test_a_lost_notice_delays_a_change_by_a_poll_and_a_lost_connection_is_opened_again(
    database: Database,
) -> None:
    async with (
        reading(database, poll=0.2) as reader,
        aclosing(reader.follow(HOME, await beginning(database), 0)) as changes,
    ):
        following = asyncio.create_task(take(changes, 1))
        first = await listening(database)
        async with database.write() as connection:
            await connection.driver.execute("SELECT pg_terminate_backend($1)", first)
            number = await add_change(connection, HOME)
        assert await following == [number]
        assert await listening(database, other_than=first) != first


async def listening(database: Database, other_than: int = 0) -> int:
    """The id of the server process of the connection that listens for notices, once there is one."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()"
        " AND pid <> $2 AND query LIKE 'LISTEN%'"
    )
    async with asyncio.timeout(20):
        while True:
            async with database.read() as connection:
                process: int | None = await connection.driver.fetchval(query, NAME, other_than)
            if process is not None:
                return process
            await asyncio.sleep(0.02)


async def test_a_reader_outlives_a_database_that_is_away(database_url: str, database: Database) -> None:
    async with (
        opened(database_url) as second,
        reading(second) as reader,
        aclosing(reader.follow(HOME, await beginning(database), 0)) as changes,
    ):
        following = asyncio.create_task(take(changes, 1))
        await asyncio.sleep(0.05)
        address, second.pool.connector.url = second.pool.connector.url, "postgresql://nobody@127.0.0.1:1/none"
        async with database.write() as connection:
            await connection.driver.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            number = await add_change(connection, HOME)
        await asyncio.wait([following], timeout=0.1)
        second.pool.connector.url = address
        assert await following == [number]


async def test_open_transactions_of_others_delay_nothing(database: Database) -> None:
    async with (
        reading(database) as reader,
        aclosing(reader.follow(HOME, await beginning(database), 0)) as changes,
        database.write() as without_changes,
        database.write() as of_another,
    ):
        await without_changes.driver.execute("CREATE TABLE anything ()")
        await add_change(of_another, OTHER)
        async with database.write() as connection:
            number = await add_change(connection, HOME)
        assert await take(changes, 1) == [number]
        await without_changes.driver.execute("DROP TABLE anything")


async def test_an_organization_is_told_of_as_delayed_while_a_transaction_holds_its_changes_back(
    database: Database,
) -> None:
    async with reading(database) as reader, aclosing(reader.follow(HOME, await beginning(database), 0)) as changes:
        following = asyncio.create_task(take(changes, 2))
        async with database.write() as connection:
            await add_change(connection, HOME)
            async with database.write() as later:
                await add_change(later, HOME)
            async with asyncio.timeout(20):
                while not reader.delay.seconds:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert reader.delay.began.keys() == {HOME}
        assert len(await following) == 2
        async with asyncio.timeout(20):
            while reader.delay.seconds:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_transaction_takes_one_lock_for_all_changes_of_an_organization(database: Database) -> None:
    count = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    async with database.write() as connection:
        for _ in range(50):
            await add_change(connection, HOME)
        assert await connection.driver.fetchval(count) == 1
        await add_change(connection, OTHER)
        assert await connection.driver.fetchval(count) == 2


async def test_a_reader_finds_the_start_of_a_writer_in_every_part_of_the_numbers(database: Database) -> None:
    """A lock holds 31 bits of the number. Numbers near their limit are read back whole."""
    limit = 2**31
    for number in (1, limit - 2, limit - 1, limit, limit + 1, 5 * limit - 1, 5 * limit):
        async with database.write() as writer, database.read() as connection:
            await connection.driver.execute("SELECT setval('client_changes_id_seq', $1)", number)
            await add_change(writer, HOME)
            for _ in range(3):
                await connection.driver.execute("SELECT nextval('client_changes_id_seq')")
            repository = ChangeRepository(connection)
            last = (await repository.last_position()).number
            assert await repository.settled_numbers([HOME, OTHER], last) == {HOME: number, OTHER: last}
            assert await repository.settled_numbers([HOME], number - 1) == {HOME: number - 1}


async def test_followers_are_told_when_the_numbers_begin_anew(database: Database) -> None:
    async with database.write() as connection:
        numbers = [await add_change(connection, HOME) for _ in range(3)]
    old = await cursor(database, HOME, numbers[-1])
    async with reading(database) as reader:
        following = await follow_changes(access_of(database), reader, HOME, await cursor(database, HOME, 0))
        assert await take(following, 3) == numbers
        async with database.read() as connection:
            await connection.driver.execute("DELETE FROM client_changes")
            await connection.driver.execute("SELECT setval('client_changes_id_seq', 1, false)")
        with pytest.raises(ChangesReset):
            await take(following, 1)
        with pytest.raises(Malformed):
            await follow_changes(access_of(database), reader, HOME, old)
        again = await follow_changes(access_of(database), reader, HOME, None)
        async with aclosing(again), database.write() as connection:
            await add_change(connection, HOME)
