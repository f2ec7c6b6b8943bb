"""The error boundary of both REST APIs: the one place where an exception becomes a response."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import orjson
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from app.errors import DomainError, TooMany, TooSlow, Unavailable
from app.http.errors import HttpError
from app.http.rates import write_rejection
from app.http.redaction import hide_tokens
from app.http.rejections import note_rejection
from app.http.responses import Headers, JsonResponse
from app.observability.figures import current_figures
from app.observability.request_log import show_id
from app.rest.call import Services
from app.rest.router import WrongMethod

log = logging.getLogger("clientele")

ExpectedError: TypeAlias = DomainError | HttpError

RETRY_AFTER = b"5"
"""Seconds until a request is worth another try when the database is slow or away."""


READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that write nothing."""


class InternalError(HttpError):
    """Takes the place of an unexpected error, of which the caller learns nothing."""


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """An error of one request with the status and the code that the table of its API gives."""

    error: ExpectedError
    status: int
    code: str
    request: Request

    @property
    def request_id(self) -> str:
        return str(self.request.state.request_id)


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """The errors of one API: class -> status and code. A class without a row has the row of its parent.

    `write` makes the JSON body of an error, and `response` is the class of all responses of the API.
    """

    rows: Mapping[type[ExpectedError], tuple[int, str]]
    write: Callable[[ErrorCase], object]
    response: type[JsonResponse]

    def find(self, error: Exception, request: Request) -> ErrorCase:
        """The case of an error; an error without a row is logged and becomes an InternalError."""
        for kind in type(error).__mro__:
            if kind in self.rows and isinstance(error, DomainError | HttpError):
                return ErrorCase(error, *self.rows[kind], request)
        log.error("request %s failed", show_id(request.state.request_id), exc_info=error)
        return ErrorCase(InternalError("Internal Server Error"), *self.rows[InternalError], request)

    def respond(self, error: Exception, request: Request) -> JsonResponse:
        case = self.find(error, request)
        if isinstance(error, Unavailable):
            log.error("request %s: %s", show_id(case.request_id), error.explanation)
        note_rejection(error)
        body = hide_tokens(write_json(self.write(case)).decode())
        return self.response(body.encode(), case.status, error_headers(case))


@dataclass(frozen=True, slots=True)
class Boundary:
    """The ASGI application of the API with this name. `serve` answers a request, and no exception leaves the boundary."""

    api: str
    serve: Callable[[Request, Services], Awaitable[JsonResponse]]
    services: Services
    errors: ErrorTable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        current_figures.get().api = self.api
        try:
            scope["meter"].admit(writes=scope["method"] not in READS)
            response = await self.serve(request, self.services)
        except Exception as error:
            response = self.errors.respond(error, request)
        await response(scope, receive, send)


def error_headers(case: ErrorCase) -> Headers:
    """The headers that tell the caller what to do next."""
    if case.status == 401:
        return ((b"www-authenticate", b"Bearer"),)
    if case.status == 405 and isinstance(case.error, WrongMethod):
        return ((b"allow", ", ".join(case.error.allowed).encode()),)
    if isinstance(case.error, TooMany):
        return write_rejection(case.error)
    if isinstance(case.error, TooSlow | Unavailable):
        return ((b"retry-after", RETRY_AFTER),)
    return ()


def write_json(value: object) -> bytes:
    """JSON. With half of a surrogate pair or a vast number in a caller's text, all of it is ASCII."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()
