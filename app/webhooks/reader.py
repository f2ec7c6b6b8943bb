"""EventReader turns the changes of every organization into deliveries, in the order of their numbers.

A delivery is added in the transaction that notes the change as read. So each change becomes one delivery of each webhook
that wants it, also when a process is killed in between. Any number of readers may run at once: they lock the webhooks.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from app.changes.repository import ChangeRepository
from app.errors import TooSlow, Unavailable
from app.storage.database import Database
from app.webhooks.reading import ADD, ADVANCE, ANY_ENABLED, BEHIND, CHUNK, END_OF_CHUNK, LOCK

log = logging.getLogger("clientele")

POLL, HELD_PAUSE = 5.0, 0.5
"""Seconds between two looks: without a commit of this process, and while an open transaction holds changes back."""
SHORTEST_PAUSE, IDLE_PAUSE = 0.05, 1.0
"""The least seconds between two looks: with webhooks, and without any."""
STUCK = 300.0


class EventReader:
    """Reads changes every `poll` seconds, and soon after each commit of this process. `notify` is called after new deliveries."""

    def __init__(self, database: Database, notify: Callable[[], None], *, poll: float = POLL) -> None:
        self.database, self.notify, self.poll = database, notify, poll
        self._awake = asyncio.Event()
        self.has_webhooks = True
        """Whether any organization had an enabled webhook at the last look."""
        self._looked_at: float | None = None
        self._ended = False

    def wake(self) -> None:
        """Reads soon, because there may be changes."""
        self._awake.set()

    async def find_problem(self) -> str | None:
        """The reason for which this process makes no deliveries, or None."""
        if self._ended:
            return "the reader of events has ended"
        silent = 0.0 if self._looked_at is None else time.monotonic() - self._looked_at
        return f"the reader of events has done nothing for {silent:.0f} seconds" if silent > STUCK else None

    async def run(self) -> None:
        """Reads until it is cancelled. Without a database it tries again every `poll` seconds."""
        self._ended = False
        try:
            while True:
                self._looked_at = time.monotonic()
                self._awake.clear()
                pause = await self._look()
                await asyncio.sleep(SHORTEST_PAUSE if self.has_webhooks else IDLE_PAUSE)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._awake.wait()
        finally:
            self._ended = True

    async def _look(self) -> float:
        """Reads once. Gives the seconds until the next look."""
        try:
            return HELD_PAUSE if await self.read() else self.poll
        except (Unavailable, TooSlow) as error:
            log.debug("The changes could not be read for webhooks: %s", error.message)
        except Exception:
            log.exception("The changes could not be read for webhooks")
        return self.poll

    async def read(self) -> bool:
        """Turns every settled change into deliveries. True if an open transaction holds changes back."""
        async with self.database.read() as connection:
            behind = dict(map(tuple, await connection.execute(BEHIND)))
            if not behind:
                self.has_webhooks = bool(await connection.scalar(ANY_ENABLED))
                return False
            changes = ChangeRepository(connection)
            last = (await changes.last_position()).number
            settled = await changes.settled_numbers(tuple(behind), last)
        self.has_webhooks = True
        for organization_id, read_to in behind.items():
            if settled[organization_id] > read_to:
                await self._read_organization(organization_id, settled[organization_id])
        return any(number < last for number in settled.values())

    async def _read_organization(self, organization_id: str, settled: int) -> None:
        while await self._read_chunk(organization_id, settled):
            self.notify()
        self.notify()

    async def _read_chunk(self, organization_id: str, settled: int) -> bool:
        """Reads the next changes up to the number `settled`. True if more may follow."""
        async with self.database.write() as connection:
            numbers = await connection.scalars(LOCK, {"organization": organization_id})
            if not numbers or min(numbers) >= settled:
                return False
            bounds = {"organization": organization_id, "after": min(numbers), "last": settled}
            count, end = (await connection.execute(END_OF_CHUNK, bounds)).one()
            last = {"organization": organization_id, "last": end if count == CHUNK else settled}
            await connection.execute(ADD, last)
            await connection.execute(ADVANCE, last)
            return bool(count == CHUNK)
