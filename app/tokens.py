"""Access tokens: created, listed and revoked. Only the hash of a token is stored.

A session is a token that an account gets by a login. It has 64 letters and digits and no prefix.
"""

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from app.auth import Environment, Principal, Scope, hash_token
from app.errors import Unauthenticated
from app.ids import new_id
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import access_tokens

ALPHABET = string.ascii_letters + string.digits
LENGTH, SESSION_LENGTH = 48, 64
NEVER_EXPIRES = -1
EXPIRED_RETENTION = text("interval '30 days'")
"""For this time an expired session is reported as expired; later it is unknown."""
USE_PRECISION = text("interval '1 hour'")
"""The last use of a token is written at most this often."""
LONGEST_LABEL = 100
"""Characters."""


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
    label: str | None
    parent_id: str | None
    last_used_at: datetime | None


_id = access_tokens.c.id == bindparam("id", type_=Text())
LOCK_TOKEN = select(access_tokens.c.id).where(_id).with_for_update()
LOCK_PARENT = (
    select(
        access_tokens.c.expires_at,
        cast(func.floor(func.extract("epoch", access_tokens.c.expires_at - func.now())), BigInteger),
    )
    .where(_id, or_(access_tokens.c.expires_at.is_(None), access_tokens.c.expires_at > func.now()))
    .with_for_update(read=True, key_share=True)
)
"""The expiry of a valid token and the seconds until then. The lock delays its revocation, which then finds its children."""

_unrecorded = (
    select(access_tokens.c.id)
    .where(
        access_tokens.c.id == func.any(bindparam("ids", type_=ARRAY(Text))),
        or_(access_tokens.c.last_used_at.is_(None), access_tokens.c.last_used_at < func.now() - USE_PRECISION),
    )
    .order_by(access_tokens.c.id)
    .with_for_update(key_share=True, skip_locked=True)
    .scalar_subquery()
)
RECORD_USES = update(access_tokens).where(access_tokens.c.id.in_(_unrecorded)).values(last_used_at=NOW)


async def issue_token(
    connection: Connection,
    *,
    account_id: str | None = None,
    organization_id: str | None = None,
    scope: Scope = Scope.WRITE,
    environment: Environment = Environment.LIVE,
    expires_at: datetime | None = None,
    label: str | None = None,
) -> str:
    """Creates a token for an account (`sk_…`) or one organization (`ek_…`) and returns it. It cannot be read later.

    A token of an account gives access to its organizations of one environment. For a token of an organization,
    `environment` must be that of the organization.
    """
    prefix = f"{'sk' if account_id else 'ek'}_{environment}_"
    token = prefix + draw_token()
    values = {
        "id": new_id(),
        "hash": hash_token(token),
        "account_id": account_id,
        "organization_id": organization_id,
        "scope": scope,
        "environment": environment,
        "expires_at": expires_at,
        "label": label,
    }
    await connection.execute(insert(access_tokens).values(values))
    return token


def draw_token(length: int = LENGTH) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as v1 shows it. `name` is the token when it is new, and later its id. `ttl` is in seconds; -1 is no expiry."""

    name: str
    ttl: int
    created_at: datetime
    account_id: str
    scope: Scope
    label: str | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """The properties that the owner of a new session chooses. `ttl` is in seconds; -1 is no expiry."""

    ttl: int
    scope: Scope = Scope.WRITE
    label: str | None = None


async def issue_session(connection: Connection, account_id: str, terms: TokenTerms) -> AccessToken:
    """Creates a session for an account's live organizations."""
    expires_at = None if terms.ttl == NEVER_EXPIRES else NOW + func.make_interval(0, 0, 0, 0, 0, 0, terms.ttl)
    return await _add_session(connection, account_id, terms, {"expires_at": expires_at})


async def issue_child_session(connection: Connection, parent: Principal, terms: TokenTerms) -> AccessToken:
    """Creates a session with a token of an account. It ends with that token at the latest, and is revoked with it.

    Raises Unauthenticated if the token has been revoked or has expired since it was looked up.
    """
    row = (await connection.execute(LOCK_PARENT, {"id": parent.token_id})).first()
    if row is None or parent.account_id is None:
        raise Unauthenticated("The access token is not known")
    origin = {"parent_id": parent.token_id, "environment": parent.environment}
    parent_expiry, seconds_left = row
    if parent_expiry is None or (terms.ttl != NEVER_EXPIRES and terms.ttl <= seconds_left):
        expires_at = None if terms.ttl == NEVER_EXPIRES else NOW + func.make_interval(0, 0, 0, 0, 0, 0, terms.ttl)
        return await _add_session(connection, parent.account_id, terms, {**origin, "expires_at": expires_at})
    terms = replace(terms, ttl=max(seconds_left, 1))
    return await _add_session(connection, parent.account_id, terms, {**origin, "expires_at": parent_expiry})


