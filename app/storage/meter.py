"""Meter: counts the bytes that a connection receives, and ends the connection when an answer is too large."""

import asyncio
from collections.abc import Callable
from typing import Any


class Meter(asyncio.Protocol):
    """Stands between the transport and the protocol of a connection of asyncpg.

    `count` is called with the size of all data before asyncpg stores it. When it raises an exception, the connection ends
    and the exception is in `error`. PostgreSQL then stops to render the answer. Measuring in the statement instead, with
    a running total of octet_length, would make PostgreSQL render all of it first.

    asyncpg keeps the rows of an answer that was cut off. So nothing here may keep asyncpg's protocol alive after the end:
    a reference cycle would hold up to a whole answer until the next full garbage collection.
    """

    def __init__(self, protocol: Any, transport: asyncio.Transport) -> None:
        self.protocol, self.transport = protocol, transport
        self.pass_on: Callable[[bytes], None] = protocol.data_received
        self.count: Callable[[int], None] | None = None
        self.error: Exception | None = None

    def data_received(self, data: bytes) -> None:
        if self.count is not None and self.error is None:
            try:
                self.count(len(data))
            except Exception as error:
                self.end(error.with_traceback(None))
        if self.error is None:
            self.pass_on(data)

    def end(self, error: Exception) -> None:
        """Ends the connection for this reason."""
        self.error = error
        self.transport.abort()

    def eof_received(self) -> bool | None:
        ended: bool | None = self.protocol.eof_received()
        return ended

    def connection_lost(self, exc: Exception | None) -> None:
        protocol, self.protocol, self.pass_on = self.protocol, None, drop
        protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()


def drop(data: bytes) -> None:
    """Takes data that arrives after the end."""
