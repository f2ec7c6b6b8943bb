"""Access tokens: created, listed and revoked. Only the hash of a token is stored.

A session is a token that an account gets by a login. It has 64 letters and digits and no prefix.
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
NEVER_EXPIRES = -1
EXPIRED_RETENTION = text("interval '30 days'")
"""For this time an expired session is reported as expired; later it is unknown."""


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """The data of a token without the token itself."""

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
    """Creates a token for an account (`sk_…`) or one organization (`ek_…`) and returns it. It cannot be read later.

    A token of an account gives access to its organizations of one environment. For a token of an organization,
    `environment` must be that of the organization.
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
    """A token as v1 shows it. `name` is the token when it is new, and later its id. `ttl` is in seconds; -1 is no expiry."""

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
    """Creates a session for an account's organizations of one environment. `ttl` is in seconds; -1 is no expiry."""
    token = _draw(SESSION_LENGTH)
    values = {
        "id": new_id(),
        "hash": hash_token(token),
        "account_id": account_id,
        "scope": scope,
        "environment": environment,
        "ttl": ttl,
        "created_at": NOW,
        "expires_at": None if ttl == NEVER_EXPIRES else NOW + func.make_interval(0, 0, 0, 0, 0, 0, ttl),
    }
    inserted = insert(access_tokens).values(values).returning(access_tokens.c.created_at)
    return AccessToken(token, ttl, (await connection.execute(inserted)).scalar_one(), account_id, scope)


async def list_account_tokens(connection: Connection, account_id: str, most: int) -> list[AccessToken]:
    """At most `most` tokens of an account, the newest first."""
    lifetime = func.extract("epoch", access_tokens.c.expires_at - access_tokens.c.created_at)
    ttl = func.coalesce(access_tokens.c.ttl, cast(lifetime, BigInteger), NEVER_EXPIRES)
    columns = select(
        access_tokens.c.id, ttl, access_tokens.c.created_at, access_tokens.c.account_id, access_tokens.c.scope
    )
    own = columns.where(access_tokens.c.account_id == account_id).order_by(access_tokens.c.id.desc()).limit(most)
    return [AccessToken(row[0], row[1], row[2], row[3], Scope(row[4])) for row in await connection.execute(own)]


async def revoke_account_token(connection: Connection, account_id: str, id_or_token: str) -> bool:
    """Revokes a token of an account by its id or by the token itself. Returns whether the account had it."""
    matches = or_(access_tokens.c.id == id_or_token, access_tokens.c.hash == hash_token(id_or_token))
    revoked = delete(access_tokens).where(access_tokens.c.account_id == account_id, matches)
    return (await connection.execute(revoked.returning(access_tokens.c.id))).first() is not None


async def end_sessions(connection: Connection, account_id: str) -> None:
    """Revokes all sessions of an account."""
    own = (access_tokens.c.account_id == account_id, access_tokens.c.ttl.is_not(None))
    await connection.execute(delete(access_tokens).where(*own))


async def delete_expired_sessions(connection: Connection, account_id: str) -> None:
    """Deletes the sessions of an account that expired more than 30 days ago."""
    own = (access_tokens.c.account_id == account_id, access_tokens.c.ttl.is_not(None))
    await connection.execute(
        delete(access_tokens).where(*own, access_tokens.c.expires_at < func.now() - EXPIRED_RETENTION)
    )


async def list_tokens(connection: Connection) -> Sequence[TokenEntry]:
    """All tokens, the oldest first."""
    columns = select(
        access_tokens.c.id,
        access_tokens.c.account_id,
        access_tokens.c.organization_id,
        access_tokens.c.scope,
        access_tokens.c.created_at,
        access_tokens.c.expires_at,
        func.coalesce(access_tokens.c.expires_at <= func.now(), False),
    )
    return [TokenEntry(*row) for row in await connection.execute(columns.order_by(access_tokens.c.id))]


async def revoke_token(connection: Connection, token_id: str) -> bool:
    """Revokes a token by its id. Returns whether it existed."""
    revoked = delete(access_tokens).where(access_tokens.c.id == token_id).returning(access_tokens.c.id)
    return (await connection.execute(revoked)).first() is not None
