"""`subject-export`: everything about one person."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.running import with_database
from app.cli.transfer import open_output


def subject_export_command(
    email: Annotated[
        str, typer.Argument(help="The e-mail address of the person, in any case and spelling of accents.")
    ],
    organization: Annotated[
        str | None, typer.Option(help="The id of the only organization to look in.", show_default="all, and accounts")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The file to write.", show_default="stdout")] = None,
) -> None:
    """Write everything that is stored about the person with an e-mail address, as one JSON document."""
    from app.privacy.subjects import export_subject

    with open_output(output) as file:
        count = with_database(lambda database: export_subject(database, email, organization, file.write))
    typer.echo(f"Rows exported: {count}", err=True)
