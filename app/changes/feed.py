"""Feed: the newest changes of one organization, once for all of its followers in this process."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence

from app.changes.record import Change

ERASED = "erased"


class Feed:
    """Holds every settled change with a number over `floor`: at most `most` of them, and `room` characters of images.

    A follower keeps nothing but the number that it has come to. One that is slower than the feed forgets falls below
    `floor` and reads on from the database, so it costs no memory.
    """

    def __init__(self, floor: int, *, most: int = 256, room: int = 2_000_000) -> None:
        self.floor = floor
        self.most, self.room = most, room
        self.followers = 0
        self._changes: list[Change] = []
        self._size = 0
        self._erased: dict[str, int] = {}
        self._grown = asyncio.Event()

    def extend(self, changes: Sequence[Change]) -> None:
        """Takes the next changes, in order, and forgets the oldest where there are too many."""
        if not changes:
            return
        self._changes.extend(changes)
        self._size += sum(change.size for change in changes)
        self._note_erased(changes)
        forgotten = 0
        while len(self._changes) - forgotten > self.most or self._size > self.room:
            self._size -= self._changes[forgotten].size
            forgotten += 1
        if forgotten:
            self.floor = self._changes[forgotten - 1].number
            del self._changes[:forgotten]
        self._wake()

    def skip(self, number: int) -> None:
        """Forgets everything up to a number: what lies there was not read for this feed."""
        self.floor, self._changes, self._size = number, [], 0
        self._wake()

    def next(self, number: int) -> Change | None:
        """The first change after a number, which is not below the floor; None when there is none yet."""
        place = bisect_right(self._changes, number, key=lambda change: change.number)
        return self._changes[place] if place < len(self._changes) else None

    def shown(self, change: Change) -> Change:
        """The change as it may be told now: without its images once the person has been erased."""
        return change.without_images() if change.number < self._erased.get(change.client_id, 0) else change

    async def grown(self) -> None:
        """Waits for the next changes."""
        await self._grown.wait()

    def _note_erased(self, changes: Sequence[Change]) -> None:
        erased = {change.client_id: change.number for change in changes if change.action == ERASED}
        if erased:
            self._erased |= erased
            self._changes = [self.shown(change) for change in self._changes]
            self._size = sum(change.size for change in self._changes)

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
