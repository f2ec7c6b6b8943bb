"""One timer limits many statements, and each of them has the whole time."""

import asyncio

from app.storage.limit import StatementLimit

SECONDS = 0.2


async def test_each_statement_has_the_whole_limit() -> None:
    loop, expired = asyncio.get_running_loop(), asyncio.Event()
    limit = StatementLimit(loop, SECONDS, expired.set)
    limit.begin()
    limit.end()
    await asyncio.sleep(SECONDS / 2)
    limit.begin()
    begun = loop.time()
    await expired.wait()
    assert loop.time() - begun >= SECONDS - 0.01


async def test_a_connection_at_rest_has_no_limit() -> None:
    expired = list[bool]()
    limit = StatementLimit(asyncio.get_running_loop(), 0.01, lambda: expired.append(True))
    limit.begin()
    limit.end()
    await asyncio.sleep(0.1)
    assert not expired
