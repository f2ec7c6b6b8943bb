"""Turns: a few jobs run at once, and the sources of waiting jobs take turns."""

import asyncio
from collections import OrderedDict, deque

from app.errors import TooMany

MOST_WAITING, MOST_WAITING_OF_SOURCE = 64, 8
"""A job takes about 0.1 seconds, so the last of 64 waits for some seconds."""


class Turns:
    """At most `at_once` jobs run. Sources with waiting jobs are served in a circle, one job of each at a time.

    A source that sends many jobs so delays its own jobs, and those of others by at most one job for each source.
    """

    def __init__(self, at_once: int) -> None:
        self.free = at_once
        self.waiting = 0
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def take(self, source: str) -> None:
        """Waits for a turn. Raises TooMany if too many jobs wait, of all sources or of this one."""
        if self.free:
            self.free -= 1
            return
        queue = self._queues.setdefault(source, deque())
        if self.waiting >= MOST_WAITING or len(queue) >= MOST_WAITING_OF_SOURCE:
            self._drop_if_empty(source)
            raise TooMany("Too many logins are in progress", 1)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back()
            elif turn in queue:
                queue.remove(turn)
                self.waiting -= 1
                self._drop_if_empty(source)
            raise

    def give_back(self) -> None:
        """Ends a turn. The next source in the circle gets it."""
        while self._queues:
            source, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            self.waiting -= 1
            if queue:
                self._queues[source] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    def _drop_if_empty(self, source: str) -> None:
        if not self._queues.get(source, True):
            del self._queues[source]
