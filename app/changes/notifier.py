"""Bell: tells the followers in every process that something has been committed."""

import asyncio
import logging
from collections.abc import Callable
from contextvars import Context

from app.changes.repository import ChangeRepository
from app.storage.database import Database

log = logging.getLogger("clientele")


class ChangeNotifier:
    """Rung after each commit of this process. It wakes the process's own followers at once, and those of others by a
    notice, at most one in `pause` seconds.

    A notice is sent after the commit and from another connection: inside a writing transaction it would make all
    writers of the server wait for each other. One that is lost costs a second, for followers look by themselves. The
    sender takes nothing along from the operation that rang, such as its deadline.
    """

    def __init__(self, database: Database, wake: Callable[[], None], *, pause: float = 0.05) -> None:
        self.database, self.wake, self.pause = database, wake, pause
        self._rung = False
        self._sending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Lets every commit of the database ring."""
        self.database.on_commit = self.notify

    async def stop(self) -> None:
        self.database.on_commit = None
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    def notify(self) -> None:
        self.wake()
        self._rung = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), context=Context())

    async def _send(self) -> None:
        while self._rung:
            self._rung = False
            try:
                async with self.database.read() as connection:
                    await ChangeRepository(connection).wake()
            except Exception as error:
                log.debug("A notice of changes was not sent: %s", error)
            await asyncio.sleep(self.pause)
