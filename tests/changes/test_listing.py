"""Listed changes: settled ones only, each once and in order, also when a caller pages and then follows."""

import asyncio
import random
from contextlib import aclosing

import pytest

from app.auth import Access
from app.changes.page_statements import (
    HISTORY_BOUNDS,
    HISTORY_LENGTHS,
    changes_statement,
    count_statement,
    followed_statement,
    get_statement,
    history_statement,
    numbers_statement,
)
from app.changes.reader import ChangeReader
from app.changes.record import EVERY_CHANGE, ChangeFilter, write_change_cursor
from app.changes.service import ChangePage, ChangeQuery, follow_changes, list_changes
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.errors import ChangesReset, Malformed, NotFound
from app.query.request import CursorArgument, PageArguments
from app.storage.database import Database
from tests.changes.conftest import add_change, cursor, last_position, reading, take
from tests.clients.test_repository import explain
from tests.seeding import principal

HOME, OTHER = "a" * 24, "b" * 24
CLIENTS = [f"{index:024x}" for index in range(5)]
ACTIONS = ["created", "updated", "updated", "updated", "deleted", "erased"]
FILTERS = {
    "all": EVERY_CHANGE,
    "clients": ChangeFilter(client_ids=frozenset(CLIENTS[:2])),
    "actions": ChangeFilter(actions=frozenset({"created", "deleted"})),
    "both": ChangeFilter(frozenset(CLIENTS[1:4]), frozenset({"updated", "erased"})),
    "nothing": ChangeFilter(client_ids=frozenset()),
}


def access_of(database: Database) -> Access:
    return Access(database, principal(HOME))


async def page(
    database: Database,
    wanted: ChangeFilter = EVERY_CHANGE,
    limit: int = 100,
    *,
    after: str | None = None,
    before: str | None = None,
    backward: bool = False,
) -> ChangePage:
    arguments = PageArguments(
        limit,
        after=None if after is None else CursorArgument("after", after),
        before=None if before is None else CursorArgument("before", before),
        backward=backward,
    )
    query = ChangeQuery(HOME, GRAPHQL_CLIENT, wanted)
    return await list_changes(access_of(database), query, arguments, bounds=True, total=True)


def numbers_of(found: ChangePage) -> list[int]:
    return [change.number for change in found.rows.rows]


async def add_some(database: Database, count: int) -> list[tuple[int, str, str]]:
    """Adds changes of two organizations. Returns the number, the client and the action of those of HOME."""
    chance, added = random.Random(count), []
    async with database.write() as connection:
        for index in range(count):
            client, action = chance.choice(CLIENTS), chance.choice(ACTIONS)
            home = OTHER if index % 4 == 0 else HOME
            number = await add_change(connection, home, client, action)
            if home == HOME:
                added.append((number, client, action))
    return added


def matching(added: list[tuple[int, str, str]], wanted: ChangeFilter) -> list[int]:
    return [
        number
        for number, client, action in added
        if (wanted.client_ids is None or client in wanted.client_ids)
        and (wanted.actions is None or action in wanted.actions)
    ]


@pytest.mark.parametrize("name", FILTERS)
async def test_pages_in_both_directions_hold_every_wanted_change_once(database: Database, name: str) -> None:
    wanted = FILTERS[name]
    expected = matching(await add_some(database, 80), wanted)
    for limit in (1, 7, 100):
        seen: list[int] = []
        after, more = None, True
        while more:
            found = await page(database, wanted, limit, after=after)
            assert found.rows.has_previous is bool(seen)
            assert found.total == len(expected)
            seen += numbers_of(found)
            more = found.rows.has_next
            assert more is (len(seen) < len(expected))
            after = await cursor(database, HOME, seen[-1]) if seen else None
        assert seen == expected
        before, more = None, True
        while more:
            found = await page(database, wanted, limit, before=before, backward=True)
            assert found.rows.has_next is (before is not None and bool(expected))
            seen = numbers_of(found) + seen if before is not None else numbers_of(found)
            more = found.rows.has_previous
            before = await cursor(database, HOME, seen[0]) if seen else None
        assert seen == expected


async def test_a_page_between_two_cursors_tells_what_lies_outside(database: Database) -> None:
    numbers = [number for number, _, _ in await add_some(database, 40)]
    after, before = [await cursor(database, HOME, numbers[index]) for index in (3, 8)]
    found = await page(database, after=after, before=before)
    assert (numbers_of(found), found.rows.has_previous, found.rows.has_next) == (numbers[4:8], True, True)
    found = await page(database, after=await cursor(database, HOME, 0), limit=2)
    assert (numbers_of(found), found.rows.has_previous, found.rows.has_next) == (numbers[:2], False, True)


