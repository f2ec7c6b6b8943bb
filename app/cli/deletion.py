"""`account delete` and `restore`, `organization delete` and `restore`."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import Json, report
from app.cli.running import with_database
from app.config import Config

if TYPE_CHECKING:
    from app.storage.database import Database

Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]
Id = Annotated[str, typer.Argument(help="The id of the organization, from `organization list`.")]
Now = Annotated[bool, typer.Option("--now", help="Delete everything permanently at once. It cannot be restored.")]


def account_delete(email: Email, now: Now = False, json: Json = False) -> None:
    """Delete an account, and the organizations that no other account can access. They can be restored for some days."""
    from app.privacy import deletion

    _delete(lambda database, delay: deletion.delete_account(database, email, delay), now, json)


def account_restore(email: Email, json: Json = False) -> None:
    """Restore a deleted account, and the organizations that were deleted with it."""
    from app.privacy import deletion

    with_database(lambda database: deletion.restore_account(database, email))
    report("The account is restored.", json, email=email)


def organization_delete(id: Id, now: Now = False, json: Json = False) -> None:  # noqa: A002
    """Delete an organization with all of its data. It can be restored for some days."""
    from app.privacy import deletion

    _delete(lambda database, delay: deletion.delete_organization(database, id, delay), now, json)


def organization_restore(id: Id, json: Json = False) -> None:  # noqa: A002
    """Restore a deleted organization."""
    from app.privacy import deletion

    with_database(lambda database: deletion.restore_organization(database, id))
    report("The organization is restored.", json, id=id)


def _delete(delete: "Callable[[Database, timedelta], Awaitable[datetime]]", now: bool, json: bool) -> None:
    from app.mail.files import MailFiles
    from app.privacy.purge import Batches, purge_due

    config = Config.from_environment()

    async def work(database: "Database") -> datetime:
        moment = await delete(database, timedelta(days=0 if now else config.deletion_days))
        if now:
            await purge_due(Batches(database, 0, waits=True), MailFiles(config.data_dir / "mail"))
        return moment

    moment = with_database(work)
    told = "Everything is deleted." if now else f"It is deleted permanently at {moment.isoformat(timespec='seconds')}."
    report(told, json, purge_at=moment)
