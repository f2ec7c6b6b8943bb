"""The door: one ASGI application for everything below /v1, and the table of its operations."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from app.accounts.passwords import Passwords
from app.config import Config
from app.errors import DomainError
from app.mail.worker import OutboxWorker
from app.rest.router import FK, ID, Key, find_target, raw_path
from app.rest.v1 import accounts, answers, organizations, reads, tokens, writes
from app.rest.v1.answers import Reply
from app.rest.v1.call import Call, Services
from app.rest.v1.errors import NoMethod
from app.storage.database import Database

PREFIX = "/v1"

Operation = Callable[[Call], Awaitable[Reply]]

OPERATIONS: Mapping[Key, Operation] = {
    ("POST", "organizations", ID, "clients"): writes.create,
    ("GET", "organizations", ID, "clients"): reads.find,
    ("GET", "organizations", ID, "clients", "count"): reads.count,
    ("GET", "organizations", ID, "clients", "search"): reads.search,
    ("GET", "organizations", ID, "search-clients"): reads.search,
    ("GET", "clients", ID): reads.get,
    ("GET", "clients", ID, "exists"): reads.exists,
    ("PUT", "clients", ID): writes.replace,
    ("POST", "clients", ID, "replace"): writes.replace,
    ("PATCH", "clients", ID): writes.patch,
    ("DELETE", "clients", ID): writes.delete,
    ("POST", "clients", ID, "send-reminder"): writes.remind,
    ("POST", "accounts"): accounts.sign_up,
    ("POST", "accounts", "login"): accounts.log_in,
    ("POST", "accounts", "logout"): accounts.log_out,
    ("GET", "accounts", "authorized"): accounts.get_authorized,
    ("GET", "accounts", "is-unique"): accounts.ask_unique,
    ("GET", "accounts", ID): accounts.get,
    ("POST", "accounts", ID, "accesstokens"): tokens.create,
    ("GET", "accounts", ID, "accesstokens"): tokens.find,
    ("DELETE", "accounts", ID, "accesstokens", FK): tokens.delete,
    ("POST", "accounts", ID, "organizations"): organizations.create,
    ("GET", "accounts", ID, "organizations"): organizations.find,
    ("GET", "accounts", ID, "organizations", "count"): organizations.count,
    ("GET", "organizations", ID): organizations.get,
    ("PATCH", "organizations", ID): organizations.patch,
}


class V1Door:
    """No error leaves it."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = await self.answer(scope, receive)
        await reply.send(send, head=scope["method"] == "HEAD")

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        try:
            return await self.serve(scope, receive)
        except DomainError as refusal:
            return answers.refuse(refusal, request_id(scope))
        except Exception as error:
            return answers.mask(error, request_id(scope))

    async def serve(self, scope: Scope, receive: Receive) -> Reply:
        path, query = raw_path(scope)[len(PREFIX) :], scope["query_string"].decode("latin-1")
        operation, found_id = find_target(OPERATIONS, scope["method"], path, query)
        return await operation(Call(scope, receive, self.services, found_id, query))


def request_id(scope: Scope) -> str:
    """The request's id for the log."""
    return str(scope["state"]["request_id"])


class V1Route(BaseRoute):
    """Everything below /v1, whatever its case."""

    def __init__(self, door: V1Door) -> None:
        self.door = door

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        below = raw_path(scope)[: len(PREFIX) + 1].lower() in (PREFIX, f"{PREFIX}/")
        return (Match.FULL if below else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.door(scope, receive, send)


def v1_routes(database: Database, outbox: OutboxWorker, config: Config) -> list[BaseRoute]:
    """The routes of the door; it needs RequestIds and the authentication in front of it."""
    passwords = Passwords(config.password_memory)
    services = Services(database, outbox, config.page_cap, config.body_cap, passwords, config.sign_up)
    return [V1Route(V1Door(services))]


class NoDoor:
    """The ASGI application at the paths that belong to no door."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        refusal = NoMethod(f"Cannot {scope['method']} {raw_path(scope)}{asked}")
        reply = answers.refuse(refusal, request_id(scope))
        await reply.send(send, head=scope["method"] == "HEAD")


def unknown_routes() -> list[BaseRoute]:
    """The last route of the application: 404 in the shape of this door for every path that no other route takes."""
    return [Route("/{rest:path}", NoDoor())]
