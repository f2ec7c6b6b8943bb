"""LineWriter: writes the lines of the log to stderr, many at a time."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

DELAY = 0.05
"""The longest time in seconds for which a line of a request waits for others."""
MOST_WAITING = 200
"""Lines. From this number on they are written at once."""
STDERR = 2


class LineWriter:
    """Lines of requests wait for each other, because a system call takes longer than all the rest of a line."""

    def __init__(self, descriptor: int = STDERR) -> None:
        self.descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._lock = threading.Lock()

    def write_soon(self, line: bytes) -> None:
        """Writes a line within DELAY. Call it on an event loop. The line ends with a line feed."""
        self._waiting.append(line)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(DELAY, self.flush)
        elif len(self._waiting) >= MOST_WAITING:
            self.flush()

    def write(self, line: bytes) -> None:
        """Writes a line now, after those that wait."""
        with self._lock:
            _write_all(self.descriptor, b"".join([*self._take_waiting(), line]))

    def _take_waiting(self) -> Iterator[bytes]:
        """Takes the lines one by one, because the event loop may add others at the same time."""
        with suppress(IndexError):
            while True:
                yield self._waiting.popleft()

    def flush(self) -> None:
        """Writes the lines that wait."""
        if self._waiting:
            self.write(b"")


def _write_all(descriptor: int, data: bytes) -> None:
    """Writes to a file, a pipe or a terminal. Without a reader the data is lost, and the service goes on."""
    with suppress(OSError):
        while data:
            data = data[os.write(descriptor, data) :]


LOG = LineWriter()
"""The log of this process."""
