"""Pool: the connections of one process, which are opened on demand and kept.

It costs a fifth of asyncpg's own pool per use: it has no proxies, no tasks and no resets, because the service changes no
connection beyond a transaction.
"""

import asyncio
from contextlib import suppress

import asyncpg

from app.storage.connection import set_up
from app.storage.connector import Connector
from app.storage.driver import Driver

CANCELLING = 2.0
"""Seconds until a cancelled statement must have ended; PostgreSQL loses a cancellation that arrives before its statement."""
CHECK_CLIENT = "SET client_connection_check_interval = '2s'"
"""The server checks every two seconds whether the client still exists, and else ends its statement; 0 is no check."""


class Pool:
    """At most `size` connections. The connection that was returned last is taken first, so that the others stay idle."""

    def __init__(self, connector: Connector, size: int, wait: float) -> None:
        self.connector = connector
        self.wait = wait
        self._slots = asyncio.Semaphore(size)
        self._free: list[Driver] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def take(self) -> Driver:
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

    async def _open(self) -> Driver:
        driver = await self.connector.open()
        try:
            await set_up(driver)
            with suppress(asyncpg.InvalidParameterValueError):  # a server on Windows cannot
                await driver.execute(CHECK_CLIENT)
        except BaseException:
            driver.terminate()
            raise
        return driver

    def give_back(self, driver: Driver, *, sound: bool) -> None:
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

    async def _end(self, driver: Driver) -> None:
        try:
            await close_driver(driver)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Closes the free connections now, and each connection in use when it is returned."""
        self._closed = True
        await asyncio.gather(*map(close_driver, self._take_idle()))
        if self._ending:
            await asyncio.wait(self._ending)

    def leave_server(self) -> None:
        """Drops the idle connections without a word to the server, which does not answer or no longer accepts writes."""
        for driver in self._take_idle():
            driver.terminate()

    def _take_idle(self) -> list[Driver]:
        idle, self._free = self._free, []
        return idle


async def close_driver(driver: Driver) -> None:
    """Closes a connection within a short time. close() first cancels its statement, which terminate() does not."""
    try:
        async with asyncio.timeout(CANCELLING):
            await driver.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        driver.terminate()
