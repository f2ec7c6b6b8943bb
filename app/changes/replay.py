"""Replay: reads the changes that a feed has dropped, for one follower and in the share of its caller."""

import asyncio

from app.changes.feed import Feed
from app.changes.record import EVERY_CHANGE, Change, ChangeFilter
from app.changes.repository import ChangeRepository, Chunk
from app.errors import TooMany, TooSlow, Unavailable
from app.storage.database import ConnectionSource

CHUNK = Chunk(changes=50, characters=1_000_000)


class Replay:
    """The bytes of the changes count as unsent of the caller until `end` is called."""

    def __init__(
        self, source: ConnectionSource, organization_id: str, pause: float, wanted: ChangeFilter = EVERY_CHANGE
    ) -> None:
        self.source, self.organization_id, self.pause, self.wanted = source, organization_id, pause, wanted
        self._database: ConnectionSource | None = None

    async def read(self, feed: Feed, after: int) -> tuple[list[Change], int]:
        """The next wanted changes, possibly none, and the number that the follower has then reached.

        There are none after a pause in seconds, when the database is unavailable or the caller has its share of unsent bytes.
        """
        self._database, upto = self.source.renew(), feed.settled
        try:
            async with self._database.snapshot() as connection:
                repository = ChangeRepository(connection)
                range_ = self.organization_id, after, upto
                changes, all_ = await repository.list_wanted(range_, self.wanted, feed.epoch, CHUNK)
        except (Unavailable, TooSlow, TooMany):
            self.end()
            await asyncio.sleep(self.pause)
            return [], after
        return changes, upto if all_ else changes[-1].number

    def end(self) -> None:
        """Says that the follower has sent the changes."""
        if self._database is not None:
            self._database.end()
            self._database = None
