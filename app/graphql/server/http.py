"""The GraphQL door: GraphQL over HTTP on one path, and GraphiQL for browsers."""

import re

import orjson
from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from app.auth import Principal
from app.changes.reader import ChangeReader
from app.config import Config
from app.errors import Unauthenticated
from app.graphql.server.disconnects import Gone, while_heard
from app.graphql.server.errors import Refused, Rejected, show_refusal
from app.graphql.server.graphiql.page import graphiql_page, graphiql_routes
from app.graphql.server.operations import OperationResult, Operations
from app.graphql.server.requests import GraphQLRequest, read_parameters, read_request
from app.graphql.server.sse import EVENTS, Answers, EventStream, only
from app.graphql.server.streams import Streams
from app.graphql.server.websocket import serve_socket
from app.http.bodies import NotJson, TooDeep, TooLarge, parse_json, read_bytes
from app.mail.worker import OutboxWorker
from app.storage.database import Database

RESPONSE, JSON = "application/graphql-response+json", "application/json"
ASKING = frozenset({"query", "documentId", "extensions"})
"""Parameters of a query string that ask something."""
QUALITY = re.compile(r"[01](\.\d{0,3})?")


class GraphQLDoor:
    """Answers requests to /graphql. Errors are always JSON with a message and `extensions.code`."""

    def __init__(self, database: Database, outbox: OutboxWorker, config: Config, changes: ChangeReader) -> None:
        self.config = config
        self.operations = Operations(database, outbox, config, changes)
        self.streams = Streams(config.streams)

    async def __call__(self, request: Request) -> Response:
        if self.config.graphiql and _is_browser(request):
            return graphiql_page(token=self.config.demo_token)
        media_type = negotiate(request.headers.get("accept", ""))
        shown = JSON if media_type in (None, EVENTS) else media_type
        try:
            if media_type is None:
                raise Refused(406, f"The answer is {RESPONSE}, {JSON} or {EVENTS}", "NOT_ACCEPTABLE")
            return await self.answer(request, media_type)
        except Unauthenticated as refusal:
            return self.refuse(Refused(401, refusal.message, "UNAUTHENTICATED"), shown)
        except Refused as refusal:
            return self.refuse(refusal, shown)
        except Gone:
            return Response(status_code=499)
        except Exception as error:
            refused = show_refusal(error, request.state.request_id)
            return self.refuse(refused, shown)

    async def socket(self, websocket: WebSocket) -> None:
        await serve_socket(websocket, self.operations, self.streams, self.config)

    def refuse(self, refusal: Refused, media_type: str) -> Response:
        headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else dict(refusal.headers)
        return Response(orjson.dumps({"errors": [refusal.shown]}), refusal.status, headers, media_type)

    async def answer(self, request: Request, media_type: str) -> Response:
        if request.method not in ("GET", "HEAD", "POST"):
            raise Refused(
                405, "GraphQL is asked by POST, or queries by GET", "METHOD_NOT_ALLOWED", {"Allow": "GET, POST"}
            )
        principal = await request.user.principal()
        asked = await self.read(request)
        try:
            prepared = self.operations.prepare(asked, principal)
            check_kind(prepared.kind, request.method, media_type)
            if media_type == EVENTS:
                return self.stream(request, self.operations.stream(prepared, request.state.request_id), principal)
            executed = self.operations.execute(prepared, request.state.request_id)
            answer = await (while_heard(request, executed) if prepared.kind is OperationType.QUERY else executed)
        except Rejected as rejected:
            answer = self.operations.reject(rejected, request.state.request_id)
        return self.stream(request, only(answer), principal) if media_type == EVENTS else write(answer, media_type)

    def stream(self, request: Request, answers: Answers, principal: Principal) -> Response:
        if self.streams.full:
            raise Refused(503, "Too many streams are open", "TOO_MANY_STREAMS", {"Retry-After": "5"})
        return EventStream(request, answers, self.streams, principal, self.config.token_check)

    async def read(self, request: Request) -> GraphQLRequest:
        if request.method != "POST":
            return read_parameters(dict(request.query_params))
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != JSON:
            raise Refused(415, f"The body must be {JSON}", "UNSUPPORTED_MEDIA_TYPE")
        try:
            body = parse_json(await read_bytes(request, self.config.body_cap))
        except TooLarge as refusal:
            raise Refused(413, refusal.message, "PAYLOAD_TOO_LARGE") from refusal
        except (NotJson, TooDeep) as refusal:
            raise Refused(400, refusal.message, "BAD_REQUEST") from refusal
        return read_request(body)


def check_kind(kind: OperationType, method: str, media_type: str) -> None:
    """Raises Refused for an operation that the method or the type of the answer does not allow."""
    if kind is OperationType.SUBSCRIPTION and (media_type != EVENTS or method == "HEAD"):
        what = f"Subscriptions are answered as {EVENTS}, or over a WebSocket (graphql-transport-ws)"
        raise Refused(406, what, "NOT_ACCEPTABLE")
    if kind is OperationType.MUTATION and method != "POST":
        raise Refused(405, "Only queries can be asked by GET", "METHOD_NOT_ALLOWED", {"Allow": "POST"})


def write(answer: OperationResult, media_type: str) -> Response:
    """What was not executed is 400, or 200 for callers that know only application/json; what came too late is 503."""
    if answer.overdue:
        return Response(orjson.dumps(answer.body), 503, {"Retry-After": "5"}, media_type)
    status = 200 if answer.executed or media_type == JSON else 400
    return Response(orjson.dumps(answer.body), status, media_type=media_type)


def negotiate(accept: str) -> str | None:
    """The media type of the answer, the most wanted first; None when none that the caller takes can be given."""
    wanted = sorted(map(_read_range, accept.split(",")), key=lambda one: -one[1])
    for one, quality in wanted:
        if quality > 0 and one in (RESPONSE, JSON, EVENTS):
            return one
        if quality > 0 and one in ("", "*/*", "application/*"):
            return JSON
    return None


def _read_range(part: str) -> tuple[str, float]:
    """One range of an Accept header and its quality, 1 when it says none that can be read."""
    name, *parameters = (one.strip().lower() for one in part.split(";"))
    given = next((one.removeprefix("q=") for one in parameters if one.startswith("q=")), "1")
    return name, float(given) if QUALITY.fullmatch(given) else 1.0


def _is_browser(request: Request) -> bool:
    """Whether a person opens the path in a browser: a GET that takes HTML and asks nothing."""
    if request.method not in ("GET", "HEAD") or not ASKING.isdisjoint(request.query_params):
        return False
    return "text/html" in request.headers.get("accept", "")


def graphql_routes(database: Database, outbox: OutboxWorker, config: Config, changes: ChangeReader) -> list[BaseRoute]:
    """The routes of the GraphQL door."""
    door = GraphQLDoor(database, outbox, config, changes)
    every_method: list[str] = []
    return [
        Route("/graphql", door.__call__, methods=every_method),
        WebSocketRoute("/graphql", door.socket),
        *(graphiql_routes() if config.graphiql else []),
    ]
