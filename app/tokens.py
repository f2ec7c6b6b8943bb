"""Access tokens: issued once in clear, stored as a hash, listed without it, revoked by id.

A session is a token that an account makes for itself, by logging in; v1 gives it 64 letters and digits and no prefix.
"""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, cast, delete, func, insert, or_, select, text

from app.auth import Environment, Scope, hash_token
from app.ids import new_id
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import access_tokens

ALPHABET = string.ascii_letters + string.digits
LENGTH, SESSION_LENGTH = 48, 64
ETERNAL = -1
REMEMBERED = text("interval '30 days'")
"""How long an expired session is still told from one that never was."""


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
    token = prefix + _draw(LENGTH)
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


def _draw(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as v1 shows it: `name` is the token when it has just been made, later its id. `ttl` is seconds, or -1."""

    name: str
    ttl: int
    created_at: datetime
    account_id: str
    scope: Scope


async def issue_session(
    connection: Connection,
    account_id: str,
    *,
    ttl: int,
    scope: Scope = Scope.WRITE,
    environment: Environment = Environment.LIVE,
) -> AccessToken:
    """A new token of 64 letters and digits for an account's organizations of one environment."""
    token = _draw(SESSION_LENGTH)
    values = {
        "id": new_id(),
        "hash": hash_token(token),
        "account_id": account_id,
        "scope": scope,
        "environment": environment,
        "ttl": ttl,
        "created_at": NOW,
        "expires_at": None if ttl == ETERNAL else NOW + func.make_interval(0, 0, 0, 0, 0, 0, ttl),
    }
    made = insert(access_tokens).values(values).returning(access_tokens.c.created_at)
    return AccessToken(token, ttl, (await connection.execute(made)).scalar_one(), account_id, scope)


async def list_account_tokens(connection: Connection, account_id: str, most: int) -> list[AccessToken]:
    """At most so many of an account's tokens, the newest first."""
    lives = func.extract("epoch", access_tokens.c.expires_at - access_tokens.c.created_at)
    ttl = func.coalesce(access_tokens.c.ttl, cast(lives, BigInteger), ETERNAL)
    shown = select(
        access_tokens.c.id, ttl, access_tokens.c.created_at, access_tokens.c.account_id, access_tokens.c.scope
    )
    own = shown.where(access_tokens.c.account_id == account_id).order_by(access_tokens.c.id.desc()).limit(most)
    return [AccessToken(row[0], row[1], row[2], row[3], Scope(row[4])) for row in await connection.execute(own)]


async def revoke_account_token(connection: Connection, account_id: str, named: str) -> bool:
    """Whether an account had a token of this id, or this very token; from now on it opens nothing."""
    meant = or_(access_tokens.c.id == named, access_tokens.c.hash == hash_token(named))
    revoked = delete(access_tokens).where(access_tokens.c.account_id == account_id, meant)
    return (await connection.execute(revoked.returning(access_tokens.c.id))).first() is not None


async def end_sessions(connection: Connection, account_id: str) -> None:
    """Revokes the tokens that an account has made for itself."""
    own = (access_tokens.c.account_id == account_id, access_tokens.c.ttl.is_not(None))
    await connection.execute(delete(access_tokens).where(*own))


async def forget_expired(connection: Connection, account_id: str) -> None:
    """Drops an account's sessions that expired long ago."""
    own = (access_tokens.c.account_id == account_id, access_tokens.c.ttl.is_not(None))
    await connection.execute(delete(access_tokens).where(*own, access_tokens.c.expires_at < func.now() - REMEMBERED))


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
