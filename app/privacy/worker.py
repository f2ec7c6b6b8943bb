"""RetentionWorker: deletes personal data whose time is over, in small batches beside the requests."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from app.errors import DomainError
from app.mail.files import MailFiles
from app.mail.outbox import erased_messages
from app.privacy.policy import Retention
from app.privacy.purge import Batches, purge_due
from app.privacy.statements import (
    ADD_PLACEHOLDER,
    ANALYZED,
    BATCH,
    DUE,
    ERASURES,
    FORGET_ERASURES,
    IS_EMPTY,
    REMOVE_PLACEHOLDER,
    TASKS,
    analyze,
)
from app.storage.database import Database

log = logging.getLogger("clientele")

START, INTERVAL = 60.0, 3600.0
"""Seconds until the first pass, so that a start is not slowed down, and between two passes."""
PAUSE = 0.05
"""Seconds between two batches, so that requests get the database in between."""


class RetentionWorker:
    """Keeps the times of `retention`. Every process may have one; the batches of all of them run one after another.

    The mail files are those of this process. `interval` and `pause` are the seconds between two passes and between two
    batches.
    """

    def __init__(
        self,
        database: Database,
        files: MailFiles,
        retention: Retention,
        *,
        interval: float = INTERVAL,
        pause: float = PAUSE,
    ) -> None:
        self.database = database
        self.files = files
        self.retention = retention
        self.interval = interval
        self.batches = Batches(database, pause)

    async def run(self) -> None:
        """Makes a pass a while after the start and after each interval, until it is cancelled. Logs a pass that fails."""
        await asyncio.sleep(START)
        while True:
            try:
                await self.clean()
            except DomainError as error:
                log.warning("Old data could not be deleted; trying again in %g seconds: %s", self.interval, error)
            await asyncio.sleep(self.interval)

    async def clean(self) -> Mapping[str, int]:
        """Makes one pass. Gives the number of deleted or emptied items by their kind, and logs it."""
        done = {"mail files": await self._clean_files()}
        async with self.database.read() as connection:
            due = (await connection.execute(DUE, self._parameters())).one()
        for task, is_due in zip(TASKS, due, strict=True):
            if is_due:
                done[task.name] = await self.batches.count(task.statement, self._parameters())
        done |= await purge_due(self.batches, self.files)
        await self._refresh_statistics()
        counts = {name: count for name, count in done.items() if count}
        if counts:
            log.info("Deleted or emptied: %s", ", ".join(f"{name} {count}" for name, count in counts.items()))
        return counts

    def _parameters(self) -> dict[str, Any]:
        return {**self.retention.parameters()}

    async def _clean_files(self) -> int:
        """Deletes old files, and those of erased persons that another process or an error has left."""
        removed = await self.files.remove_older(self.retention.files.total_seconds())
        ids = sorted(await self.files.ids())
        for start in range(0, len(ids), BATCH):
            async with self.database.read() as connection:
                erased = await erased_messages(connection, ids[start : start + BATCH])
            removed += await self.files.remove(erased)
        return removed

    async def _refresh_statistics(self) -> None:
        """Replaces the planner's samples of values after erasures."""
        async with self.database.read() as connection:
            ids = await connection.scalars(ERASURES)
        if not ids:
            return
        for table in ANALYZED:
            await self._analyze(table)
        async with self.database.write() as connection:
            await connection.execute(FORGET_ERASURES, {"ids": ids})

    async def _analyze(self, table: str) -> None:
        async with self.database.write() as connection:
            fill = table == "clients" and await connection.scalar(IS_EMPTY)
            if fill:
                for statement in ADD_PLACEHOLDER:
                    await connection.execute(statement)
            await connection.execute(analyze(table))
            if fill:
                await connection.execute(REMOVE_PLACEHOLDER)
