"""Watcher: starts the embedded PostgreSQL again when it has died under the service."""

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import Misconfigured
from app.postgres.folders import locked
from app.postgres.server import Server

log = logging.getLogger("clientele")

INTERVAL = 0.5
"""Seconds between two checks."""
PAUSES = (1.0, 3.0, 9.0)
"""Seconds before each further attempt to start."""
MOST_DEATHS, WINDOW = 5, 60.0
"""A server that dies more often in this many seconds is given up."""


class Watcher:
    """Watches the server in a thread. When it cannot be started again, the process gets SIGTERM, and `failure` is set."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.failure: Exception | None = None
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS + 1)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="postgres-watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after a start that is going on."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(INTERVAL):
            if not self.server.has_died():
                continue
            try:
                self._restart()
            except (Misconfigured, OSError) as error:
                self.failure = error
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def _restart(self) -> None:
        """Starts the server unless another process does. Raises the last error after all attempts."""
        log.warning("The embedded PostgreSQL has ended; it is started again")
        self._deaths.append(time.monotonic())
        if len(self._deaths) > MOST_DEATHS and self._deaths[-1] - self._deaths[0] < WINDOW:
            raise Misconfigured(f"It ended {len(self._deaths)} times within {WINDOW:g} seconds.")
        for pause in PAUSES:
            try:
                return self._start()
            except (Misconfigured, OSError) as error:
                log.warning("The embedded PostgreSQL does not start; trying again in %g seconds: %s", pause, error)
            if self._stopping.wait(pause):
                return None
        return self._start()

    def _start(self) -> None:
        with locked(self.server.cluster.directory.start_lock):
            if self.server.has_died() and not self._stopping.is_set():
                self.server.ensure_running(alone=True)
        log.warning("The embedded PostgreSQL runs again")


@contextmanager
def kept_running(server: Server) -> Iterator[None]:
    """Starts the server again in the block when it dies. Raises Misconfigured when that fails."""
    watcher = Watcher(server)
    watcher.start()
    try:
        yield
    finally:
        watcher.stop()
        if watcher.failure is not None:
            last = str(watcher.failure).strip().splitlines()[-1]
            raise Misconfigured(
                f"The embedded PostgreSQL has ended and cannot be started again: {last} "
                f"See {server.cluster.directory.log}."
            ) from watcher.failure
