"""Tables: CSV files with a header. Their rows become the bodies that JSON files have."""

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from app.clients.faces import TRANSFER
from app.clients.transfer.cells import read_cell, unguard
from app.clients.transfer.columns import ColumnOptions, Columns, Target, find_target, match_columns
from app.clients.transfer.encodings import Encoding, find_encoding
from app.clients.transfer.files import Entry
from app.clients.transfer.rows import Lines, Row, read_rows
from app.errors import Malformed, Problem
from app.query.face import Field
from app.records.invalid_values import InvalidValue

DELIMITERS = ("\t", ";", "|", ",")
"""From the one that texts have most rarely; equal ratings leave the choice to this order."""
SAMPLE, SAMPLE_ROWS = 64 * 1024, 20
LONGEST_SAMPLE = 60


@dataclass(frozen=True, slots=True)
class TableOptions:
    """The choices of the operator about a CSV file. `raw` keeps the apostrophes in front of formulas."""

    encoding: str | None = None
    delimiter: str | None = None
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A column with a target: the index of its cells, and the field that they fill."""

    index: int
    target: Target
    field: Field


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file whose header has been read. `head` is the text up to the first row."""

    file: BinaryIO
    encoding: Encoding
    delimiter: str
    columns: Columns
    head: str
    raw: bool = False
    cells: Sequence[Cell] = ()
    unnamed: Sequence[int] = ()
    """The columns that have no name and are not left out, so that their cells must be empty."""

    empty_keeps = True
    """An empty cell does not change a client that exists."""

    def read_entries(self) -> Iterator[Entry]:
        """The rows as records. Each has all fields of the columns; an empty cell is null."""
        text = open_text(self.file, self.encoding)
        try:
            lines = Lines(text)
            lines.pass_separator_line()
            rows = read_rows(lines, self.delimiter)
            next(rows)
            for number, row in enumerate(filter(_has_content, rows), 1):
                yield self._read_row(number, row)
        finally:
            text.detach()

    def _read_row(self, number: int, row: Row) -> Entry:
        error = row.error or self._find_wrong_width(row.cells)
        if error:
            return Entry(number, row.line, False, error=error, raw=row.raw)
        problems: list[Problem] = []
        body: dict[str, Any] = {}
        for cell in self.cells:
            try:
                self._fill(body, cell, row.cells[cell.index])
            except InvalidValue as invalid:
                problems.append(invalid.to_problem(cell.target.field, row.cells[cell.index]))
        return Entry(number, row.line, False, body, size=len(row.raw), raw=row.raw, problems=tuple(problems))

    def _fill(self, body: dict[str, Any], cell: Cell, text: str) -> None:
        name, member = cell.target.field, cell.target.member
        empty = not text
        text = text if self.raw else unguard(text)
        if member:
            document = body.setdefault(name, {})
            if not empty and isinstance(document, dict):
                document[member] = text
        elif not empty:
            body[name] = read_cell(cell.field, text)
        else:
            body.setdefault(name, None)

    def _find_wrong_width(self, cells: Sequence[str]) -> str | None:
        expected = len(self.columns.header)
        if len(cells) < expected or any(cells[expected:]):
            return (
                f"has {_count(len(cells), 'cell')}, but the header has {_count(expected, 'column')}. Put a cell that contains "
                f"{NAMES.get(self.delimiter, repr(self.delimiter))} or the end of a line between quotation marks"
            )
        for index in self.unnamed:
            if cells[index]:
                return f"has a value in column {index + 1}, which has no name in the header"
        return None

    def find_sample(self) -> str:
        """The beginning of the first cell with a letter outside of ASCII."""
        text = open_text(self.file, self.encoding)
        try:
            for row in read_rows(Lines(text), self.delimiter):
                for cell in row.cells:
                    if not cell.isascii():
                        return cell[:LONGEST_SAMPLE]
        finally:
            text.detach()
        return ""

    def name_field(self, name: str) -> str:
        return self.columns.name_of(name) or name

    def read_body(self, entry: Entry) -> Mapping[str, Any]:
        body: Mapping[str, Any] = entry.value
        return body

    def rank_field(self, name: str) -> int:
        """The place of a field in the order of the problems of a record."""
        return self.columns.find(name) or 0

    def has_members(self, document: str) -> bool:
        """True if members of a document are columns of their own."""
        return any(cell.target.member and cell.target.field == document for cell in self.cells)

    def copy_head(self) -> bytes:
        """The beginning of a file in the same form."""
        end = "" if self.head.endswith(("\n", "\r")) else "\r\n"
        return self.encoding.mark + f"{self.head}{end}".encode(self.encoding.name)

    def copy_raw(self, raw: str | bytes) -> bytes:
        """The text of a record as it is in the file."""
        return raw.encode(self.encoding.name) if isinstance(raw, str) else raw


NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _has_content(row: Row) -> bool:
    return row.error is not None or any(row.cells)


def open_text(file: BinaryIO, encoding: Encoding) -> io.TextIOWrapper:
    """The text of a file, with the ends of its lines. Detach it before it is dropped, so that the file stays open."""
    file.seek(len(encoding.mark))
    return io.TextIOWrapper(file, encoding=encoding.name, newline="")


def open_table(file: BinaryIO, options: TableOptions, columns: ColumnOptions) -> Table:
    """A CSV file from its beginning. Raises Malformed if its encoding or its columns are not clear."""
    encoding = find_encoding(file, options.encoding)
    text = open_text(file, encoding)
    try:
        lines = Lines(text)
        separator, named = lines.pass_separator_line()
        delimiter = options.delimiter or named or _find_delimiter(file, encoding, bool(separator))
        lines.begin_row()
        header = next(read_rows(lines, delimiter), None)
    finally:
        text.detach()
    if header is None:
        raise Malformed("The file is empty. The first line of a CSV file has the names of the columns.")
    if header.error:
        raise Malformed(f"The header of the file, line {header.line}, {header.error}.")
    matched = match_columns(header.cells, columns)
    cells = [
        Cell(index, target, TRANSFER.fields[target.field])
        for index, target in enumerate(matched.targets)
        if target is not None
    ]
    unnamed = [index for index, name in enumerate(matched.header) if not name and matched.targets[index] is None]
    return Table(
        file,
        encoding,
        delimiter,
        matched,
        separator + header.raw,
        options.raw,
        sorted(cells, key=lambda cell: bool(cell.target.member)),
        () if columns.ignore_unknown else unnamed,
    )


def _find_delimiter(file: BinaryIO, encoding: Encoding, separated: bool) -> str:
    """The delimiter that finds most known columns, then the one whose rows are all as wide as the header."""
    text = open_text(file, encoding)
    try:
        if separated:
            text.readline()
        sample = text.read(SAMPLE)
    finally:
        text.detach()
    return max(DELIMITERS, key=lambda delimiter: _rate_delimiter(sample, delimiter))


def _rate_delimiter(sample: str, delimiter: str) -> tuple[int, float, int]:
    """(known columns, share of rows as wide as the header, columns)."""
    rows = [
        row.cells for row in itertools.islice(read_rows(Lines(io.StringIO(sample, newline="")), delimiter), SAMPLE_ROWS)
    ]
    if not rows:
        return 0, 0, 0
    header, *others = rows
    if len(header) < 2:
        return sum(find_target(name) is not None for name in header), 0, len(header)
    known = sum(find_target(name) is not None for name in header)
    same = sum(len(row) == len(header) for row in others) / len(others) if others else 1
    return known, same, len(header)
