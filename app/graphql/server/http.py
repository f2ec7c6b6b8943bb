"""GraphQL over HTTP: one path for operations, and GraphiQL for browsers.

https://graphql.github.io/graphql-over-http/draft/
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache

import orjson
from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from app.accounts.service import LoginDesk
from app.auth import Principal
from app.changes.reader import ChangeReader
from app.config import Config
from app.errors import Unauthenticated
from app.graphql.server.codes import ErrorCode
from app.graphql.server.errors import OperationError, RequestError, to_request_error
from app.graphql.server.graphiql.files import graphiql_routes
from app.graphql.server.graphiql.page import graphiql_page, trusted_documents_page
from app.graphql.server.operations import Operations
from app.graphql.server.prepared import GraphQLRequest, OperationResult
from app.graphql.server.requests import read_parameters, read_request
from app.graphql.server.sse import EVENT_STREAM, EventStream, Results, single_result
from app.graphql.server.streams import stream_places, waiting_places
from app.graphql.server.websocket import serve_websocket
from app.http.bodies import DEEPEST, MOST_VALUES, NotJson, TooDeep, TooLarge, TooManyValues, parse_json
from app.http.disconnects import ClientDisconnected, DisconnectWatch, WatchedBlock
from app.http.encodings import BrokenBody, UnknownCharset, UnknownEncoding, read_text
from app.http.errors import HttpError
from app.http.headers import read_header, read_lines
from app.http.hosts import is_forwarded
from app.http.preferences import Preference, find_preference, read_preferences
from app.http.rates import write_rejection
from app.http.responses import JsonResponse
from app.http.root_path import find_root_path
from app.mail.worker import OutboxWorker
from app.observability.figures import current_figures
from app.vat.vies import Vies
from app.webhooks.service import WebhookDesk

PATH = "/graphql"
METHODS = ("GET", "HEAD", "POST")
RESPONSE, JSON = "application/graphql-response+json", "application/json"
DOCUMENT_PARAMETERS = frozenset({"query", "documentId", "extensions"})
"""A GET request with one of these parameters is an operation."""
RANGES: Mapping[str, Sequence[str]] = {
    JSON: (JSON, "application/*", "*/*"),
    RESPONSE: (RESPONSE, "application/*", "*/*"),
    EVENT_STREAM: (EVENT_STREAM,),
}
"""The media types of responses, each with the ranges of an Accept header that cover it, the most specific one first."""

BODY_ERRORS: Mapping[type[HttpError], ErrorCode] = {
    BrokenBody: ErrorCode.BROKEN_BODY,
    NotJson: ErrorCode.INVALID_JSON,
    TooDeep: ErrorCode.JSON_DEPTH_LIMIT_EXCEEDED,
    TooLarge: ErrorCode.PAYLOAD_TOO_LARGE,
    TooManyValues: ErrorCode.JSON_VALUE_LIMIT_EXCEEDED,
    UnknownCharset: ErrorCode.UNSUPPORTED_CHARSET,
    UnknownEncoding: ErrorCode.UNSUPPORTED_ENCODING,
}
JSON_LIMITS = {ErrorCode.JSON_DEPTH_LIMIT_EXCEEDED: DEEPEST, ErrorCode.JSON_VALUE_LIMIT_EXCEEDED: MOST_VALUES}


class GraphQLResponse(JsonResponse):
    content_type = (b"content-type", RESPONSE.encode())


class PlainResponse(JsonResponse):
    """A response to a client that does not accept the media type of GraphQL."""

    content_type = (b"content-type", JSON.encode())


RESPONSES: Mapping[str, type[JsonResponse]] = {RESPONSE: GraphQLResponse, JSON: PlainResponse}


class GraphQLApi:
    """Responds to requests to /graphql. Errors are always JSON, with a message and `extensions.code`."""

    def __init__(
        self,
        outbox: OutboxWorker,
        config: Config,
        changes: ChangeReader,
        desk: LoginDesk,
        vies: Vies,
        webhooks: WebhookDesk,
    ) -> None:
        self.config = config
        self.operations = Operations(outbox, config, changes, desk, vies, webhooks)
        self.streams, self.waiting = stream_places(config), waiting_places(config)
        self.disconnects = DisconnectWatch()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        current_figures.get().api = "graphql"
        request, accepted = Request(scope, receive), tuple(read_lines(scope, b"accept"))
        if self.config.graphiql and scope["method"] != "POST" and _is_browser(request, accepted):
            response: ASGIApp = self.show_page(request)
        else:
            response = await self.answer(request, accepted)
        await response(scope, receive, send)

    async def answer(self, request: Request, accepted: Sequence[str]) -> ASGIApp:
        media_type = negotiate(accepted)
        error_type = JSON if media_type in (None, EVENT_STREAM) else media_type
        try:
            request.scope["user"].meter.admit()
            if media_type is None:
                message = f"The response can be {RESPONSE}, {JSON} or {EVENT_STREAM}. Accept one of them."
                raise RequestError(ErrorCode.NOT_ACCEPTABLE, message)
            return await self.respond(request, media_type)
        except ClientDisconnected:
            return Response(status_code=499)
        except Unauthenticated as error:
            return _error_response(RequestError(ErrorCode.UNAUTHENTICATED, error.message), error_type)
        except RequestError as error:
            return _error_response(error, error_type)
        except Exception as error:
            return _error_response(to_request_error(error, request.state.request_id), error_type)

    def routes(self) -> list[BaseRoute]:
        """The routes beside PATH over HTTP: that of WebSockets, and the files of GraphiQL."""
        shows_files = self.config.graphiql and not self.config.documents_only
        return [WebSocketRoute(PATH, self.serve_websocket), *(graphiql_routes(PATH) if shows_files else [])]

    def show_page(self, request: Request) -> Response:
        """The page for a person. A token is only shown to a person who comes through no proxy."""
        if self.config.documents_only:
            return trusted_documents_page()
        endpoint = find_root_path(request.scope) + PATH
        token = None if is_forwarded(request) else self.config.demo_token
        return graphiql_page(endpoint=endpoint, token=token, introspection=self.config.introspection)

    async def serve_websocket(self, websocket: WebSocket) -> None:
        await serve_websocket(websocket, self.operations, self.streams, self.waiting, self.config)

    async def respond(self, request: Request, media_type: str) -> ASGIApp:
        method = request.scope["method"]
        if method not in METHODS:
            message = f"{method} is not allowed. Use POST, or GET for queries."
            raise RequestError(ErrorCode.METHOD_NOT_ALLOWED, message, {"Allow": "GET, POST"})
        access = await request.scope["user"].access()
        graphql_request = await self.read_request(request)
        if media_type == EVENT_STREAM and "last-event-id" in request.headers:
            graphql_request = replace(graphql_request, last_event_id=request.headers["last-event-id"])
        request_id = request.scope["state"]["request_id"]
        try:
            prepared = await self.operations.prepare(graphql_request, access)
            kind = prepared.operation.operation
            if kind is not OperationType.QUERY:
                check_kind(kind, method, media_type)
            if media_type == EVENT_STREAM:
                return self.stream(request, self.operations.stream(prepared, request_id), access.principal)
            if kind is OperationType.QUERY:
                with WatchedBlock(self.disconnects, request.receive):
                    result = await self.operations.execute(prepared, request_id)
            else:
                result = await self.operations.execute(prepared, request_id)
        except OperationError as error:
            result = self.operations.reject(error, request_id)
        if media_type == EVENT_STREAM:
            return self.stream(request, single_result(result), access.principal)
        return _result_response(result, media_type)

    def stream(self, request: Request, results: Results, principal: Principal) -> ASGIApp:
        current_figures.get().streams = True
        place = ExitStack()
        place.enter_context(self.streams.take("", principal.tenant, principal.token_id))
        return EventStream(request, results, place, principal, self.config.token_check)

    async def read_request(self, request: Request) -> GraphQLRequest:
        if request.scope["method"] != "POST":
            return read_parameters(dict(request.query_params))
        content_type = read_header(request.scope, b"content-type").partition(";")[0].strip().lower()
        if content_type != JSON:
            received = f"got {content_type!r}" if content_type else "got none"
            message = f"The Content-Type must be {JSON}; {received}."
            raise RequestError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message)
        try:
            body = parse_json(await read_text(request, self.config.body_cap))
        except tuple(BODY_ERRORS) as error:
            code = BODY_ERRORS[type(error)]
            limit = {ErrorCode.PAYLOAD_TOO_LARGE: self.config.body_cap, **JSON_LIMITS}.get(code)
            extensions = {} if limit is None else {"limit": limit}
            raise RequestError(code, error.message, extensions=extensions) from error
        return read_request(body)


def check_kind(kind: OperationType, method: str, media_type: str) -> None:
    """Raises RequestError for a kind of operation that the method or the media type of the response does not allow."""
    if kind is OperationType.SUBSCRIPTION and (media_type != EVENT_STREAM or method == "HEAD"):
        message = f"A subscription needs a stream. Accept {EVENT_STREAM}, or use a WebSocket (graphql-transport-ws)."
        raise RequestError(ErrorCode.SUBSCRIPTION_NEEDS_STREAM, message)
    if kind is OperationType.MUTATION and method != "POST":
        message = "A mutation needs POST; GET is for queries."
        raise RequestError(ErrorCode.MUTATION_NEEDS_POST, message, {"Allow": "POST"})


def _result_response(result: OperationResult, media_type: str) -> JsonResponse:
    """The status is 503 if no field has a value because of the database, and 429 because of a limit. For an operation that
    was not executed it is 400, and 200 under application/json."""
    body = orjson.dumps(result.body) if result.rendered is None else result.rendered
    make = RESPONSES[media_type]
    if result.limited is not None:
        return make(body, 429, write_rejection(result.limited))
    if result.unavailable:
        return make(body, 503, ((b"retry-after", b"5"),))
    return make(body, 200 if result.executed or media_type == JSON else 400)


def _error_response(error: RequestError, media_type: str) -> JsonResponse:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else error.headers
    lines = tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
    return RESPONSES[media_type](orjson.dumps({"errors": [error.formatted]}), error.status, lines)


@lru_cache(maxsize=64)
def negotiate(lines: Sequence[str]) -> str | None:
    """The media type of the response, by the client's preference; None if the client accepts no supported one.

    The most specific range decides about a type. An event stream is only sent to a client that names its type.
    """
    preferences = read_preferences(lines) or [Preference("*/*", 1.0)]
    best, best_rank = None, (0.0, 0)
    for media_type, ranges in RANGES.items():
        preference = find_preference(preferences, ranges)
        if preference is not None and preference.quality > 0:
            rank = (preference.quality, -preferences.index(preference))
            if best is None or rank > best_rank:
                best, best_rank = media_type, rank
    return best


def _is_browser(request: Request, accepted: Sequence[str]) -> bool:
    """True for a person who opens the path in a browser: a GET that accepts HTML and names no document."""
    if request.method not in ("GET", "HEAD") or not DOCUMENT_PARAMETERS.isdisjoint(request.query_params):
        return False
    html = find_preference(read_preferences(accepted), ("text/html",))
    return html is not None and html.quality > 0
