"""Driver: asyncpg's connection with a limit for each statement, with names of its own, and with a watched socket."""

import secrets
import socket
from asyncio import Transport
from typing import TYPE_CHECKING, Any

import asyncpg

from app.storage.meter import Meter

if TYPE_CHECKING:
    AsyncpgConnection = asyncpg.Connection[Any]
else:
    AsyncpgConnection = asyncpg.Connection

PROCESS = f"clientele_{secrets.token_hex(6)}"
"""The beginning of the names of prepared statements. Two processes behind one pooler never use the same name."""
SOCKET_OPTIONS = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 10_000}
"""Seconds until the first probe of an idle connection, seconds between probes, lost probes, and milliseconds in which the
server must confirm sent bytes. The kernel then ends the connection."""


class NoAnswer(TimeoutError):
    """The server did not answer in time, although its own limit should have ended the statement."""

    def __init__(self) -> None:
        super().__init__("the database does not answer")


class Driver(AsyncpgConnection):
    """A connection of asyncpg.

    Each statement, also one of a transaction or a cursor, raises TimeoutError after `statement_limit` seconds, whether or
    not the server reacts. It is asyncpg's `command_timeout`; None is no limit. `meter` counts what the server sends.
    """

    __slots__ = ("meter", "statement_limit")

    def __init__(self, protocol: Any, transport: Transport, loop: Any, address: Any, config: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, loop, address, config, *rest)
        self.statement_limit: float | None = config.command_timeout
        self.meter = Meter(protocol, transport)
        transport.set_protocol(self.meter)
        watch_socket(transport.get_extra_info("socket"))

    def _get_unique_id(self, prefix: str) -> str:
        """Returns a name for a prepared statement, a cursor or a savepoint.

        asyncpg itself counts from 1 in every process. A pooler that shares a connection between two processes would run
        one process's statement under the name of the other's.
        """
        return f"{PROCESS}{super()._get_unique_id(prefix)}"  # type: ignore[misc]


def watch_socket(opened: socket.socket) -> None:
    """Makes the kernel notice a dead server or network path of a TCP connection."""
    if opened.family == socket.AF_UNIX:
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in SOCKET_OPTIONS.items():
        if hasattr(socket, name):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
