"""A follower reads dropped changes in pieces of a bounded size, and they count toward its owner's unsent bytes."""

from app.changes import replay
from app.changes.feed import Feed
from app.changes.replay import Replay
from app.storage.database import Database
from tests.changes.conftest import beginning

HOME = "a" * 24
ADD_LARGE = """
INSERT INTO client_changes (transaction, organization_id, client_id, version, action, actor, before, after)
SELECT begin_change($1), $1, $2, 1, 'updated', 'test', '{}', jsonb_build_object('id', $2::text, 'note', repeat('x', $3::int))
RETURNING id
"""
SIZE = 100_000


async def add_large(database: Database, count: int) -> list[int]:
    async with database.write() as connection:
        return [await connection.driver.fetchval(ADD_LARGE, HOME, "c" * 24, SIZE) for _ in range(count)]


async def behind(database: Database, numbers: list[int]) -> Feed:
    """A feed that has dropped all changes."""
    feed = Feed(await beginning(database))
    feed.floor = feed.settled = numbers[-1]
    return feed


async def test_changes_are_read_up_to_a_size_each_once_and_in_order(database: Database) -> None:
    numbers = await add_large(database, 20)
    feed, seen, after = await behind(database, numbers), list[int](), 0
    reads = Replay(database, HOME, 0)
    while after < feed.settled:
        changes, after = await reads.read(feed, after)
        assert 0 < sum(change.size for change in changes) <= replay.CHUNK.characters + 3 * SIZE + 3000
        seen += [change.number for change in changes]
    assert seen == numbers


async def test_the_bytes_count_as_unsent_until_they_are_sent(database: Database) -> None:
    numbers, shares = await add_large(database, 8), database.pool.shares
    feed = await behind(database, numbers)
    reads = Replay(database.share("owner"), HOME, 0)
    changes, after = await reads.read(feed, 0)
    held = shares.unsent["owner"]
    assert sum(change.size for change in changes) <= held < shares.answer_cap
    reads.end()
    assert shares.unsent == {}
    await reads.read(feed, after)
    reads.end()
    assert shares.unsent == {}


async def test_an_owner_with_too_many_unsent_bytes_waits(database: Database) -> None:
    numbers, shares = await add_large(database, 8), database.pool.shares
    feed = await behind(database, numbers)
    reads = Replay(database.share("owner"), HOME, 0)
    shares.receive("owner", 3 * shares.answer_cap)
    assert await reads.read(feed, 0) == ([], 0)
    shares.forget("owner", 3 * shares.answer_cap)
    assert shares.unsent == {}
    changes, after = await reads.read(feed, 0)
    assert [change.number for change in changes] == numbers[: len(changes)]
    assert after >= changes[-1].number
    reads.end()
