"""Authentication and access: an access token becomes a Principal. All APIs use the same backend."""

import hashlib
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from sqlalchemy import ARRAY, LargeBinary, Text, and_, bindparam, case, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ASGIScope

from app.errors import Forbidden, NotFound, StorageFull, TokenExpired, Unauthenticated
from app.http.addresses import network_of
from app.http.rates import UNLIMITED, Meter, Rates
from app.ids import is_id
from app.storage.database import ConnectionSource, Database
from app.storage.tables import access_tokens, account_organizations, accounts, organizations

UNMETERED = Meter(UNLIMITED, (), "")
"""The meter of callers inside the process."""


class Scope(StrEnum):
    """`write` includes `read`."""

    READ = "read"
    WRITE = "write"


class Environment(StrEnum):
    """Live and sandbox organizations are separate. A token gives access to organizations of its own environment only."""

    LIVE = "live"
    SANDBOX = "sandbox"


SCOPES = {scope.value: scope for scope in Scope}
ENVIRONMENTS = {environment.value: environment for environment in Environment}


@dataclass(frozen=True, slots=True)
class Principal:
    """The account or organization that the token belongs to.

    `organizations` are those that the token can access, in the order of their creation. `meter` counts the caller's writes.
    """

    token_id: str
    account_id: str | None
    organizations: tuple[str, ...]
    scope: Scope
    environment: Environment = Environment.LIVE
    meter: Meter = field(default=UNMETERED, compare=False, repr=False)

    @property
    def owner(self) -> str:
        """The owner of idempotency keys: the account in its environment, or the organization of its own token."""
        if self.account_id is None:
            return self.organizations[0]
        return self.account_id if self.environment is Environment.LIVE else f"{self.account_id}:{self.environment}"

    @property
    def tenant(self) -> str:
        """The owner of a share of the connections: the account with all its environments, or the organization."""
        return self.account_id or self.organizations[0]

    @property
    def actor(self) -> str:
        """The caller's name in the record of changes."""
        return f"account:{self.account_id}" if self.account_id else f"token:{self.token_id}"

    def require(self, organization_id: str) -> str:
        """Returns the id. Raises NotFound, as for a missing one, if the token cannot access the organization."""
        if organization_id not in self.organizations:
            raise NotFound("There is no such organization")
        return organization_id

    def require_write(self) -> None:
        if self.scope is not Scope.WRITE:
            raise Forbidden("The token may only read")


ExpectedVersion: TypeAlias = int | Sequence[int] | None
"""The version that a record must have to be changed, or several versions; None allows every version."""


@dataclass(frozen=True, slots=True)
class Target:
    """One record that a statement reads or changes: the record `id` of one of the `organizations`.

    `actor` names the caller in the record of changes.
    """

    organizations: tuple[str, ...]
    id: str
    actor: str
    expected_version: ExpectedVersion = None


@dataclass(frozen=True, slots=True)
class Access:
    """The caller's share of a database, and the caller: the first argument of every service function.

    `source` is the network that the request comes from.
    """

    database: ConnectionSource
    principal: Principal
    source: str = ""

    @classmethod
    def of(cls, database: Database, principal: Principal, source: str = "") -> "Access":
        """The access of a principal for one operation."""
        return cls(database.share(principal.tenant), principal, source)

    def renew(self) -> "Access":
        """The same access for another operation."""
        return replace(self, database=self.database.renew())

    def require(self, organization_id: str) -> None:
        """Raises NotFound for an organization that the caller cannot access."""
        self.principal.require(organization_id)

    def require_write(self) -> None:
        """Raises Forbidden for a token that may only read."""
        self.principal.require_write()

    def full_organizations(self) -> frozenset[str]:
        """The caller's organizations without room for more data. Raises StorageFull if it has no other one."""
        full = self.database.full_among(self.principal.organizations)
        if full and len(full) == len(self.principal.organizations):
            raise StorageFull
        return full

    def require_room(self, organization_id: str) -> None:
        """Raises StorageFull if an organization has no room for more data."""
        if self.database.full_among((organization_id,)):
            raise StorageFull

    def organizations_among(self, ids: Iterable[str]) -> list[str]:
        """The organizations among `ids` that the caller can access, in the order of `ids`."""
        return [organization_id for organization_id in ids if organization_id in self.principal.organizations]

    def narrow(self, organization_id: str) -> "Access":
        """The same access, limited to one organization."""
        return replace(self, principal=replace(self.principal, organizations=(organization_id,)))

    def target(self, record_id: str, expected_version: ExpectedVersion = None) -> Target:
        """A record of any organization that the caller can access. Raises NotFound for text that is not an id."""
        if not is_id(record_id):
            raise NotFound("There is no such record")
        return Target(self.principal.organizations, record_id, self.principal.actor, expected_version)

    def writable_target(self, record_id: str, expected_version: ExpectedVersion = None) -> Target:
        """As target. Raises Forbidden first for a token that may only read."""
        self.require_write()
        return self.target(record_id, expected_version)


