"""Problems of an import: the wrong records of a file, described by their positions, and kept in a file of their own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from app.clients.faces import CUSTOMER_ID, TRANSFER
from app.clients.transfer.cells import describe_right_value
from app.clients.transfer.files import Entry
from app.clients.transfer.repository import ExistingRecord
from app.clients.transfer.sources import Source
from app.clients.transfer.tables import Table
from app.errors import DomainError, Invalid, Problem
from app.query.values import stringify

MOST_PROBLEMS = 20
LONGEST_NAME = 100
LONGEST_MEMBER = 500
"""The most characters of a value in the list of problems as JSON."""
IDS = "Leave the id out for a new one. Keep ids of other software with --map 'COLUMN=metadata.KEY'."


class NotImported(DomainError):
    """A file with records that cannot be imported; none was. The message has a line for each of the first problems."""


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """A problem of one record of a file.

    With a `text`, it is the problem. Otherwise its id is taken: by the `existing` record, or by the `first` record of the
    same batch that has it. `column` is the field, or the column of a table, that has the wrong `value`.
    """

    entry: Entry
    text: str = ""
    column: str = ""
    value: object = None
    existing: ExistingRecord | None = None
    first: Entry | None = None

    def __str__(self) -> str:
        return f"{name_entry(self.entry)}: {self.text}"

    def to_json(self) -> Mapping[str, object]:
        """The problem for programs."""
        value = self.value
        if isinstance(value, str):
            value = value[:LONGEST_MEMBER]
        elif not isinstance(value, int | float | None):
            value = stringify(value)[:LONGEST_MEMBER]
        position = {"line": self.entry.line, "record": self.entry.number}
        return {**position, "column": self.column, "value": value, "message": self.text}


def describe_problem(source: Source, entry: Entry, problem: Problem, *, whole: bool) -> RecordProblem:
    """A problem of a value. With `whole`, and in a table, the text has the value that was received and the right ones."""
    if problem.field == "record" and isinstance(source, Table):
        return RecordProblem(entry, f"row {problem.message}")
    column = source.name_field(problem.field)
    named = column if isinstance(source, Table) and column != problem.field else name_field(problem.field)
    text = f"{named} {problem.message}"
    if whole or isinstance(source, Table):
        text += _describe_values(problem)
    return RecordProblem(entry, text, column=column, value=problem.value)


def _describe_values(problem: Problem) -> str:
    field = TRANSFER.fields.get(problem.field)
    shown = isinstance(problem.value, str | int | float) and problem.value != ""
    received = (
        f"; received {quote(problem.value) if isinstance(problem.value, str) else problem.value}" if shown else ""
    )
    if field is None or problem.code in ("presence", "length", "size", "inclusion"):
        right = ""
    else:
        right = IDS if field.column == "id" else describe_right_value(field)
    return f"{received}. {right}" if right else received


def describe(problems: Sequence[RecordProblem], organization: str, source: Source) -> str:
    """The first problems in the order of the file, one line each."""
    taken = {str(problem.value) for problem in problems if not problem.text}
    firsts = find_firsts(source, taken) if taken else {}
    ordered = sorted(problems, key=lambda problem: problem.entry.number)[:MOST_PROBLEMS]
    lines = [
        str(problem if problem.text else explain_taken_id(problem, organization, firsts.get(str(problem.value))))
        for problem in ordered
    ]
    more = f". The first {len(lines)} problems" if len(problems) > len(lines) else ""
    return "\n".join([f"Nothing is imported{more}:", *lines])


def find_firsts(source: Source, ids: set[str]) -> dict[str, Entry]:
    """The first record of the file with each of the ids."""
    left, firsts = set(ids), {}
    for entry in source.read_entries():
        record_id = _find_id(source, entry)
        if record_id in left:
            left.remove(record_id)
            firsts[record_id] = entry
            if not left:
                break
    return firsts


def _find_id(source: Source, entry: Entry) -> str | None:
    try:
        value = None if entry.error else source.read_body(entry).get("id")
    except Invalid:
        return None
    return value.removeprefix(CUSTOMER_ID.prefix) if isinstance(value, str) else None


def explain_taken_id(problem: RecordProblem, organization: str, first: Entry | None) -> RecordProblem:
    """The problem with its text. `first` is the first record of the file with the id, if it is known."""
    return replace(problem, text=f"id is in {_find_holder(problem, organization, first)}")


def _find_holder(problem: RecordProblem, organization: str, first: Entry | None) -> str:
    if first is not None and first.number != problem.entry.number:
        return f"the file already: {name_entry(first)}"
    existing = problem.existing
    assert existing is not None  # noqa: S101 - narrows the type
    client = f"{quote(existing.name)}{', deleted' if existing.deleted else ''}"
    if existing.imported:
        return f"the file already: {client}"
    if existing.organization_id == organization:
        return f"the organization already: {client}"
    return f"another organization of the same account, {existing.organization_id}, {quote(existing.organization_name)}: {client}"


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


class RejectedRecords:
    """A file of the rejected records, in the form of the file that they are from. It is opened for the first of them."""

    def __init__(self, source: Source, open_file: Callable[[], BinaryIO]) -> None:
        self.source, self.open_file = source, open_file
        self.file: BinaryIO | None = None
        self.last: Entry | None = None

    def add(self, entry: Entry) -> None:
        """Adds a record. One that has no text of its own, such as the end of a broken list, is left out."""
        if not entry.raw:
            return
        if self.file is None:
            self.file = self.open_file()
            self.file.write(self.source.copy_head())
        raw = self.source.copy_raw(entry.raw)
        if entry.listed:
            self.file.write((b"[\n" if self.last is None else b",\n") + raw)
        else:
            self.file.write(raw if entry.raw[-1:] in ("\n", "\r", b"\n") else raw + self.source.copy_raw("\n"))
        self.last = entry

    def close(self) -> None:
        if self.file is None:
            return
        if self.last is not None and self.last.listed:
            self.file.write(b"\n]\n")
        self.file.close()
