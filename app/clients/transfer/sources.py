"""Sources: the files that an import reads, as records with the field names of files, whatever their form is."""

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, BinaryIO, Literal, TypeAlias

from app.clients.faces import TRANSFER
from app.clients.transfer.columns import ColumnOptions, Target, find_target, read_target
from app.clients.transfer.encodings import reject_foreign
from app.clients.transfer.files import CHUNK, SPACE, Entry, read_entries
from app.clients.transfer.tables import Table, TableOptions, open_table
from app.errors import Invalid, Problem

Form = Literal["csv", "json"]
FORMS: Mapping[str, Form] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
"""The form of a file by the end of its name."""
MOST_KEYS = 1000


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The choices of the operator about a file. Without a `form`, the name of the file or its first character tells it."""

    form: Form | None = None
    table: TableOptions = field(default_factory=TableOptions)
    columns: ColumnOptions = field(default_factory=ColumnOptions)


class JsonRecords:
    """A file of JSON lines, or with one JSON list. A key is the name of a field in any API, or a synonym."""

    empty_keeps = False
    """A null changes a client that exists."""

    def __init__(self, file: BinaryIO, options: ColumnOptions = ColumnOptions()) -> None:  # noqa: B008 - it is frozen
        self.file, self.options = file, options
        self.targets = {name: read_target(target) if target else None for name, target in options.mapping.items()}
        """The targets of keys that are not names in files: the chosen ones, and those that were seen."""
        self.is_usual = not self.targets
        self.usual: tuple[str, ...] | None = None
        """The keys of a record that had only names in files. Most records have the keys of the record before."""

    def read_entries(self) -> Iterator[Entry]:
        return read_entries(self.file)

    def read_body(self, entry: Entry) -> Mapping[str, Any]:
        """The record by the names of fields in files. Raises Invalid."""
        body = entry.value
        if not isinstance(body, dict):
            raise Invalid([Problem("record", "type", "is not an object")])
        return body if self.is_usual and self._has_usual_keys(body) else self._rename(body)

    def _has_usual_keys(self, body: Mapping[str, Any]) -> bool:
        """True if all keys are names in files."""
        keys = tuple(body)
        if keys == self.usual:
            return True
        if not TRANSFER.fields.keys() >= body.keys():
            return False
        self.usual = keys
        return True

    def _rename(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        renamed: dict[str, Any] = {}
        problems: list[Problem] = []
        for key, value in body.items():
            target = self._find_target(key)
            if target is None:
                if key not in self.targets and not self.options.ignore_unknown:
                    renamed[key] = value
            elif not _add(renamed, target, value):
                problems.append(Problem(key, "repetition", f"is a second value of {target}", value))
        if problems:
            raise Invalid(problems)
        return renamed

    def _find_target(self, key: str) -> Target | None:
        if key in self.targets:
            return self.targets[key]
        target = Target(key) if key in TRANSFER.fields else find_target(key)
        if target is not None and len(self.targets) < MOST_KEYS:
            self.targets[key] = target
        return target

    def name_field(self, name: str) -> str:
        return name

    def rank_field(self, name: str) -> int:
        """The problems of a record stay in their order."""
        return 0

    def has_members(self, document: str) -> bool:
        """True if members of a document have keys of their own."""
        return any(
            target is not None and target.member and target.field == document for target in self.targets.values()
        )

    def copy_head(self) -> bytes:
        return b""

    def copy_raw(self, raw: str | bytes) -> bytes:
        return raw.encode(errors="surrogateescape") if isinstance(raw, str) else raw


Source: TypeAlias = Table | JsonRecords


def _add(body: dict[str, Any], target: Target, value: object) -> bool:
    """Adds a value to a record. False if the record has the field already."""
    if not target.member:
        is_new = target.field not in body
        body[target.field] = value
        return is_new
    document = body.get(target.field)
    if document is None:
        document = {}
    if not isinstance(document, dict) or target.member in document:
        return False
    body[target.field] = {**document, target.member: value}
    return True


def open_source(file: BinaryIO, name: str = "", options: SourceOptions = SourceOptions()) -> Source:
    """The records of a seekable file. Raises Malformed if it is not text, or its columns are not clear."""
    reject_foreign(file)
    form = options.form or FORMS.get(PurePath(name).suffix.lower()) or _find_form(file)
    if form == "json":
        return JsonRecords(file, options.columns)
    return open_table(file, options.table, options.columns)


def _find_form(file: BinaryIO) -> Form:
    """JSON for an object or a list at the start, and for an empty file; CSV for any other text."""
    file.seek(0)
    while data := file.read(CHUNK):
        start = data.lstrip(codecs.BOM_UTF8 + SPACE.encode())
        if start:
            return "json" if start[:1] in (b"{", b"[") else "csv"
    return "json"