async def test_a_change_is_listed_once_no_earlier_one_can_appear(database: Database) -> None:
    async with database.write() as slow:
        first = await add_change(slow, HOME)
        async with database.write() as quick:
            second = await add_change(quick, HOME)
        found = await page(database)
        assert (numbers_of(found), found.rows.has_next, found.total) == ([], False, 0)
        assert found.settled.number < first
    assert numbers_of(await page(database)) == [first, second]


@pytest.mark.parametrize("name", ["all", "clients", "actions", "both"])
async def test_a_caller_that_pages_and_then_follows_gets_every_change_once(database: Database, name: str) -> None:
    """Writers keep transactions open for random times, so that numbers are committed out of order."""
    wanted, chance = FILTERS[name], random.Random(name)

    async def write(seed: int) -> None:
        own = random.Random(seed)
        for _ in range(15):
            async with database.write() as connection:
                await add_change(connection, HOME, own.choice(CLIENTS), own.choice(ACTIONS))
                await asyncio.sleep(own.uniform(0, 0.01))
                await add_change(connection, own.choice((HOME, OTHER)), own.choice(CLIENTS), own.choice(ACTIONS))

    async def catch_up(after: str | None) -> list[tuple[int, str]]:
        """The pages after a cursor, until one is the last. Each change comes with its cursor."""
        seen: list[tuple[int, str]] = []
        more = True
        while more:
            found = await page(database, wanted, chance.randint(1, 4), after=after)
            epoch = found.settled.epoch
            seen += [(number, write_change_cursor(HOME, number, epoch)) for number in numbers_of(found)]
            more, after = found.rows.has_next, seen[-1][1] if seen else after
        return seen

    async def keep_up(reader: ChangeReader) -> list[int]:
        """Pages, follows for a while, and begins again with the last cursor, until all writers are done."""
        seen: list[tuple[int, str]] = []
        while True:
            ended = writing.done()
            seen += await catch_up(seen[-1][1] if seen else None)
            if ended:
                return [number for number, _ in seen]
            after = seen[-1][1] if seen else await cursor(database, HOME, 0)
            async with aclosing(await follow_changes(access_of(database), reader, HOME, after, wanted)) as changes:
                for _ in range(chance.randint(1, 5)):
                    try:
                        change = await asyncio.wait_for(anext(changes), 0.05)
                    except TimeoutError:
                        break
                    seen.append((change.number, write_change_cursor(HOME, change.number, change.epoch)))

    writing = asyncio.gather(*(write(seed) for seed in range(4)))
    async with reading(database, notifies=True) as reader, asyncio.timeout(60):
        told = await asyncio.gather(*(keep_up(reader) for _ in range(3)))
    await writing
    assert told[0] == told[1] == told[2]
    async with database.read() as connection:
        rows = await connection.driver.fetch(
            "SELECT id, client_id, action FROM client_changes WHERE organization_id = $1 ORDER BY id", HOME
        )
    assert told[0] == matching([tuple(row) for row in rows], wanted)


async def test_a_follower_with_a_filter_gets_its_old_changes_from_the_table(database: Database) -> None:
    """The wanted changes are older than all that the feed keeps, with more than one read of others in between."""
    async with database.write() as connection:
        rare = [await add_change(connection, HOME, CLIENTS[0])]
        for _ in range(400):
            await add_change(connection, HOME, CLIENTS[1])
        rare.append(await add_change(connection, HOME, CLIENTS[0], "deleted"))
    start = await cursor(database, HOME, 0)
    for wanted in (ChangeFilter(client_ids=frozenset(CLIENTS[:1])), ChangeFilter(actions=frozenset({"deleted"}))):
        expected = rare if wanted.actions is None else rare[1:]
        async with reading(database) as reader:
            changes = await follow_changes(access_of(database), reader, HOME, start, wanted)
            async with aclosing(changes), asyncio.timeout(20):
                assert [(await anext(changes)).number for _ in expected] == expected


async def test_a_foreign_organization_and_a_foreign_cursor_are_rejected(database: Database) -> None:
    await add_some(database, 4)
    arguments = PageArguments(10)
    with pytest.raises(NotFound):
        await list_changes(
            access_of(database), ChangeQuery(OTHER, GRAPHQL_CLIENT), arguments, bounds=False, total=False
        )
    last = await last_position(database)
    for text in (await cursor(database, OTHER, 1), "x", await cursor(database, HOME, last.number + 1)):
        with pytest.raises(Malformed):
            await page(database, after=text)
        with pytest.raises(Malformed) as raised:
            await page(database, before=text)
        assert raised.value.field == "before"


