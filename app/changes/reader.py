"""ChangeReader delivers the changes of every followed organization; ChangeNotifier tells readers about a commit.

Numbers become visible out of order: a change may be committed after another change with a higher number. So the reader
takes three steps:

1. It reads the last number S.
2. It reads the transactions that are open and write changes of a followed organization. Each holds a lock that tells
   the last number at its start; the numbers of its own changes are higher (`begin_change` in the database).
3. Changes of an organization up to S, or up to the lowest of these numbers, are settled: they are committed or never
   will be.

Followers see settled changes only. Transactions of other organizations and other databases delay nothing.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from contextvars import Context

from app.changes.feed import Feed
from app.changes.record import EVERY_CHANGE, LARGEST_NUMBER, Change, ChangeFilter, Position, Snapshot
from app.changes.replay import Replay
from app.changes.repository import ChangeRepository, Chunk, Range
from app.changes.statements import CHANNEL
from app.errors import ChangesReset, TooSlow, Unavailable
from app.storage.database import ConnectionSource, Database
from app.storage.listener import Listener

log = logging.getLogger("clientele")

CHUNK = Chunk(changes=200, characters=4_000_000)
HELD_PAUSE = 0.1
"""Seconds until the next read while an open transaction holds changes back. A commit of this process ends the pause."""
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
        self.delay = Delay()
        self._feeds: dict[str, Feed] = {}
        self._awake = asyncio.Event()
        self._running = False
        self._listening: asyncio.Task[None] | None = None

    @property
    def followers(self) -> int:
        """The subscriptions that follow changes now."""
        return sum(feed.followers for feed in self._feeds.values())

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
                    async with asyncio.timeout(HELD_PAUSE if self.delay.began else self.poll):
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
        feeds = dict(self._feeds)
        if not feeds:
            return self.delay.end()
        async with self.database.read() as connection:
            repository = ChangeRepository(connection)
            last = await repository.last_position()
            self._end_epoch(feeds, last)
            if all(feed.settled == last.number for feed in feeds.values()):
                return self.delay.end()
            numbers = await repository.settled_numbers(tuple(feeds), last.number)
        self.delay.note([organization for organization, number in numbers.items() if number < last.number])
        while behind := [
            (id_, feed.settled, numbers[id_]) for id_, feed in feeds.items() if feed.settled < numbers[id_]
        ]:
            await self._collect(feeds, behind)
        return None

    def _end_epoch(self, feeds: dict[str, Feed], last: Position) -> None:
        """Ends the feeds of another epoch, and those that know a higher number than the last one."""
        for organization_id, feed in tuple(feeds.items()):
            if feed.epoch != last.epoch or feed.settled > last.number:
                del feeds[organization_id]
                feed.end()
                self._forget(organization_id, feed)

    async def _collect(self, feeds: dict[str, Feed], behind: Sequence[Range]) -> None:
        """Reads the next changes of the ranges and extends their feeds."""
        epoch = feeds[behind[0][0]].epoch
        async with self.database.snapshot() as connection:
            changes, all_ = await ChangeRepository(connection).list_settled(behind, epoch, CHUNK)
        reached = LARGEST_NUMBER if all_ else changes[-1].number
        by_organization = defaultdict[str, list[Change]](list)
        for change in changes:
            by_organization[change.organization_id].append(change)
        for organization_id, after, upto in behind:
            feeds[organization_id].extend(by_organization[organization_id], max(after, min(upto, reached)))

    async def follow(
        self,
        organization_id: str,
        start: Position,
        after: int,
        unseen_by: Snapshot | None = None,
        source: ConnectionSource | None = None,
        wanted: ChangeFilter = EVERY_CHANGE,
    ) -> AsyncGenerator[Change, None]:
        """The wanted changes of an organization after a number, each once and in order, without end.

        `start` is a position up to which its changes are settled. With `unseen_by`, only the changes that the snapshot
        does not show. Changes that the feed has dropped are read from `source`, the caller's share of the database.
        While the database is unavailable it waits. Raises ChangesReset when the epoch ends, and before a change whose
        images have expired.
        """
        replay = Replay(source or self.database, organization_id, self.poll, wanted)
        feed, number = self._join(organization_id, start), after
        try:
            while True:
                changes, number = await self._next(feed, replay, number)
                for change in changes:
                    if wanted.matches(change) and (unseen_by is None or not unseen_by.shows(change.transaction)):
                        if change.client.images_expired:
                            raise ChangesReset("after", expired=True)
                        yield feed.redact(change)
                replay.end()
        finally:
            replay.end()
            self._leave(organization_id, feed)

    async def _next(self, feed: Feed, replay: Replay, number: int) -> tuple[Sequence[Change], int]:
        """The next changes, possibly none, and the number that the follower has then reached."""
        if feed.ended:
            raise ChangesReset
        if number < feed.floor:
            return await replay.read(feed, number)
        change = feed.next(number)
        if change is None:
            await feed.wait_for_changes()
            return (), number
        return (change,), change.number

    def _join(self, organization_id: str, start: Position) -> Feed:
        feed = self._feeds.get(organization_id)
        if feed is None or feed.epoch != start.epoch:
            feed = self._feeds[organization_id] = Feed(start)
        feed.followers += 1
        if self._listening is None and self._running:
            self._listening = asyncio.create_task(self.listener.run(), context=Context())
        return feed

    def _leave(self, organization_id: str, feed: Feed) -> None:
        feed.followers -= 1
        if not feed.followers:
            self._forget(organization_id, feed)

    def _forget(self, organization_id: str, feed: Feed) -> None:
        if self._feeds.get(organization_id) is feed:
            del self._feeds[organization_id]


class Delay:
    """The time for which open transactions have held changes back."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        """When the changes of each organization were held back first, on the monotonic clock."""
        self._logged: set[str] = set()

    def note(self, held: Sequence[str]) -> None:
        """Notes the organizations whose changes are held back now. Logs one that is held back for long, once."""
        now = time.monotonic()
        self.began = {organization: self.began.get(organization, now) for organization in held}
        self._logged &= self.began.keys()
        for organization, began in self.began.items():
            if now - began > LONG_TRANSACTION and organization not in self._logged:
                self._logged.add(organization)
                log.warning(
                    "An open transaction delays the changes of organization %s for %d seconds already",
                    organization,
                    now - began,
                )

    def end(self) -> None:
        self.note(())

    @property
    def seconds(self) -> float:
        """The longest time for which changes are held back now; 0 if none are."""
        return time.monotonic() - min(self.began.values()) if self.began else 0.0


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
