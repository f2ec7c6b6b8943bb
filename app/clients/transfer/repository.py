"""MovingRepository: what import and export ask of the database."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from app.clients.repository import ClientRepository
from app.clients.transfer.statements import HOLDERS, LOCK_IMPORTS, SIBLINGS, export_statement
from app.records.bodies import Values
from app.storage.connection import Connection
from app.storage.database import savepoint

ACTOR, ACTION = "operator", "imported"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has an id already."""

    id: str
    name: str
    deleted: bool
    organization_id: str
    organization_name: str


class MovingRepository:
    """Over one connection in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def lock_imports(self, organization: str) -> None:
        """Keeps other imports out of the organization and the others of its accounts until the transaction ends."""
        await self.connection.execute(LOCK_IMPORTS, {"organization": organization})

    async def siblings(self, organization: str) -> list[str]:
        """The organization and the others of its accounts; none when there is no such organization."""
        return [str(one) for one in await self.connection.scalars(SIBLINGS, {"organization": organization})]

    async def holders(self, organizations: Sequence[str], ids: Sequence[str]) -> list[Holder]:
        """The records of some organizations, live and deleted, that have one of the ids."""
        parameters = {"organizations": list(organizations), "ids": list(ids)}
        return [Holder(*row) for row in await self.connection.execute(HOLDERS, parameters)]

    async def add(self, rows: Sequence[Values]) -> None:
        """Adds all of the rows or none. Raises Malformed when the database has no place for one, and stays usable."""
        async with savepoint(self.connection):
            await ClientRepository(self.connection).add(rows, ACTOR, (), ACTION)

    def export(self, organization: str) -> AsyncIterator[tuple[str, str]]:
        """(JSON as v1 shows it, members that v1 does not show) of each record, deleted ones too, in the order of ids."""
        return self.connection.stream(export_statement(), {"organization": organization})
