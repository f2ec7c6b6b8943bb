"""Drain: a client that still sends can read its last response before the connection is closed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.http.protocol.state import MOST_LINGERING, WorkerState

MOST_DISCARDED = 1_000_000
"""The most bytes of a body that a connection reads after the response and is still kept alive."""
IDLE = 2.0
"""Seconds in which a client sends nothing after its last response before its connection is closed."""


@dataclass(frozen=True, slots=True)
class DrainLimits:
    """The seconds and the bytes of a drain. The connection is cut off at either of them."""

    seconds: float
    size: int


AFTER_RESPONSE = DrainLimits(30.0, 16_000_000)
AFTER_REJECTION = DrainLimits(2.0, MOST_DISCARDED)
"""For requests that are not valid HTTP, and connections over a limit."""


def find_length(headers: Sequence[tuple[bytes, bytes]]) -> int:
    """Content-Length, which the parser has checked; 0 without one."""
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


class Drain:
    """Ends a connection: the response is followed by an end, and what the client still sends is read and dropped.

    To close a socket that has unread data resets the connection, and the client loses the response. A client that sends
    too much or for too long is cut off.
    """

    def __init__(self, state: WorkerState, transport: asyncio.Transport, limits: DrainLimits) -> None:
        self.state = state
        self.transport = transport
        self.limits = limits
        self.size = 0
        loop = asyncio.get_running_loop()
        self.heard_at = loop.time()
        self.timer = loop.call_later(limits.seconds, transport.abort)
        state.lingering += 1
        transport.write_eof()

    @classmethod
    def begin(cls, state: WorkerState, transport: asyncio.Transport, limits: DrainLimits) -> "Drain | None":
        """Closes the connection at once, and returns None, if too many are drained already."""
        if state.lingering >= MOST_LINGERING or not transport.can_write_eof():
            transport.close()
            return None
        return cls(state, transport, limits)

    def count(self, size: int) -> None:
        """Counts bytes that arrived."""
        self.heard_at = asyncio.get_running_loop().time()
        self.size += size
        if self.size > self.limits.size:
            self.transport.abort()

    def check(self, now: float) -> None:
        """Closes the connection of a client that has stopped sending."""
        if now - self.heard_at >= IDLE:
            self.transport.close()

    def end(self) -> None:
        """The connection is lost."""
        self.timer.cancel()
        self.state.lingering -= 1


class UploadTransport:
    """The transport of a response to a request whose large body has not arrived yet.

    The connection ends with the response if the body is still arriving, so the response says so. It is kept alive once the
    body is complete.
    """

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle, drain: Callable[[], None]) -> None:
        self.transport = transport
        self.cycle = cycle
        self.drain = drain
        self.keep_alive = cycle.keep_alive
        cycle.keep_alive = False
        self.write = transport.write
        self.writelines = transport.writelines
        self.is_closing = transport.is_closing

    def complete(self) -> None:
        """The body has arrived."""
        if not self.cycle.response_started:
            self.cycle.keep_alive = self.keep_alive

    def close(self) -> None:
        """Ends the connection after the response."""
        if self.cycle.more_body:
            self.drain()
        else:
            self.transport.close()
