"""DiskCheck: tells when the disk of the embedded database is almost full."""

import asyncio
import shutil
from pathlib import Path

LEAST_FREE = 100_000_000
"""Bytes. PostgreSQL stops writing when it has no room for a segment of its log, which has 16 MiB."""
LIMIT = 0.8
"""Seconds until a disk counts as without an answer."""


class DiskCheck:
    """Checks the disk of a folder in a thread, because a network disk may hang. Concurrent callers share one check."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._checking: asyncio.Future[str | None] | None = None

    async def find_problem(self) -> str | None:
        if self._checking is None or self._checking.done():
            self._checking = asyncio.ensure_future(asyncio.to_thread(self._look))
        await asyncio.wait([self._checking], timeout=LIMIT)
        return self._checking.result() if self._checking.done() else "the disk of the embedded database does not answer"

    def _look(self) -> str | None:
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            return f"the disk of the embedded database cannot be read: {error.strerror}"
        if free < LEAST_FREE:
            return f"the disk of the embedded database is almost full: {free // 1_000_000} MB are free"
        return None
