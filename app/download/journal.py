"""The journal of a download: what has arrived, in a file beside the output, so that a new run continues.

Each line is one JSON object with one response, so a line that was cut off by a crash is read again and nothing else.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from app.download.source import SourceFailed
from app.query.values import parse_whole

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a download comes from."""

    url: str
    organization: str


@dataclass
class Progress:
    """The contents of a journal. `last` is the highest id of the walk, and `count` the number of its records.

    `changed` has the records that changed since, by id. The changes until `since` are known.
    """

    since: str
    last: str = ""
    count: int = 0
    walked: bool = False
    changed: dict[str, Record] = field(default_factory=dict)


class Journal:
    """An open journal, which no other process may use. Its lines are on the disk when a method returns."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self.file = file
        self.progress = progress

    def add_page(self, records: Sequence[Record]) -> None:
        """Adds records of the walk, in the order of their ids."""
        self._write({"page": records})

    def end_walk(self) -> None:
        self._write({"walked": True})

    def add_changes(self, records: Sequence[Record]) -> None:
        self._write({"changes": records})

    def end_round(self, since: str) -> None:
        """Notes that the changes until a moment are complete."""
        self._write({"since": since})

    def walked_records(self) -> Iterator[Record]:
        """The records of the walk as they were first read, in the order of their ids."""
        self.file.seek(0)
        for line in self.file:
            yield from parse(line).get("page", ())

    def _write(self, entry: Mapping[str, Any]) -> None:
        self.file.seek(0, os.SEEK_END)
        self.file.write(write_line(entry))
        self.file.flush()
        os.fsync(self.file.fileno())
        note(self.progress, entry)


def open_journal(path: Path, origin: Origin, since: str) -> Journal:
    """Opens the journal of an output that only its owner can read, or begins it.

    Raises SourceFailed if it belongs to another download, or if another process uses it.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, mode=0o600), "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _cut_off_torn_line(file)
        return Journal(file, _read(file, path, origin, since))
    except (ValueError, LookupError, TypeError) as error:
        file.close()
        raise SourceFailed(f"{path} is damaged. Delete it to begin anew.") from error
    except BlockingIOError as error:
        file.close()
        raise SourceFailed(f"Another process is downloading into {path}. Wait for it, or stop it.") from error
    except BaseException:
        file.close()
        raise


def _cut_off_torn_line(file: BinaryIO) -> None:
    """Removes what follows the last whole line. A crash leaves at most one line that is not whole."""
    end = 0
    for line in file:
        if not line.endswith(b"\n"):
            break
        end += len(line)
    file.truncate(end)


def _read(file: BinaryIO, path: Path, origin: Origin, since: str) -> Progress:
    file.seek(0)
    first = file.readline()
    if not first:
        begin = {"url": origin.url, "organization": origin.organization, "since": since}
        file.write(write_line(begin))
        return Progress(since)
    begin = parse(first)
    if (begin.get("url"), begin.get("organization")) != (origin.url, origin.organization):
        raise SourceFailed(
            f"{path} belongs to a download of the organization {begin.get('organization')} from {begin.get('url')}. "
            "Choose another output, or delete that file to begin anew."
        )
    progress = Progress(str(begin.get("since")))
    for line in file:
        note(progress, parse(line))
    return progress


def note(progress: Progress, entry: Mapping[str, Any]) -> None:
    """Adds an entry of a journal to what is known of it."""
    for record in entry.get("page", ()):
        progress.last = record["id"]
        progress.count += 1
    progress.changed.update((record["id"], record) for record in entry.get("changes", ()))
    progress.walked = progress.walked or "walked" in entry
    progress.since = entry.get("since", progress.since)


def parse(line: bytes) -> dict[str, Any]:
    entry = json.loads(line, parse_int=parse_whole)
    return entry if isinstance(entry, dict) else {}


def write_line(entry: Mapping[str, Any]) -> bytes:
    """A JSON line. With half of a surrogate pair or a vast number, all of it is ASCII."""
    try:
        return orjson.dumps(entry) + b"\n"
    except TypeError:
        return json.dumps(entry, separators=(",", ":")).encode() + b"\n"
