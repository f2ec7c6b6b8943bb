"""ChangeRepository: the record of changes, read in order."""

from collections.abc import Sequence

from app.changes.record import Change, PastChange, Snapshot
from app.changes.statements import (
    FOLLOWED,
    HISTORY_LENGTH,
    LAST_NUMBER,
    NEW_TRANSACTION,
    REPLAYED,
    SETTLED,
    SNAPSHOT,
    WAKE,
    history_statement,
)
from app.query.face import Face
from app.storage.connection import Connection


class ChangeRepository:
    """Over one connection in autocommit. Every statement that reads changes names the organizations."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def last_number(self) -> int:
        """The last number that a change was given, whether it is committed or not."""
        return int(await self.connection.scalar(LAST_NUMBER))

    async def new_transaction(self) -> int:
        """A transaction younger than all that have a number now."""
        return int(await self.connection.scalar(NEW_TRANSACTION))

    async def is_settled(self, transaction: int) -> bool:
        """Whether all transactions older than this one have ended."""
        return bool(await self.connection.scalar(SETTLED, {"transaction": transaction}))

    async def snapshot(self) -> Snapshot:
        return Snapshot.read(await self.connection.scalar(SNAPSHOT))

    async def followed(self, organizations: Sequence[str], after: int, upto: int, most: int) -> list[Change]:
        parameters = {"organizations": list(organizations), "after": after, "upto": upto, "most": most}
        return [Change(*row) for row in await self.connection.execute(FOLLOWED, parameters)]

    async def replayed(self, organization: str, after: int, upto: int, most: int) -> list[Change]:
        parameters = {"organization": organization, "after": after, "upto": upto, "most": most}
        return [Change(*row) for row in await self.connection.execute(REPLAYED, parameters)]

    async def history(self, organization: str, client_id: str, face: Face, before: int, most: int) -> list[PastChange]:
        parameters = {"organization": organization, "record": client_id, "before": before, "most": most}
        return [PastChange(*row) for row in await self.connection.execute(history_statement(face), parameters)]

    async def history_length(self, organization: str, client_id: str) -> int:
        parameters = {"organization": organization, "record": client_id}
        return int(await self.connection.scalar(HISTORY_LENGTH, parameters))

    async def wake(self) -> None:
        """Wakes the followers of every process."""
        await self.connection.execute(WAKE)
