"""Streams: what WebSockets and event streams share: how many there may be, and that none outlives its token."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.auth import Caller, Principal
from app.errors import TooSlow, Unauthenticated, Unavailable


class Streams:
    """Counts the streams of this process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0

    @property
    def full(self) -> bool:
        return self.open >= self.most

    @contextmanager
    def place(self) -> Iterator[None]:
        """Counts a stream for the length of the block."""
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


async def await_refusal(caller: Caller, principal: Principal, every: float) -> Unauthenticated:
    """Waits until the caller's token is no longer good, looking each `every` seconds, and says why.

    A token that has lost an organization is taken as a bad one: what was begun with it may show that organization.
    """
    while True:
        await asyncio.sleep(every)
        try:
            found = await caller.principal()
        except Unauthenticated as refusal:
            return refusal
        except (Unavailable, TooSlow):
            continue
        if not set(principal.organizations) <= set(found.organizations):
            return Unauthenticated("The access token no longer reaches all the organizations that it did")
