"""A deadline for everything that one piece of work asks of the database, however many statements it runs, and wherever."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.errors import TooSlow

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""On the clock of the event loop."""


class OutOfTime(TooSlow):
    """The deadline has passed: a statement that ran is being cancelled, and none is begun."""

    def __init__(self) -> None:
        super().__init__("The operation took too long; ask for less")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Gives the block, and the tasks begun in it, so long for all of their statements and waits for connections."""
    token = _deadline.set(asyncio.get_running_loop().time() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def time_left() -> float | None:
    """Seconds until the deadline, None when there is none. Raises OutOfTime once it has passed."""
    deadline = _deadline.get()
    if deadline is None:
        return None
    left = deadline - asyncio.get_running_loop().time()
    if left <= 0:
        raise OutOfTime
    return left
