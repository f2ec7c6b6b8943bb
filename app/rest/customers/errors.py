"""Answers of the Customers door: records, lists, and every refusal as {code, message, request_id}."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from app.clients.repository import RenderedRecord
from app.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    Stale,
    TokenExpired,
    TooSlow,
    Unauthenticated,
)
from app.http.bodies import NotJson, TooDeep, TooLarge
from app.rest.preconditions import etag

log = logging.getLogger("clientele")

JSON = "application/json"
RETRY_AFTER = {"retry-after": "5"}


class WrongMethod(DomainError):
    """The path is known and the method is not one of `allowed`."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("The method is not allowed here")
        self.allowed = ", ".join(allowed)


class WrongType(DomainError):
    """The body is not said to be JSON."""


KINDS: Mapping[type[DomainError], tuple[int, str]] = {
    Malformed: (400, "bad_request"),
    NotJson: (400, "bad_request"),
    Unauthenticated: (401, "unauthorized"),
    TokenExpired: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    NotFound: (404, "not_found"),
    WrongMethod: (405, "method_not_allowed"),
    Conflict: (409, "conflict"),
    Stale: (412, "precondition_failed"),
    TooLarge: (413, "payload_too_large"),
    WrongType: (415, "unsupported_media_type"),
    Invalid: (422, "validation_error"),
    TooDeep: (422, "validation_error"),
    TooSlow: (503, "service_unavailable"),
}


def record(found: RenderedRecord, status: int = 200) -> Response:
    """One customer with its entity tag."""
    return Response(found.json.encode(), status, {"etag": etag(found.version)}, JSON)


def envelope(
    rows: Sequence[str], total: int | None, next_: str | None, previous: str | None, *, more: bool
) -> Response:
    """A list of rendered records; a total that was not counted is -1. Cursors are URL-safe, so they need no escapes."""
    cursors = (f'"{cursor}"' if cursor is not None else "null" for cursor in (next_, previous))
    pagination = '{{"total":{},"next_cursor":{},"prev_cursor":{},"has_more":{}}}'.format(
        -1 if total is None else total, *cursors, "true" if more else "false"
    )
    return Response(f'{{"data":[{",".join(rows)}],"pagination":{pagination}}}'.encode(), media_type=JSON)


def refuse(refusal: DomainError, request_id: str) -> Response:
    """The answer to an expected refusal; one that this door does not know is masked."""
    if type(refusal) not in KINDS:
        return mask(refusal, request_id)
    status, code = KINDS[type(refusal)]
    body: dict[str, Any] = {"code": code, "message": refusal.message, "request_id": request_id}
    headers: dict[str, str] = {}
    if isinstance(refusal, Invalid):
        body |= {"message": "The request is not valid", "cause": explain(refusal.problems)}
    elif status == 422:
        body["cause"] = {"_errors": [refusal.message]}
    elif isinstance(refusal, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    elif isinstance(refusal, WrongMethod):
        headers["allow"] = refusal.allowed
    elif isinstance(refusal, TooSlow):
        headers |= RETRY_AFTER
    return _error(status, body, headers)


def explain(problems: Sequence[Problem]) -> dict[str, Any]:
    """The problems as zod's format() writes them; one without a field is about the whole body."""
    cause: dict[str, Any] = {}
    for problem in problems:
        place = cause.setdefault(problem.field, {}) if problem.field else cause
        place.setdefault("_errors", []).append(problem.message)
    return cause


def unavailable(error: Exception, request_id: str) -> Response:
    """The database cannot be reached."""
    log.error("request %s: the database cannot be reached: %r", request_id, error)
    message = "The service cannot reach its database; try again in a moment"
    return _error(503, {"code": "service_unavailable", "message": message, "request_id": request_id}, RETRY_AFTER)


def mask(error: Exception, request_id: str) -> Response:
    """An error that nobody expected: what it was is for the log alone."""
    log.error("request %s failed", request_id, exc_info=error)
    message = "Internal Server Error"
    return _error(500, {"code": "internal_server_error", "message": message, "request_id": request_id}, {})


def _error(status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    return Response(_dump(body), status, headers, JSON)


def _dump(body: Mapping[str, Any]) -> bytes:
    """JSON text; half a surrogate pair that a caller sent as a key is shown as a question mark."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return orjson.dumps(_storable(body))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(inner) for key, inner in value.items()}
    return [_storable(inner) for inner in value] if isinstance(value, list) else value
