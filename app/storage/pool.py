"""Pool: the connections of one process, opened when they are needed and kept.

A part of asyncpg's own pool, at a fifth of its cost for each use: no proxies, no tasks and no resets, because nothing
here changes a connection beyond its transaction.
"""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

from app.storage.connection import set_up

KEPT_STATEMENTS = 1000
CANCELLING = 2.0
"""Seconds for a cancelled statement to end by itself; a cancellation that arrives before its statement is lost."""
NOTICE_DEPARTURES = "SET client_connection_check_interval = '2s'"
"""The server ends the statements of a connection that is gone, in so long; 0, its default, is when they are done."""


class Pool:
    """At most `size` connections. The one given back last is taken first, so that the others may be idle."""

    def __init__(self, url: str, size: int, settings: dict[str, str], wait: float) -> None:
        self.url = url
        self.settings = settings
        self.wait = wait
        self._places = asyncio.Semaphore(size)
        self._free: list[asyncpg.Connection[Any]] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def take(self) -> "asyncpg.Connection[Any]":
        """A connection for one user at a time. Raises TimeoutError when none becomes free in `wait` seconds."""
        if self._places.locked():
            async with asyncio.timeout(self.wait):
                await self._places.acquire()
        else:
            await self._places.acquire()
        while self._free:
            driver = self._free.pop()
            if not driver.is_closed():
                return driver
        try:
            async with asyncio.timeout(self.wait):
                return await self._open()
        except BaseException:
            self._places.release()
            raise

    async def _open(self) -> "asyncpg.Connection[Any]":
        driver = await connect(
            self.url,
            server_settings=self.settings,
            statement_cache_size=KEPT_STATEMENTS,
            max_cached_statement_lifetime=0,
        )
        await set_up(driver)
        with suppress(asyncpg.InvalidParameterValueError):  # a server on Windows cannot
            await driver.execute(NOTICE_DEPARTURES)
        return driver

    def give_back(self, driver: "asyncpg.Connection[Any]", *, sound: bool) -> None:
        """Ends a use. A connection that is not sound is not used again: the statement that it is in the middle of is
        cancelled in the server, and its place is free when it has been closed."""
        if not sound and not driver.is_closed():
            ending = asyncio.create_task(self._end(driver))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            return
        if self._closed or driver.is_closed():
            driver.terminate()
        else:
            self._free.append(driver)
        self._places.release()

    async def _end(self, driver: "asyncpg.Connection[Any]") -> None:
        """Closes a connection; asyncpg sends the cancellation first, which terminate() would forget."""
        try:
            async with asyncio.timeout(CANCELLING):
                await driver.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            driver.terminate()
        finally:
            self._places.release()

    async def close(self) -> None:
        """Closes the free connections now, and those in use when they are given back."""
        self._closed = True
        free, self._free = self._free, []
        for driver in free:
            await driver.close(timeout=self.wait)
        if self._ending:
            await asyncio.wait(self._ending)


async def connect(*address: Any, **options: Any) -> "asyncpg.Connection[Any]":
    """A connection; an address that cannot be read is a ClientConfigurationError, whatever is wrong with it."""
    try:
        opened: asyncpg.Connection[Any] = await asyncpg.connect(*address, **options)
    except ValueError as error:
        raise asyncpg.ClientConfigurationError(str(error)) from error
    return opened
