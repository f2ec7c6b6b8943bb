"""Use cases of clients: each function checks access, opens one connection or transaction, and calls the repository.

Records are named by the bare id. `selection` says how the database renders the answer. Every function raises NotFound
for a record or an organization that does not exist, is deleted, or is not accessible to the caller. Functions that write
raise Forbidden for a token that may only read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.auth import Access, ExpectedVersion
from app.clients.erasure import erase_record
from app.clients.repository import ClientRepository
from app.errors import NotFound, StorageFull, TooSlow
from app.idempotency import RequestKey, StoredResponse, run_once
from app.ids import new_id
from app.mail.files import MailFiles
from app.query.request import ListRequest
from app.query.sql.render import Selection
from app.records.bodies import Values
from app.records.once import require_accessible, write_once
from app.records.repository import Listing, RenderedRecord, list_page
from app.storage.connection import Connection
from app.storage.deadline import PatternOutOfTime


def search_words(term: str) -> tuple[str, ...]:
    """The words of a search term. A hit must contain each of the first 20; further words are ignored."""
    return tuple(dict.fromkeys(term.split()))[:20]


async def get_client(access: Access, client_id: str, selection: Selection) -> RenderedRecord:
    target = access.target(client_id)
    async with access.database.read() as connection:
        record = await ClientRepository(connection).get(target, selection)
    if record is None:
        raise NotFound("There is no such record")
    return record


async def get_clients(
    access: Access, ids: Sequence[str], selection: Selection, *, deleted_too: bool = True
) -> dict[str, str]:
    """The rendered records by id. Records that do not exist or are not accessible are left out."""
    async with access.database.read() as connection:
        repository = ClientRepository(connection)
        return await repository.get_many(access.principal.organizations, ids, selection, deleted_too=deleted_too)


@contextmanager
def advising(words: Sequence[str]) -> Iterator[None]:
    """Adds advice to TooSlow when a search for words takes too long."""
    try:
        yield
    except TooSlow as error:
        if not words or isinstance(error, PatternOutOfTime):
            raise
        message = "The search took too long; narrow the search by more or longer words, or ask without a total"
        raise TooSlow(message) from error


async def list_clients(access: Access, organization_id: str, request: ListRequest) -> Listing:
    """One page of the clients of an organization."""
    access.require(organization_id)
    with advising(request.words):
        async with access.database.read(slow_pattern=request.has_slow_pattern) as connection:
            return await list_page(ClientRepository(connection), organization_id, request)


async def count_clients(access: Access, organization_id: str, request: ListRequest) -> int:
    access.require(organization_id)
    with advising(request.words):
        async with access.database.read(slow_pattern=request.has_slow_pattern) as connection:
            return await ClientRepository(connection).count(organization_id, request)


async def search_clients(
    access: Access,
    organization_id: str,
    term: str,
    types: Sequence[str] | None,
    selection: Selection,
) -> list[str]:
    """At most 100 clients that contain every word of the term, best match first, rendered."""
    access.require(organization_id)
    words = search_words(term)
    with advising(words):
        async with access.database.read() as connection:
            repository = ClientRepository(connection)
            return await repository.rank(organization_id, " ".join(term.split()), words, types, selection)


async def add_clients(
    access: Access,
    organization_id: str,
    records: Sequence[Values],
    selection: Selection,
    *,
    key: RequestKey | None = None,
    answer: Callable[[Sequence[RenderedRecord]], StoredResponse],
) -> StoredResponse:
    """Creates all of the records or none, and gives the `answer` to them in their order.

    A request that comes again with its `key` gets the answer of the first time.
    """
    rows = _new_rows(access, organization_id, records)

    async def work(connection: Connection) -> StoredResponse:
        added = await ClientRepository(connection).add(rows, access.principal.actor, selection)
        return answer([added[row["id"]] for row in rows])

    return await run_once(access.database, key, work, organization_id, rows[0]["id"] if len(rows) == 1 else None)


def _new_rows(access: Access, organization_id: str, records: Sequence[Values]) -> list[Values]:
    """The rows of new clients, each with a new id."""
    access.require_write()
    access.require(organization_id)
    access.require_room(organization_id)
    return [{**values, "id": new_id(), "organization_id": organization_id} for values in records]


async def change_client(
    access: Access,
    client_id: str,
    values: Mapping[str, Any],
    selection: Selection,
    *,
    expected: ExpectedVersion = None,
    key: RequestKey | None = None,
) -> RenderedRecord:
    """Writes the columns of `values`. Metadata is merged by key, and null empties it.

    This and the functions below give the record of the first time to a request that comes again with its `key`.
    Raises Stale when the version of the record is not expected.
    """
    target, full = access.writable_target(client_id, expected), access.full_organizations()

    async def work(connection: Connection) -> RenderedRecord:
        return _admit(await ClientRepository(connection).change(target, values, selection), full)

    whole = bool(full or values.get("metadata"))
    return await write_once(access, key, work, client_id=client_id, whole=whole)


def _admit(record: RenderedRecord, full: Collection[str]) -> RenderedRecord:
    """Raises StorageFull, which rolls the transaction back, for a record of a full organization."""
    if record.organization_id in full:
        raise StorageFull
    return record


async def remove_client(
    access: Access,
    client_id: str,
    selection: Selection,
    *,
    expected: ExpectedVersion = None,
    key: RequestKey | None = None,
) -> RenderedRecord:
    """Marks the record as deleted; the answer is the deleted record."""
    target = access.writable_target(client_id, expected)

    async def work(connection: Connection) -> RenderedRecord:
        return await ClientRepository(connection).remove(target, selection)

    return await write_once(access, key, work, client_id=client_id)


async def restore_client(
    access: Access,
    client_id: str,
    selection: Selection,
    *,
    expected: ExpectedVersion = None,
    key: RequestKey | None = None,
) -> RenderedRecord:
    """Brings a deleted record back."""
    target, full = access.writable_target(client_id, expected), access.full_organizations()

    async def work(connection: Connection) -> RenderedRecord:
        return _admit(await ClientRepository(connection).restore(target, selection), full)

    return await write_once(access, key, work, client_id=client_id, whole=bool(full))


async def erase_client(
    access: Access,
    client_id: str,
    selection: Selection,
    *,
    files: MailFiles,
    expected: ExpectedVersion = None,
    key: RequestKey | None = None,
) -> RenderedRecord:
    """Deletes a live or a deleted client for good, as `erase_record`; the answer is the record as it was.

    The stored response of a `key` does not show the record: its JSON is `null`.
    """
    target = access.writable_target(client_id, expected)
    return require_accessible(access, await erase_record(access.database, target, selection, files, key))
