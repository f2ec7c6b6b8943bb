"""Deadline: one time limit for all statements of an operation, on all of its connections."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.errors import TooSlow

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""The deadline of the current task, in seconds on the clock of the event loop; None without a deadline."""


class OutOfTime(TooSlow):
    """The deadline has passed: the running statement is cancelled, and no other starts."""

    def __init__(self) -> None:
        super().__init__("The operation timed out. Ask for fewer fields or rows.")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limits the time of the block and its tasks for statements and for waiting for connections."""
    token = _deadline.set(asyncio.get_running_loop().time() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def time_left() -> float | None:
    """Returns the seconds until the deadline, or None without a deadline. Raises OutOfTime after the deadline."""
    deadline = _deadline.get()
    if deadline is None:
        return None
    left = deadline - asyncio.get_running_loop().time()
    if left <= 0:
        raise OutOfTime
    return left
