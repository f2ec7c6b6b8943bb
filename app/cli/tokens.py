"""`token create`, `list` and `revoke`: access tokens."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.auth import Environment, Scope
from app.cli.running import with_database
from app.errors import Invalid, Malformed, Problem
from app.organizations import service as organizations
from app.query.values import parse_moment
from app.server import say
from app.storage.database import Database
from app.tokens import list_tokens, revoke_token


def token_create(
    organization: Annotated[str | None, typer.Option(help="The organization that the token opens, by id.")] = None,
    account: Annotated[str | None, typer.Option(help="The account whose organizations it opens, by e-mail.")] = None,
    scope: Annotated[Scope, typer.Option(help="What it may do; write includes read.")] = Scope.WRITE,
    environment: Annotated[
        Environment, typer.Option(help="Which of the account's organizations it opens.")
    ] = Environment.LIVE,
    expires: Annotated[str | None, typer.Option(help="When it expires: an ISO 8601 date or date-time in UTC.")] = None,
) -> None:
    """Make an access token; prints it, this once."""
    if (organization is None) == (account is None):
        raise Malformed("Name either --organization or --account")
    expires_at = _expiry(expires) if expires else None
    say(
        with_database(
            lambda database: organizations.create_token(
                database,
                organization_id=organization,
                account_email=account,
                scope=scope,
                environment=environment,
                expires_at=expires_at,
            )
        )
    )


def _expiry(text: str) -> datetime:
    moment = parse_moment(text)
    if moment is None or moment <= datetime.now(UTC):
        raise Invalid([Problem("--expires", "format", "must be an ISO 8601 moment in the future", text)])
    return moment


def token_list() -> None:
    """Print every token's id, owner, scope, state and expiry, with tabs between; never the token."""

    async def work(database: Database) -> list[str]:
        async with database.read() as connection:
            entries = await list_tokens(connection)
        return [
            "\t".join(
                (
                    one.id,
                    f"account {one.account_id}" if one.account_id else f"organization {one.organization_id}",
                    one.scope,
                    "expired" if one.expired else "valid",
                    one.expires_at.isoformat() if one.expires_at else "never expires",
                )
            )
            for one in entries
        ]

    for line in with_database(work):
        say(line)


def token_revoke(id: Annotated[str, typer.Argument(help="The token's id, as `token list` prints it.")]) -> None:  # noqa: A002
    """Revoke a token: from now on it opens nothing."""

    async def work(database: Database) -> bool:
        async with database.write() as connection:
            return await revoke_token(connection, id)

    if not with_database(work):
        raise Malformed(f"There is no token with the id {id}")
    typer.echo("The token is revoked.", err=True)
