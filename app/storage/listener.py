"""Listener: hears PostgreSQL's notices on a connection of its own, and finds its way back when that is lost."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg

from app.storage.pool import connect

log = logging.getLogger("clientele")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
PATIENCE = 10.0
NAME = "clientele listener"
LOSSES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Listener:
    """Calls `heard` for each notice on `channel`, and when it begins to listen, for there may have been some before.

    `url` must lead to the server itself, or to a pooler that keeps sessions. Each `check` seconds it makes sure that
    the connection is alive. After a loss it comes back with growing pauses of up to 30 seconds.
    """

    def __init__(self, url: str, channel: str, heard: Callable[[], None], *, check: float = 30.0) -> None:
        self.url, self.channel, self.heard, self.check = url, channel, heard, check
        self._pause = FIRST_PAUSE

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            try:
                await self._listen()
            except LOSSES as error:
                reason = next(iter(str(error).splitlines()), "") or type(error).__name__
                log.warning("Notices of changes are not heard for now, which costs up to a second each: %s", reason)
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        driver = await connect(self.url, server_settings={"application_name": NAME}, timeout=PATIENCE)
        try:
            driver.add_termination_listener(lambda _: lost.set())
            await driver.add_listener(self.channel, self._hear)
            self._pause = FIRST_PAUSE
            self.heard()
            while not lost.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.check):
                        await lost.wait()
                if not lost.is_set():
                    await driver.execute("SELECT 1", timeout=PATIENCE)
        finally:
            driver.terminate()

    def _hear(self, *_: Any) -> None:
        self.heard()
