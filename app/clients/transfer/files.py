"""Files of records: JSON lines or one JSON list, read record by record in constant memory."""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import orjson

from app.errors import Problem
from app.query.values import parse_whole

CHUNK = 64 * 1024
LONGEST = 16 * 1024 * 1024
"""The most characters of one record."""
SPACE = " \t\r\n"
TOO_LONG = f"is longer than {LONGEST} characters"


class Entry(NamedTuple):
    """One record of a file: the JSON `value`, or the `error` that a record has instead. A tuple, because files have millions.

    `number` counts the records from 1; `line` is the line on which the record begins. `listed` is true in a JSON list.
    `size` is the approximate length of the record, in characters. `raw` is its text in the file. `problems` are those of
    its cells, if it is a row of a table.
    """

    number: int
    line: int
    listed: bool
    value: Any = None
    error: str | None = None
    size: int = 0
    raw: str | bytes = b""
    problems: tuple[Problem, ...] = ()

    @property
    def position(self) -> str:
        return f"record {self.number} on line {self.line}" if self.listed else f"line {self.line}"


class NotARecord(ValueError):
    """A part of a file that is not a record; the message says why."""


def _reject_constant(name: str) -> Any:
    raise NotARecord(f"is not valid JSON: {name} is not a JSON number")


DECODER = json.JSONDecoder(parse_int=parse_whole, parse_constant=_reject_constant)


def read_entries(file: BinaryIO) -> Iterator[Entry]:
    """The records of a seekable file from its beginning. A list ends with its first error; lines continue after one."""
    file.seek(0)
    listed = _is_list(file)
    file.seek(0)
    return _read_list(file) if listed else _read_lines(file)


def _is_list(file: BinaryIO) -> bool:
    while data := file.read(CHUNK):
        start = data.lstrip(codecs.BOM_UTF8 + SPACE.encode())
        if start:
            return start.startswith(b"[")
    return False


def _read_lines(file: BinaryIO) -> Iterator[Entry]:
    number = line = 0
    while data := file.readline(LONGEST + 1):
        line += 1
        data = data.removeprefix(codecs.BOM_UTF8) if line == 1 else data
        long = len(data) > LONGEST
        while len(data) > LONGEST and not data.endswith(b"\n"):
            data = file.readline(LONGEST + 1)
        if not long and not data.strip():
            continue
        number += 1
        try:
            yield Entry(number, line, False, _parse_line(data, long), size=len(data), raw=data)
        except NotARecord as error:
            yield Entry(number, line, False, error=str(error), raw=b"" if long else data)


def _parse_line(data: bytes, long: bool) -> Any:
    if long:
        raise NotARecord(TOO_LONG)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_slowly(data)


def _parse_slowly(data: bytes) -> Any:
    """The value of a line that orjson rejects. It may be right, such as half of a surrogate pair. An error says what is wrong."""
    try:
        return DECODER.decode(data.decode().rstrip())
    except UnicodeDecodeError as error:
        raise NotARecord("is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise NotARecord(f"is not valid JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise NotARecord("is nested too deep") from error


def _read_list(file: BinaryIO) -> Iterator[Entry]:
    window = Window(file)
    number, line = 0, 1
    try:
        more = window.open_list()
        while more:
            number, line = number + 1, window.line
            value, raw = window.read_value()
            yield Entry(number, line, True, value, size=len(raw), raw=raw)
            more = window.pass_separator()
        if window.peek():
            raise NotARecord("is followed by text after the list")
    except NotARecord as error:
        yield Entry(max(number, 1), line, True, error=str(error))


class Window:
    """The part of a file that is being read, as text. It grows at the end and is cut at the front."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
        self.text = ""
        self.line = 1

    def grow(self) -> bool:
        """Reads as much again; False at the end of the file."""
        data = self.file.read(max(CHUNK, len(self.text)))
        self.text += self.decoder.decode(data, final=not data)
        return bool(data)

    def drop(self, count: int) -> None:
        self.line += self.text.count("\n", 0, count)
        self.text = self.text[count:]

    def peek(self) -> str:
        """The next character after white space; empty at the end of the file."""
        while True:
            self.drop(len(self.text) - len(self.text.lstrip(SPACE)))
            if self.text or not self.grow():
                return self.text[:1]

    def open_list(self) -> bool:
        """Passes the opening bracket; True if a record follows."""
        self.peek()
        self.drop(1)
        return self.peek() != "]" or self.pass_separator()

    def pass_separator(self) -> bool:
        """Passes the comma or bracket after a record; True if another record follows."""
        separator = self.peek()
        if separator not in (",", "]"):
            raise NotARecord(f"is followed by {separator!r}" if separator else "is the last record of an unclosed list")
        self.drop(1)
        self.peek()
        return separator == ","

    def read_value(self) -> tuple[Any, str]:
        """The JSON value at the front and its text. The value is cut off."""
        while True:
            try:
                value, end = DECODER.raw_decode(self.text)
            except json.JSONDecodeError as error:
                if len(self.text) > LONGEST:
                    raise NotARecord(f"{TOO_LONG} or not valid JSON") from error
                if not self.grow():
                    raise NotARecord(f"is not valid JSON: {error.msg}") from error
            except RecursionError as error:
                raise NotARecord("is nested too deep") from error
            else:
                raw = self.text[:end]
                self.drop(end)
                return value, raw
