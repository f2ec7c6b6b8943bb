"""Importing: the state of one import. Batches of rows are matched with clients, and added or written to these."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.clients.keys import find_taken
from app.clients.repository import ChangedRow
from app.clients.transfer.columns import Target
from app.clients.transfer.files import Entry
from app.clients.transfer.matching import ID, Match, OnDuplicate, find_matches, read_value
from app.clients.transfer.problems import (
    MOST_PROBLEMS,
    RecordProblem,
    RejectedRecords,
    describe_problem,
    explain_taken_id,
    name_entry,
    quote,
)
from app.clients.transfer.reading import Batch, ReadRow, RecordReader
from app.clients.transfer.repository import ExistingRecord, TransferRepository
from app.clients.transfer.sources import Source
from app.errors import DomainError, Invalid
from app.records.bodies import Values


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`match` is the field, or the member, by which a record is a duplicate of a client.

    - `on_duplicate`: a duplicate is a problem, is skipped, or changes the client.
    - `keep_good` imports the other records if some have problems. `dry_run` only finds the problems.
    """

    on_duplicate: OnDuplicate = "fail"
    match: Target = ID
    keep_good: bool = False
    dry_run: bool = False

    @property
    def lists_problems(self) -> bool:
        """True if every problem is reported; otherwise the first ones end the import."""
        return self.keep_good or self.dry_run

    @property
    def matches(self) -> bool:
        """True if records are matched with clients by anything but the check that their ids are free."""
        return self.on_duplicate != "fail" or self.match != ID


@dataclass
class Counts:
    """The numbers of records: added, written to clients that existed, skipped as duplicates, and rejected."""

    added: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0

    @property
    def read(self) -> int:
        return self.added + self.updated + self.skipped + self.rejected


@dataclass(frozen=True, slots=True)
class ImportOutput:
    """The receivers of what happens: each problem, each rejected record, and after each batch its end in the file."""

    advance: Callable[[int, Counts], object] = lambda _position, _counts: None
    report: Callable[[RecordProblem], object] = lambda _problem: None
    rejected: RejectedRecords | None = None


