"""ChangeRepository: reads the table of changes in the order of their numbers."""

from collections.abc import Sequence

from app.changes.record import Change, PastChange, Snapshot
from app.changes.statements import (
    HISTORY_LENGTH,
    IS_SETTLED,
    LAST_NUMBER,
    NEW_TRANSACTION,
    REPLAYED_CHANGES,
    SETTLED_CHANGES,
    SNAPSHOT,
    WAKE,
    history_statement,
)
from app.query.face import Face
from app.storage.connection import Connection


class ChangeRepository:
    """Uses one connection in autocommit. Every statement that reads changes names the organizations."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def last_number(self) -> int:
        """The last number that any change took, committed or not."""
        return int(await self.connection.scalar(LAST_NUMBER))

    async def new_transaction(self) -> int:
        """The id of a transaction that is newer than all that have an id now."""
        return int(await self.connection.scalar(NEW_TRANSACTION))

    async def is_settled(self, transaction: int) -> bool:
        """True if all transactions older than `transaction` have ended."""
        return bool(await self.connection.scalar(IS_SETTLED, {"transaction": transaction}))

    async def snapshot(self) -> Snapshot:
        return Snapshot.read(await self.connection.scalar(SNAPSHOT))

    async def list_settled(self, organizations: Sequence[str], after: int, upto: int, most: int) -> list[Change]:
        parameters = {"organizations": list(organizations), "after": after, "upto": upto, "most": most}
        return [Change(*row) for row in await self.connection.execute(SETTLED_CHANGES, parameters)]

    async def replay(self, organization: str, after: int, upto: int, most: int) -> list[Change]:
        parameters = {"organization": organization, "after": after, "upto": upto, "most": most}
        return [Change(*row) for row in await self.connection.execute(REPLAYED_CHANGES, parameters)]

    async def history(self, organization: str, client_id: str, face: Face, before: int, most: int) -> list[PastChange]:
        parameters = {"organization": organization, "record": client_id, "before": before, "most": most}
        return [PastChange(*row) for row in await self.connection.execute(history_statement(face), parameters)]

    async def history_length(self, organization: str, client_id: str) -> int:
        parameters = {"organization": organization, "record": client_id}
        return int(await self.connection.scalar(HISTORY_LENGTH, parameters))

    async def wake(self) -> None:
        """Wakes the readers of every process."""
        await self.connection.execute(WAKE)
