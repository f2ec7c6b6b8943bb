"""Lock: processes that take turns, or use one thing together. The kernel frees what a killed one held."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lock:
    """An open lock file, not held yet."""

    descriptor: int

    def take_turn(self) -> None:
        """Waits until nobody else holds it."""
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def share(self) -> None:
        """Becomes one of its users; waits while somebody holds it alone."""
        fcntl.flock(self.descriptor, fcntl.LOCK_SH)

    def is_alone(self) -> bool:
        """Whether there is no other user; if so it is held alone from now on."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def open_lock(path: Path) -> Iterator[Lock]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield Lock(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock file alone for the length of the block."""
    with open_lock(path) as lock:
        lock.take_turn()
        yield
