"""Import and export: each is one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from app.clients.transfer.files import Entry, read_entries
from app.clients.transfer.problems import MOST_PROBLEMS, Finding, describe, name_field, quote
from app.clients.transfer.record import read_transferred
from app.clients.transfer.repository import Holder, MovingRepository
from app.errors import DomainError, Invalid, Malformed, NotFound, Problem
from app.records.bodies import Values
from app.storage.database import Database

BATCH, BATCH_SIZE = 500, 4 * 1024 * 1024
"""The most records that are added at once, and about the most characters."""
NO_PLACE = "name or email is too long for the database's indexes"
NO_ORGANIZATION = "There is no organization with the id {}"


class NotImported(DomainError):
    """A file with records that cannot be imported: nothing was. One line for each problem, or for the first twenty."""


async def export_clients(database: Database, organization_id: str, write: Callable[[bytes], object]) -> int:
    """Hands every client of an organization, as it was at one moment, to `write`, one line each; how many there were.

    Raises NotFound when there is no such organization.
    """
    count = 0
    async with database.snapshot() as connection:
        repository = MovingRepository(connection)
        if not await repository.siblings(organization_id):
            raise NotFound(NO_ORGANIZATION.format(organization_id))
        async for shown, hidden in repository.export(organization_id):
            write(f"{shown[:-1]},{hidden}}}\n".encode() if hidden else f"{shown}\n".encode())
            count += 1
    return count


async def import_clients(
    database: Database, organization_id: str, file: BinaryIO, advance: Callable[[], object] = lambda: None
) -> int:
    """Adds every record of a file, which must be seekable, to an organization, or none of them; how many there were.

    `advance` is called now and then while the file is being read. Raises NotFound when there is no such organization,
    and NotImported with what is wrong with the records.
    """
    async with database.write() as connection:
        repository = MovingRepository(connection)
        await repository.lock_imports(organization_id)
        siblings = await repository.siblings(organization_id)
        if not siblings:
            raise NotFound(NO_ORGANIZATION.format(organization_id))
        importing = Importing(repository, organization_id, siblings)
        for entries in batches(read_entries(file)):
            await importing.add(entries)
            advance()
            if len(importing.findings) > MOST_PROBLEMS:
                break
        if importing.findings:
            raise NotImported(describe(importing.findings, organization_id, file))
        return importing.count


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


@dataclass
class Importing:
    """One import under way. Sound records are added beside unsound ones, so that a later one with their id is found."""

    repository: MovingRepository
    organization: str
    siblings: Sequence[str]
    count: int = 0
    findings: list[Finding] = field(default_factory=list)
    home: str | None = None
    """The organization that the records come from: one file holds those of one."""

    async def add(self, entries: Sequence[Entry]) -> None:
        rows: dict[str, Values] = {}
        origins: dict[str, Entry] = {}
        for entry in entries:
            row = self._read(entry)
            if row is not None and row["id"] in rows:
                self.findings.append(Finding(entry))
            elif row is not None:
                rows[row["id"]], origins[row["id"]] = row, entry
        for holder in await self._holders(list(rows)):
            self.findings.append(Finding(origins[holder.id], holder=holder))
            del rows[holder.id]
        for refused in await self._insert(list(rows.values())):
            self.findings.append(Finding(origins[refused["id"]], NO_PLACE))
        self.count += len(rows)

    async def _insert(self, rows: Sequence[Values]) -> list[Values]:
        """Adds the rows; when the database has no place for some, one by one, and gives those."""
        refused: list[Values] = []
        try:
            if rows:
                await self.repository.add(rows)
        except Malformed:
            if len(rows) == 1:
                return list(rows)
            for row in rows:
                refused += await self._insert([row])
        return refused

    def _read(self, entry: Entry) -> Values | None:
        """The row of a record; None, and a finding for each problem, when it is not sound."""
        try:
            row = self._sound(entry)
        except Invalid as refusal:
            self.findings += [Finding(entry, f"{name_field(one.field)} {one.message}") for one in refusal.problems]
            return None
        return row

    def _sound(self, entry: Entry) -> Values:
        if entry.fault or not isinstance(entry.value, dict):
            raise Invalid([Problem("record", "type", entry.fault or "is not an object")])
        row = read_transferred(entry.value)
        given = row["organization_id"]
        self.home = self.home or given
        if given not in (None, self.home):
            told = f"is {quote(given)}, and that of the records before it {quote(self.home)}"
            raise Invalid([Problem("organizationId", "format", told)])
        return {**row, "organization_id": self.organization}

    async def _holders(self, ids: Sequence[str]) -> list[Holder]:
        """One holder for each id that is taken: in the organization itself, if it is taken there."""
        found = await self.repository.holders(self.siblings, ids)
        found.sort(key=lambda one: one.organization_id == self.organization)
        return list({one.id: one for one in found}.values())
