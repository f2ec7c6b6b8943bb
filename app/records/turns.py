"""in_turns: a loop over many records that lets other tasks run."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

LONGEST_TURN = 0.002
"""Seconds. The event loop of the process serves all callers, and one loop must not hold it for long."""


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """Yields the items. When they took a turn's time, other tasks run first."""
    began = monotonic()
    for item in items:
        yield item
        if monotonic() - began > LONGEST_TURN:
            await asyncio.sleep(0)
            began = monotonic()
