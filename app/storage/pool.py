"""Pool: the connections of one process, which are opened on demand and kept. Share: those of one operation of a tenant.

It costs a fifth of asyncpg's own pool per use: it has no proxies, no tasks and no resets, because the service changes no
connection beyond a transaction.
"""

import asyncio
from contextlib import suppress

import asyncpg

from app.storage.budget import AnswerBudget
from app.storage.connection import set_up
from app.storage.connector import Connector
from app.storage.driver import Driver
from app.storage.shares import Owner, Shares

CANCELLING = 2.0
"""Seconds until a cancelled statement must have ended; PostgreSQL loses a cancellation that arrives before its statement."""
AT_ONCE = 2
"""The most connections of one operation at a time."""
CHECK_CLIENT = "SET client_connection_check_interval = '2s'"
"""The server checks every two seconds whether the client still exists, and else ends its statement; 0 is no check."""


class Pool:
    """At most `size` connections, which `shares` divides among their owners.

    The connection that was returned last is taken first, so that the others stay idle.
    """

    def __init__(self, connector: Connector, shares: Shares, wait: float) -> None:
        self.connector = connector
        self.wait = wait
        self.shares = shares
        self._free: list[Driver] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def take(self, owner: Owner = None) -> Driver:
        """Takes a connection for exclusive use, in the share of its owner. Raises as Shares.take does."""
        await self.shares.take(owner, self.wait)
        while self._free:
            driver = self._free.pop()
            if not driver.is_closed():
                return driver
        try:
            async with asyncio.timeout(self.wait):
                return await self._open()
        except BaseException:
            self.shares.give_back(owner)
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

    def give_back(self, driver: Driver, owner: Owner = None, *, sound: bool) -> None:
        """Returns a connection to the pool. One that is not sound is closed, which cancels its statement in the server.

        The slot of a closed connection is free once it is closed.
        """
        if not sound and not driver.is_closed():
            ending = asyncio.create_task(self._end(driver, owner))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            return
        if self._closed or driver.is_closed():
            driver.terminate()
        else:
            self._free.append(driver)
        self.shares.give_back(owner)

    async def _end(self, driver: Driver, owner: Owner) -> None:
        try:
            await close_driver(driver)
        finally:
            self.shares.give_back(owner)

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


class Share:
    """The connections of one operation of `owner`: at most two at a time, however many fields ask for one.

    The operation may receive as many bytes as its budget has. They count as unsent until `end` is called.
    """

    __slots__ = ("_turns", "budget", "owner", "pool", "unsent")

    def __init__(self, pool: Pool, owner: str) -> None:
        self.pool, self.owner, self.unsent = pool, owner, 0
        self.budget = AnswerBudget(pool.shares.answer_cap)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def take(self) -> Driver:
        """Takes a connection for exclusive use. Raises as Shares.take does."""
        await self._turns.acquire()
        try:
            driver = await self.pool.take(self.owner)
        except BaseException:
            self._turns.release()
            raise
        driver.meter.count = self.receive
        return driver

    def give_back(self, driver: Driver, *, sound: bool) -> None:
        """Returns a connection; see Pool.give_back."""
        driver.meter.count = None
        self._turns.release()
        self.pool.give_back(driver, self.owner, sound=sound)

    def leave_server(self) -> None:
        """Drops the idle connections; see Pool.leave_server."""
        self.pool.leave_server()

    def receive(self, size: int) -> None:
        """Counts bytes of the answer. Raises AnswerTooLarge, and as Shares.receive does."""
        self.budget.spend(size)
        self.unsent += size
        self.pool.shares.receive(self.owner, size)

    def end(self) -> None:
        """Says that the answer was sent or dropped."""
        if self.unsent:
            self.pool.shares.forget(self.owner, self.unsent)
            self.unsent = 0

    __del__ = end
