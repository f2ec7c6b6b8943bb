"""Access tokens: issued once in clear, stored as a hash, listed without it, revoked by id."""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from app.auth import Environment, Scope, hash_token
from app.ids import new_id
from app.storage.connection import Connection
from app.storage.tables import access_tokens

ALPHABET = string.ascii_letters + string.digits
LENGTH = 48


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A token as it may be shown: everything but the token."""

    id: str
    account_id: str | None
    organization_id: str | None
    scope: str
    created_at: datetime
    expires_at: datetime | None
    expired: bool


async def issue_token(
    connection: Connection,
    *,
    account_id: str | None = None,
    organization_id: str | None = None,
    scope: Scope = Scope.WRITE,
    environment: Environment = Environment.LIVE,
    expires_at: datetime | None = None,
) -> str:
    """A new token for an account (`sk_…`) or for one organization (`ek_…`); this is the only time that it is seen.

    An account's token reaches its organizations of one environment; an organization's has the environment of that.
    """
    prefix = f"{'sk' if account_id else 'ek'}_{environment}_"
    token = prefix + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    values = {
        "id": new_id(),
        "hash": hash_token(token),
        "account_id": account_id,
        "organization_id": organization_id,
        "scope": scope,
        "environment": environment,
        "expires_at": expires_at,
    }
    await connection.execute(insert(access_tokens).values(values))
    return token


async def list_tokens(connection: Connection) -> Sequence[TokenEntry]:
    """All tokens, the first issued first."""
    shown = select(
        access_tokens.c.id,
        access_tokens.c.account_id,
        access_tokens.c.organization_id,
        access_tokens.c.scope,
        access_tokens.c.created_at,
        access_tokens.c.expires_at,
        func.coalesce(access_tokens.c.expires_at <= func.now(), False),
    )
    return [TokenEntry(*row) for row in await connection.execute(shown.order_by(access_tokens.c.id))]


async def revoke_token(connection: Connection, token_id: str) -> bool:
    """Whether there was such a token; from now on it opens nothing."""
    revoked = delete(access_tokens).where(access_tokens.c.id == token_id).returning(access_tokens.c.id)
    return (await connection.execute(revoked)).first() is not None
