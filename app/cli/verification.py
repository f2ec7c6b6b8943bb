"""The question before a command gives something to an account that signed up by itself."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from app.errors import NotVerified

if TYPE_CHECKING:
    from app.storage.database import Database

Unverified: TypeAlias = Annotated[
    bool, typer.Option("--unverified", help="Continue although an account signed up by itself and is not verified.")
]


async def require_verified(
    database: "Database", *, account: str | None = None, organization: str | None = None, unverified: bool
) -> None:
    """Raises NotVerified if the account, or an account of the organization, signed up and nobody verified it.

    Anybody can sign up with any address, so such an account may belong to a stranger. With `unverified` it is a warning.
    """
    from app.accounts.service import find_unverified

    addresses = await find_unverified(database, email=account, organization_id=organization)
    if not addresses:
        return
    message = f"{' and '.join(addresses)} signed up without verification and may belong to a stranger."
    if not unverified:
        advice = f"Ask the owner of the address, then run clientele account verify {addresses[0]}"
        raise NotVerified(f"{message} {advice}, or add --unverified to continue.")
    typer.echo(f"Warning: {message}", err=True)
