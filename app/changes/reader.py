"""ChangeReader: reads the changes of all organizations that are followed in this process, each once, in their order.

Numbers become visible out of order: a change may be committed after another with a higher number. So a number S is read
first, and then a new transaction X is begun and ended. A transaction takes its own number before those of its changes,
so those up to S belong to transactions older than X; once none of these is open, everything up to S is settled and
nothing can appear there any more. Followers are told what is settled, and nothing else.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from contextvars import Context

from app.changes.feed import Feed
from app.changes.record import Change, Snapshot
from app.changes.repository import ChangeRepository
from app.changes.statements import CHANNEL
from app.errors import TooSlow, Unavailable
from app.storage.database import Database
from app.storage.listener import Listener

log = logging.getLogger("clientele")

CHUNK = 200
"""The most changes of one look; a follower that reads on from the database takes a quarter of it at a time."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
HELD_LONG = 10.0


class ChangeReader:
    """Times are seconds. It looks each `poll` by itself, and at once when woken, but not again within `breath`.

    `listen_url` is where notices are heard that wake it; the first follower makes it listen there.
    """

    def __init__(self, database: Database, listen_url: str | None = None, *, poll: float = 1.0, breath: float = 0.02):
        self.database = database
        self.listener = Listener(listen_url or database.url, CHANNEL, self.wake)
        self.poll, self.breath = poll, breath
        self.settled = 0
        """Every change up to this number is committed or never will be, and the feeds have it."""
        self._feeds: dict[str, Feed] = {}
        self._begun = asyncio.Event()
        self._awake = asyncio.Event()
        self._running = False
        self._listening: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Says that there may be changes; without followers they can wait."""
        if self._feeds:
            self._awake.set()

    async def run(self) -> None:
        """Reads until it is cancelled; without a database it tries again each `poll`."""
        self._running, failing = True, False
        try:
            while True:
                self._awake.clear()
                try:
                    await self._advance()
                    failing = False
                except Exception as error:
                    self._report(error, again=failing)
                    failing = True
                await asyncio.sleep(self.breath)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.poll):
                        await self._awake.wait()
        finally:
            self._running = False
            await self._stop_listening()

    def _report(self, error: Exception, *, again: bool) -> None:
        if not isinstance(error, Unavailable | TooSlow):
            log.error("The changes cannot be read", exc_info=error)
        elif not again:
            log.warning("The changes cannot be read for now: %s", getattr(error, "reason", error.message))

    async def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
            self._listening = None

    async def _advance(self) -> None:
        """Tells the feeds what has been settled since the last look."""
        async with self.database.read() as connection:
            number = await ChangeRepository(connection).last_number()
        if number > self.settled or not self._begun.is_set():
            await self._settle()
            await self._collect(number)
            self._begun.set()

    async def _settle(self) -> None:
        """Waits until every transaction that may have been given a number so far has ended."""
        async with self.database.read() as connection:
            transaction = await ChangeRepository(connection).new_transaction()
        waited, pause, warned = 0.0, SHORTEST_PAUSE, False
        while not await self._is_settled(transaction):
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE)
            if waited > HELD_LONG and not warned:
                warned = True
                log.warning("A transaction that stays open in the database holds the changes back")

    async def _is_settled(self, transaction: int) -> bool:
        async with self.database.read() as connection:
            return await ChangeRepository(connection).is_settled(transaction)

    async def _collect(self, upto: int) -> None:
        if not self._begun.is_set():
            self.settled = upto
        while self.settled < upto:
            asked = tuple(self._feeds)
            changes = await self._read(asked, upto) if asked else []
            reached = changes[-1].number if len(changes) == CHUNK else upto
            self._distribute(asked, changes, reached)
            self.settled = reached

    async def _read(self, organizations: Sequence[str], upto: int) -> list[Change]:
        async with self.database.read() as connection:
            return await ChangeRepository(connection).followed(organizations, self.settled, upto, CHUNK)

    def _distribute(self, asked: Sequence[str], changes: Sequence[Change], reached: int) -> None:
        for organization_id, feed in self._feeds.items():
            if organization_id in asked:
                feed.extend([change for change in changes if change.organization_id == organization_id])
            else:
                feed.skip(reached)

    async def begun(self) -> int:
        """A number up to which everything is settled; waits for the first look."""
        await self._begun.wait()
        return self.settled

    async def follow(
        self, organization_id: str, after: int, unseen_by: Snapshot | None = None
    ) -> AsyncGenerator[Change, None]:
        """The changes of an organization after a number, each once, in order, without end.

        With a snapshot only those that it does not show. While the database is away it waits.
        """
        feed = self._join(organization_id)
        number = after
        try:
            while True:
                changes, number = await self._next(feed, organization_id, number)
                for change in changes:
                    if unseen_by is None or not unseen_by.shows(change.transaction):
                        yield feed.shown(change)
        finally:
            self._leave(organization_id, feed)

    async def _next(self, feed: Feed, organization_id: str, number: int) -> tuple[Sequence[Change], int]:
        """The next changes, perhaps none, and the number that is reached with them."""
        if number < feed.floor:
            return await self._replay(organization_id, number)
        change = feed.next(number)
        if change is None:
            await feed.grown()
            return (), number
        return (change,), change.number

    async def _replay(self, organization_id: str, number: int) -> tuple[Sequence[Change], int]:
        upto, most = self.settled, CHUNK // 4
        try:
            async with self.database.read() as connection:
                changes = await ChangeRepository(connection).replayed(organization_id, number, upto, most)
        except (Unavailable, TooSlow):
            await asyncio.sleep(self.poll)
            return (), number
        return changes, changes[-1].number if len(changes) == most else upto

    def _join(self, organization_id: str) -> Feed:
        feed = self._feeds.setdefault(organization_id, Feed(self.settled))
        feed.followers += 1
        if self._listening is None and self._running:
            self._listening = asyncio.create_task(self.listener.run(), context=Context())
        return feed

    def _leave(self, organization_id: str, feed: Feed) -> None:
        feed.followers -= 1
        if not feed.followers and self._feeds.get(organization_id) is feed:
            del self._feeds[organization_id]
