"""Pool: the connections of one process, which are opened on demand and kept. Share: those of one operation of a tenant.

It costs a fifth of asyncpg's own pool per use: it has no proxies, no tasks and no resets, because the service changes no
connection beyond a transaction.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncpg

from app.errors import AnswerTooLarge
from app.storage.connection import set_up
from app.storage.connector import Connector
from app.storage.deadline import time_left
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

    The connection that was returned last is taken first, so that the others stay idle. `access_changed` is called when a
    connection is returned on which access was changed.
    """

    def __init__(self, connector: Connector, shares: Shares, wait: float, access_changed: Callable[[], None]) -> None:
        self.connector = connector
        self.access_changed = access_changed
        self.wait = wait
        self.shares = shares
        self._free: list[Driver] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def idle(self) -> int:
        """The connections that are open and free."""
        return len(self._free)

    def take_now(self, owner: Owner = None) -> Driver | None:
        """Takes a connection that is open and that its owner may have without waiting; None if there is none."""
        if not self._free or not self.shares.take_now(owner):
            return None
        driver = self._free.pop()
        if driver.is_closed():
            self.shares.give_back(owner)
            return None
        return driver

    async def take(self, owner: Owner = None) -> Driver:
        """Takes a connection for exclusive use, in the share of its owner. It waits until the deadline of the operation at most.

        Raises as Shares.take does, and OutOfTime after the deadline.
        """
        left = time_left()
        wait = self.wait if left is None else min(self.wait, left)
        await self.shares.take(owner, wait)
        while self._free:
            driver = self._free.pop()
            if not driver.is_closed():
                return driver
        try:
            async with asyncio.timeout(wait):
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
        if driver.access_changed:
            driver.access_changed = False
            self.access_changed()
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
    """Closes a connection within a short time. close() first cancels its statement, which terminate() does not.

    terminate() drops the rows that have arrived.
    """
    try:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            async with asyncio.timeout(CANCELLING):
                await driver.close()
    finally:
        driver.terminate()


class Share:
    """The connections of one operation of `owner`: at most two at a time, however many fields ask for one.

    The operation may receive as many bytes as one answer may have. They count as unsent until `end` is called.
    """

    __slots__ = ("_shown", "_taken", "_turns", "owner", "pool", "unsent")

    def __init__(self, pool: Pool, owner: str) -> None:
        self.pool, self.owner, self.unsent = pool, owner, 0
        self._shown = 0
        self._taken = 0
        self._turns: asyncio.Semaphore | None = None
        """Exists from the moment at which a field waits. Then it counts the connections instead of `_taken`."""

    def take_now(self) -> Driver | None:
        """Takes a connection without waiting, or returns None; see Pool.take_now."""
        if self._turns is not None or self._taken >= AT_ONCE:
            return None
        driver = self.pool.take_now(self.owner)
        if driver is not None:
            self._taken += 1
            driver.meter.count = self.receive
        return driver

    async def take(self) -> Driver:
        """Takes a connection for exclusive use. Raises as Shares.take does."""
        if self._turns is None and self._taken < AT_ONCE:
            self._taken += 1
        else:
            await self._wait_for_turn()
        try:
            driver = await self.pool.take(self.owner)
        except BaseException:
            self._release()
            raise
        driver.meter.count = self.receive
        return driver

    async def _wait_for_turn(self) -> None:
        self._turns = self._turns or asyncio.Semaphore(0)
        async with asyncio.timeout(time_left()):
            await self._turns.acquire()

    def _release(self) -> None:
        if self._turns is None:
            self._taken -= 1
        else:
            self._turns.release()

    def give_back(self, driver: Driver, *, sound: bool) -> None:
        """Returns a connection; see Pool.give_back."""
        driver.meter.count = None
        self._release()
        self.pool.give_back(driver, self.owner, sound=sound)

    def leave_server(self) -> None:
        """Drops the idle connections; see Pool.leave_server."""
        self.pool.leave_server()

    def receive(self, size: int) -> None:
        """Counts bytes of the answer. Raises AnswerTooLarge, and as Shares.receive does."""
        shares = self.pool.shares
        if self.unsent + size > shares.answer_cap:
            raise AnswerTooLarge(shares.answer_cap)
        self.unsent += size
        shares.receive(self.owner, size)

    def show(self, size: int) -> None:
        """Counts bytes that are written into the answer: those beyond the received ones. Raises as `receive` does."""
        self._shown += size
        if self._shown > self.unsent:
            self.receive(self._shown - self.unsent)

    def end(self) -> None:
        """Says that the answer was sent or dropped."""
        if self.unsent:
            self.pool.shares.forget(self.owner, self.unsent)
            self.unsent = 0

    __del__ = end
