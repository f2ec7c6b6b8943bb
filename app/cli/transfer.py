"""`import` and `export`: the clients of an organization as a file."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from app.cli.input import stdin
from app.cli.output import Json, Output, say, stdout, to_json
from app.cli.running import with_database
from app.cli.verification import Unverified, require_verified
from app.errors import Malformed

if TYPE_CHECKING:
    from app.storage.database import Database


def import_command(
    file: Annotated[Path, typer.Argument(help="Clients as v1 shows them: JSON lines or one JSON list; - is stdin.")],
    organization: Annotated[str, typer.Option(help="The id of the organization that gets the clients.")],
    unverified: Unverified = False,
    json: Json = False,
) -> None:
    """Add the clients of a file, all of them or none, with their ids and dates; print their number."""
    from app.clients.transfer.service import import_clients

    with open_records(file) as records:
        size = records.seek(0, os.SEEK_END)
        shown = sys.stderr.isatty()
        with typer.progressbar(length=size, label="Importing", file=sys.stderr, hidden=not shown) as bar:

            async def work(database: "Database") -> int:
                await require_verified(database, organization=organization, unverified=unverified)
                return await import_clients(
                    database, organization, records, lambda position: bar.update(position - bar.pos)
                )

            count = with_database(work)
    say(to_json({"imported": count}) if json else str(count))
    typer.echo(f"Clients imported: {count}", err=True)


def export_command(
    organization: Annotated[str, typer.Option(help="The id of the organization that has the clients.")],
    output: Annotated[Path | None, typer.Option(help="The file to write.", show_default="stdout")] = None,
) -> None:
    """Write every client of an organization, deleted ones too, as JSON lines for `clientele import`."""
    from app.clients.transfer.service import export_clients

    with open_output(output) as file:
        count = with_database(lambda database: export_clients(database, organization, file.write))
    typer.echo(f"Clients exported: {count}", err=True)


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
