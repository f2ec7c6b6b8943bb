"""Connections and the memory for answers are divided fairly among tenants, and the service keeps a reserve."""

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.errors import AnswerTooLarge, TooMany, Unavailable
from app.storage.database import Database
from app.storage.shares import LONGEST_QUEUE, Shares

WAIT = 30.0


async def take_all(shares: Shares, owner: str | None) -> int:
    """Takes connections until one would have to wait. Returns their number."""
    for count in range(100):
        if not shares._may_take(owner):
            return count
        await shares.take(owner, WAIT)
    raise AssertionError("there is no limit")


async def wait_in_line(shares: Shares, owner: str | None, served: list[str | None]) -> "asyncio.Task[None]":
    """A task that waits for a connection and then notes its owner."""

    async def wait() -> None:
        await shares.take(owner, WAIT)
        served.append(owner)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("size", "tenants", "reserve"), [(1, [1], 0), (2, [1, 0], 1), (3, [1, 1, 0], 1), (4, [2, 1, 0], 1),
                                     (8, [3, 2, 1, 0], 2), (28, [11, 5, 3, 1, 1, 0], 7)]
)  # fmt: skip
async def test_each_tenant_gets_half_of_the_free_connections(size: int, tenants: list[int], reserve: int) -> None:
    shares = Shares(size, 1000)
    assert [await take_all(shares, f"t{index}") for index in range(len(tenants))] == tenants
    assert await take_all(shares, None) == size - sum(tenants)
    assert size - sum(tenants) >= reserve


async def test_owners_are_served_in_turn() -> None:
    shares, served = Shares(8, 1000), list[str | None]()
    await take_all(shares, "loud")
    await take_all(shares, None)
    for owner in ("loud", "loud", "loud", "quiet", "other", "quiet"):
        await wait_in_line(shares, owner, served)
    for _ in range(3):
        shares.give_back("loud")
    await settle()
    assert served == ["quiet", "other", "loud"]


async def test_a_tenant_that_waits_blocks_no_other_one() -> None:
    shares, served = Shares(8, 1000), list[str | None]()
    await take_all(shares, "loud")
    waiting = await wait_in_line(shares, "loud", served)
    await asyncio.wait_for(shares.take("quiet", WAIT), 5)
    await asyncio.wait_for(shares.take(None, WAIT), 5)
    assert served == []
    waiting.cancel()


async def test_a_cancelled_caller_leaves_its_place() -> None:
    shares, served = Shares(1, 1000), list[str | None]()
    await shares.take("a", WAIT)
    first = await wait_in_line(shares, "a", served)
    second = await wait_in_line(shares, "a", served)
    first.cancel()
    await settle()
    shares.give_back("a")
    await second
    shares.give_back("a")
    assert (shares.free, shares.held, shares._queues) == (1, {}, {})


async def test_a_connection_granted_to_a_cancelled_caller_is_returned() -> None:
    shares, served = Shares(1, 1000), list[str | None]()
    await shares.take("a", WAIT)
    waiting = await wait_in_line(shares, "a", served)
    shares.give_back("a")
    waiting.cancel()
    await settle()
    assert waiting.cancelled()
    assert (shares.free, shares.held, shares._queues) == (1, {}, {})


async def test_a_caller_that_waits_too_long_learns_whose_load_it_is() -> None:
    shares = Shares(2, 1000)
    await shares.take("loud", WAIT)
    with pytest.raises(TooMany) as raised:
        await shares.take("loud", 0.01)
    assert raised.value.retry_after == 1
    with pytest.raises(Unavailable):
        await shares.take("quiet", 0.01)
    assert shares._queues == {}


async def test_each_caller_waits_for_its_own_time() -> None:
    shares, ended = Shares(1, 1000), list[float]()
    await shares.take("loud", WAIT)

    async def wait(seconds: float) -> None:
        with pytest.raises(TooMany):
            await shares.take("loud", seconds)
        ended.append(seconds)

    longest = await wait_in_line(shares, "loud", [])
    await asyncio.wait_for(asyncio.gather(*map(wait, (0.06, 0.02, 0.04))), 5)
    assert ended == [0.02, 0.04, 0.06]
    assert not longest.done()
    longest.cancel()
    await settle()
    assert shares._queues == {}


async def test_all_that_wait_have_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, shares, timers = asyncio.get_running_loop(), Shares(1, 1000), list[asyncio.TimerHandle]()
    call_at = loop.call_at

    def note(at: float, *given: Any) -> asyncio.TimerHandle:
        timers.append(call_at(at, *given))
        return timers[-1]

    monkeypatch.setattr(loop, "call_at", note)
    await shares.take("loud", WAIT)
    waiting = [asyncio.create_task(shares.take("loud", seconds)) for seconds in (WAIT, 3 * WAIT, WAIT / 2, WAIT / 3)]
    await settle()
    assert [timer.cancelled() for timer in timers] == [True, True, False]
    for task in waiting:
        task.cancel()
    await settle()
    assert shares._queues == {}


