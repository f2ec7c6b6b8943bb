"""Feed: the newest changes of one organization, shared by all of its followers in this process."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence

from app.changes.record import Change, Position

ERASED = "erased"
GROUP = 50
"""The followers that wake in one round of the event loop."""


class Feed:
    """Holds every settled change with a number above `floor`. Changes up to `settled` are settled.

    It holds at most `max_changes` changes with at most `max_characters` characters of images. A follower keeps only the
    last number that it has seen. A follower that falls below `floor` reads on from the database, so a slow follower
    costs no memory.
    """

    def __init__(self, start: Position, *, max_changes: int = 256, max_characters: int = 2_000_000) -> None:
        self.floor = self.settled = start.number
        self.epoch = start.epoch
        self.ended = False
        """Whether the epoch of the numbers has ended."""
        self.max_changes, self.max_characters = max_changes, max_characters
        self.followers = 0
        self._changes: list[Change] = []
        self._size = 0
        self._erased: dict[str, int] = {}
        self._waiting: dict[asyncio.Future[None], None] = {}

    def extend(self, changes: Sequence[Change], settled: int) -> None:
        """Adds the next changes up to `settled`, in order, and drops the oldest when a limit is exceeded."""
        self.settled = settled
        if not changes:
            return
        self._changes.extend(changes)
        self._size += sum(change.size for change in changes)
        self._redact_erased(changes)
        self._drop_oldest()
        self._wake()

    def end(self) -> None:
        """Ends the feed, because its epoch has ended."""
        self.ended = True
        self._wake()

    def next(self, number: int) -> Change | None:
        """The first change after `number`, which must not be below the floor. None if it has not arrived yet."""
        index = bisect_right(self._changes, number, key=lambda change: change.number)
        return self._changes[index] if index < len(self._changes) else None

    def redact(self, change: Change) -> Change:
        """The change, without its images if the person was erased later."""
        return change.without_images() if change.number < self._erased.get(change.client_id, 0) else change

    async def wait_for_changes(self) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._waiting[woken] = None
        try:
            await woken
        finally:
            self._waiting.pop(woken, None)

    def _redact_erased(self, changes: Sequence[Change]) -> None:
        erased = {change.client_id: change.number for change in changes if change.action == ERASED}
        if erased:
            self._erased |= erased
            self._changes = [self.redact(change) for change in self._changes]
            self._size = sum(change.size for change in self._changes)

    def _drop_oldest(self) -> None:
        dropped = 0
        while len(self._changes) - dropped > self.max_changes or self._size > self.max_characters:
            self._size -= self._changes[dropped].size
            dropped += 1
        if dropped:
            self.floor = self._changes[dropped - 1].number
            del self._changes[:dropped]

    def _wake(self) -> None:
        woken, self._waiting = tuple(self._waiting), {}
        wake_in_groups(woken)


def wake_in_groups(waiting: Sequence["asyncio.Future[None]"]) -> None:
    """Wakes some of the followers now, and the others in the next rounds of the event loop. One wakes in about 10 µs."""
    for woken in waiting[:GROUP]:
        if not woken.done():
            woken.set_result(None)
    if len(waiting) > GROUP:
        asyncio.get_running_loop().call_soon(wake_in_groups, waiting[GROUP:])
