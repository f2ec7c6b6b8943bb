"""Rows: the records of a CSV file with their positions. A row that cannot be read does not hide those after it."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

MOST_CELL = 131_072
"""The most characters of a cell: the limit of the csv module."""
MOST_ROW = 1024 * 1024
"""The most characters of a row. A record has at most 100 KB as JSON."""
DOUBLE_QUOTES = 'Inside a quoted cell, write each quotation mark twice: ""'


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV file: its `cells`, or the `error` that it has instead.

    `line` is the line on which it begins, and `raw` its text with the end of the line.
    """

    line: int
    raw: str
    cells: list[str]
    error: str | None = None


class RowTooLong(Exception):
    """A row has more than MOST_ROW characters."""


class Lines:
    """The lines of a text, for csv.reader. It keeps those of the current row, and can go back to the second of them."""

    def __init__(self, text: TextIO) -> None:
        self.text = text
        self.again: deque[str] = deque()
        self.taken: list[str] = []
        self.size = 0
        self.line = 1
        """The line on which the current row begins."""

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if self.size > MOST_ROW:
            raise RowTooLong
        line = self.again.popleft() if self.again else self.text.readline(MOST_ROW + 1)
        if not line:
            raise StopIteration
        self.taken.append(line)
        self.size += len(line)
        if self.size > MOST_ROW:
            raise RowTooLong
        return line

    def begin_row(self) -> None:
        self.line += len(self.taken)
        self.taken, self.size = [], 0

    def go_back(self) -> str:
        """Makes the current row end with its first line, which is the result."""
        first, *others = self.taken
        self.again.extendleft(reversed(others))
        self.taken = [first]
        if len(first) > MOST_ROW:
            self._skip_line(first)
        return first

    def _skip_line(self, part: str) -> None:
        while part and not part.endswith(("\n", "\r")):
            part = self.text.readline(MOST_ROW)

    def pass_separator_line(self) -> tuple[str, str | None]:
        """A first line such as `sep=;`, which spreadsheets write, and its delimiter. Another first line is not passed."""
        first = next(self, "")
        content = first.strip().strip('"')
        if content[:4].lower() == "sep=" and len(content) <= len("sep=;"):
            return first, content[4:] or first.strip('\r\n"')[4:] or None
        self.again.appendleft(first)
        self.taken, self.size = [], 0
        return "", None


def read_rows(lines: Lines, delimiter: str) -> Iterator[Row]:
    """The rows of a text, without blank lines.

    A row with an error ends with its first line: a quotation mark that is never closed costs one row.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin_row()
        try:
            cells = next(reader, None)
        except (csv.Error, RowTooLong) as error:
            message = _explain(error, len(lines.taken))
            yield Row(lines.line, lines.go_back(), [], message)
            continue
        if cells is None:
            return
        if cells and (len(cells) > 1 or cells[0].strip()):
            yield Row(lines.line, "".join(lines.taken), cells)


def _explain(error: Exception, lines: int) -> str:
    if "expected after" in str(error):
        unclosed = ", or one that is not closed" if lines > 1 else ""
        return f"has a quotation mark inside a quoted cell{unclosed}. {DOUBLE_QUOTES}"
    if "end of data" in str(error) or lines > 1:
        return f"has a quotation mark that is not closed within {MOST_CELL:,} characters. {DOUBLE_QUOTES}"
    if isinstance(error, RowTooLong):
        return f"is longer than {MOST_ROW:,} characters"
    return f"has a cell of more than {MOST_CELL:,} characters"
