"""The GraphQL door: GraphQL over HTTP on one path, and GraphiQL for browsers."""

import re
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, execute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.bodies import NotJson, TooDeep, TooLarge, parse_json, read_bytes
from app.config import Config
from app.errors import Unauthenticated
from app.graphql.context import Context
from app.graphql.documents import Document, Documents
from app.graphql.failures import CODES, Refused, is_overdue, show_error, show_refusal
from app.graphql.page import graphiql_page, graphiql_routes
from app.graphql.rendered import RenderingExecutor
from app.graphql.schema import core_schema
from app.mail.worker import OutboxWorker
from app.storage.database import Database

RESPONSE, JSON = "application/graphql-response+json", "application/json"
QUALITY = re.compile(r"[01](\.\d{0,3})?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A well-formed GraphQL request."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]


class GraphQLDoor:
    """Answers requests to /graphql. Errors are always JSON with a message and `extensions.code`."""

    def __init__(self, database: Database, outbox: OutboxWorker, config: Config) -> None:
        self.database, self.outbox, self.config = database, outbox, config
        self.schema = core_schema()
        self.documents = Documents(self.schema, introspection=config.introspection)

    async def __call__(self, request: Request) -> Response:
        if self.config.graphiql and _is_browser(request):
            return graphiql_page(token=self.config.demo_token)
        media_type = negotiate(request.headers.get("accept", ""))
        try:
            if media_type is None:
                raise Refused(406, f"The answer is {RESPONSE} or {JSON}", "NOT_ACCEPTABLE")
            return await self.answer(request, media_type)
        except Unauthenticated as refusal:
            return self.refuse(Refused(401, refusal.message, "UNAUTHENTICATED"), media_type or JSON)
        except Refused as refusal:
            return self.refuse(refusal, media_type or JSON)
        except Exception as error:
            refused = show_refusal(error, request.state.request_id)
            return self.refuse(refused, media_type or JSON)

    def refuse(self, refusal: Refused, media_type: str) -> Response:
        headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else dict(refusal.headers)
        error = {"message": refusal.message, "extensions": {"code": refusal.code}}
        return Response(orjson.dumps({"errors": [error]}), refusal.status, headers, media_type)

    async def answer(self, request: Request, media_type: str) -> Response:
        if request.method not in ("GET", "HEAD", "POST"):
            raise Refused(
                405, "GraphQL is asked by POST, or queries by GET", "METHOD_NOT_ALLOWED", {"Allow": "GET, POST"}
            )
        principal = await request.user.principal()
        asked = await self.read(request)
        document = self.documents.find(asked.query)
        if document.errors:
            return self.errors(document.errors, request.state.request_id, media_type)
        self.check_operation(document, asked, request.method)
        context = Context(self.database, principal, document.plans, self.outbox)
        result = await self.execute(document, asked, context)
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            return self.errors(result.errors, request.state.request_id, media_type)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [show_error(error, request.state.request_id) for error in result.errors]
        if is_overdue(result.data, result.errors or ()):
            return Response(orjson.dumps(body), 503, {"Retry-After": "5"}, media_type)
        return Response(orjson.dumps(body), media_type=media_type)

    def errors(self, errors: list[GraphQLError], request_id: str, media_type: str) -> Response:
        """A request that was not executed: 400, or 200 for callers that know only application/json."""
        body = {"errors": [show_error(error, request_id, CODES.get("request")) for error in errors]}
        return Response(orjson.dumps(body), 400 if media_type == RESPONSE else 200, media_type=media_type)

    def check_operation(self, document: Document, asked: Asked, method: str) -> None:
        if document.operation(asked.operation_name) is None:
            what = f"no operation named {asked.operation_name!r}" if asked.operation_name else "no single operation"
            raise Refused(400, f"The document has {what}; operationName says which to run", "BAD_REQUEST")
        if method != "POST" and not document.is_query(asked.operation_name):
            raise Refused(405, "Only queries can be asked by GET", "METHOD_NOT_ALLOWED", {"Allow": "POST"})

    async def execute(self, document: Document, asked: Asked, context: Context) -> ExecutionResult:
        assert document.ast is not None
        result = execute(
            self.schema,
            document.ast,
            context_value=context,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
            executor_class=RenderingExecutor,
            hide_suggestions=self.documents.hide_suggestions,
        )
        return result if isinstance(result, ExecutionResult) else await result

    async def read(self, request: Request) -> Asked:
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


def read_parameters(parameters: dict[str, str]) -> Asked:
    """A request from the query string, where variables and extensions are JSON texts."""
    body: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if body.get(name):
            try:
                body[name] = parse_json(body[name].encode("utf-8", "surrogateescape"))
            except (NotJson, TooDeep) as refusal:
                raise Refused(400, f"{name} is not valid JSON", "BAD_REQUEST") from refusal
        else:
            body.pop(name, None)
    body["operationName"] = body.get("operationName") or None
    return read_request(body)


def read_request(body: object) -> Asked:
    """A request from its JSON. Raises Refused (400) for one that is not well-formed."""
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object", "BAD_REQUEST")
    query, name = body.get("query"), body.get("operationName")
    variables, extensions = body.get("variables"), body.get("extensions")
    if not isinstance(query, str) or not query:
        raise Refused(400, "`query` must be a GraphQL document", "BAD_REQUEST")
    if name is not None and not isinstance(name, str):
        raise Refused(400, "`operationName` must be a string", "BAD_REQUEST")
    for key, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise Refused(400, f"`{key}` must be an object", "BAD_REQUEST")
    return Asked(query, name or None, variables or {})


def negotiate(accept: str) -> str | None:
    """The media type of the answer, the most wanted first; None when none that the caller takes can be given."""
    wanted = sorted(map(_read_range, accept.split(",")), key=lambda one: -one[1])
    for one, quality in wanted:
        if quality > 0 and one in (RESPONSE, JSON):
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
    if request.method not in ("GET", "HEAD") or "query" in request.query_params:
        return False
    return "text/html" in request.headers.get("accept", "")


def graphql_routes(database: Database, outbox: OutboxWorker, config: Config) -> list[BaseRoute]:
    """The routes of the GraphQL door."""
    door = GraphQLDoor(database, outbox, config)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return [Route("/graphql", door.__call__, methods=methods), *(graphiql_routes() if config.graphiql else [])]
