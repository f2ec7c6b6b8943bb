"""`account delete` and `restore`, `organization delete` and `restore`."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

import typer

from app.cli.running import with_database
from app.config import Config
from app.mail.files import MailFiles
from app.privacy import deletion
from app.privacy.purge import Batches, purge_due
from app.storage.database import Database

Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]
Id = Annotated[str, typer.Argument(help="The id of the organization, from `organization list`.")]
Now = Annotated[bool, typer.Option("--now", help="Delete everything permanently at once. It cannot be restored.")]


def account_delete(email: Email, now: Now = False) -> None:
    """Delete an account, and the organizations that no other account can access. They can be restored for some days."""
    _delete(lambda database, delay: deletion.delete_account(database, email, delay), now)


def account_restore(email: Email) -> None:
    """Restore a deleted account, and the organizations that were deleted with it."""
    with_database(lambda database: deletion.restore_account(database, email))
    typer.echo("The account is restored.", err=True)


def organization_delete(id: Id, now: Now = False) -> None:  # noqa: A002
    """Delete an organization with all of its data. It can be restored for some days."""
    _delete(lambda database, delay: deletion.delete_organization(database, id, delay), now)


def organization_restore(id: Id) -> None:  # noqa: A002
    """Restore a deleted organization."""
    with_database(lambda database: deletion.restore_organization(database, id))
    typer.echo("The organization is restored.", err=True)


def _delete(delete: Callable[[Database, timedelta], Awaitable[datetime]], now: bool) -> None:
    config = Config.from_environment()

    async def work(database: Database) -> datetime:
        moment = await delete(database, timedelta(days=0 if now else config.deletion_days))
        if now:
            await purge_due(Batches(database, 0, waits=True), MailFiles(config.data_dir / "mail"))
        return moment

    moment = with_database(work)
    told = "Everything is deleted." if now else f"It is deleted permanently at {moment.isoformat(timespec='seconds')}."
    typer.echo(told, err=True)
