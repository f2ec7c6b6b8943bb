"""Output: the results of commands on stdout, as tables for people, as lines with tabs for scripts, or as JSON."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from types import TracebackType
from typing import Annotated, BinaryIO, TypeAlias

import typer

from app.errors import Malformed

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

CONTROL = dict.fromkeys((*range(32), 127, *range(128, 160)), " ")
"""The replacements of control characters."""
LONGEST_LINE = 1000
"""The most characters of a line on stderr."""
ID_LENGTH = 24


class OutputClosed(Exception):
    """The reader of stdout has ended, as `head` does. It is not an OSError, which inside a block means the database."""


class Output:
    """Stdout or a file, for bytes. An error of the output is not mistaken for an error of the database."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name = file, name

    def write(self, data: bytes) -> None:
        """Raises OutputClosed, and Malformed for a full disk and the like."""
        try:
            self.file.write(data)
        except OSError as error:
            raise explain_output(error, self.name) from error

    def flush(self) -> None:
        """As `write`."""
        try:
            self.file.flush()
        except OSError as error:
            raise explain_output(error, self.name) from error

    def sync(self) -> None:
        """Writes a file to the disk. As `write`."""
        self.flush()
        try:
            os.fsync(self.file.fileno())
        except OSError as error:
            raise explain_output(error, self.name) from error


def stdout() -> Output:
    """Stdout for bytes. Raises Malformed if it is closed from the start."""
    if sys.stdout is None:
        raise Malformed("stdout is closed. Open it, or give a file with --output.")
    return Output(sys.stdout.buffer, "stdout")


def explain_output(error: OSError, name: str) -> OutputClosed | Malformed:
    if isinstance(error, BrokenPipeError):
        return OutputClosed()
    return Malformed(f"{name} cannot be written: {error.strerror}")


def say(text: str) -> None:
    """Prints a line to stdout, at once. Raises OutputClosed, and Malformed for a full disk and the like."""
    try:
        print(text, file=sys.stdout, flush=True)
    except OSError as error:
        raise explain_output(error, "stdout") from error


def report(message: str, as_json: bool, **members: object) -> None:
    """Tells that a command has done its work: with a message on stderr, or with the members on stdout as JSON."""
    if as_json:
        say(to_json(members))
    else:
        typer.echo(message, err=True)


def print_result(value: str, name: str, as_json: bool) -> None:
    """Prints the only result of a command: its value, or a JSON object with its name."""
    say(to_json({name: value}) if as_json else value)


def to_json(value: object) -> str:
    import orjson

    return orjson.dumps(value, default=str).decode()


def clean(text: str) -> str:
    """The text without control characters, which would break lines and columns and could change a terminal."""
    return text.translate(CONTROL)


def shorten(line: str) -> str:
    """The beginning of a line that is too long for a message."""
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"


def show(value: object) -> str:
    """The text of a value in one line: empty for no value, seconds for a time."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(timespec="seconds")
        case list() | tuple():
            return ", ".join(map(show, value))
        case _:
            return clean(str(value))


def print_record(members: Mapping[str, object], as_json: bool) -> None:
    """Prints the members of one record: one below the other, or as a JSON object."""
    if as_json:
        say(to_json(members))
        return
    with Rows(("name", "value"), as_json=False) as rows:
        for name, value in members.items():
            rows.add((name, show(value)), {})


class Rows:
    """Prints rows. On a terminal they are a table with titles; in a pipe, cells are separated by tabs and have no titles.

    As JSON they are one list, with one object in a line. Rows of a pipe are printed when they are added.
    """

    def __init__(self, titles: Sequence[str], *, as_json: bool) -> None:
        self.titles, self.as_json = titles, as_json
        self.on_terminal = not as_json and sys.stdout is not None and sys.stdout.isatty()
        self._kept: list[Sequence[str]] = []
        self._count = 0

    def __enter__(self) -> "Rows":
        return self

    def add(self, cells: Sequence[str], members: object) -> None:
        """Adds a row: its cells for people and scripts, and the object for JSON."""
        if self.on_terminal:
            self._kept.append(cells)
        elif self.as_json:
            say(f"{',' if self._count else '['}{to_json(members)}")
        else:
            say("\t".join(clean(cell) for cell in cells))
        self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        if self.as_json:
            say("]" if self._count else "[]")
        elif self.on_terminal and self._kept:
            self._print_table()

    def _print_table(self) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
        for title, column in zip(self.titles, zip_longest(*self._kept, fillvalue=""), strict=False):
            table.add_column(title, overflow="fold", no_wrap=all(len(cell) == ID_LENGTH for cell in column))
        for cells in self._kept:
            table.add_row(*(Text(clean(cell)) for cell in cells))
        try:
            Console(file=sys.stdout, highlight=False).print(table)
        except OSError as error:
            raise explain_output(error, "stdout") from error