MOST_TOKENS = 10
"""The most tokens of one request that are looked up."""


def hash_token(text: str) -> bytes:
    """The hash that is stored instead of a token. A token has over 200 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


_accessible = (
    select(func.array_agg(aggregate_order_by(organizations.c.id, organizations.c.created_at, organizations.c.id)))
    .join(account_organizations, account_organizations.c.organization_id == organizations.c.id)
    .where(
        account_organizations.c.account_id == access_tokens.c.account_id,
        organizations.c.environment == access_tokens.c.environment,
        organizations.c.purge_at.is_(None),
    )
    .scalar_subquery()
)

_owners = tuple(
    select(table.c.purge_at).where(table.c.id == access_tokens.c[owner]).scalar_subquery()
    for table, owner in ((accounts, "account_id"), (organizations, "organization_id"))
)
_owner_is_live = and_(*(purge_at.is_(None) for purge_at in _owners))
"""Each owner is one lookup by its key. A token has one of them, and the other lookup ends at once."""

_hashes = cast(select(bindparam("hashes", type_=ARRAY(LargeBinary()))).scalar_subquery(), ARRAY(LargeBinary()))
"""The list stands in a subquery, as in of_organizations, so that its length does not make PostgreSQL plan anew."""

_TOKENS = select(
    access_tokens.c.hash,
    access_tokens.c.id,
    access_tokens.c.account_id,
    case(
        (access_tokens.c.organization_id.is_not(None), array([access_tokens.c.organization_id])),
        else_=func.coalesce(_accessible, cast([], ARRAY(Text))),
    ),
    access_tokens.c.scope,
    func.coalesce(access_tokens.c.expires_at <= func.now(), False),
    access_tokens.c.environment,
)
FIND_TOKEN = _TOKENS.where(access_tokens.c.hash == bindparam("hash", type_=LargeBinary()), _owner_is_live)
FIND_TOKENS = _TOKENS.where(access_tokens.c.hash == func.any(_hashes), _owner_is_live)
"""The tokens with the hashes of a list. FIND_TOKEN costs less, and nearly every request has one token."""


NoteUse: TypeAlias = Callable[[str], None]


def ignore_use(token_id: str) -> None:
    """For callers that are no requests, such as those of a test."""


class Caller:
    """The sender of a request, whose tokens have not been looked up yet. `address` is that of the sender.

    `meter` charges the requests of the caller: it knows tokens by their hashes, and other callers by their address.
    `share` is what the caller's operation uses of the database. `note_use` takes the id of each token that was found to
    be valid.
    """

    __slots__ = ("database", "hashes", "meter", "note_use", "share", "tokens")

    def __init__(
        self,
        tokens: tuple[str, ...],
        database: Database,
        note_use: NoteUse = ignore_use,
        *,
        rates: Rates = UNLIMITED,
        address: str = "",
    ) -> None:
        self.tokens = tokens
        self.database = database
        self.note_use = note_use
        self.share: ConnectionSource | None = None
        self.hashes = [hash_token(token) for token in tokens]
        self.meter = Meter(rates, self.hashes, address)

    @property
    def source(self) -> str:
        """The network that the request comes from."""
        return network_of(self.meter.address)

    def with_token(self, token: str) -> "Caller":
        """The same sender with another token, which takes over what the source was charged for."""
        rates, address = self.meter.rates, self.meter.address
        caller = Caller((token,), self.database, self.note_use, rates=rates, address=address)
        caller.meter.charged_source = self.meter.charged_source
        return caller

    async def access(self) -> Access:
        """The caller's access to its share of the database. Raises as `principal` does."""
        access = Access.of(self.database, await self.principal(), self.source)
        self.share = access.database
        return access

    def close(self) -> None:
        """Says that the response was sent."""
        if self.share is not None:
            self.share.end()

    async def principal(self) -> Principal:
        """The principal of the first valid token. One statement looks up all tokens.

        Raises Unauthenticated for missing or unknown tokens, and TokenExpired if one of them has expired. Raises TooMany
        if the token is new to the limits of this process, and its account has used up its own.
        """
        if not self.tokens:
            raise Unauthenticated("An access token is required")
        hashes = self.hashes
        async with self.database.read() as connection:
            if len(hashes) == 1:
                rows = await connection.execute(FIND_TOKEN, {"hash": hashes[0]})
            else:
                rows = await connection.execute(FIND_TOKENS, {"hashes": hashes})
        valid = {row[0]: row for row in rows if not row[5]}
        if len(valid) < len(hashes):
            self.meter.rates.forget(hash_ for hash_ in hashes if hash_ not in valid)
        if not rows:
            raise Unauthenticated("The access token is not known")
        row = next((valid[hash_] for hash_ in hashes if hash_ in valid), None)
        if row is None:
            raise TokenExpired("The access token has expired")
        self.note_use(row[1])
        self.meter.recognise(row[0], row[2] or row[3][0])
        return Principal(row[1], row[2], tuple(row[3]), SCOPES[row[4]], ENVIRONMENTS[row[6]], self.meter)


