"""Use cases of clients: each function checks access, opens one connection or transaction, and calls the repository.

Records are named by the bare id. `selection` says how the database renders the answer. Every function raises NotFound
for a record or an organization that does not exist, is deleted, or is not accessible to the caller. Functions that write
raise Forbidden for a token that may only read.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from app.auth import Access, ExpectedVersion
from app.clients.record import MOST_METADATA
from app.clients.repository import ClientRepository, Keyed, RenderedRecord
from app.errors import Invalid, NotFound, Problem, TooSlow
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.ids import new_id
from app.query.cursor import step_before, step_past
from app.query.face import Face
from app.query.model import Page, Query
from app.query.sql.pages import complete_orders
from app.query.sql.render import Selection
from app.records.bodies import Values
from app.storage.connection import Connection
from app.storage.database import Database


@dataclass(frozen=True, slots=True)
class Listing:
    """A page in the order asked for. `total` is None when it was not asked for."""

    rows: Sequence[Keyed]
    has_next: bool
    has_previous: bool
    total: int | None = None


def search_words(term: str) -> tuple[str, ...]:
    """The words of a search term, each of which a hit must contain; the first 20 count."""
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
    """The rendered records by id, without those that are not to be found."""
    async with access.database.read() as connection:
        repository = ClientRepository(connection)
        return await repository.get_many(access.principal.organizations, ids, selection, deleted_too=deleted_too)


@asynccontextmanager
async def searching(database: Database, words: Sequence[str]) -> AsyncIterator[ClientRepository]:
    """A connection to ask. Raises TooSlow, and says what helps, when a search for words takes too long."""
    try:
        async with database.read() as connection:
            yield ClientRepository(connection)
    except TooSlow as error:
        if not words:
            raise
        message = "The search took too long; narrow the search by more or longer words, or ask without a total"
        raise TooSlow(message) from error


async def list_clients(
    access: Access,
    organization_id: str,
    face: Face,
    selection: Selection,
    query: Query,
    page: Page,
    *,
    rows: bool = True,
    total: bool = False,
    keys: bool = True,
    probe: bool = False,
) -> Listing:
    """One page of an organization's clients.

    `probe` also looks whether there are rows beyond the positions that bound the page; without it there are taken to be
    some. `rows=False` is for the total alone.
    """
    access.require(organization_id)
    async with searching(access.database, query.words) as repository:
        found: list[Keyed] = []
        if rows:
            longer = Page(page.limit + 1, page.skip, page.after, page.before, page.backward)
            found = await repository.page(organization_id, face, selection, query, longer, keys=keys)
        beyond, kept = len(found) > page.limit, found[: page.limit]
        earlier, later = page.after is not None, page.before is not None
        if probe:
            earlier, later = await _rows_outside(repository, organization_id, face, query, page)
        counted = await _count(repository, organization_id, face, query, page, found if rows else None, total)
    if page.backward:
        return Listing(kept[::-1], later, beyond or earlier, counted)
    return Listing(kept, beyond or later, earlier, counted)


async def _count(
    repository: ClientRepository,
    organization_id: str,
    face: Face,
    query: Query,
    page: Page,
    found: Sequence[Keyed] | None,
    wanted: bool,
) -> int | None:
    """How many rows a query has in all; a page that shows the last of them says it without another look."""
    if not wanted:
        return None
    from_start = page.after is None and page.before is None
    if found is not None and from_start and len(found) <= page.limit and (found or not page.skip):
        return page.skip + len(found)
    return await repository.count(organization_id, face, query)


async def _rows_outside(
    repository: ClientRepository, organization_id: str, face: Face, query: Query, page: Page
) -> tuple[bool, bool]:
    """Whether rows lie at `page.after` or earlier, and whether at `page.before` or later."""
    orders = complete_orders(query.orders)
    sides = (
        None if page.after is None else Page(1, before=step_past(orders, page.after), backward=True),
        None if page.before is None else Page(1, after=step_before(orders, page.before)),
    )
    earlier, later = [
        side is not None and bool(await repository.page(organization_id, face, (), query, side, keys=False))
        for side in sides
    ]
    return earlier, later


async def count_clients(access: Access, organization_id: str, face: Face, query: Query) -> int:
    access.require(organization_id)
    async with searching(access.database, query.words) as repository:
        return await repository.count(organization_id, face, query)


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
    async with searching(access.database, words) as repository:
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
    """Creates all of the records or none, in the order given, and answers; `key` replays the answer of the first time."""
    access.require_write()
    access.require(organization_id)
    rows = [{**values, "id": new_id(), "organization_id": organization_id} for values in records]

    async def work(connection: Connection) -> StoredResponse:
        added = await ClientRepository(connection).add(rows, access.principal.actor, selection)
        return answer([added[row["id"]] for row in rows])

    if key is None:
        async with access.database.statement() as connection:
            return await work(connection)
    async with access.database.write() as connection:
        return await once(connection, key, organization_id, work, rows[0]["id"] if len(rows) == 1 else None)


async def once(
    connection: Connection,
    key: RequestKey,
    organization_id: str,
    work: Callable[[Connection], Any],
    client_id: str | None = None,
) -> StoredResponse:
    """Does the work, or gives the answer that it had the first time the key came with this request.

    `client_id` is the client that the answer shows, when it shows one.
    """
    kept = await claim(connection, key)
    if kept is not None:
        return kept
    done: StoredResponse = await work(connection)
    await remember(connection, key, done, organization_id, client_id)
    return done


async def change_client(
    access: Access,
    client_id: str,
    values: Mapping[str, Any],
    selection: Selection,
    *,
    expected: ExpectedVersion = None,
    merge_metadata: bool = False,
) -> RenderedRecord:
    """Writes the given columns. Raises Stale when the record's version is not as `expected`."""
    target = access.writable_target(client_id, expected)
    async with access.database.write() if merge_metadata else access.database.statement() as connection:
        repository = ClientRepository(connection)
        record, metadata = await repository.change(target, values, selection, merge_metadata=merge_metadata)
        if len(metadata) > MOST_METADATA:
            raise Invalid([Problem("metadata", "length", f"has more than {MOST_METADATA} properties")])
    return record


async def remove_client(
    access: Access, client_id: str, selection: Selection, *, expected: ExpectedVersion = None
) -> RenderedRecord:
    """Marks the record as deleted; the answer is the deleted record."""
    target = access.writable_target(client_id, expected)
    async with access.database.statement() as connection:
        return await ClientRepository(connection).remove(target, selection)


async def restore_client(
    access: Access, client_id: str, selection: Selection, *, expected: ExpectedVersion = None
) -> RenderedRecord:
    """Brings a deleted record back."""
    target = access.writable_target(client_id, expected)
    async with access.database.statement() as connection:
        return await ClientRepository(connection).restore(target, selection)
