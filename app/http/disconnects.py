"""DisconnectWatch: cancels the long work for requests whose clients disconnect."""

import asyncio

from starlette.types import Receive

SHORT = 0.03
"""Seconds of work that is over before its client gives up. So nothing listens for the client until then."""


class ClientDisconnected(Exception):
    """The client closed its connection before the response was ready."""


class DisconnectWatch:
    """Begins to listen for the clients of blocks that have run for SHORT seconds.

    A timer costs more than all else here, so there is one for all blocks: it is set for the oldest of those that wait.
    """

    def __init__(self) -> None:
        self.waiting: dict[WatchedBlock, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, block: "WatchedBlock") -> None:
        """Lets a block wait for its time."""
        loop = asyncio.get_running_loop()
        block.listens_at = loop.time() + SHORT
        self.waiting[block] = None
        if self._timer is None:
            self._timer = loop.call_at(block.listens_at, self._check)

    def _check(self) -> None:
        loop, self._timer = asyncio.get_running_loop(), None
        for block in list(self.waiting):
            if block.listens_at > loop.time():
                self._timer = loop.call_at(block.listens_at, self._check)
                return
            del self.waiting[block]
            block.listen()


class WatchedBlock:
    """A block of the current task, which works for a request whose body has been read with `receive`.

    If the client disconnects during long work, the task is cancelled, and the block raises ClientDisconnected.
    """

    __slots__ = ("_listening", "_receive", "_task", "_watch", "listens_at")

    def __init__(self, watch: DisconnectWatch, receive: Receive) -> None:
        self._watch, self._receive, self._task, self.listens_at = watch, receive, asyncio.current_task(), 0.0
        self._listening: asyncio.Task[bool] | None = None

    def __enter__(self) -> None:
        self._watch.begin(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._watch.waiting.pop(self, None)
        if self._listening is None:
            return
        has_cancelled = self._listening.done() and self._listening.result()
        self._listening.cancel()
        if kind is asyncio.CancelledError and has_cancelled and self._task is not None:
            self._task.uncancel()
            raise ClientDisconnected from None

    def listen(self) -> None:
        self._listening = asyncio.create_task(self._cancel_at_disconnect())

    async def _cancel_at_disconnect(self) -> bool:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        return self._task is not None and self._task.cancel()
