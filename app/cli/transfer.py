"""`import` and `export`: the clients of an organization as a file."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from enum import StrEnum
from json import loads
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from app.cli import import_options
from app.cli.input import stdin
from app.cli.output import Json, Output, stdout
from app.cli.running import with_database
from app.cli.verification import Unverified
from app.errors import Malformed

if TYPE_CHECKING:
    from app.query.model import Predicate

REJECTED = 4
"""The exit code after records were rejected."""


class ExportForm(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    V1 = "v1"


def import_command(
    file: import_options.File,
    organization: import_options.Organization,
    form: import_options.Form = None,
    map_: import_options.Map = None,
    ignore_unknown: import_options.IgnoreUnknown = False,
    on_duplicate: import_options.DuplicateRule = import_options.OnDuplicate.FAIL,
    match: import_options.MatchField = "id",
    dry_run: import_options.DryRun = False,
    keep_good: import_options.KeepGood = False,
    rejected: import_options.Rejected = None,
    encoding: import_options.Encoding = None,
    delimiter: import_options.Delimiter = None,
    raw: import_options.Raw = False,
    unverified: Unverified = False,
    json: Json = False,
) -> None:
    """Add the clients of a file, all of them or none; print their number.

    Ids and dates are kept where the file has them. Try --dry-run first: it lists every problem with its line, column, value
    and the right values.
    """
    from app.cli.import_run import ImportRun, name_rejected, warn_of_encoding
    from app.clients.transfer.columns import ColumnOptions
    from app.clients.transfer.importing import ImportOptions
    from app.clients.transfer.matching import read_match
    from app.clients.transfer.sources import SourceOptions, open_source
    from app.clients.transfer.tables import TableOptions

    if rejected is not None and not (dry_run or keep_good):
        raise Malformed("--rejected needs --dry-run or --keep-good, because another import writes no rejected records.")
    columns = ColumnOptions(read_mapping(map_ or ()), ignore_unknown)
    table = TableOptions(encoding, read_delimiter(delimiter), raw)
    options = ImportOptions(on_duplicate.value, read_match(match), keep_good, dry_run)
    with open_records(file) as records:
        source = open_source(records, str(file), SourceOptions(None if form is None else form.value, table, columns))
        warn_of_encoding(source)
        run = ImportRun(source, options, rejected or name_rejected(file), as_json=json)
        counts = run.execute(organization, unverified=unverified)
    run.tell(counts)
    if counts.rejected:
        raise typer.Exit(REJECTED)


def export_command(
    organization: Annotated[str, typer.Option(help="The id of the organization that has the clients.")],
    output: Annotated[Path | None, typer.Option(help="The file to write.", show_default="stdout")] = None,
    form: Annotated[
        ExportForm,
        typer.Option(
            "--format",
            help="The form of the file: JSON lines with all that an import needs, CSV, or the list that v1 shows.",
        ),
    ] = ExportForm.JSONL,
    fields: Annotated[
        str | None,
        typer.Option(help="The fields, such as name,email,taxNumber, by their names in any API.", show_default="all"),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(help='The clients to export, as a where of v1: \'{"city": "Ljubljana"}\'.', show_default="all"),
    ] = None,
    deleted: Annotated[
        bool | None,
        typer.Option("--deleted/--no-deleted", help="Export deleted clients too.", show_default="only as JSON lines"),
    ] = None,
    delimiter: Annotated[str, typer.Option(help="The delimiter of CSV; tab is a tab.")] = ",",
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with a byte order mark, which Excel needs.")] = False,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Write texts that begin like formulas into CSV as they are. Spreadsheets run them."),
    ] = False,
) -> None:
    """Write clients of an organization into a file that `clientele import` reads.

    JSON lines have every client, deleted ones too. In CSV, texts that begin like formulas get an apostrophe, which an import
    takes away.
    """
    from app.clients.transfer.exporting import ExportOptions
    from app.clients.transfer.service import export_clients

    options = ExportOptions(
        form.value,
        read_names(fields),
        read_condition(where),
        deleted,
        read_delimiter(delimiter) or ",",
        raw,
        bom,
    )
    options.query()
    with open_output(output) as file:
        count = with_database(lambda database: export_clients(database, organization, file.write, options))
    typer.echo(f"Clients exported: {count}", err=True)


def read_mapping(pairs: Sequence[str]) -> Mapping[str, str]:
    """The fields by their columns. Raises Malformed for a text without a column and a field."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        column, separator, field = pair.rpartition("=")
        if not separator or not column.strip():
            raise Malformed(f"--map has the form COLUMN=FIELD, such as Company=name; got {pair!r:.80}.")
        mapping[column.strip()] = field.strip()
    return mapping


def read_delimiter(text: str | None) -> str | None:
    """One character. Raises Malformed for another text."""
    delimiter = "\t" if text in ("tab", "\\t") else text
    if delimiter is not None and (
        len(delimiter) != 1 or delimiter == '"' or not f"{delimiter} ".strip("\t").isprintable()
    ):
        raise Malformed(f"A delimiter is one character, such as ; or tab; got {text!r:.40}.")
    return delimiter


def read_names(text: str | None) -> Sequence[str]:
    """Names between commas. Raises Malformed if there are none."""
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if text is not None and not names:
        raise Malformed("--fields has no names. Name fields such as name,email,taxNumber.")
    return names


def read_condition(text: str | None) -> "Predicate":
    """The predicate of a where of v1 as JSON. Raises Malformed."""
    from app.query.model import EVERYTHING

    if text is None:
        return EVERYTHING
    from app.rest.v1.filters import read_where

    try:
        tree = loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f'--where is not JSON: {error}. An example is \'{{"city": "Ljubljana"}}\'.') from error
    if not isinstance(tree, dict):
        raise Malformed('--where is not a JSON object. An example is \'{"city": "Ljubljana"}\'.')
    return read_where(tree)


def open_records(path: Path) -> BinaryIO:
    """A file of records, or stdin for `-`. Input that cannot be read twice, such as a pipe, is copied to the disk."""
    try:
        with nullcontext(stdin()) if str(path) == "-" else path.open("rb") as source:
            if str(path) != "-" and source.seekable():
                return path.open("rb")
            copy = TemporaryFile()  # noqa: SIM115
            shutil.copyfileobj(source, copy)
            return copy
    except OSError as error:
        raise Malformed(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def open_output(path: Path | None) -> Iterator[Output]:
    """Stdout, or a file that only its owner can read. The file appears when it is complete."""
    if path is None:
        output = stdout()
        yield output
        output.flush()
        return
    if os.path.isdir(path):
        raise Malformed(f"{path} is a directory. Give the name of a file.")
    partial = path.with_name(f"{path.name}.part")
    try:
        with open(partial, "wb", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as file:
            yield Output(file, str(path))
        partial.replace(path)
    except OSError as error:
        raise Malformed(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
