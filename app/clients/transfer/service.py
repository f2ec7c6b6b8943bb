"""Import and export: each is one transaction. A failed import reports the problems of its records."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from app.clients.transfer.files import Entry, read_entries
from app.clients.transfer.record import read_transferred
from app.clients.transfer.repository import ExistingRecord, TransferRepository
from app.errors import DomainError, Invalid, KeyTaken, NotFound, Problem
from app.query.values import stringify
from app.records.bodies import Values
from app.storage.database import Database

BATCH, BATCH_SIZE = 1000, 4 * 1024 * 1024
"""The most records that are added at once, and about the most characters."""
MOST_PROBLEMS = 20
LONGEST_NAME = 100
NO_ORGANIZATION = "There is no organization with the id {}"


class NotImported(DomainError):
    """A file with records that cannot be imported; none was. The message has a line for each of the first problems."""


async def export_clients(database: Database, organization_id: str, write: Callable[[bytes], object]) -> int:
    """Passes every client of an organization, in one snapshot, to `write`, one line each. Gives their number.

    Raises NotFound if the organization does not exist.
    """
    count = 0
    async with database.snapshot() as connection:
        repository = TransferRepository(connection)
        if not await repository.account_organizations(organization_id):
            raise NotFound(NO_ORGANIZATION.format(organization_id))
        async for shown, hidden in repository.export(organization_id):
            write(f"{shown[:-1]},{hidden}}}\n".encode() if hidden else f"{shown}\n".encode())
            count += 1
    return count


async def import_clients(
    database: Database, organization_id: str, file: BinaryIO, advance: Callable[[int], object] = lambda _: None
) -> int:
    """Adds every record of a seekable file to an organization, or none of them. Gives their number.

    `advance` gets the end of each batch in the file after the batch is added. Raises NotFound if the organization does not
    exist, and NotImported with the problems of the records.
    """
    try:
        return await _import_clients(database, organization_id, file, advance)
    except KeyTaken as taken:
        entry = find_firsts(file, {taken.client_id})[taken.client_id]
        raise NotImported(describe([RecordProblem(entry, taken.message)], organization_id, file)) from taken


async def _import_clients(
    database: Database, organization_id: str, file: BinaryIO, advance: Callable[[int], object]
) -> int:
    async with database.write() as connection:
        repository = TransferRepository(connection)
        await repository.lock_imports(organization_id)
        account_organizations = await repository.account_organizations(organization_id)
        if not account_organizations:
            raise NotFound(NO_ORGANIZATION.format(organization_id))
        importing = Importing(repository, organization_id, account_organizations)
        await _add_all(importing, file, advance)
        if importing.problems:
            raise NotImported(describe(importing.problems, organization_id, file))
        return importing.count


async def _add_all(importing: "Importing", file: BinaryIO, advance: Callable[[int], object]) -> None:
    """Adds the records of a file until there are too many problems.

    A thread reads a batch while the database adds the one before it. At the end, no thread uses the file any more.
    """
    reader = importing.read(file)
    batch, position = next(reader, None), file.tell()
    while batch is not None and len(importing.problems) <= MOST_PROBLEMS:
        rows = await importing.find_free(batch)
        reading = asyncio.create_task(asyncio.to_thread(next, reader, None))
        try:
            await importing.add(rows)
        finally:
            batch = await reading
        advance(position)
        position = file.tell()


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += entry.size
        if len(batch) >= BATCH or size >= BATCH_SIZE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """A problem of one record of a file.

    With a `text`, it is the problem. Otherwise the id is taken: by the `existing` record, or by an earlier record of
    the same batch.
    """

    entry: Entry
    text: str = ""
    existing: ExistingRecord | None = None


Batch = dict[str, tuple[Values, Entry]]
"""Rows to add by their ids, each with the record of the file that it was read from."""


@dataclass
class Importing:
    """The state of one import.

    Valid records are added beside invalid ones, so that a later record with the id of one is found.
    """

    repository: TransferRepository
    organization: str
    account_organizations: Sequence[str]
    count: int = 0
    problems: list[RecordProblem] = field(default_factory=list)
    source: str | None = None
    """The organization that the file names; all of its records name the same."""

    def read(self, file: BinaryIO) -> Iterator[Batch]:
        """The valid records of a file. The problems of the others are noted."""
        for entries in batches(read_entries(file)):
            yield self._read_batch(entries)

    def _read_batch(self, entries: Sequence[Entry]) -> Batch:
        batch: Batch = {}
        for entry in entries:
            row = self._read(entry)
            if row is not None and row["id"] in batch:
                self.problems.append(RecordProblem(entry))
            elif row is not None:
                batch[row["id"]] = (row, entry)
        return batch

    async def find_free(self, batch: Batch) -> list[Values]:
        """The rows whose ids are free. The others are problems."""
        existing = await self._existing_records(list(batch))
        self.problems += [RecordProblem(batch[record.id][1], existing=record) for record in existing]
        taken = {record.id for record in existing}
        return [row for record_id, (row, _) in batch.items() if record_id not in taken]

    async def add(self, rows: Sequence[Values]) -> None:
        if rows:
            await self.repository.add(rows)
        self.count += len(rows)

    def _read(self, entry: Entry) -> Values | None:
        """The row of a record; None, after noting each problem, if the record is not valid."""
        try:
            row = self._read_valid(entry)
        except Invalid as error:
            self.problems += [
                RecordProblem(entry, f"{name_field(problem.field)} {problem.message}") for problem in error.problems
            ]
            return None
        return row

    def _read_valid(self, entry: Entry) -> Values:
        if entry.error or not isinstance(entry.value, dict):
            raise Invalid([Problem("record", "type", entry.error or "is not an object")])
        row = read_transferred(entry.value)
        source = row["organization_id"]
        self.source = self.source or source
        if source not in (None, self.source):
            message = f"is {quote(source)}, but that of the records before it is {quote(self.source)}"
            raise Invalid([Problem("organizationId", "format", message)])
        return {**row, "organization_id": self.organization}

    async def _existing_records(self, ids: Sequence[str]) -> list[ExistingRecord]:
        """One existing record for each id that is taken: in the organization itself, if it is taken there."""
        records = await self.repository.existing_records(self.account_organizations, ids)
        records.sort(key=lambda record: record.organization_id == self.organization)
        return list({record.id: record for record in records}.values())


def describe(problems: Sequence[RecordProblem], organization: str, file: BinaryIO) -> str:
    """The first problems in the order of the file, one line each."""
    repeated = {str(problem.entry.value["id"]) for problem in problems if not problem.text}
    firsts = find_firsts(file, repeated) if repeated else {}
    ordered = sorted(problems, key=lambda problem: problem.entry.number)[:MOST_PROBLEMS]
    lines = [
        f"{name_entry(problem.entry)}: {problem.text or _describe_taken_id(problem, organization, firsts)}"
        for problem in ordered
    ]
    more = f". The first {len(lines)} problems" if len(problems) > len(lines) else ""
    return "\n".join([f"Nothing is imported{more}:", *lines])


def find_firsts(file: BinaryIO, ids: set[str]) -> dict[str, Entry]:
    """The first record of the file with each of the ids."""
    left, firsts = set(ids), {}
    for entry in read_entries(file):
        record_id = entry.value.get("id") if isinstance(entry.value, dict) else None
        if isinstance(record_id, str) and record_id in left:
            left.remove(record_id)
            firsts[record_id] = entry
            if not left:
                break
    return firsts


def _describe_taken_id(problem: RecordProblem, organization: str, firsts: dict[str, Entry]) -> str:
    first, existing = firsts[problem.entry.value["id"]], problem.existing
    if first.number != problem.entry.number:
        return f"id is in the file already: {name_entry(first)}"
    assert existing is not None  # noqa: S101 - narrows the type
    client = f"{quote(existing.name)}{', deleted' if existing.deleted else ''}"
    if existing.organization_id == organization:
        return f"id is in the organization already: {client}"
    other = f"{existing.organization_id}, {quote(existing.organization_name)}"
    return f"id is in another organization of the same account, {other}: {client}"


def name_entry(entry: Entry) -> str:
    """The position of a record, with its id and name as far as it has them."""
    value: dict[str, Any] = entry.value if isinstance(entry.value, dict) else {}
    names = [quote(value[key]) for key in ("id", "name") if isinstance(value.get(key), str)]
    return f"{entry.position} ({', '.join(names)})" if names else entry.position


def name_field(name: str) -> str:
    return name if name.isidentifier() and len(name) <= LONGEST_NAME else quote(name)


def quote(text: str) -> str:
    """A text between quotes, cut where it is long."""
    return stringify(text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…")
