"""Rules for WebSockets and event streams: their number is limited, and none outlives its access token."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.auth import Caller, Principal
from app.errors import TooSlow, Unauthenticated, Unavailable


class StreamSlots:
    """The slots for streams of this process."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    @property
    def are_full(self) -> bool:
        return self.taken >= self.limit

    @contextmanager
    def take(self) -> Iterator[None]:
        """Takes a slot for the length of the block."""
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


async def wait_for_invalid_token(caller: Caller, principal: Principal, interval: float) -> Unauthenticated:
    """Waits until the caller's token is no longer valid, and returns the reason. It checks every `interval` seconds.

    A token that has lost an organization counts as invalid, because the stream may show records of that organization.
    """
    while True:
        await asyncio.sleep(interval)
        try:
            current = await caller.principal()
        except Unauthenticated as error:
            return error
        except (Unavailable, TooSlow):
            continue
        if not set(principal.organizations) <= set(current.organizations):
            return Unauthenticated("The access token has lost access to an organization.")
