"""`token create`, `token list` and `token revoke`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.accounts.record import read_label
from app.auth import Environment, Scope
from app.cli.output import say
from app.cli.running import with_database
from app.cli.verification import Unverified, require_verified
from app.errors import Invalid, Malformed, Problem
from app.organizations import service as organizations
from app.query.values import parse_moment
from app.storage.database import Database
from app.tokens import TokenEntry, list_tokens, revoke_token


def token_create(
    organization: Annotated[
        str | None, typer.Option(help="The id of the organization that the token gives access to.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="The e-mail address of the account that the token belongs to.")
    ] = None,
    scope: Annotated[Scope, typer.Option(help="The scope of the token; write includes read.")] = Scope.WRITE,
    environment: Annotated[
        Environment, typer.Option(help="The environment of the account's organizations.")
    ] = Environment.LIVE,
    expires: Annotated[
        str | None, typer.Option(help="The expiry, as an ISO 8601 date or date-time in UTC.", show_default="never")
    ] = None,
    label: Annotated[str | None, typer.Option(help="A text that tells the token apart in lists.")] = None,
    unverified: Unverified = False,
) -> None:
    """Create an access token and print it. It cannot be shown again."""
    if (organization is None) == (account is None):
        raise Malformed("Give exactly one of --organization and --account.")
    expires_at, checked_label = _expiry(expires) if expires else None, read_label(label)

    async def work(database: Database) -> str:
        await require_verified(database, account=account, organization=organization, unverified=unverified)
        return await organizations.create_token(
            database,
            organization_id=organization,
            account_email=account,
            scope=scope,
            environment=environment,
            expires_at=expires_at,
            label=checked_label,
        )

    say(with_database(work))


def _expiry(text: str) -> datetime:
    moment = parse_moment(text)
    if moment is None or moment <= datetime.now(UTC):
        raise Invalid([Problem("--expires", "format", "must be an ISO 8601 date or date-time in the future", text)])
    return moment


def token_list() -> None:
    """Print the id, owner, scope, state, expiry, last use, parent and label of every token, separated by tabs.

    Tokens themselves are not stored. The last use is written once an hour. A token that was made with another one, its
    parent, is revoked with it.
    """

    async def work(database: Database) -> list[str]:
        async with database.read() as connection:
            entries = await list_tokens(connection)
        return [describe_token(entry) for entry in entries]

    for line in with_database(work):
        say(line)


def describe_token(entry: TokenEntry) -> str:
    owners = (("account", entry.account_id), ("organization", entry.organization_id))
    columns = (
        entry.id,
        ", ".join(f"{kind} {owner}" for kind, owner in owners if owner),
        entry.scope,
        "expired" if entry.expired else "valid",
        entry.expires_at.isoformat() if entry.expires_at else "never expires",
        f"used {entry.last_used_at.isoformat(timespec='minutes')}" if entry.last_used_at else "not used",
        f"made with {entry.parent_id}" if entry.parent_id else "",
        entry.label or "",
    )
    return "\t".join(columns)


def token_revoke(id: Annotated[str, typer.Argument(help="The id of the token, from `token list`.")]) -> None:  # noqa: A002
    """Revoke a token. Requests with it fail from now on."""

    async def work(database: Database) -> bool:
        async with database.write() as connection:
            return await revoke_token(connection, id)

    if not with_database(work):
        raise Malformed(f"There is no token with the id {id}. Run clientele token list for the ids.")
    typer.echo("The token is revoked.", err=True)
