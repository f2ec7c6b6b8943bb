"""`import` and `export`: clients that come from elsewhere, or go there."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.running import with_database
from app.clients.transfer.service import export_clients, import_clients
from app.clients.transfer.streams import open_output, open_records
from app.server import say


def import_command(
    file: Annotated[Path, typer.Argument(help="Clients as v1 shows them: JSON lines or one JSON list; - is stdin.")],
    organization: Annotated[str, typer.Option(help="The organization that gets them, by id.")],
) -> None:
    """Add the clients of a file with their ids and moments, all of them or none; prints how many."""
    with open_records(file) as records:
        size = records.seek(0, os.SEEK_END)
        shown = sys.stderr.isatty()
        with typer.progressbar(length=size, label="Importing", file=sys.stderr, hidden=not shown) as bar:
            count = with_database(
                lambda database: import_clients(
                    database, organization, records, lambda: bar.update(records.tell() - bar.pos)
                )
            )
    say(str(count))
    typer.echo(f"Clients imported: {count}", err=True)


def export_command(
    organization: Annotated[str, typer.Option(help="The organization whose clients these are, by id.")],
    output: Annotated[Path | None, typer.Option(help="The file to write. [default: stdout]")] = None,
) -> None:
    """Print every client of an organization as JSON lines, deleted ones too, for `clientele import`."""
    with open_output(output) as file:
        count = with_database(lambda database: export_clients(database, organization, file.write))
    typer.echo(f"Clients exported: {count}", err=True)
