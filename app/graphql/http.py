"""The GraphQL door: GraphQL over HTTP on one path, and GraphiQL for browsers."""

import re

import orjson
from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.bodies import NotJson, TooDeep, TooLarge, parse_json, read_bytes
from app.config import Config
from app.errors import Unauthenticated
from app.graphql.departures import Gone, while_heard
from app.graphql.failures import Refused, Rejected, show_refusal
from app.graphql.operations import Answer, Operations
from app.graphql.page import graphiql_page, graphiql_routes
from app.graphql.requests import Asked, read_parameters, read_request
from app.mail.worker import OutboxWorker
from app.storage.database import Database

RESPONSE, JSON = "application/graphql-response+json", "application/json"
QUALITY = re.compile(r"[01](\.\d{0,3})?")


class GraphQLDoor:
    """Answers requests to /graphql. Errors are always JSON with a message and `extensions.code`."""

    def __init__(self, database: Database, outbox: OutboxWorker, config: Config) -> None:
        self.config = config
        self.operations = Operations(database, outbox, config)

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
        except Gone:
            return Response(status_code=499)
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
        try:
            prepared = self.operations.prepare(asked, principal)
            if request.method != "POST" and prepared.kind is not OperationType.QUERY:
                raise Refused(405, "Only queries can be asked by GET", "METHOD_NOT_ALLOWED", {"Allow": "POST"})
            executed = self.operations.execute(prepared, request.state.request_id)
            answer = await (while_heard(request, executed) if prepared.kind is OperationType.QUERY else executed)
        except Rejected as rejected:
            answer = self.operations.reject(rejected, request.state.request_id)
        return write(answer, media_type)

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


def write(answer: Answer, media_type: str) -> Response:
    """What was not executed is 400, or 200 for callers that know only application/json."""
    status = 200 if answer.executed or media_type == JSON else 400
    return Response(orjson.dumps(answer.body), status, media_type=media_type)


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