DROP_IMAGES = "UPDATE client_changes SET before = NULL, after = NULL WHERE id <= $1"


async def test_a_cursor_before_expired_images_is_reset(database: Database) -> None:
    added = await add_some(database, 60)
    old = added[20][0]
    async with database.write() as connection:
        await connection.driver.execute(DROP_IMAGES, old)
    kept = [number for number, _, _ in added if number > old]
    assert numbers_of(await page(database, after=await cursor(database, HOME, old))) == kept
    lost = next(index for index in range(20, -1, -1) if is_lost(added, index))
    before_lost = await cursor(database, HOME, added[lost][0] - 1)
    with pytest.raises(ChangesReset, match="older than the service keeps them"):
        await page(database, after=before_lost)
    async with reading(database) as reader:
        changes = await follow_changes(access_of(database), reader, HOME, before_lost)
        async with aclosing(changes):
            with pytest.raises(ChangesReset):
                await take(changes, len(added))
    assert len(numbers_of(await page(database))) == len(added)


def is_lost(added: list[tuple[int, str, str]], index: int) -> bool:
    """True if only the retention can have dropped the images of a change: its person is not erased by it or later."""
    _, client, _ = added[index]
    return all((other, action) != (client, "erased") for _, other, action in added[index:])


async def test_an_old_cursor_is_valid_for_a_filter_that_has_lost_nothing(database: Database) -> None:
    async with database.write() as connection:
        old = [await add_change(connection, HOME, CLIENTS[0]) for _ in range(5)]
        new = await add_change(connection, HOME, CLIENTS[1])
        await connection.driver.execute(DROP_IMAGES, old[-1])
    start = await cursor(database, HOME, 0)
    wanted = ChangeFilter(client_ids=frozenset(CLIENTS[1:2]))
    assert numbers_of(await page(database, wanted, after=start)) == [new]


async def test_images_of_erased_persons_are_not_expired(database: Database) -> None:
    async with database.write() as connection:
        first = await add_change(connection, HOME, CLIENTS[0])
        second = await add_change(connection, HOME, CLIENTS[0], "erased")
        await connection.driver.execute(DROP_IMAGES, second)
    assert numbers_of(await page(database, after=await cursor(database, HOME, 0))) == [first, second]


SEED = """
INSERT INTO client_changes (transaction, organization_id, client_id, version, action, actor, before, after)
SELECT pg_current_xact_id(), CASE WHEN n % 10 = 0 THEN $2 ELSE $1 END, lpad(to_hex(n % 500), 24, '0'), 1,
    CASE WHEN n % 1000 = 1 THEN 'erased' ELSE 'updated' END, 'test', '{}', '{}'
FROM generate_series(1, 20000) n
"""


async def test_no_statement_scans_the_table(database: Database) -> None:
    async with database.write() as connection:
        await connection.driver.execute(SEED, HOME, OTHER)
        await connection.driver.execute("ANALYZE client_changes")
    common = {"organization": HOME, "above": 9_000, "below": 2**60, "most": 101, "clients": CLIENTS}
    values = {**common, "actions": ["erased"], "organizations": [HOME], "numbers": [7, 8]}
    shapes = [(by_client, by_action) for by_client in (False, True) for by_action in (False, True)]
    faces = (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)
    pages = [
        *(
            changes_statement(face, *shape, backward)
            for face in faces
            for shape in shapes
            for backward in (False, True)
        ),
        *(followed_statement(*shape) for shape in shapes),
        *(numbers_statement(*shape) for shape in shapes),
    ]
    for statement in pages:
        nodes = await explain(database, statement, values)
        assert not [node for node in nodes if node["Node Type"] == "Seq Scan" and "Relation Name" in node]
        read = sum(node["Actual Rows"] * node["Actual Loops"] for node in nodes if "Index Name" in node)
        assert read <= 1_500
    records = {**values, "organizations": [HOME] * len(CLIENTS)}
    for statement in (
        *(history_statement(face, descending) for face in faces for descending in (False, True)),
        *(count_statement(*shape) for shape in shapes[1:]),
        HISTORY_BOUNDS,
        HISTORY_LENGTHS,
    ):
        nodes = await explain(database, statement, records)
        assert not [node for node in nodes if node["Node Type"] == "Seq Scan" and "Relation Name" in node]
    nodes = await explain(database, get_statement(GRAPHQL_CLIENT), values)
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan" and "Relation Name" in node]
