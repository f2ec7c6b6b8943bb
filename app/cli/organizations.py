"""`organization create`, `organization list`, `organization show` and `organization update`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.output import Json, Rows, print_record, print_result, report, show
from app.cli.running import with_database
from app.cli.verification import Unverified, require_verified
from app.errors import Malformed

if TYPE_CHECKING:
    from app.storage.database import Database

Id = Annotated[str, typer.Argument(help="The id of the organization, from `organization list`.")]


def organization_create(
    name: Annotated[str, typer.Argument(help="The name of the organization; its reminders show it as the sender.")],
    id: Annotated[  # noqa: A002
        str | None, typer.Option(help="The id, as 24 lower-case hex digits.", show_default="a new id")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The e-mail address of the account that gets access.")] = None,
    email: Annotated[str | None, typer.Option(help="The e-mail address for replies to reminders.")] = None,
    locale: Annotated[str, typer.Option(help="The language of reminders, such as de or de-AT.")] = "en",
    environment: Annotated[
        Literal["live", "sandbox"], typer.Option(help="The environment: live for real data, sandbox for tests.")
    ] = "live",
    unverified: Unverified = False,
    json: Json = False,
) -> None:
    """Create an organization and print its id."""
    from app.auth import Environment
    from app.organizations import service as organizations

    reply_to = _check_email(email) if email else None

    async def work(database: "Database") -> str:
        await require_verified(database, account=account, unverified=unverified)
        return await organizations.create_organization(
            database,
            name,
            organization_id=id,
            account_email=account,
            email=reply_to,
            locale=locale,
            environment=Environment(environment),
        )

    print_result(with_database(work), "id", json)


def organization_list(json: Json = False) -> None:
    """List every organization with its id and name, the oldest first. A deleted one has its last moment too."""
    from app.organizations import service as organizations

    with Rows(("id", "name", "deletion"), as_json=json) as rows:
        for organization, purge_at in with_database(organizations.list_organizations):
            deleted = (f"deleted permanently at {show(purge_at)}",) if purge_at else ()
            members = {"id": organization.id, "name": organization.name, "purge_at": purge_at}
            rows.add((organization.id, organization.name, *deleted), members)


def organization_show(id: Id, json: Json = False) -> None:  # noqa: A002
    """Show an organization: its fields, the accounts that can access it, and its last moment if it is deleted."""
    from app.organizations import service as organizations

    details = with_database(lambda database: organizations.describe_organization(database, id))
    members = {**asdict(details.organization), "accounts": details.accounts, "purge_at": details.purge_at}
    print_record(members, json)


def organization_update(
    id: Id,  # noqa: A002
    name: Annotated[str | None, typer.Option(help="The name.")] = None,
    email: Annotated[str | None, typer.Option(help="The e-mail address for replies to reminders.")] = None,
    locale: Annotated[str | None, typer.Option(help="The language of reminders, such as de or de-AT.")] = None,
    country: Annotated[str | None, typer.Option(help="The name of the country, in English.")] = None,
    timezone: Annotated[str | None, typer.Option(help="The time zone, such as Europe/Ljubljana.")] = None,
    website: Annotated[str | None, typer.Option(help="The website.")] = None,
    phone: Annotated[str | None, typer.Option(help="The phone number.")] = None,
    brand: Annotated[str | None, typer.Option(help="The brand.")] = None,
    json: Json = False,
) -> None:
    """Change fields of an organization. An empty text removes the value of a field."""
    from app.organizations import service as organizations

    options = {
        "name": name,
        "email": _check_email(email) if email else email,
        "locale": locale,
        "country": country,
        "timezone": timezone,
        "website": website,
        "phone": phone,
        "brand": brand,
    }
    fields = {option: value or None for option, value in options.items() if value is not None}
    if not fields:
        raise Malformed("Give at least one field to change, such as --name. Add --help to list the fields.")
    with_database(lambda database: organizations.update_organization(database, id, fields))
    report("The organization is changed.", json, id=id, **fields)


def _check_email(email: str) -> str:
    from app.mail.addresses import check_address
    from app.query.invisible import trim

    return check_address(trim(email))
