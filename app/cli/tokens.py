"""`token create`, `token list` and `token revoke`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.output import Json, Rows, print_result, report
from app.cli.running import with_database
from app.cli.verification import Unverified, require_verified
from app.errors import Invalid, Malformed, Problem

if TYPE_CHECKING:
    from app.storage.database import Database
    from app.tokens import TokenEntry

TITLES = ("id", "owner", "scope", "state", "expiry", "last use", "parent", "label")


def token_create(
    organization: Annotated[
        str | None, typer.Option(help="The id of the organization that the token gives access to.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="The e-mail address of the account that the token belongs to.")
    ] = None,
    scope: Annotated[
        Literal["read", "write"], typer.Option(help="The scope of the token; write includes read.")
    ] = "write",
    environment: Annotated[
        Literal["live", "sandbox"], typer.Option(help="The environment of the account's organizations.")
    ] = "live",
    expires: Annotated[
        str | None, typer.Option(help="The expiry, as an ISO 8601 date or date-time in UTC.", show_default="never")
    ] = None,
    label: Annotated[str | None, typer.Option(help="A text that tells the token apart in lists.")] = None,
    unverified: Unverified = False,
    json: Json = False,
) -> None:
    """Create an access token and print it. It cannot be shown again."""
    if (organization is None) == (account is None):
        raise Malformed("Give exactly one of --organization and --account.")
    from app.accounts.record import read_label
    from app.auth import Environment, Scope
    from app.organizations import service as organizations

    expires_at, checked_label = _expiry(expires) if expires else None, read_label(label)

    async def work(database: "Database") -> str:
        await require_verified(database, account=account, organization=organization, unverified=unverified)
        return await organizations.create_token(
            database,
            organization_id=organization,
            account_email=account,
            scope=Scope(scope),
            environment=Environment(environment),
            expires_at=expires_at,
            label=checked_label,
        )

    print_result(with_database(work), "token", json)


def _expiry(text: str) -> datetime:
    from app.query.values import parse_moment

    moment = parse_moment(text)
    if moment is None or moment <= datetime.now(UTC):
        raise Invalid([Problem("--expires", "format", "must be an ISO 8601 date or date-time in the future", text)])
    return moment


def token_list(json: Json = False) -> None:
    """List every token with its id, owner, scope, state, expiry, last use, parent and label.

    Tokens themselves are not stored. The last use is written once an hour. A token that was made with another one, its
    parent, is revoked with it.
    """
    from app.tokens import list_tokens

    async def work(database: "Database") -> "Sequence[TokenEntry]":
        async with database.read() as connection:
            return await list_tokens(connection)

    with Rows(TITLES, as_json=json) as rows:
        for entry in with_database(work):
            rows.add(_cells(entry), entry)


def _cells(entry: "TokenEntry") -> tuple[str, ...]:
    owners = (("account", entry.account_id), ("organization", entry.organization_id))
    return (
        entry.id,
        ", ".join(f"{kind} {owner}" for kind, owner in owners if owner),
        entry.scope,
        "expired" if entry.expired else "valid",
        entry.expires_at.isoformat() if entry.expires_at else "never expires",
        f"used {entry.last_used_at.isoformat(timespec='minutes')}" if entry.last_used_at else "not used",
        f"made with {entry.parent_id}" if entry.parent_id else "",
        entry.label or "",
    )


def token_revoke(
    id: Annotated[str, typer.Argument(help="The id of the token, from `token list`.")],  # noqa: A002
    json: Json = False,
) -> None:
    """Revoke a token. Requests with it fail from now on."""
    from app.tokens import revoke_token

    async def work(database: "Database") -> bool:
        async with database.write() as connection:
            return await revoke_token(connection, id)

    if not with_database(work):
        raise Malformed(f"There is no token with the id {id}. Run clientele token list for the ids.")
    report("The token is revoked.", json, id=id)
