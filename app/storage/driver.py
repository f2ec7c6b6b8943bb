"""Driver: asyncpg's connection with a limit for each statement, with names of its own, and with a watched socket."""

import secrets
import socket
from asyncio import AbstractEventLoop, Transport
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from app.observability.figures import current_figures
from app.storage.limit import StatementLimit
from app.storage.meter import Meter

if TYPE_CHECKING:
    AsyncpgConnection = asyncpg.Connection[Any]
else:
    AsyncpgConnection = asyncpg.Connection

T = TypeVar("T")

PROCESS = f"clientele_{secrets.token_hex(6)}"
"""The beginning of the names of prepared statements. Two processes behind one pooler never use the same name."""
SOCKET_OPTIONS = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 10_000}
"""Seconds until the first probe of an idle connection, seconds between probes, lost probes, and milliseconds in which the
server must confirm sent bytes. The kernel then ends the connection."""


OUTDATED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""The errors of a prepared statement whose tables or types have changed."""

ACCESS_CHANGED = "CLACC"
"""The SQLSTATE of the message with which PostgreSQL tells a connection that its transaction changes access."""


class NoAnswer(TimeoutError):
    """The server did not answer in time, although its own limit should have ended the statement."""

    def __init__(self) -> None:
        super().__init__("the database does not answer")


class Driver(AsyncpgConnection):
    """A connection of asyncpg.

    Each statement, also one of a transaction or a cursor, raises TimeoutError after `statement_limit` seconds, whether or
    not the server reacts; None is no limit. It is the `command_timeout` of asyncpg.connect. asyncpg itself sets and
    cancels a timer for each statement, which costs more than the rest of the limits together. `meter` counts what the
    server sends. `access_changed` tells that a transaction has changed access.
    """

    __slots__ = ("_limit", "access_changed", "meter", "statement_limit")
    _check_open: Callable[[], None]
    _protocol: Any
    _stmt_cache: Any

    def __init__(
        self, protocol: Any, transport: Transport, loop: AbstractEventLoop, address: Any, config: Any, *rest: Any
    ) -> None:
        self.statement_limit: float | None = config.command_timeout
        super().__init__(protocol, transport, loop, address, config._replace(command_timeout=None), *rest)
        self.meter = Meter(protocol, transport)
        self._limit = StatementLimit(loop, self.statement_limit, self._leave_server)
        transport.set_protocol(self.meter)
        self.access_changed = False
        self.add_log_listener(note_access_change)
        watch_socket(transport.get_extra_info("socket"))

    def _leave_server(self) -> None:
        self.meter.end(NoAnswer())

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - as in asyncpg
        limit, began = self.statement_limit if timeout is None else timeout, perf_counter()
        try:
            status: str = await super().execute(query, *args, timeout=limit)
            return status
        finally:
            if not args:  # with arguments, asyncpg calls _execute
                _note_statement(query, perf_counter() - began)

    def run(self, sql: str, values: Sequence[Any], timeout: float | None) -> Awaitable[list[Any]]:
        """Returns the rows of a statement, as fetch does. asyncpg's own way to a known statement has five more calls.

        Raises one of OUTDATED for a known statement that must be prepared anew. fetch does this by itself.
        """
        known = self._stmt_cache.get((sql, asyncpg.Record, False))
        if known is None:
            return self.fetch(sql, *values, timeout=timeout)
        self._check_open()
        return self._watch(sql, self._protocol.bind_execute(known, values, "", 0, False, timeout))

    async def _execute(self, query: str, args: Any, *rest: Any, **options: Any) -> Any:
        """Runs a statement of fetch, fetchrow or fetchval."""
        return await self._watch(query, super()._execute(query, args, *rest, **options))  # type: ignore[misc]

    async def _watch(self, sql: str, running: Awaitable[T]) -> T:
        """Waits for a statement, with one timer for many statements."""
        self._limit.begin()
        began = perf_counter()
        try:
            return await running
        except asyncpg.ConnectionDoesNotExistError as error:
            if isinstance(self.meter.error, NoAnswer):
                raise self.meter.error from error
            raise
        except OUTDATED:
            await self.reload_schema_state()
            raise
        finally:
            self._limit.end()
            _note_statement(sql, perf_counter() - began)

    def _get_unique_id(self, prefix: str) -> str:
        """Returns a name for a prepared statement, a cursor or a savepoint.

        asyncpg itself counts from 1 in every process. A pooler that shares a connection between two processes would run
        one process's statement under the name of the other's.
        """
        return f"{PROCESS}{super()._get_unique_id(prefix)}"  # type: ignore[misc]


def _note_statement(sql: str, seconds: float) -> None:
    """Adds a statement to the figures of its request."""
    figures = current_figures.get()
    figures.statements += 1
    figures.sql_seconds += seconds
    if seconds > figures.slowest:
        figures.slowest, figures.statement = seconds, sql


def note_access_change(driver: Any, message: Any) -> None:
    """Notes the message of the triggers, which arrives before the result of the statement or the commit."""
    if message.sqlstate == ACCESS_CHANGED:
        driver.access_changed = True


def watch_socket(opened: socket.socket) -> None:
    """Makes the kernel notice a dead server or network path of a TCP connection."""
    if opened.family == socket.AF_UNIX:
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in SOCKET_OPTIONS.items():
        if hasattr(socket, name):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
