"""Cleanup: rows that are no longer needed are deleted every hour."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from app.errors import DomainError
from app.storage.connection import Connection
from app.storage.database import Database

log = logging.getLogger("clientele")

CLEANUP_INTERVAL = 3600.0

Deletion = Callable[[Connection], Awaitable[None]]


async def delete_old_rows_regularly(database: Database, stopping: asyncio.Event, deletions: Sequence[Deletion]) -> None:
    """Runs the deletions every hour until the event is set. Logs a failure, and goes on with the next deletion."""
    while not stopping.is_set():
        for deletion in deletions:
            try:
                async with database.statement() as connection:
                    await deletion(connection)
            except DomainError as error:
                log.warning("Old rows could not be deleted; trying again in an hour: %s", error)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLEANUP_INTERVAL):
                await stopping.wait()
