"""Readers over one database, as several processes have them, and writers that choose when they commit."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from app.changes.notifier import ChangeNotifier
from app.changes.reader import ChangeReader
from app.changes.record import Change
from app.changes.repository import ChangeRepository
from app.storage.connection import Connection
from app.storage.database import Database

NEVER = 3600.0
ADD = """
INSERT INTO client_changes (organization_id, client_id, version, action, actor)
VALUES ($1, $2, 1, 'updated', 'test') RETURNING id
"""


@asynccontextmanager
async def reading(database: Database, *, poll: float = 0.02, rings: bool = False) -> AsyncIterator[ChangeReader]:
    """A reader at work; with `rings` its commits wake it and the others."""
    reader = ChangeReader(database, poll=poll, breath=0.001)
    bell = ChangeNotifier(database, reader.wake, pause=0.001)
    work = asyncio.create_task(reader.run())
    if rings:
        bell.start()
    try:
        await reader.begun()
        yield reader
    finally:
        await bell.stop()
        work.cancel()
        await asyncio.wait([work])


async def add_change(connection: Connection, organization: str, client: str = "c" * 24) -> int:
    """A bare change without images; its number."""
    number: int = await connection.driver.fetchval(ADD, organization, client)
    return number


async def last_number(database: Database) -> int:
    async with database.read() as connection:
        return await ChangeRepository(connection).last_number()


async def take(changes: AsyncGenerator[Change, None], count: int) -> list[int]:
    """The numbers of the next changes."""
    numbers: list[int] = []
    async with asyncio.timeout(20):
        while len(numbers) < count:
            numbers.append((await anext(changes)).number)
    return numbers
