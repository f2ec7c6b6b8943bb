"""Last uses of access tokens: noted by requests in memory, and written to the database about every minute."""

import asyncio
import logging
from contextlib import suppress

from app.errors import DomainError
from app.storage.database import Database
from app.tokens import record_uses

log = logging.getLogger("clientele")

INTERVAL = 60.0
PRECISION = 3600.0
"""Seconds. A token that was used within this time before is not written again."""


class TokenUses:
    """The ids of tokens that were used and are not written yet. `note` is on the path of every request."""

    def __init__(self, database: Database, interval: float = INTERVAL) -> None:
        self.database = database
        self.interval = interval
        self.ids: set[str] = set()
        self.note = self.ids.add
        self._written: set[str] = set()
        self._written_since = 0.0

    async def run(self) -> None:
        """Writes the uses until it is cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(self.interval)
                await self._try_to_write()
        finally:
            with suppress(asyncio.CancelledError):
                await self._try_to_write()

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        except DomainError as error:
            log.warning("The last uses of tokens could not be written; trying again later: %s", error)

    async def write(self) -> None:
        """Writes the uses. They stay noted if the database cannot be reached."""
        now = asyncio.get_running_loop().time()
        if now - self._written_since >= PRECISION:
            self._written, self._written_since = set(), now
        ids = set(self.ids)
        new = sorted(ids - self._written)
        if new:
            async with self.database.statement() as connection:
                await record_uses(connection, new)
        self._written |= ids
        self.ids -= ids
