"""StatementLimit: the limit for the statements of one connection, with one timer for many statements."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable


class StatementLimit:
    """Calls `expire` when a statement takes longer than `seconds`; None is no limit.

    A timer costs more than the other limits of a statement together. So the timer of one statement stays when the
    statement ends. When it rings, it is set anew for the statement that runs then.
    """

    __slots__ = ("_ends", "_expire", "_loop", "_seconds", "_timer")

    def __init__(self, loop: AbstractEventLoop, seconds: float | None, expire: Callable[[], None]) -> None:
        self._loop, self._seconds, self._expire = loop, seconds, expire
        self._ends: float | None = None
        self._timer: TimerHandle | None = None

    def begin(self) -> None:
        """Says that a statement begins."""
        if self._seconds is not None:
            self._ends = self._loop.time() + self._seconds
            if self._timer is None:
                self._timer = self._loop.call_at(self._ends, self._check)

    def end(self) -> None:
        """Says that the statement has ended."""
        self._ends = None

    def _check(self) -> None:
        self._timer = None
        if self._ends is None:
            return
        if self._ends <= self._loop.time():
            self._expire()
        else:
            self._timer = self._loop.call_at(self._ends, self._check)
