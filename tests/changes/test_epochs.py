"""A recovery begins another epoch, as a promotion does. Cursors of the old one are rejected: later changes may be lost."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from app.auth import Access
from app.changes.reader import ChangeReader
from app.changes.record import Position
from app.changes.service import follow_changes
from app.errors import ChangesReset
from app.postgres.embedded import embedded_postgres, find_cluster, remove_embedded
from app.storage.migrations import migrate
from tests.changes.conftest import add_change, cursor, last_position
from tests.conftest import opened
from tests.seeding import principal

HOME = "a" * 24


async def test_a_recovery_ends_the_epoch_and_a_restart_does_not(tmp_path: Path) -> None:
    try:
        with embedded_postgres(tmp_path) as url:
            async with opened(url) as database:
                await migrate(database)
                async with database.write() as connection:
                    number = await add_change(connection, HOME)
                before, text = await last_position(database), await cursor(database, HOME, number)
        with embedded_postgres(tmp_path) as url:
            assert await follow(url, text) == before
        cluster = find_cluster(tmp_path)
        recovery = cluster.directory.cluster / "recovery.signal"
        recovery.touch()
        cluster.os_user.own(recovery)
        with embedded_postgres(tmp_path, settings={"restore_command": "false"}) as url:
            await end_recovery(url)
            with pytest.raises(ChangesReset):
                await follow(url, text)
    finally:
        remove_embedded(tmp_path)


async def end_recovery(url: str) -> None:
    """Waits until the server takes writes."""
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(60):
        while await connection.fetchval("SELECT pg_is_in_recovery()"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await connection.close()


async def follow(url: str, text: str) -> Position:
    """Begins to follow from a cursor. Returns the last position."""
    async with opened(url) as database:
        changes = await follow_changes(Access(database, principal(HOME)), ChangeReader(database), HOME, text)
        await changes.aclose()
        return await last_position(database)