class Authentication:
    """Puts a Caller into `scope["user"]`. It never rejects a request, because each API decides when to look up tokens."""

    def __init__(
        self, app: ASGIApp, database: Database, note_use: NoteUse = ignore_use, rates: Rates = UNLIMITED
    ) -> None:
        self.app, self.database, self.note_use, self.rates = app, database, note_use, rates

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        client, tokens = scope.get("client"), find_tokens(HTTPConnection(scope))
        address = client[0] if client else ""
        caller = Caller(tokens, self.database, self.note_use, rates=self.rates, address=address)
        scope["user"], scope["meter"] = caller, caller.meter
        try:
            await self.app(scope, receive, send)
        finally:
            caller.close()


def find_tokens(conn: HTTPConnection) -> tuple[str, ...]:
    """The tokens in `Authorization`, in `X-Access-Token` and in `?access_token=`, in this order, at most 10.

    Authorization is the token itself, Bearer with the token or its base64, or Basic with the token as the password.
    """
    authorization: list[str | None] = []
    tokens: list[str | None] = []
    for name, value in conn.scope["headers"]:
        if name == b"authorization":
            authorization.append(read_authorization(value.decode("latin-1")))
        elif name == b"x-access-token":
            tokens.append(value.decode("latin-1"))
    if _names_token(conn.scope["query_string"]):
        tokens += conn.query_params.getlist("access_token")
    return tuple(dict.fromkeys(token for token in (*authorization, *tokens) if token))[:MOST_TOKENS]


def _names_token(query: bytes) -> bool:
    """True if a query string has the parameter access_token, percent-encoded or not."""
    return any(unquote_to_bytes(pair.partition(b"=")[0]) == b"access_token" for pair in query.split(b"&"))


def read_authorization(header: str) -> str | None:
    """The token in the value of an Authorization header."""
    scheme, _, rest = header.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return _decode_bearer(rest.strip()) or None
        case "basic":
            return _password(rest.strip())
    return header.strip() or None


def _decode_bearer(token: str) -> str:
    """The token. Clients of LoopBack send it as base64; if it decodes to printable ASCII, that is the token."""
    try:
        text = b64decode(token, validate=True).decode("ascii")
    except ValueError:
        return token
    return text if text and text.isprintable() else token


def _password(credentials: str) -> str | None:
    try:
        user, _, password = b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return None
    return password or user or None