async def _add_session(
    connection: Connection, account_id: str, terms: TokenTerms, columns: Mapping[str, Any]
) -> AccessToken:
    token = draw_token(SESSION_LENGTH)
    values = {
        "id": new_id(),
        "hash": hash_token(token),
        "account_id": account_id,
        "scope": terms.scope,
        "ttl": terms.ttl,
        "label": terms.label,
        "created_at": NOW,
        **columns,
    }
    inserted = insert(access_tokens).values(values).returning(access_tokens.c.created_at)
    created_at = (await connection.execute(inserted)).scalar_one()
    return AccessToken(token, terms.ttl, created_at, account_id, terms.scope, terms.label)


def _manageable(account_id: str, environment: Environment) -> ColumnElement[bool]:
    """The tokens of an account that its token of an environment may list and revoke: in the sandbox only those of it."""
    own = access_tokens.c.account_id == account_id
    return own if environment is Environment.LIVE else and_(own, access_tokens.c.environment == environment)


async def list_account_tokens(
    connection: Connection, account_id: str, environment: Environment, most: int
) -> list[AccessToken]:
    """At most `most` tokens of an account that a token of `environment` may manage, the newest first."""
    lifetime = func.extract("epoch", access_tokens.c.expires_at - access_tokens.c.created_at)
    ttl = func.coalesce(access_tokens.c.ttl, cast(lifetime, BigInteger), NEVER_EXPIRES)
    columns = select(
        access_tokens.c.id,
        ttl,
        access_tokens.c.created_at,
        access_tokens.c.account_id,
        access_tokens.c.scope,
        access_tokens.c.label,
        access_tokens.c.expires_at,
        access_tokens.c.last_used_at,
        access_tokens.c.parent_id,
    )
    own = columns.where(_manageable(account_id, environment)).order_by(access_tokens.c.id.desc()).limit(most)
    tokens = [AccessToken(*row) for row in await connection.execute(own)]
    return [replace(token, scope=Scope(token.scope)) for token in tokens]


async def revoke_account_token(
    connection: Connection, account_id: str, environment: Environment, id_or_token: str
) -> bool:
    """Revokes a token that a token of `environment` may manage, by its id or text. Returns whether there was one."""
    matches = or_(access_tokens.c.id == id_or_token, access_tokens.c.hash == hash_token(id_or_token))
    revoked = delete(access_tokens).where(_manageable(account_id, environment), matches)
    return (await connection.execute(revoked.returning(access_tokens.c.id))).first() is not None


async def end_sessions(connection: Connection, account_id: str, kept: str | None = None) -> None:
    """Revokes all sessions of an account but the token `kept`, which no longer has a parent that could end it.

    The lock waits for sessions that are being created with `kept`, so that they are found.
    """
    if kept is not None:
        await connection.execute(LOCK_TOKEN, {"id": kept})
        await connection.execute(update(access_tokens).where(access_tokens.c.id == kept).values(parent_id=None))
    own = (access_tokens.c.account_id == account_id, access_tokens.c.ttl.is_not(None))
    await connection.execute(delete(access_tokens).where(*own, access_tokens.c.id.is_distinct_from(kept)))


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
        access_tokens.c.label,
        access_tokens.c.parent_id,
        access_tokens.c.last_used_at,
    )
    return [TokenEntry(*row) for row in await connection.execute(columns.order_by(access_tokens.c.id))]


async def revoke_token(connection: Connection, token_id: str) -> bool:
    """Revokes a token by its id. Returns whether it existed."""
    revoked = delete(access_tokens).where(access_tokens.c.id == token_id).returning(access_tokens.c.id)
    return (await connection.execute(revoked)).first() is not None


async def record_uses(connection: Connection, token_ids: Sequence[str]) -> None:
    """Writes that tokens were used now, except those for which this was written within the last hour."""
    await connection.execute(RECORD_USES, {"ids": list(token_ids)})
