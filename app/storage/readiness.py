"""Readiness: tells within a second why the service cannot work with its database."""

import asyncio
import logging
from contextvars import Context

import asyncpg

from app.errors import Misconfigured
from app.storage.connection import Connection
from app.storage.connector import Connector
from app.storage.database import Database
from app.storage.driver import Driver
from app.storage.inspection import inspect
from app.storage.migrations import find_schema_problem

log = logging.getLogger("clientele")

LIMIT = 0.8
"""Seconds until a check counts as without an answer."""
STATEMENT_LIMIT = 5.0
"""Seconds for each statement of a check."""
READ_ONLY = "SELECT current_setting('transaction_read_only') = 'on'"
LOSSES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Readiness:
    """Checks the database on a connection of its own, so that it needs no connection of the pool.

    Concurrent callers share one check. A check that takes long goes on, and the next callers wait for it.
    """

    def __init__(self, database: Database, *, logs: bool = True) -> None:
        self.logs = logs
        self.settings = database.settings
        self.connector = Connector(database.url, server_settings=self.settings, command_timeout=STATEMENT_LIMIT)
        self.flaw: Misconfigured | None = None
        """The reason for which the service must not use this server or pooler."""
        self._inspected = False
        self._driver: Driver | None = None
        self._checking: asyncio.Task[str | None] | None = None
        self._reported: str | None = None

    async def find_problem(self, limit: float = LIMIT) -> str | None:
        """Returns the reason for which the service is not ready, or None, within `limit` seconds."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check(), context=Context())
        await asyncio.wait([self._checking], timeout=limit)
        return self._checking.result() if self._checking.done() else self._report("the database does not answer")

    async def close(self) -> None:
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait([self._checking])
        self._drop()

    async def _check(self) -> str | None:
        try:
            return self._report(await self._find_problem())
        except Misconfigured as flaw:
            self.flaw = flaw
            return self._report("the service cannot use this PostgreSQL or its pooler; the log has the reason", flaw)
        except LOSSES as error:
            self._drop()
            return self._report(describe_loss(error), error)

    async def _find_problem(self) -> str | None:
        if not self._inspected:
            await inspect(self.connector, self.settings)
            self._inspected, self.flaw = True, None
        if self._driver is None or self._driver.is_closed():
            self._driver = await self.connector.open()
        if await self._driver.fetchval(READ_ONLY):
            self._drop()
            return "the database is read-only"
        return await find_schema_problem(Connection(self._driver))

    def _drop(self) -> None:
        if self._driver is not None:
            self._driver.terminate()
            self._driver = None

    def _report(self, problem: str | None, error: Exception | None = None) -> str | None:
        """Logs a problem once, and its end."""
        if self.logs and problem != self._reported:
            reason = f" ({next(iter(str(error).splitlines()), '')})" if error else ""
            log.warning("The service is %s%s", f"not ready: {problem}" if problem else "ready again", reason)
            self._reported = problem
        return problem


def describe_loss(error: Exception) -> str:
    """The reason for the public, without names of users and hosts."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "the database rejects the user or the password"
    if isinstance(error, TimeoutError):
        return "the database does not answer"
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "the database is read-only"
    return "the database cannot be reached"
