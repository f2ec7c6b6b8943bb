"""Deadline: one time limit for all statements of an operation, on all of its connections."""

from contextvars import ContextVar, Token
from time import monotonic
from typing import TypeAlias

from app.errors import TooSlow


class OutOfTime(TooSlow):
    """The deadline has passed: the running statement is cancelled, and no other starts."""

    def __init__(self, message: str = "The operation timed out. Ask for fewer fields or rows.") -> None:
        super().__init__(message)


class PatternOutOfTime(OutOfTime):
    """The time for statements with a pattern has passed."""

    def __init__(self) -> None:
        super().__init__("The pattern takes too long. Use a simpler pattern or add conditions.")


Deadline: TypeAlias = tuple[float, type[OutOfTime]] | None

_deadline: ContextVar[Deadline] = ContextVar("deadline", default=None)
"""The deadline of the current task, in seconds on the monotonic clock, with its error; None without a deadline."""


class time_limit:  # noqa: N801 - a block begins with it, as with those of contextlib
    """Limits the time of the block and its tasks for statements and for waiting for connections.

    A limit around it that ends earlier stays in force.
    """

    __slots__ = ("_error", "_seconds", "_token")

    def __init__(self, seconds: float, error: type[OutOfTime] = OutOfTime) -> None:
        self._seconds, self._error = seconds, error

    def __enter__(self) -> None:
        outer, ends = _deadline.get(), monotonic() + self._seconds
        deadline = outer if outer is not None and outer[0] <= ends else (ends, self._error)
        self._token: Token[Deadline] = _deadline.set(deadline)

    def __exit__(self, *_: object) -> None:
        _deadline.reset(self._token)


def time_left() -> float | None:
    """Returns the seconds until the deadline, or None without a deadline. Raises OutOfTime after the deadline."""
    deadline = _deadline.get()
    if deadline is None:
        return None
    left = deadline[0] - monotonic()
    if left <= 0:
        raise deadline[1]
    return left


def out_of_time() -> OutOfTime:
    """The error of the deadline that has passed."""
    deadline = _deadline.get()
    return OutOfTime() if deadline is None else deadline[1]()
