"""Shares: divides the connections of a pool, and the memory for answers, among the tenants and the service itself."""

import asyncio
import math
from collections import deque
from typing import TypeAlias

from app.errors import TooMany, Unavailable

Owner: TypeAlias = str | None
"""The tenant that uses a connection: an account, or the organization of its own token. None is the service itself, which
authenticates callers, delivers mail, reads changes and tells whether it is ready."""

LONGEST_QUEUE = 256
"""The most callers of one owner that wait for a connection."""
ANSWERS_OF_OWNER, ANSWERS_OF_ALL = 3, 8
"""The answers of the largest size that one owner, and all owners together, may have in memory."""
NO_OWNER = ""
WAIT_SECONDS = 1
"""The seconds after which a caller whose share is used up may try again."""


class Shares:
    """Divides `size` connections. A quarter, at least one, is only for the service itself.

    A tenant gets another connection only while it holds fewer than are free: one tenant gets half of the connections, a
    second one half of the rest, and so on. Owners that wait are served in turn.
    """

    def __init__(self, size: int, answer_cap: int) -> None:
        self.answer_cap = answer_cap
        self.free = size
        self.free_for_tenants = size - max(size // 4, min(size - 1, 1))
        self.held: dict[Owner, int] = {}
        self.unsent: dict[Owner, int] = {}
        self.all_unsent = 0
        self._queues: dict[Owner, deque[asyncio.Future[None]]] = {}
        self._ends: dict[asyncio.Future[None], tuple[float, Owner]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf
        """The timer for all that wait, and its time. A timer of its own would be a third of the cost of waiting."""

    @property
    def waiting(self) -> int:
        """The callers that wait for a connection."""
        return sum(map(len, self._queues.values()))

    def take_now(self, owner: Owner) -> bool:
        """Takes the right to one connection, or returns False if its owner must wait for it."""
        held = self.held.get(owner, 0)
        if owner is not None:
            if held >= self.free_for_tenants or held >= self.free or owner in self._queues:
                return False
            self.free_for_tenants -= 1
        elif self.free <= 0 or owner in self._queues:
            return False
        self.free -= 1
        self.held[owner] = held + 1
        return True

    async def take(self, owner: Owner, wait: float) -> None:
        """Takes the right to one connection, within `wait` seconds.

        Raises TooMany for a tenant that uses its share itself, and Unavailable when others use all connections.
        """
        if self.take_now(owner):
            return
        queue = self._queues.setdefault(owner, deque())
        if len(queue) >= LONGEST_QUEUE:
            raise self._explain(owner)
        loop = asyncio.get_running_loop()
        turn, ends = loop.create_future(), loop.time() + wait
        queue.append(turn)
        self._ends[turn] = (ends, owner)
        if ends < self._rings_at:
            self._set_timer(loop, ends)
        try:
            await turn
        except BaseException:
            self._leave(owner, turn)
            raise
        finally:
            del self._ends[turn]

    def _set_timer(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._rings_at = loop.call_at(at, self._end_waiting, loop), at

    def _end_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends the waiting of all whose time has come, and sets the timer for the next one."""
        now, self._timer, self._rings_at = loop.time(), None, math.inf
        waiting = [(turn, ends, owner) for turn, (ends, owner) in self._ends.items() if not turn.done()]
        for turn, ends, owner in waiting:
            if ends <= now:
                self._remove(owner, turn)
                turn.set_exception(self._explain(owner))
        left = [ends for _, ends, _ in waiting if ends > now]
        if left:
            self._set_timer(loop, min(left))

    def give_back(self, owner: Owner) -> None:
        """Returns the right to one connection. The next owner that waits gets it."""
        self.free += 1
        if owner is not None:
            self.free_for_tenants += 1
        held = self.held[owner] - 1
        if held:
            self.held[owner] = held
        else:
            del self.held[owner]
        while self._queues and self._serve_one():
            pass

    def receive(self, owner: Owner, size: int) -> None:
        """Counts bytes of an answer that is not sent yet. Raises TooMany and Unavailable as `take` does."""
        unsent = self.unsent[owner] = self.unsent.get(owner, 0) + size
        self.all_unsent += size
        if unsent > self.answer_cap * ANSWERS_OF_OWNER:
            raise TooMany("Your account has too many large answers at once. Read them before you ask for more.", 1)
        if self.all_unsent > self.answer_cap * ANSWERS_OF_ALL:
            raise Unavailable(f"answers of {self.all_unsent:,} bytes wait for their readers")

    def forget(self, owner: Owner, size: int) -> None:
        """Uncounts the bytes of an answer that was sent or dropped."""
        self.all_unsent -= size
        unsent = self.unsent[owner] - size
        if unsent:
            self.unsent[owner] = unsent
        else:
            del self.unsent[owner]

    def _may_take(self, owner: Owner) -> bool:
        if owner is None:
            return self.free > 0
        held = self.held.get(owner, 0)
        return held < self.free_for_tenants and held < self.free

    def _grant(self, owner: Owner) -> None:
        self.free -= 1
        if owner is not None:
            self.free_for_tenants -= 1
        self.held[owner] = self.held.get(owner, 0) + 1

    def _serve_one(self) -> bool:
        """Grants a connection to the first owner that may have one, and puts it at the end. False if no owner may."""
        owner = next((owner for owner in self._queues if self._may_take(owner)), NO_OWNER)
        if owner is NO_OWNER:
            return False
        queue = self._queues.pop(owner)
        turn = queue.popleft()
        if queue:
            self._queues[owner] = queue
        if not turn.done():
            self._grant(owner)
            turn.set_result(None)
        return True

    def _leave(self, owner: Owner, turn: "asyncio.Future[None]") -> None:
        """Ends waiting without success. A right that was granted in the same moment is returned."""
        if turn.cancelled() or not turn.done():
            self._remove(owner, turn)
        elif turn.exception() is None:
            self.give_back(owner)

    def _remove(self, owner: Owner, turn: "asyncio.Future[None]") -> None:
        queue = self._queues.get(owner)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[owner]

    def _explain(self, owner: Owner) -> Exception:
        if owner is not None and self.held.get(owner):
            return TooMany("Your account has too many requests at once. Send fewer at a time.", WAIT_SECONDS)
        return Unavailable("no connection to the database became free")
