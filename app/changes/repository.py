"""ChangeRepository: reads the table of changes in the order of their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.changes.record import Change, PastChange, Position, Snapshot
from app.changes.statements import (
    HISTORY_LENGTH,
    LAST_POSITION,
    SETTLED_CHANGES,
    SETTLED_NUMBERS,
    SNAPSHOT,
    WAKE,
    history_statement,
)
from app.errors import Unavailable
from app.query.face import Face
from app.storage.connection import Connection

Range: TypeAlias = tuple[str, int, int]
"""An organization, and the numbers after which and up to which its changes are read."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The most changes of one read, and the characters of images after which it ends."""

    changes: int
    characters: int


AT_ONCE = 3
"""The changes that the server sends before it is asked for more."""


class ChangeRepository:
    """Uses one connection, in autocommit unless a method needs a transaction.

    Every statement that reads changes names the organizations.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def last_position(self) -> Position:
        """The last number that any change took, committed or not. Raises Unavailable on a standby."""
        number, epoch = (await self.connection.execute(LAST_POSITION)).one()
        if epoch is None:
            raise Unavailable("the database is a standby, which takes no changes")
        return Position(number, epoch)

    async def settled_numbers(self, organizations: Sequence[str], last: int) -> dict[str, int]:
        """The number of each organization up to which its changes are settled; `last` is a last number, read before."""
        rows = await self.connection.execute(SETTLED_NUMBERS, {"organizations": list(organizations), "last": last})
        return dict(rows)

    async def snapshot(self) -> Snapshot:
        return Snapshot.read(await self.connection.scalar(SNAPSHOT))

    async def list_settled(self, ranges: Sequence[Range], epoch: str, chunk: Chunk) -> tuple[list[Change], bool]:
        """The first changes in the ranges of several organizations, in order, and whether these are all of them.

        The connection is in a transaction. A change may have 300 KB of images, so the changes come a few at a time.
        """
        organizations, after, upto = zip(*ranges, strict=True)
        parameters = {"organizations": organizations, "after": after, "upto": upto, "most": chunk.changes}
        changes: list[Change] = []
        size = 0
        async for row in self.connection.stream(SETTLED_CHANGES, parameters, batch=AT_ONCE):
            change = Change(*(*row, epoch))
            changes.append(change)
            size += change.size
            if size >= chunk.characters:
                return changes, False
        return changes, len(changes) < chunk.changes

    async def history(self, organization: str, client_id: str, face: Face, before: int, most: int) -> list[PastChange]:
        parameters = {"organization": organization, "record": client_id, "before": before, "most": most}
        return [PastChange(*row) for row in await self.connection.execute(history_statement(face), parameters)]

    async def history_length(self, organization: str, client_id: str) -> int:
        parameters = {"organization": organization, "record": client_id}
        return int(await self.connection.scalar(HISTORY_LENGTH, parameters))

    async def wake(self) -> None:
        """Wakes the readers of every process."""
        await self.connection.execute(WAKE)
