"""Batches: many new records in one statement, and an answer that names each of them when it is kept."""

from collections.abc import Sequence

import orjson

from app.auth import Access
from app.clients.repository import ClientRepository
from app.clients.service import once
from app.idempotency import RequestKey, StoredResponse
from app.ids import new_id
from app.query.sql.render import Selection
from app.records.bodies import Values
from app.storage.connection import Connection


async def add_batch(
    access: Access,
    organization_id: str,
    records: Sequence[Values],
    selection: Selection,
    *,
    key: RequestKey | None,
) -> list[str]:
    """Creates all of the records at once; they are rendered, in the order given.

    `key` gives the records of the first time again. A batch of nothing leaves its key free. The kept answer holds the
    id of each record whatever the selection shows, so that erasing one finds it.
    """
    access.require_write()
    access.require(organization_id)
    rows = [{**values, "id": new_id(), "organization_id": organization_id} for values in records]
    if not rows:
        return []

    async def work(connection: Connection) -> StoredResponse:
        added = await ClientRepository(connection).add(rows, access.principal.actor, selection)
        return StoredResponse(200, orjson.dumps([(row["id"], added[row["id"]].json) for row in rows]))

    if key is None:
        async with access.database.statement() as connection:
            done = await work(connection)
    else:
        async with access.database.write() as connection:
            done = await once(connection, key, organization_id, work)
    return [json for _, json in orjson.loads(done.body)]
