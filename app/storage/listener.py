"""Listener: receives PostgreSQL's notifications on a connection of its own, and reconnects after a loss."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg

from app.storage.connector import connect

log = logging.getLogger("clientele")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a reconnection."""
TIMEOUT = 10.0
"""Seconds for each statement."""
NAME = "clientele listener"
LOSSES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Listener:
    """Calls `notify` for each notification on `channel`, and once after each connection, since some may have been missed.

    `url` must lead to the server itself, or to a pooler that keeps sessions. The listener checks the connection every
    `check` seconds. After a loss it reconnects, with growing pauses of up to 30 seconds.
    """

    def __init__(self, url: str, channel: str, notify: Callable[[], None], *, check: float = 30.0) -> None:
        self.url, self.channel, self.notify, self.check = url, channel, notify, check
        self._pause = FIRST_PAUSE

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            try:
                await self._listen()
            except LOSSES as error:
                reason = next(iter(str(error).splitlines()), "") or type(error).__name__
                log.warning(
                    "Change notifications are interrupted; until they return, a change arrives up to a second later: %s",
                    reason,
                )
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads attempts, nothing secret
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        driver = await connect(self.url, server_settings={"application_name": NAME}, command_timeout=TIMEOUT)
        try:
            driver.add_termination_listener(lambda _: lost.set())
            await driver.add_listener(self.channel, self._receive)
            self._pause = FIRST_PAUSE
            self.notify()
            while not lost.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.check):
                        await lost.wait()
                if not lost.is_set():
                    await driver.execute("SELECT 1")
        finally:
            driver.terminate()

    def _receive(self, *_: Any) -> None:
        self.notify()
