"""Reading: batches of the records of a file, as rows of the clients table, and the problems of the invalid ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from app.clients.faces import TABLE, TRANSFER
from app.clients.transfer.files import Entry
from app.clients.transfer.problems import RecordProblem, describe_problem, quote
from app.clients.transfer.record import RULES, read_transferred
from app.clients.transfer.sources import Source
from app.errors import Invalid, Problem
from app.records.bodies import Values

BATCH, BATCH_SIZE = 1000, 4 * 1024 * 1024
"""The most records that are added at once, and about the most characters."""
WRITABLE = frozenset(row.column for row in TABLE if row.writable)
"""The columns that a change of a client can write."""


class ReadRow(NamedTuple):
    """A valid record: the values of a new client, and the `changes` of one that exists.

    `json` is a JSON object of the values that are not null. It is made here because the reading is done in a thread. It is
    a text, because orjson's bytes keep 8 KB each.
    `missing` is the problem of a record that has no name, so that it cannot become a new client.
    """

    entry: Entry
    values: Values
    json: str
    changes: Values
    missing: Problem | None = None

    @property
    def id(self) -> str:
        client_id: str = self.values["id"]
        return client_id


@dataclass(frozen=True, slots=True)
class Batch:
    """The valid records of a part of the file, and the problems of the others."""

    rows: Sequence[ReadRow]
    problems: Sequence[RecordProblem]


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
class RecordReader:
    """Reads the records of a source for an organization.

    `for_changes`: rows may be written to clients that exist. `whole_problems` have the received value and the right ones.
    """

    source: Source
    organization: str
    for_changes: bool = False
    whole_problems: bool = False
    owner: str | None = None
    """The organization that the file names; all of its records name the same."""

    def read(self) -> Iterator[Batch]:
        """The records of the file."""
        for entries in batches(self.source.read_entries()):
            yield self._read_batch(entries)

    def _read_batch(self, entries: Sequence[Entry]) -> Batch:
        problems: list[RecordProblem] = []
        rows = [row for entry in entries if (row := self._read(entry, problems)) is not None]
        return Batch(rows, problems)

    def _read(self, entry: Entry, problems: list[RecordProblem]) -> ReadRow | None:
        """The row of a record; None, after noting each problem, if the record is not valid."""
        try:
            return self._read_valid(entry)
        except Invalid as error:
            ordered = sorted(error.problems, key=lambda problem: self.source.rank_field(problem.field))
            problems += [describe_problem(self.source, entry, each, whole=self.whole_problems) for each in ordered]
            return None

    def _read_valid(self, entry: Entry) -> ReadRow:
        if entry.error:
            raise Invalid([Problem("record", "type", entry.error)])
        body = self.source.read_body(entry)
        missing = self._find_missing_name(body) if self.for_changes else None
        try:
            values = read_transferred(body if missing is None else {**body, "name": "-"})
        except Invalid as error:
            raise Invalid([*entry.problems, *error.problems]) from error
        if entry.problems:
            raise Invalid(entry.problems)
        owner = values["organization_id"]
        self.owner = self.owner or owner
        if owner not in (None, self.owner):
            message = f"is {quote(owner)}, but that of the records before it is {quote(self.owner or '')}"
            raise Invalid([Problem("organizationId", "format", message)])
        changes = self._find_changes(body, values) if self.for_changes else {}
        values["organization_id"] = self.organization
        json = orjson.dumps({column: value for column, value in values.items() if value is not None}).decode()
        return ReadRow(entry, values, json, changes, missing)

    def _find_missing_name(self, body: Mapping[str, Any]) -> Problem | None:
        """The problem of a record without a name, which can only change a client."""
        keeps = "name" not in body or (self.source.empty_keeps and body["name"] is None)
        return Problem("name", "presence", RULES.messages.blank) if keeps else None

    def _find_changes(self, body: Mapping[str, Any], values: Values) -> Values:
        """The values that the record itself has, of the columns that a change can write."""
        sent = [name for name, value in body.items() if value is not None or not self.source.empty_keeps]
        columns = [TRANSFER.fields[name].column for name in sent if name in TRANSFER.fields]
        return {column: values[column] for column in columns if column in WRITABLE}
