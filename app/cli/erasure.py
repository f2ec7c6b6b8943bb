"""`erase`: deletes everything that is stored about a client or customer."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.input import confirm
from app.cli.output import Json, report
from app.cli.running import with_database
from app.config import Config

if TYPE_CHECKING:
    from app.privacy.erasure import StoredClient
    from app.storage.database import Database


def erase_command(
    id: Annotated[str, typer.Argument(help="The id of the client or customer, with or without cust_.")],  # noqa: A002
    organization: Annotated[
        str | None, typer.Option(help="The id of its organization, if several organizations have the id.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without a question.")] = False,
    json: Json = False,
) -> None:
    """Erase a client or customer permanently, with its history, messages, mail files and stored responses.

    A deleted one can be erased too. An erased one cannot be restored.
    """
    from app.mail.files import MailFiles
    from app.privacy.erasure import erase_stored, find_client

    files = MailFiles(Config.from_environment().data_dir / "mail")

    async def work(database: "Database") -> None:
        client = await find_client(database, id, organization)
        confirm("erase", f"Erase {_describe(client)} permanently?", yes=yes)
        await erase_stored(database, client, files)

    with_database(work)
    report("The client is erased.", json, id=id)


def _describe(client: "StoredClient") -> str:
    return f"{client.name!r} ({client.id}) of {client.organization!r} ({client.organization_id})"
