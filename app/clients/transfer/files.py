"""Files of records: JSON lines, or one JSON list, read record by record, however many there are."""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

CHUNK = 64 * 1024
LONGEST = 16 * 1024 * 1024
"""The most characters of one record."""
SPACE = " \t\r\n"
TOO_LONG = f"is longer than {LONGEST} characters"
MOST_EXACT_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a file: the JSON value, or in `fault` why there is none.

    `number` counts the records from 1, `line` is the line on which it begins, and `listed` tells a list from lines.
    `size` is about how much of the file it takes, in characters.
    """

    number: int
    line: int
    listed: bool
    value: Any = None
    fault: str | None = None
    size: int = 0

    @property
    def place(self) -> str:
        return f"record {self.number} on line {self.line}" if self.listed else f"line {self.line}"


class NotARecord(ValueError):
    """Why there is no record where one should be."""


def _read_whole(digits: str) -> int | float:
    """A whole number: exact up to 18 digits, and beyond that a double, as JavaScript reads it and the doors wrote it."""
    return int(digits) if len(digits) <= MOST_EXACT_DIGITS else float(digits)


def _refuse_constant(name: str) -> Any:
    raise NotARecord(f"is not valid JSON: {name} is no JSON number")


DECODER = json.JSONDecoder(parse_int=_read_whole, parse_constant=_refuse_constant)


def read_entries(file: BinaryIO) -> Iterator[Entry]:
    """The records of a file from its beginning; it must be seekable. A list ends with its first fault, lines go on."""
    file.seek(0)
    listed = _opens_list(file)
    file.seek(0)
    return _read_list(file) if listed else _read_lines(file)


def _opens_list(file: BinaryIO) -> bool:
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
            yield Entry(number, line, False, _parse_line(data, long), size=len(data))
        except NotARecord as error:
            yield Entry(number, line, False, fault=str(error))


def _parse_line(data: bytes, long: bool) -> Any:
    if long:
        raise NotARecord(TOO_LONG)
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
        more = window.begins()
        while more:
            number, line = number + 1, window.line
            value, size = window.value()
            yield Entry(number, line, True, value, size=size)
            more = window.goes_on()
        if window.next():
            raise NotARecord("is followed by something outside of the list")
    except NotARecord as error:
        yield Entry(max(number, 1), line, True, fault=str(error))


class Window:
    """The part of a file that is being looked at, as text: it grows at the end and is cut at the front."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
        self.text = ""
        self.line = 1

    def grow(self) -> bool:
        """Doubles what is seen; False at the end of the file."""
        data = self.file.read(max(CHUNK, len(self.text)))
        self.text += self.decoder.decode(data, final=not data)
        return bool(data)

    def drop(self, count: int) -> None:
        self.line += self.text.count("\n", 0, count)
        self.text = self.text[count:]

    def next(self) -> str:
        """The next character that is no white space, left in its place; empty at the end of the file."""
        while True:
            self.drop(len(self.text) - len(self.text.lstrip(SPACE)))
            if self.text or not self.grow():
                return self.text[:1]

    def begins(self) -> bool:
        """Passes the sign that opens the list; whether a record follows."""
        self.next()
        self.drop(1)
        return self.next() != "]" or self.goes_on()

    def goes_on(self) -> bool:
        """Passes the sign behind a record; whether another record follows."""
        sign = self.next()
        if sign not in (",", "]"):
            raise NotARecord(f"is followed by {sign!r}" if sign else "is the last of a list without an end")
        self.drop(1)
        self.next()
        return sign == ","

    def value(self) -> tuple[Any, int]:
        """The JSON value at the front, which is then cut off, and its length."""
        while True:
            try:
                found, end = DECODER.raw_decode(self.text)
            except json.JSONDecodeError as error:
                if len(self.text) > LONGEST:
                    raise NotARecord(f"{TOO_LONG} or not valid JSON") from error
                if not self.grow():
                    raise NotARecord(f"is not valid JSON: {error.msg}") from error
            except RecursionError as error:
                raise NotARecord("is nested too deep") from error
            else:
                self.drop(end)
                return found, end