async def test_a_full_queue_rejects_at_once() -> None:
    shares, served = Shares(1, 1000), list[str | None]()
    await shares.take("loud", WAIT)
    waiting = [await wait_in_line(shares, "loud", served) for _ in range(LONGEST_QUEUE)]
    with pytest.raises(TooMany):
        await asyncio.wait_for(shares.take("loud", WAIT), 5)
    for task in waiting:
        task.cancel()
    await settle()
    assert shares._queues == {}


async def test_unsent_answers_of_a_tenant_are_limited() -> None:
    shares = Shares(8, 1000)
    shares.receive("loud", 3000)
    with pytest.raises(TooMany):
        shares.receive("loud", 1)
    shares.receive("quiet", 3000)
    with pytest.raises(Unavailable):
        shares.receive("other", 2000)
    for owner, size in (("loud", 3001), ("quiet", 3000), ("other", 2000)):
        shares.forget(owner, size)
    assert (shares.unsent, shares.all_unsent) == ({}, 0)


ROWS = text("SELECT repeat('x', :size) FROM generate_series(1, :count)")
LONG_ROWS = text("SELECT repeat('x', :size) FROM generate_series(1, :count) UNION ALL SELECT pg_sleep(60)::text")
"""The same rows, and then none for a minute."""


async def test_an_answer_over_the_limit_is_not_received(database_url: str) -> None:
    database = Database(database_url, answer_cap=1_000_000)
    share = database.share("tenant")

    async def read() -> None:
        async with share.read() as connection:
            await connection.execute(ROWS, {"size": 100_000, "count": 100})

    with pytest.raises(AnswerTooLarge):
        await read()
    assert share.pool.unsent < 2_000_000
    share.end()
    assert database.pool.shares.unsent == {}
    async with database.share("tenant").read() as connection:
        assert len(await connection.execute(ROWS, {"size": 100_000, "count": 9})) == 9
    await database.close()


@pytest.fixture
def traced_memory() -> Iterator[Callable[[], int]]:
    """A function that tells how many bytes are in use, without a garbage collection that would free some of them."""
    tracemalloc.start()
    gc.disable()
    yield lambda: tracemalloc.get_traced_memory()[0]
    gc.enable()
    tracemalloc.stop()


@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_answer_that_was_cut_off_needs_no_garbage_collection(
    database_url: str, traced_memory: Callable[[], int], *, cancelled: bool
) -> None:
    database = Database(database_url, answer_cap=100_000_000 if cancelled else 5_000_000)
    errors: list[BaseException] = []

    async def read() -> None:
        async with database.share("tenant").read() as connection:
            await connection.execute(LONG_ROWS if cancelled else ROWS, {"size": 100_000, "count": 100})

    before = traced_memory()
    for _ in range(3):
        try:
            async with asyncio.timeout(0.5 if cancelled else None):
                await read()
        except (AnswerTooLarge, TimeoutError) as error:
            errors.append(error)
    await database.close()
    assert len(errors) == 3
    assert traced_memory() - before < 1_500_000


async def test_a_connection_that_was_cut_off_serves_no_other_tenant(database: Database) -> None:
    """The block ends at once, as a cancelled one does, and before the event loop tells the connection that it is closed."""
    with pytest.raises(TooMany):
        async with database.share("loud").read() as connection:
            connection.driver.meter.end(TooMany("too many large answers", 1))
    async with database.share("quiet").read() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1


async def test_the_statements_of_an_operation_have_one_budget(database_url: str) -> None:
    database = Database(database_url, answer_cap=1_000_000)
    share = database.share("tenant")

    async def read() -> None:
        for _ in range(20):
            async with share.read() as connection:
                await connection.execute(ROWS, {"size": 100_000, "count": 1})

    with pytest.raises(AnswerTooLarge):
        await read()
    assert share.pool.unsent < 1_200_000
    async with share.renew().read() as connection:
        assert await connection.execute(ROWS, {"size": 100_000, "count": 1})
    await database.close()


@pytest.mark.parametrize("make", [Database.write, Database.statement, Database.snapshot])
async def test_the_service_itself_has_no_limit(database_url: str, make: Callable[[Database], object]) -> None:
    database = Database(database_url, answer_cap=1_000_000)
    async with make(database) as connection:  # type: ignore[attr-defined]
        assert len(await connection.execute(ROWS, {"size": 100_000, "count": 30})) == 30
    await database.close()


async def test_a_transaction_with_a_large_answer_is_rolled_back(database_url: str) -> None:
    database = Database(database_url, answer_cap=1_000_000)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE kept (n int)"))

    async def write() -> None:
        async with database.share("tenant").write() as connection:
            await connection.execute(text("INSERT INTO kept VALUES (1)"))
            await connection.execute(ROWS, {"size": 100_000, "count": 30})

    with pytest.raises(AnswerTooLarge):
        await write()
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM kept")) == 0
        await connection.execute(text("DROP TABLE kept"))
    await database.close()


async def test_an_operation_uses_two_connections_at_a_time(database: Database) -> None:
    share, most, running = database.share("tenant"), 0, 0

    async def use() -> None:
        nonlocal most, running
        async with share.read() as connection:
            running += 1
            most = max(most, running)
            await connection.scalar(text("SELECT pg_sleep(0.01)"))
            running -= 1

    await asyncio.gather(*(use() for _ in range(12)))
    assert most == 2
