"""Call: one request, and how this door reads its query and its body."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Receive, Scope

from app.accounts.passwords import Passwords
from app.auth import Access, Caller, Principal
from app.idempotency import RequestKey
from app.mail.worker import OutboxWorker
from app.rest.preconditions import expected_versions, holds_already
from app.rest.router import raw_path
from app.rest.v1.arguments import Parameters, read_query
from app.rest.v1.bodies import Body, read_body
from app.storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """What the operations work with. `page_cap` is the most records of one list; `body_cap` is in bytes.

    `sign_up` says whether strangers may make accounts.
    """

    database: Database
    outbox: OutboxWorker
    page_cap: int
    body_cap: int
    passwords: Passwords
    sign_up: bool


@dataclass(frozen=True, slots=True)
class Call:
    """`id` is the decoded id in the path, whatever it is; `query` the query string as it was sent."""

    scope: Scope
    receive: Receive
    services: Services
    id: str
    query: str

    @property
    def database(self) -> Database:
        return self.services.database

    @property
    def last_segment(self) -> str:
        """The end of the path as it was sent."""
        return raw_path(self.scope).removesuffix("/").rpartition("/")[2]

    def parameters(self, *names: str) -> Parameters:
        return read_query(self.query, *names)

    async def principal(self) -> Principal:
        """Who calls. Raises Unauthenticated."""
        caller: Caller = self.scope["user"]
        return await caller.principal()

    async def access(self) -> Access:
        """The access of the caller. Raises Unauthenticated."""
        return Access(self.services.database, await self.principal())

    async def body(self) -> Body:
        return await read_body(Request(self.scope, self.receive), self.services.body_cap)

    def expected(self) -> Sequence[int] | None:
        """The versions that If-Match allows; None when any will do."""
        return expected_versions(Request(self.scope))

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.scope["headers"] if key == name), None)

    def knows(self, version: int) -> bool:
        """Whether the caller has this version already."""
        return self.header(b"if-none-match") is not None and holds_already(Request(self.scope), version)

    def key(self, principal: Principal, operation: str, data: bytes) -> RequestKey | None:
        """What makes this request the same as another: the Idempotency-Key, if there is one."""
        text = self.header(b"idempotency-key")
        if text is None:
            return None
        return RequestKey.of(principal.owner, text.decode("latin-1"), operation, self.id, data)
