"""`organization create` and `list`: whose clients these are."""

from typing import Annotated

import typer

from app.auth import Environment
from app.cli.running import with_database
from app.mail.addresses import check_address
from app.organizations import service as organizations
from app.server import say


def organization_create(
    name: Annotated[str, typer.Argument(help="The organization's name, the sender of its reminders.")],
    id: Annotated[str | None, typer.Option(help="24 lower-case hex digits, to keep an id.")] = None,  # noqa: A002
    account: Annotated[str | None, typer.Option(help="The account that may use it, by e-mail address.")] = None,
    email: Annotated[str | None, typer.Option(help="Where answers to reminders go.")] = None,
    locale: Annotated[str, typer.Option(help="The language of reminders.")] = "en",
    environment: Annotated[Environment, typer.Option(help="Whether it is real.")] = Environment.LIVE,
) -> None:
    """Make an organization; prints its id."""
    reply_to = check_address(email) if email else None
    say(
        with_database(
            lambda database: organizations.create_organization(
                database,
                name,
                organization_id=id,
                account_email=account,
                email=reply_to,
                locale=locale,
                environment=environment,
            )
        )
    )


def organization_list() -> None:
    """Print every organization: its id, a tab, its name."""
    for one in with_database(organizations.list_organizations):
        say(f"{one.id}\t{one.name}")
