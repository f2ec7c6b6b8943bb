"""Writes of one record that are done once for an idempotency key."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import orjson

from app.auth import Access
from app.errors import NotFound
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.records.repository import RenderedRecord
from app.storage.connection import Connection
from app.storage.retries import retried

Work = Callable[[Connection], Awaitable[RenderedRecord]]

NO_RECORD = "null"
"""The JSON of a record that a repeated request no longer shows."""


@retried
async def write_once(
    access: Access, key: RequestKey | None, work: Work, *, client_id: str | None = None, whole: bool = False
) -> RenderedRecord:
    """The record that `work` writes, or with a `key` that was used before, the record of the first time.

    Without a key the work is a single statement, unless it is `whole`: then it is a transaction. `client_id` is the client
    that the record shows. Raises NotFound for a stored record of an organization that the caller cannot access any more.
    """
    if key is None:
        async with access.database.write() if whole else access.database.statement() as connection:
            return await work(connection)
    async with access.database.write() as connection:
        record = await find_record(connection, key)
        if record is None:
            record = await work(connection)
            await remember_record(connection, key, record, client_id)
        return require_accessible(access, record)


def require_accessible(access: Access, record: RenderedRecord) -> RenderedRecord:
    """The record itself. Raises NotFound if the caller cannot access its organization."""
    if record.organization_id not in access.principal.organizations:
        raise NotFound("There is no such record")
    return record


async def find_record(connection: Connection, key: RequestKey) -> RenderedRecord | None:
    """The stored record of a key. None if the key is new; then it is claimed until the transaction ends."""
    stored = await claim(connection, key)
    return None if stored is None else RenderedRecord(*orjson.loads(stored.body))


async def remember_record(
    connection: Connection, key: RequestKey, record: RenderedRecord, client_id: str | None = None
) -> None:
    """Stores the record for the claimed key."""
    body = orjson.dumps([record.json, record.version, record.organization_id])
    await remember(connection, key, StoredResponse(200, body), record.organization_id, client_id)


def without_content(record: RenderedRecord) -> RenderedRecord:
    """The record for a stored response that must not show it."""
    return replace(record, json=NO_RECORD)
