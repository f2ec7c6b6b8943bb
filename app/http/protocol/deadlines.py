"""Deadlines of a connection: how long the client may keep the service waiting."""

import asyncio


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
