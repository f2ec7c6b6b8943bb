"""ReadingThread: reads long documents and large variables, so that the event loop goes on meanwhile."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class ReadingThread:
    """One thread, because Python runs one at a time. Owners that wait for it take turns, however much each of them sends."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "reading")
        self._busy = False
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    async def run(self, owner: str, work: Callable[[], T]) -> T:
        """The result of work that needs no event loop."""
        if self._busy:
            turn = asyncio.get_running_loop().create_future()
            self._queues.setdefault(owner, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._serve_next()
                raise
        self._busy = True
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        running.add_done_callback(self._serve_next)
        return await running

    def _serve_next(self, _: object = None) -> None:
        """Wakes the next one of the first owner, and puts this owner at the end. One that no longer waits is skipped."""
        self._busy = False
        while self._queues and not self._busy:
            owner = next(iter(self._queues))
            queue = self._queues.pop(owner)
            turn = queue.popleft()
            if queue:
                self._queues[owner] = queue
            if not turn.done():
                self._busy = True
                turn.set_result(None)