@dataclass
class Importing:
    """The state of one import.

    Valid records are added beside invalid ones, so that a later record with the id of one is found.
    """

    repository: TransferRepository
    organization: str
    account_organizations: Sequence[str]
    source: Source
    options: ImportOptions
    output: ImportOutput
    counts: Counts = field(default_factory=Counts)
    problems: list[RecordProblem] = field(default_factory=list)
    has_keys: bool = False
    """True if members of documents identify the clients of the organization."""

    def reader(self) -> RecordReader:
        options = self.options
        return RecordReader(self.source, self.organization, options.on_duplicate == "update", options.lists_problems)

    @property
    def is_hopeless(self) -> bool:
        return not self.options.lists_problems and len(self.problems) > MOST_PROBLEMS

    async def write(self, batch: Batch) -> None:
        """Adds the records of a batch, or writes them to the clients that they match, and reports the problems."""
        self.problems += batch.problems
        if self.options.matches:
            rows: Sequence[ReadRow] = batch.rows
            while rows:
                rows = await self._write_matched(rows)
        else:
            await self._add(batch.rows)
        if self.options.lists_problems:
            self._report()

    async def _write_matched(self, rows: Sequence[ReadRow]) -> Sequence[ReadRow]:
        """Writes the first of the rows that have one value of the match; gives the others, which may match it then."""
        options = self.options
        matches = await find_matches(self.repository, self.organization, options.match, [row.values for row in rows])
        firsts: dict[str, ReadRow] = {}
        new: list[ReadRow] = []
        matched: list[tuple[ReadRow, Match]] = []
        later: list[tuple[ReadRow, ReadRow]] = []
        for position, row in enumerate(rows):
            match = matches.get(position)
            first = row if match is None else firsts.setdefault(match.key, row)
            if first is not row:
                later.append((row, first))
            elif match is not None and match.ids:
                matched.append((row, match))
            else:
                new.append(row)
        await self._add(new)
        await self._write_to_existing(matched)
        if self.options.on_duplicate != "fail":
            return [row for row, _ in later]
        for row, first in later:
            self._note_match(row, f"is that of {name_entry(first.entry)} already")
        return ()

    async def _add(self, rows: Sequence[ReadRow]) -> None:
        """Adds the rows that have names, and whose ids and values of keys are free. The others are problems."""
        self.problems += [
            describe_problem(self.source, row.entry, row.missing, whole=False)
            for row in rows
            if row.missing is not None
        ]
        free = await self._find_free([row for row in rows if row.missing is None])
        if self.has_keys:
            free = await self._drop_taken(free, [row.values for row in free])
        if free:
            await self.repository.add([row.json for row in free])
        self.counts.added += len(free)

    async def _find_free(self, rows: Sequence[ReadRow]) -> list[ReadRow]:
        firsts: dict[str, ReadRow] = {}
        for row in rows:
            first = firsts.setdefault(row.id, row)
            if first is not row:
                self.problems.append(RecordProblem(row.entry, column="id", value=row.id, first=first.entry))
        taken = await self._find_taken_ids(list(firsts))
        for record_id, existing in taken.items():
            self.problems.append(
                RecordProblem(firsts[record_id].entry, column="id", value=record_id, existing=existing)
            )
        return [row for record_id, row in firsts.items() if record_id not in taken]

    async def _find_taken_ids(self, ids: Sequence[str]) -> dict[str, ExistingRecord]:
        """One existing record for each id that is taken: in the organization itself, if it is taken there."""
        records = await self.repository.existing_records(self.account_organizations, ids)
        records.sort(key=lambda record: record.organization_id == self.organization)
        return {record.id: record for record in records}

    async def _drop_taken(self, rows: Sequence[ReadRow], written: Sequence[Values]) -> list[ReadRow]:
        """The rows whose written values of keys no other client has. The others are problems."""
        taken = await find_taken(self.repository.connection, self.organization, dict(enumerate(written)))
        self.problems += [RecordProblem(rows[position].entry, error.message) for position, error in taken.items()]
        return [row for position, row in enumerate(rows) if position not in taken]

    async def _write_to_existing(self, matched: Sequence[tuple[ReadRow, Match]]) -> None:
        """Writes rows to the clients that they match, skips the rows, or notes their problems, as the options say."""
        if self.options.on_duplicate == "skip":
            self.counts.skipped += len(matched)
            return
        ids = [client_id for _, match in matched for client_id in match.ids]
        existing = {record.id: record for record in await self.repository.existing_records([self.organization], ids)}
        changed: dict[str, ReadRow] = {}
        for row, match in matched:
            clients = [existing[client_id] for client_id in match.ids if client_id in existing]
            problem = self._find_match_problem(clients)
            if problem:
                self._note_match(row, problem)
            else:
                changed[clients[0].id] = row
        await self._change(changed)

    def _find_match_problem(self, clients: Sequence[ExistingRecord]) -> str | None:
        listed = ", ".join(f"{quote(client.name)} ({client.id})" for client in clients)
        if self.options.on_duplicate == "fail":
            return f"is that of a client already: {listed}"
        if len(clients) != 1:
            return f"is that of {len(clients)} clients, so none of them is changed: {listed}"
        return f"is that of a deleted client, which cannot be changed: {listed}" if clients[0].deleted else None

    def _note_match(self, row: ReadRow, message: str) -> None:
        target = self.options.match
        column = self.source.name_field(target.field) if not target.member else str(target)
        value = read_value(row.values, target)
        self.problems.append(RecordProblem(row.entry, f"{column} {message}", column=column, value=value))

    async def _change(self, rows: Mapping[str, ReadRow]) -> None:
        """Changes clients, by their ids. The rows that fail are problems."""
        changes = {client_id: {**row.changes} for client_id, row in rows.items()}
        if self.source.has_members("custom"):
            await self._keep_members(changes)
        rows = dict(rows)
        if self.has_keys:
            written = [{**changes[client_id], "id": client_id} for client_id in rows]
            free = await self._drop_taken(list(rows.values()), written)
            kept = {id(row) for row in free}
            rows = {client_id: row for client_id, row in rows.items() if id(row) in kept}
        while rows:
            ids = list(rows)
            changed = [ChangedRow(position, client_id, changes[client_id]) for position, client_id in enumerate(ids)]
            errors = await self.repository.change(self.organization, changed)
            if not errors:
                break
            self.problems += [
                self._describe_failure(rows.pop(ids[position]), error) for position, error in errors.items()
            ]
        self.counts.updated += len(rows)

    def _describe_failure(self, row: ReadRow, error: DomainError) -> RecordProblem:
        if isinstance(error, Invalid):
            return describe_problem(self.source, row.entry, error.problems[0], whole=False)
        return RecordProblem(row.entry, error.message)

    async def _keep_members(self, changes: Mapping[str, Values]) -> None:
        """Adds the members of `custom` that the records do not have. Those of `metadata` stay by themselves."""
        custom = await self.repository.custom_of(self.organization, list(changes))
        for client_id, values in changes.items():
            if isinstance(custom.get(client_id), dict) and isinstance(values.get("custom"), dict):
                values["custom"] = {**custom[client_id], **values["custom"]}

    def _report(self) -> None:
        """Reports the problems in the order of the file, and forgets them."""
        rejected: dict[int, Entry] = {}
        for problem in sorted(self.problems, key=lambda problem: problem.entry.number):
            told = problem if problem.text else explain_taken_id(problem, self.organization, problem.first)
            self.output.report(told)
            rejected[problem.entry.number] = problem.entry
        if self.output.rejected is not None:
            for entry in rejected.values():
                self.output.rejected.add(entry)
        self.counts.rejected += len(rejected)
        self.problems.clear()
