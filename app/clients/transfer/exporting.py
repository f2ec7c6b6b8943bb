"""Exporting: the forms of an export. The database renders each record as JSON, and a form writes it into a file."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from app.clients.faces import TRANSFER, V1
from app.clients.transfer.cells import make_writer
from app.clients.transfer.columns import read_target
from app.clients.transfer.encodings import BOM
from app.clients.transfer.repository import ExportQuery
from app.errors import Malformed
from app.query.face import Field
from app.query.model import EVERYTHING, Predicate
from app.query.sql.render import Selection

Form = Literal["jsonl", "csv", "v1"]
Write = Callable[[bytes], object]
BUFFER = 64 * 1024
"""About the most characters of rows that are kept before they are written."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The form, the fields and the records of an export.

    - `fields` are names in any API; without any, a record has all of them.
    - `deleted`: deleted clients are exported too. By default only JSON lines have them.
    - CSV: `delimiter`; `raw` writes formulas as they are; `mark` begins the file with a byte order mark.
    """

    form: Form = "jsonl"
    fields: Sequence[str] = ()
    where: Predicate = EVERYTHING
    deleted: bool | None = None
    delimiter: str = ","
    raw: bool = False
    mark: bool = False

    def query(self) -> ExportQuery:
        """Raises Malformed for a field that the form does not have."""
        deleted = self.form == "jsonl" if self.deleted is None else self.deleted
        return ExportQuery(select_fields(self.form, self.fields), self.where, deleted)


def select_fields(form: Form, names: Sequence[str]) -> Selection:
    """The fields by their names in files. An empty selection of JSON lines is a complete record. Raises Malformed."""
    face = V1 if form == "v1" else TRANSFER
    if not names:
        return () if form == "jsonl" else tuple(face.fields.items())
    targets = [read_target(name) for name in names]
    missing = [str(target) for target in targets if target.member or target.field not in face.fields]
    if missing:
        raise Malformed(f"An export as {form} has no field {missing[0]}. Its fields are {', '.join(face.fields)}.")
    return tuple((target.field, face.fields[target.field]) for target in dict.fromkeys(targets))


class JsonLines:
    """One record in a line, for `clientele import`."""

    def __init__(self, write: Write) -> None:
        self.write = write

    def begin(self) -> None:
        """Nothing comes before the first record."""

    def add(self, shown: str, hidden: str) -> None:
        self.write(f"{shown[:-1]},{hidden}}}\n".encode() if hidden else f"{shown}\n".encode())

    def end(self) -> None:
        """Nothing comes after the last record."""


class JsonList:
    """One list, as v1 answers."""

    def __init__(self, write: Write) -> None:
        self.write = write
        self.separator = "["

    def begin(self) -> None:
        """The opening bracket comes with the first record."""

    def add(self, shown: str, hidden: str) -> None:
        self.write(f"{self.separator}{shown}".encode())
        self.separator = ",\n"

    def end(self) -> None:
        self.write(b"[]\n" if self.separator == "[" else b"]\n")


class CsvRows:
    """A table with a header, as RFC 4180 describes it."""

    def __init__(self, write: Write, options: ExportOptions, fields: Sequence[Field]) -> None:
        self.write, self.options, self.fields = write, options, fields
        self.rows = io.StringIO()
        self.writers = [make_writer(field, raw=options.raw) for field in fields]
        self.writer = csv.writer(self.rows, delimiter=options.delimiter)

    def begin(self) -> None:
        if self.options.mark:
            self.write(BOM)
        self.writer.writerow([field.name for field in self.fields])

    def add(self, shown: str, hidden: str) -> None:
        values = zip(self.writers, orjson.loads(shown).values(), strict=True)
        self.writer.writerow(["" if value is None else write(value) for write, value in values])
        if self.rows.tell() > BUFFER:
            self.end()

    def end(self) -> None:
        self.write(self.rows.getvalue().encode())
        self.rows.seek(0)
        self.rows.truncate()


def open_form(write: Write, options: ExportOptions, selection: Selection) -> JsonLines | JsonList | CsvRows:
    if options.form == "csv":
        return CsvRows(write, options, [field for _, field in selection])
    return JsonList(write) if options.form == "v1" else JsonLines(write)
