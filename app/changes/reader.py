"""ChangeReader delivers the changes of every followed organization; ChangeNotifier tells readers about a commit.

Numbers become visible out of order: a change may be committed after another change with a higher number. So the reader
takes three steps:

1. It reads the last number S.
2. It begins and ends a new transaction X. A transaction takes its own number before those of its changes, so every
   change up to S belongs to a transaction older than X.
3. It waits until no transaction older than X is open. Then every change up to S is settled: it is either committed or
   it never will be.

Followers see settled changes only.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
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
"""The most changes of one read. A follower that reads on from the database reads a quarter of it at a time."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
LONG_TRANSACTION = 10.0
"""Seconds after which an open transaction that delays the changes is logged."""


class ChangeReader:
    """Reads each change once and hands it to the feed of its organization. Times are seconds.

    The reader reads every `poll` seconds, and at once after wake(), but at most once in `min_interval`. It listens for
    notices of other processes at `listen_url` from the first follower on.
    """

    def __init__(
        self, database: Database, listen_url: str | None = None, *, poll: float = 1.0, min_interval: float = 0.02
    ) -> None:
        self.database = database
        self.listener = Listener(listen_url or database.url, CHANNEL, self.wake)
        self.poll, self.min_interval = poll, min_interval
        self.settled = 0
        """Every change up to this number is settled, and the feeds have it."""
        self._feeds: dict[str, Feed] = {}
        self._started = asyncio.Event()
        self._awake = asyncio.Event()
        self._running = False
        self._listening: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Reads soon, because there may be changes. Without followers it does nothing."""
        if self._feeds:
            self._awake.set()

    async def run(self) -> None:
        """Reads until it is cancelled. Without a database it tries again every `poll` seconds."""
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
                await asyncio.sleep(self.min_interval)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.poll):
                        await self._awake.wait()
        finally:
            self._running = False
            await self._stop_listening()

    def _report(self, error: Exception, *, again: bool) -> None:
        if not isinstance(error, Unavailable | TooSlow):
            log.error("Cannot read the changes", exc_info=error)
        elif not again:
            reason = getattr(error, "reason", error.message)
            log.warning("Cannot read the changes; trying again every %g seconds: %s", self.poll, reason)

    async def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
            self._listening = None

    async def _advance(self) -> None:
        """Hands the changes that have been settled since the last read to the feeds."""
        async with self.database.read() as connection:
            number = await ChangeRepository(connection).last_number()
        if number > self.settled or not self._started.is_set():
            await self._wait_until_settled()
            await self._collect(number)
            self._started.set()

    async def _wait_until_settled(self) -> None:
        """Waits until every transaction that may have taken a number so far has ended."""
        async with self.database.read() as connection:
            transaction = await ChangeRepository(connection).new_transaction()
        waited, pause, warned = 0.0, SHORTEST_PAUSE, False
        while not await self._is_settled(transaction):
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE)
            if waited > LONG_TRANSACTION and not warned:
                warned = True
                log.warning("An open transaction in the database delays the changes for %g seconds already", waited)

    async def _is_settled(self, transaction: int) -> bool:
        async with self.database.read() as connection:
            return await ChangeRepository(connection).is_settled(transaction)

    async def _collect(self, upto: int) -> None:
        if not self._started.is_set():
            self.settled = upto
        while self.settled < upto:
            organizations = tuple(self._feeds)
            changes = await self._read(organizations, upto) if organizations else []
            reached = changes[-1].number if len(changes) == CHUNK else upto
            self._distribute(organizations, changes, reached)
            self.settled = reached

    async def _read(self, organizations: Sequence[str], upto: int) -> list[Change]:
        async with self.database.read() as connection:
            return await ChangeRepository(connection).list_settled(organizations, self.settled, upto, CHUNK)

    def _distribute(self, organizations: Sequence[str], changes: Sequence[Change], reached: int) -> None:
        """Extends the feeds of the organizations that were read. A feed that was added since then skips the changes."""
        for organization_id, feed in self._feeds.items():
            if organization_id in organizations:
                feed.extend([change for change in changes if change.organization_id == organization_id])
            else:
                feed.skip(reached)

    async def wait_until_started(self) -> int:
        """A number up to which every change is settled. Waits for the first read."""
        await self._started.wait()
        return self.settled

    async def follow(
        self, organization_id: str, after: int, unseen_by: Snapshot | None = None
    ) -> AsyncGenerator[Change, None]:
        """The changes of an organization after a number, each once and in order, without end.

        With `unseen_by`, only the changes that the snapshot does not show. While the database is unavailable it waits.
        """
        feed = self._join(organization_id)
        number = after
        try:
            while True:
                changes, number = await self._next(feed, organization_id, number)
                for change in changes:
                    if unseen_by is None or not unseen_by.shows(change.transaction):
                        yield feed.redact(change)
        finally:
            self._leave(organization_id, feed)

    async def _next(self, feed: Feed, organization_id: str, number: int) -> tuple[Sequence[Change], int]:
        """The next changes, possibly none, and the number that the follower has then reached."""
        if number < feed.floor:
            return await self._replay(organization_id, number)
        change = feed.next(number)
        if change is None:
            await feed.wait_for_changes()
            return (), number
        return (change,), change.number

    async def _replay(self, organization_id: str, number: int) -> tuple[Sequence[Change], int]:
        """As _next, from the database, for a number that the feed has dropped."""
        upto, most = self.settled, CHUNK // 4
        try:
            async with self.database.read() as connection:
                changes = await ChangeRepository(connection).replay(organization_id, number, upto, most)
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


class ChangeNotifier:
    """Wakes readers after each commit of this process: its own at once, those of other processes by a notice.

    A notice is sent after the commit and on another connection, at most one every `pause` seconds. Inside a writing
    transaction, NOTIFY would make all writers of the server wait for each other. A lost notice delays the changes by at
    most the reader's `poll`.
    """

    def __init__(self, database: Database, wake: Callable[[], None], *, pause: float = 0.05) -> None:
        self.database, self.wake, self.pause = database, wake, pause
        self._pending = False
        self._sending: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.database.on_commit = self.notify

    async def stop(self) -> None:
        self.database.on_commit = None
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    def notify(self) -> None:
        """Wakes the readers. The notice is sent in an empty context, so the deadline of the operation does not apply."""
        self.wake()
        self._pending = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), context=Context())

    async def _send(self) -> None:
        while self._pending:
            self._pending = False
            try:
                async with self.database.read() as connection:
                    await ChangeRepository(connection).wake()
            except Exception as error:
                log.debug("A notice of changes was not sent: %s", error)
            await asyncio.sleep(self.pause)
