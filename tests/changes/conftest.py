"""Readers over one database, as in several processes, and writers that choose when they commit."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from app.changes.reader import ChangeNotifier, ChangeReader
from app.changes.record import Change, Position, write_change_cursor
from app.changes.repository import ChangeRepository
from app.storage.connection import Connection
from app.storage.database import Database

NEVER = 3600.0
ADD = """
INSERT INTO client_changes (transaction, organization_id, client_id, version, action, actor, before, after)
SELECT begin_change($1), $1, $2, 1, $3, 'test', '{}', '{}' RETURNING id
"""


@asynccontextmanager
async def reading(database: Database, *, poll: float = 0.02, notifies: bool = False) -> AsyncIterator[ChangeReader]:
    """A running reader. With `notifies`, commits of its database wake it and the readers of other processes."""
    reader = ChangeReader(database, poll=poll, min_interval=0.001)
    notifier = ChangeNotifier(database, reader.wake, pause=0.001)
    work = asyncio.create_task(reader.run())
    if notifies:
        notifier.start()
    try:
        yield reader
    finally:
        await notifier.stop()
        work.cancel()
        await asyncio.wait([work])


async def add_change(connection: Connection, organization: str, client: str = "c" * 24, action: str = "updated") -> int:
    """Adds a change with empty images and returns its number."""
    number: int = await connection.driver.fetchval(ADD, organization, client, action)
    return number


async def last_position(database: Database) -> Position:
    async with database.read() as connection:
        return await ChangeRepository(connection).last_position()


async def beginning(database: Database) -> Position:
    """The position before every change."""
    return Position(0, (await last_position(database)).epoch)


async def cursor(database: Database, organization: str, number: int) -> str:
    """The cursor of a change of this epoch; number 0 is before every change."""
    return write_change_cursor(organization, number, (await last_position(database)).epoch)


async def take(changes: AsyncGenerator[Change, None], count: int) -> list[int]:
    """The numbers of the next changes."""
    numbers: list[int] = []
    async with asyncio.timeout(20):
        while len(numbers) < count:
            numbers.append((await anext(changes)).number)
    return numbers
