"""Import and export: each is one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from app.clients.moving.files import Entry, read_entries
from app.clients.moving.record import read_moved
from app.clients.moving.repository import Holder, MovingRepository
from app.clients.record import Values
from app.errors import Invalid, Malformed, NotFound, Problem, Refusal
from app.query.wording import stringify
from app.storage.database import Database

BATCH = 500
MOST_PROBLEMS = 20
LONGEST_NAME = 100
NO_PLACE = "name or email is too long for the database's indexes"
NO_ORGANIZATION = "There is no organization with the id {}"


class NotImported(Refusal):
    """A file with records that cannot be imported: nothing was. One line for each problem, or for the first twenty."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a record of a file. `holder` has its id already; without one, and without a text,
    another record of the same batch has."""

    entry: Entry
    text: str = ""
    holder: Holder | None = None


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
        for entries in batches(read_entries(file), BATCH):
            await importing.add(entries)
            advance()
            if len(importing.findings) > MOST_PROBLEMS:
                break
        if importing.findings:
            raise NotImported(describe(importing.findings, organization_id, file))
        return importing.count


def batches(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
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
        row = read_moved(entry.value)
        given = row["organization_id"]
        self.home = self.home or given
        if given not in (None, self.home):
            told = f"is {stringify(given)}, and that of the records before it {stringify(self.home)}"
            raise Invalid([Problem("organizationId", "format", told)])
        return {**row, "organization_id": self.organization}

    async def _holders(self, ids: Sequence[str]) -> list[Holder]:
        """One holder for each id that is taken: in the organization itself, if it is taken there."""
        found = await self.repository.holders(self.siblings, ids)
        found.sort(key=lambda one: one.organization_id == self.organization)
        return list({one.id: one for one in found}.values())


def describe(findings: Sequence[Finding], organization: str, file: BinaryIO) -> str:
    """What is wrong, in the order of the file."""
    doubled = {str(one.entry.value["id"]) for one in findings if not one.text}
    firsts = find_firsts(file, doubled) if doubled else {}
    ordered = sorted(findings, key=lambda one: one.entry.number)[:MOST_PROBLEMS]
    lines = [f"{name_entry(one.entry)}: {one.text or _tell_holder(one, organization, firsts)}" for one in ordered]
    head = "Nothing is imported" + (", and these are only the first problems" if len(findings) > len(lines) else "")
    return "\n".join([f"{head}:", *lines])


def find_firsts(file: BinaryIO, ids: set[str]) -> dict[str, Entry]:
    """The first record of the file with each of the ids."""
    left, firsts = set(ids), {}
    for entry in read_entries(file):
        found = entry.value.get("id") if isinstance(entry.value, dict) else None
        if isinstance(found, str) and found in left:
            left.remove(found)
            firsts[found] = entry
            if not left:
                break
    return firsts


def _tell_holder(finding: Finding, organization: str, firsts: dict[str, Entry]) -> str:
    first, holder = firsts[finding.entry.value["id"]], finding.holder
    if first.number != finding.entry.number:
        return f"id is in the file already: {name_entry(first)}"
    assert holder is not None
    client = f"{quote(holder.name)}{', deleted' if holder.deleted else ''}"
    if holder.organization_id == organization:
        return f"id is in the organization already: {client}"
    other = f"{holder.organization_id}, {quote(holder.organization_name)}"
    return f"id is in another organization of the same account, {other}: {client}"


def name_entry(entry: Entry) -> str:
    """Where a record stands, with its id and name as far as it has them."""
    value: dict[str, Any] = entry.value if isinstance(entry.value, dict) else {}
    told = [quote(value[key]) for key in ("id", "name") if isinstance(value.get(key), str)]
    return f"{entry.place} ({', '.join(told)})" if told else entry.place


def name_field(name: str) -> str:
    return name if name.isidentifier() and len(name) <= LONGEST_NAME else quote(name)


def quote(text: str) -> str:
    """A text between quotes, cut where it is long."""
    return stringify(text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…")
