"""Authentication puts a Caller into each request. The caller's tokens are looked up when an API asks for its principal."""

from collections.abc import Callable
from typing import TypeAlias

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ASGIScope

from app.auth.access import Access
from app.auth.credentials import find_tokens, hash_token
from app.auth.known_tokens import KnownToken, KnownTokens
from app.auth.principals import Principal
from app.errors import TokenExpired, Unauthenticated
from app.http.addresses import network_of
from app.http.rates import UNLIMITED, Meter, Rates
from app.observability.figures import current_figures
from app.storage.database import ConnectionSource, Database

NoteUse: TypeAlias = Callable[[str], None]


def ignore_use(token_id: str) -> None:
    """For callers that are no requests, such as those of a test."""


class Caller:
    """The sender of a request, whose tokens have not been looked up yet. `address` is that of the sender.

    `meter` charges the requests of the caller: it knows tokens by their hashes, and other callers by their address.
    `share` is what the caller's operation uses of the database. `note_use` takes the id of each token that was found to
    be valid. `known` looks tokens up and remembers them.
    """

    __slots__ = ("database", "hashes", "known", "meter", "note_use", "share", "tokens")

    def __init__(
        self,
        tokens: tuple[str, ...],
        database: Database,
        note_use: NoteUse = ignore_use,
        *,
        rates: Rates = UNLIMITED,
        address: str = "",
        known: KnownTokens | None = None,
    ) -> None:
        self.tokens = tokens
        self.known = known or KnownTokens(database)
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
        caller = Caller((token,), self.database, self.note_use, rates=rates, address=address, known=self.known)
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
        """The principal of the first valid token. One statement looks up all tokens, unless the first one is known.

        Raises Unauthenticated for missing or unknown tokens, and TokenExpired if one of them has expired. Raises TooMany
        if the token is new to the limits of this process, and its account has used up its own.
        """
        if not self.tokens:
            raise Unauthenticated("An access token is required")
        token = self.known.find(self.hashes[0]) or await self._look_up()
        self.note_use(token.id)
        figures = current_figures.get()
        figures.token_id, figures.account_id = token.id, token.account_id
        if len(token.organizations) == 1:
            figures.organization_id = token.organizations[0]
        self.meter.recognise(token.hash, token.tenant)
        return Principal(token.id, token.account_id, token.organizations, token.scope, token.environment, self.meter)

    async def _look_up(self) -> KnownToken:
        """The first valid token in the database."""
        tokens = await self.known.look_up(self.hashes)
        valid = {token.hash: token for token in tokens if not token.expired}
        if len(valid) < len(self.hashes):
            self.meter.rates.forget(hash_ for hash_ in self.hashes if hash_ not in valid)
        for hash_ in self.hashes:
            if hash_ in valid:
                return valid[hash_]
        if tokens:
            raise TokenExpired("The access token has expired")
        raise Unauthenticated("The access token is not known")


class Authentication:
    """Puts a Caller into `scope["user"]`. It never rejects a request, because each API decides when to look up tokens."""

    def __init__(
        self,
        app: ASGIApp,
        database: Database,
        note_use: NoteUse = ignore_use,
        rates: Rates = UNLIMITED,
        known: KnownTokens | None = None,
    ) -> None:
        self.app, self.database, self.note_use, self.rates = app, database, note_use, rates
        self.known = known or KnownTokens(database)

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        client, tokens = scope.get("client"), find_tokens(scope)
        address = client[0] if client else ""
        caller = Caller(tokens, self.database, self.note_use, rates=self.rates, address=address, known=self.known)
        scope["user"], scope["meter"] = caller, caller.meter
        try:
            await self.app(scope, receive, send)
        finally:
            caller.close()
