"""Deadlines of a connection: how long the client may keep the service waiting."""

import asyncio

BODY_TIMEOUTS = 10
"""The whole body has this many times the time without a byte."""
BODY_RATE = 10_000
"""It has a second more for this many bytes that have arrived."""


class WriteDeadline:
    """The time in which a client must read something of what is waiting for it."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.unsent = 0
        self.since = 0.0

    def is_missed(self, transport: asyncio.Transport, now: float) -> bool:
        """True if nothing was sent in time. Bytes that were added meanwhile do not count as sent."""
        unsent = transport.get_write_buffer_size()
        if not unsent or not self.unsent or unsent < self.unsent:
            self.since = now
        self.unsent = unsent
        return now - self.since >= self.timeout


class BodyDeadline:
    """The time in which a whole body must arrive, so that a body of a byte now and then has an end."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.ends = 0.0

    def begin(self, now: float) -> None:
        self.ends = now + BODY_TIMEOUTS * self.timeout

    def count(self, size: int) -> None:
        self.ends += size / BODY_RATE
