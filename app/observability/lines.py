"""LineWriter: writes the lines of the log to stderr, many at a time."""

import asyncio
import os
import threading
from contextlib import suppress

DELAY = 0.05
"""The longest time in seconds for which a line of a request waits for others."""
MOST_WAITING = 16_000
"""Bytes. From this size on they are written at once. A small buffer stays in the caches of the CPU."""
STDERR = 2


class LineWriter:
    """Lines of requests wait for each other, because a system call takes longer than all the rest of a line."""

    def __init__(self, descriptor: int = STDERR) -> None:
        self.descriptor = descriptor
        self._waiting = bytearray()
        self._lock = threading.RLock()

    def write_soon(self, line: bytes) -> None:
        """Writes a line within DELAY. Call it on an event loop. The line ends with a line feed."""
        with self._lock:
            waiting = self._waiting
            if not waiting:
                asyncio.get_running_loop().call_later(DELAY, self.flush)
            waiting += line
            if len(waiting) >= MOST_WAITING:
                self._write()

    def write(self, line: bytes) -> None:
        """Writes a line now, after those that wait."""
        with self._lock:
            self._waiting += line
            self._write()

    def flush(self) -> None:
        """Writes the lines that wait."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        """Writes to a file, a pipe or a terminal. Without a reader the lines are lost, and the service goes on."""
        with suppress(OSError), memoryview(self._waiting) as rest:
            written = 0
            while written < len(rest):
                written += os.write(self.descriptor, rest[written:])
        self._waiting.clear()


LOG = LineWriter()
"""The log of this process."""
