"""`organization create` and `organization list`."""

from typing import Annotated

import typer

from app.auth import Environment
from app.cli.output import say
from app.cli.running import with_database
from app.cli.verification import Unverified, require_verified
from app.mail.addresses import check_address
from app.organizations import service as organizations
from app.query.invisible import trim
from app.storage.database import Database


def organization_create(
    name: Annotated[str, typer.Argument(help="The name of the organization; its reminders show it as the sender.")],
    id: Annotated[  # noqa: A002
        str | None, typer.Option(help="The id, as 24 lower-case hex digits.", show_default="a new id")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The e-mail address of the account that gets access.")] = None,
    email: Annotated[str | None, typer.Option(help="The e-mail address for replies to reminders.")] = None,
    locale: Annotated[str, typer.Option(help="The language of reminders, such as de or de-AT.")] = "en",
    environment: Annotated[
        Environment, typer.Option(help="The environment: live for real data, sandbox for tests.")
    ] = Environment.LIVE,
    unverified: Unverified = False,
) -> None:
    """Create an organization and print its id."""
    reply_to = check_address(trim(email)) if email else None

    async def work(database: Database) -> str:
        await require_verified(database, account=account, unverified=unverified)
        return await organizations.create_organization(
            database,
            name,
            organization_id=id,
            account_email=account,
            email=reply_to,
            locale=locale,
            environment=environment,
        )

    say(with_database(work))


def organization_list() -> None:
    """Print the id and the name of every organization, separated by a tab. A deleted one has its last moment too."""
    for organization, purge_at in with_database(organizations.list_organizations):
        deleted = f"\tdeleted permanently at {purge_at.isoformat(timespec='seconds')}" if purge_at else ""
        say(f"{organization.id}\t{organization.name}{deleted}")
