"""An organization with nobody else's records, and the means to write and look at its clients."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from app.auth import Access, Principal
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.clients.service import add_clients, count_clients, list_clients
from app.idempotency import StoredResponse
from app.query.model import Page, Query
from app.query.request import count_request
from app.storage.database import Database
from app.storage.tables import client_changes, clients
from tests.seeding import make_organization, principal, request_of

SELECTION = tuple(
    (column, face.columns[column])
    for face in (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)
    for column in sorted({field.column for field in face.fields.values()})
    if face is GRAPHQL_CLIENT or column in ("metadata", "bank_accounts", "ujp")
)
"""Every column of a client under its neutral name."""


@dataclass(frozen=True)
class Office:
    """An organization, a caller who may write there, and what a test asks of both."""

    database: Database
    organization: str
    caller: Principal

    @property
    def access(self) -> Access:
        return Access(self.database, self.caller)

    async def add(self, **values: Any) -> str:
        """The id of a new client."""
        return (await self.add_all(values))[0]

    async def add_all(self, *records: Mapping[str, Any]) -> list[str]:
        rows = [{"name": "Ann", "metadata": {}, **values} for values in records]
        made: list[str] = []

        def answer(found: Any) -> StoredResponse:
            made.extend(orjson.loads(one.json)["id"] for one in found)
            return StoredResponse(200, b"")

        selection = (("id", GRAPHQL_CLIENT.columns["id"]),)
        await add_clients(self.access, self.organization, rows, selection, answer=answer)
        return made

    async def row(self, client_id: str) -> dict[str, Any]:
        async with self.database.read() as connection:
            return (await connection.execute(select(clients).where(clients.c.id == client_id))).mappings()[0]

    async def changes(self, client_id: str) -> list[dict[str, Any]]:
        """The history. The table holds what has changed; `before` is the whole image."""
        wanted = select(client_changes).where(client_changes.c.client_id == client_id).order_by(client_changes.c.id)
        async with self.database.read() as connection:
            rows = (await connection.execute(wanted)).mappings()
        return [row | {"before": row["before"] and row["after"] | row["before"]} for row in rows]

    async def search(self, *words: str) -> list[str]:
        """The ids of the hits, by id."""
        selection = (("id", GRAPHQL_CLIENT.columns["id"]),)
        listing = await list_clients(
            self.access, self.organization, request_of(GRAPHQL_CLIENT, Query(words=words), Page(100), selection)
        )
        return [orjson.loads(json)["id"] for json, _ in listing.rows]

    async def total(self) -> int:
        return await count_clients(self.access, self.organization, count_request(GRAPHQL_CLIENT, Query()))


@pytest.fixture
async def office(database: Database) -> Office:
    organization = await make_organization(database)
    return Office(database, organization, principal(organization))


@pytest.fixture
async def busy_office(database_url: str) -> AsyncIterator[Office]:
    """As office, with a connection for each of 16 writers at once."""
    database = Database(database_url, pool_size=16, statement_timeout=30)
    organization = await make_organization(database)
    yield Office(database, organization, principal(organization))
    await database.close()
