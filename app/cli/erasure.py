"""`erase`: deletes everything that is stored about a client or customer."""

import sys
from typing import Annotated

import typer

from app.cli.running import with_database
from app.config import Config
from app.errors import Malformed
from app.mail.files import MailFiles
from app.privacy.erasure import StoredClient, erase_stored, find_client
from app.storage.database import Database


def erase_command(
    id: Annotated[str, typer.Argument(help="The id of the client or customer, with or without cust_.")],  # noqa: A002
    organization: Annotated[
        str | None, typer.Option(help="The id of its organization, if several organizations have the id.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without a question.")] = False,
) -> None:
    """Erase a client or customer permanently, with its history, messages, mail files and stored responses.

    A deleted one can be erased too. An erased one cannot be restored.
    """
    files = MailFiles(Config.from_environment().data_dir / "mail")

    async def work(database: Database) -> None:
        client = await find_client(database, id, organization)
        if not yes:
            _confirm(client)
        await erase_stored(database, client, files)

    with_database(work)
    typer.echo("The client is erased.", err=True)


def _confirm(client: StoredClient) -> None:
    """Asks the operator. Raises Malformed without a terminal, and Abort for any answer but yes."""
    if not sys.stdin.isatty():
        raise Malformed("Add --yes to erase without a question. Without it, run the command in a terminal.")
    named = f"{client.name!r} ({client.id}) of {client.organization!r} ({client.organization_id})"
    typer.confirm(f"Erase {named} permanently?", abort=True, err=True)
