"""Batches of clients that are written together: created, changed, or created and changed by a key of the caller's own.

A row is named by its position. The transaction of a batch is repeated without the rows that fail in it, or rolled back as a
whole if the caller wants all rows or none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.auth import Access
from app.clients.keys import find_taken
from app.clients.repository import ChangedRow, ClientRepository
from app.errors import Conflict, Contended, DomainError, KeyTaken
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.ids import new_id
from app.query.sql.render import Selection
from app.records.bodies import Values
from app.records.repository import RenderedRecord
from app.storage.connection import Connection
from app.storage.retries import retried

ATTEMPTS = 5
"""The most transactions of one batch, each without the rows that failed in those before it."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """The written record of a row with its id, or the error that prevented the write."""

    client_id: str = ""
    record: RenderedRecord | None = None
    created: bool = False
    error: DomainError | None = None


Results = Mapping[int, RowResult]


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """`keep_valid` writes the valid rows also if others fail. `dry_run` writes nothing and finds the errors."""

    selection: Selection
    keep_valid: bool = False
    dry_run: bool = False
    key: RequestKey | None = None


@dataclass(frozen=True, slots=True)
class Writing:
    """What a batch needs to write some of its rows."""

    actor: str
    selection: Selection
    positions: Sequence[int]


class Batch:
    """The rows of a batch in one organization, and the way to write those at some positions."""

    organization_id: str

    @property
    def positions(self) -> Sequence[int]:
        raise NotImplementedError

    async def prepare(self, connection: Connection) -> None:
        """Does what must be committed before the rows are written."""

    async def write(self, connection: Connection, writing: Writing) -> dict[int, RowResult]:
        """The results of the rows. A row with an error may be written all the same, for a transaction that is rolled back."""
        raise NotImplementedError

    def written(self) -> Mapping[int, Values]:
        """The values of the rows with the ids of their clients."""
        raise NotImplementedError

    def identifies_by(self, taken: KeyTaken) -> bool:
        """True if a row finds its client by the key whose value is taken."""
        return False


class NotPrepared(Exception):
    """The batch cannot be written before `prepare` was committed."""


class _RolledBack(Exception):
    def __init__(self, results: Results) -> None:
        super().__init__()
        self.results = results


@retried
async def write_batch(
    access: Access, batch: Batch, options: BatchOptions, answer: Callable[[Results], StoredResponse]
) -> StoredResponse:
    """Writes the rows of a batch, and gives the `answer` to their results. A repeated key gets the answer of the first time.

    Raises Forbidden, NotFound for the organization, StorageFull, and Conflict.
    """
    access.require_write()
    access.require(batch.organization_id)
    access.require_room(batch.organization_id)
    failed: dict[int, DomainError] = {}
    for _ in range(ATTEMPTS):
        try:
            return await _write(access, batch, options, answer, failed)
        except _RolledBack as rolled_back:
            results = rolled_back.results
            if options.dry_run or not options.keep_valid:
                return answer(results)
            failed |= {position: result.error for position, result in results.items() if result.error}
        except NotPrepared:
            async with access.database.write() as connection:
                await batch.prepare(connection)
        except KeyTaken as taken:
            failed |= await _find_failed(access, batch, taken, failed)
            if not options.keep_valid:
                return answer(_show_failed(batch, failed))
    raise Conflict("Other requests write the same values of keys all the time. Send the request again.")


async def _write(
    access: Access,
    batch: Batch,
    options: BatchOptions,
    answer: Callable[[Results], StoredResponse],
    failed: Mapping[int, DomainError],
) -> StoredResponse:
    """One transaction. Raises _RolledBack if it must not be committed."""
    key = None if options.dry_run else options.key
    async with access.database.write() as connection:
        stored = None if key is None else await claim(connection, key)
        if stored is not None:
            return stored
        if options.dry_run:
            await batch.prepare(connection)
        positions = [position for position in batch.positions if position not in failed]
        written = await batch.write(connection, Writing(access.principal.actor, options.selection, positions))
        results = {**{position: RowResult(error=error) for position, error in failed.items()}, **written}
        if options.dry_run or any(result.error for result in written.values()) or (failed and not options.keep_valid):
            raise _RolledBack(_without_records(results))
        response = answer(results)
        if key is not None:
            await remember(connection, key, response, batch.organization_id)
        return response


def _without_records(results: Results) -> Results:
    """The results of a transaction that was rolled back."""
    return {position: RowResult(error=result.error) for position, result in results.items()}


def _show_failed(batch: Batch, failed: Mapping[int, DomainError]) -> Results:
    return {position: RowResult(error=failed.get(position)) for position in batch.positions}


async def _find_failed(
    access: Access, batch: Batch, taken: KeyTaken, failed: Mapping[int, DomainError]
) -> Mapping[int, DomainError]:
    """The errors of the rows whose values of keys are taken. Raises Contended if a repetition finds the client by its key."""
    if batch.identifies_by(taken):
        raise Contended("another request created the client of a key")
    rows = {position: row for position, row in batch.written().items() if position not in failed}
    async with access.database.read() as connection:
        errors: dict[int, DomainError] = {**await find_taken(connection, batch.organization_id, rows)}
    return errors or {position: taken for position, row in rows.items() if row["id"] == taken.client_id}


@dataclass
class CreateBatch(Batch):
    """New clients, by position."""

    organization_id: str
    rows: Mapping[int, Values]

    def __post_init__(self) -> None:
        self.rows = {position: _new_row(self.organization_id, values) for position, values in self.rows.items()}

    @property
    def positions(self) -> Sequence[int]:
        return list(self.rows)

    async def write(self, connection: Connection, writing: Writing) -> dict[int, RowResult]:
        return await add_rows(connection, writing, {position: self.rows[position] for position in writing.positions})

    def written(self) -> Mapping[int, Values]:
        return self.rows


def _new_row(organization_id: str, values: Values) -> Values:
    return {**values, "id": new_id(), "organization_id": organization_id}


async def add_rows(connection: Connection, writing: Writing, rows: Mapping[int, Values]) -> dict[int, RowResult]:
    if not rows:
        return {}
    added = await ClientRepository(connection).add(list(rows.values()), writing.actor, writing.selection)
    return {position: RowResult(row["id"], added[row["id"]], created=True) for position, row in rows.items()}


@dataclass
class ChangeBatch(Batch):
    """Changes of live clients. Each client occurs once."""

    organization_id: str
    rows: Sequence[ChangedRow]

    @property
    def positions(self) -> Sequence[int]:
        return [row.position for row in self.rows]

    async def write(self, connection: Connection, writing: Writing) -> dict[int, RowResult]:
        positions = frozenset(writing.positions)
        rows = [row for row in self.rows if row.position in positions]
        return await change_rows(connection, writing, self.organization_id, rows)

    def written(self) -> Mapping[int, Values]:
        return {row.position: {**row.values, "id": row.id} for row in self.rows}


async def change_rows(
    connection: Connection, writing: Writing, organization_id: str, rows: Sequence[ChangedRow]
) -> dict[int, RowResult]:
    if not rows:
        return {}
    changed = await ClientRepository(connection).change_many((organization_id,), writing.actor, rows, writing.selection)
    ids = {row.position: row.id for row in rows}
    return {
        position: RowResult(ids[position], result)
        if isinstance(result, RenderedRecord)
        else RowResult(ids[position], error=result)
        for position, result in changed.items()
    }
