"""Pool: the connections of one process, which are opened on demand and kept.

It costs a fifth of asyncpg's own pool per use: it has no proxies, no tasks and no resets, because the service changes no
connection beyond a transaction.
"""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

from app.storage.connection import set_up

KEPT_STATEMENTS = 1000
CANCELLING = 2.0
"""Seconds until a cancelled statement must have ended; PostgreSQL loses a cancellation that arrives before its statement."""
CHECK_CLIENT = "SET client_connection_check_interval = '2s'"
"""The server checks every two seconds whether the client still exists, and else ends its statement; 0 is no check."""


class Pool:
    """At most `size` connections. The connection that was returned last is taken first, so that the others stay idle."""

    def __init__(self, url: str, size: int, settings: dict[str, str], wait: float) -> None:
        self.url = url
        self.settings = settings
        self.wait = wait
        self._slots = asyncio.Semaphore(size)
        self._free: list[asyncpg.Connection[Any]] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def take(self) -> "asyncpg.Connection[Any]":
        """Takes a connection for exclusive use. Raises TimeoutError when no connection becomes free in `wait` seconds."""
        if self._slots.locked():
            async with asyncio.timeout(self.wait):
                await self._slots.acquire()
        else:
            await self._slots.acquire()
        while self._free:
            driver = self._free.pop()
            if not driver.is_closed():
                return driver
        try:
            async with asyncio.timeout(self.wait):
                return await self._open()
        except BaseException:
            self._slots.release()
            raise

    async def _open(self) -> "asyncpg.Connection[Any]":
        driver = await connect(
            self.url,
            server_settings=self.settings,
            statement_cache_size=KEPT_STATEMENTS,
            max_cached_statement_lifetime=0,
        )
        try:
            await set_up(driver)
            with suppress(asyncpg.InvalidParameterValueError):  # a server on Windows cannot
                await driver.execute(CHECK_CLIENT)
        except BaseException:
            driver.terminate()
            raise
        return driver

    def give_back(self, driver: "asyncpg.Connection[Any]", *, sound: bool) -> None:
        """Returns a connection to the pool. One that is not sound is closed, which cancels its statement in the server.

        The slot of a closed connection is free once it is closed.
        """
        if not sound and not driver.is_closed():
            ending = asyncio.create_task(self._end(driver))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            return
        if self._closed or driver.is_closed():
            driver.terminate()
        else:
            self._free.append(driver)
        self._slots.release()

    async def _end(self, driver: "asyncpg.Connection[Any]") -> None:
        """Closes a connection. close() sends the cancellation first, which terminate() does not."""
        try:
            async with asyncio.timeout(CANCELLING):
                await driver.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            driver.terminate()
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Closes the free connections now, and each connection in use when it is returned."""
        self._closed = True
        free, self._free = self._free, []
        for driver in free:
            await driver.close(timeout=self.wait)
        if self._ending:
            await asyncio.wait(self._ending)


async def connect(*address: Any, **options: Any) -> "asyncpg.Connection[Any]":
    """Opens a connection. Raises ClientConfigurationError for every kind of invalid address."""
    try:
        opened: asyncpg.Connection[Any] = await asyncpg.connect(*address, **options)
    except ValueError as error:
        raise asyncpg.ClientConfigurationError(str(error)) from error
    return opened
