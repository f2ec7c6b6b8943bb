"""ImportRun: one run of `import`, with its progress, its list of problems, and the file of the rejected records."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import typer

from app.cli.output import clean, say, shorten, to_json
from app.cli.progress import Progress
from app.cli.running import with_database
from app.cli.verification import require_verified
from app.clients.transfer.importing import Counts, ImportOptions, ImportOutput
from app.clients.transfer.problems import RecordProblem, RejectedRecords
from app.clients.transfer.service import import_clients
from app.clients.transfer.sources import Source
from app.clients.transfer.tables import Table
from app.errors import Malformed

if TYPE_CHECKING:
    from app.storage.database import Database


class ImportRun:
    """An import of a source. `rejected` is the file for rejected records; None keeps none.

    A dry run lists the problems on stdout, as does --json; any other import lists them on stderr.
    """

    def __init__(self, source: Source, options: ImportOptions, rejected: Path | None, *, as_json: bool) -> None:
        self.source, self.options, self.as_json = source, options, as_json
        self.path = rejected
        if rejected is not None and rejected.exists() and _is_same(rejected, source.file):
            raise Malformed(f"{rejected} is the file of the import. Name another file with --rejected.")
        self.rejected = None if rejected is None else RejectedRecords(source, self._open_rejected)
        self.progress = Progress("Checking" if options.dry_run else "Importing", source.file.seek(0, os.SEEK_END))

    def execute(self, organization: str, *, unverified: bool) -> Counts:
        output = ImportOutput(self._advance, self._report, self.rejected if self.options.lists_problems else None)

        async def work(database: "Database") -> Counts:
            await require_verified(database, organization=organization, unverified=unverified)
            return await import_clients(database, organization, self.source, self.options, output)

        try:
            with self.progress:
                return with_database(work)
        finally:
            if self.rejected is not None:
                self.rejected.close()

    def _advance(self, position: int, counts: Counts) -> None:
        self.progress.advance(position, counts.read)

    def _report(self, problem: RecordProblem) -> None:
        self.progress.clear()
        if self.as_json:
            say(to_json(problem.to_json()))
        elif self.options.dry_run:
            say(shorten(clean(str(problem))))
        else:
            typer.echo(shorten(clean(str(problem))), err=True)

    def _open_rejected(self) -> BinaryIO:
        path = self.path
        assert path is not None  # noqa: S101 - narrows the type
        try:
            return open(path, "wb", opener=lambda name, flags: os.open(name, flags, mode=0o600))
        except OSError as error:
            raise Malformed(f"{path} cannot be written: {error.strerror}") from error

    def tell(self, counts: Counts) -> None:
        """Prints the numbers: that of the written clients on stdout, and all of them on stderr."""
        numbers = {"imported": counts.added}
        others = {"updated": counts.updated, "skipped": counts.skipped, "rejected": counts.rejected}
        if self.as_json:
            say(to_json(numbers | others))
        elif not self.options.dry_run:
            say(str(counts.added + counts.updated))
        told = numbers | {name: number for name, number in others.items() if number}
        text = ", ".join(f"{name}: {number}" for name, number in told.items())
        typer.echo(
            f"{'Nothing is written. Clients that would be' if self.options.dry_run else 'Clients'} {text}", err=True
        )
        if self.rejected is not None and self.rejected.file is not None:
            typer.echo(f"The rejected records are in {self.path}.", err=True)


def _is_same(path: Path, file: BinaryIO) -> bool:
    return os.path.samestat(path.stat(), os.fstat(file.fileno()))


def warn_of_encoding(source: Source) -> None:
    """Tells which encoding is assumed, with a text to judge it by, if nothing in the file shows it."""
    if isinstance(source, Table) and source.encoding.assumed:
        typer.echo(
            f"The file is not UTF-8, so it is read as {source.encoding.name}: {clean(source.find_sample())}. If that is "
            "wrong, name its encoding with --encoding, such as windows-1250 or windows-1252.",
            err=True,
        )


def name_rejected(path: Path) -> Path | None:
    """The file for the rejected records of a file; None for stdin."""
    return None if str(path) == "-" else path.with_name(f"{path.stem}.rejected{path.suffix}")
