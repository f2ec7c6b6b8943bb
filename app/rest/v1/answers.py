"""Answers: rendered records and counts as they are, and every refusal in LoopBack's envelope."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from starlette.types import Send

from app.accounts.service import LoginFailed
from app.clients.repository import RenderedRecord
from app.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Stale,
    TokenExpired,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
)
from app.http.bodies import NotJson, TooDeep, TooLarge
from app.rest.preconditions import etag
from app.rest.v1 import errors as refusals
from app.rest.v1.models import CLIENT
from app.rest.v1.validation import explain

log = logging.getLogger("clientele")

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

COMMON: Headers = ((b"content-type", b"application/json; charset=utf-8"), (b"x-content-type-options", b"nosniff"))
RETRY_AFTER: Headers = ((b"retry-after", b"5"),)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out; a reply to HEAD is sent without its body."""

    body: bytes
    status: int = 200
    headers: Headers = ()

    async def send(self, send: Send, *, head: bool) -> None:
        bare = self.status in (204, 304)
        length = () if bare else ((b"content-length", str(len(self.body)).encode()),)
        headers = (*(COMMON[1:] if self.status == 204 else COMMON), *length, *self.headers)
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})


def show_record(found: RenderedRecord, json_text: str | None = None) -> Reply:
    """One client with its entity tag."""
    return Reply((json_text or found.json).encode(), headers=tag(found.version))


def tag(version: int) -> Headers:
    return ((b"etag", etag(version).encode()),)


def join_rows(rows: Sequence[str]) -> bytes:
    return f"[{','.join(rows)}]".encode()


def show_rows(rows: Sequence[str], total: int | None = None) -> Reply:
    """A bare list; a total goes into a header."""
    headers = () if total is None else ((b"x-total-count", str(total).encode()),)
    return Reply(join_rows(rows), headers=headers)


def show(value: Mapping[str, Any]) -> Reply:
    return Reply(orjson.dumps(value))


UNAUTHORIZED = {"name": "Error", "message": "Authorization Required", "code": "AUTHORIZATION_REQUIRED"}
EXPIRED = {"name": "Error", "message": "Invalid Access Token", "code": "INVALID_TOKEN"}

STATUS: Mapping[type[DomainError], tuple[int, str]] = {
    refusals.BadEncoding: (400, "URIError"),
    refusals.NoMethod: (404, "Error"),
    refusals.UnknownModel: (404, "Error"),
    NotFound: (404, "Error"),
    NotJson: (400, "SyntaxError"),
    Conflict: (409, "Error"),
    Stale: (412, "Error"),
    TooLarge: (413, "PayloadTooLargeError"),
    TooMany: (429, "Error"),
    refusals.WrongType: (415, "UnsupportedMediaTypeError"),
    TooSlow: (503, "Error"),
    Unavailable: (503, "Error"),
}


def refuse(refusal: DomainError, request_id: str) -> Reply:
    """The reply to an expected refusal; one that this door does not know is masked."""
    status, error = describe(refusal)
    if status == 500:
        return mask(refusal, request_id)
    if isinstance(refusal, TooMany):
        return _envelope(status, error, ((b"retry-after", str(refusal.retry_after).encode()),))
    headers: Headers = ((b"www-authenticate", b"Bearer"),) if status == 401 else ()
    return _envelope(status, error, RETRY_AFTER if status == 503 else headers)


def describe(refusal: DomainError) -> tuple[int, dict[str, Any]]:
    """Status and members of the error."""
    if isinstance(refusal, LoginFailed):
        return 401, {"name": "Error", "message": refusal.message, "code": "LOGIN_FAILED"}
    if isinstance(refusal, refusals.NotLoggedIn):
        return 401, {"name": "Error", "message": refusal.message}
    if isinstance(refusal, Unauthenticated):
        return 401, EXPIRED if isinstance(refusal, TokenExpired) else UNAUTHORIZED
    if isinstance(refusal, Forbidden):
        return 401, UNAUTHORIZED
    if isinstance(refusal, Invalid):
        return 422, explain(refusal, getattr(refusal, "model", CLIENT.name))
    if isinstance(refusal, refusals.TooManyProblems):
        return 422, {"name": "ValidationError", "message": refusal.message, "details": _each(refusal)}
    if isinstance(refusal, TooDeep):
        refusal = refusals.refuse_depth(32)
    if isinstance(refusal, Malformed):
        return 400, _plain("Error", refusal.message, refusal.code, refusal.details)
    status, name = STATUS.get(type(refusal), (500, "Error"))
    return status, _plain(name, refusal.message, getattr(refusal, "code", None))


def _each(refusal: refusals.TooManyProblems) -> list[dict[str, Any] | None]:
    described = [None if problem is None else describe(problem) for problem in refusal.problems]
    return [None if one is None else {"statusCode": one[0], **one[1]} for one in described]


def _plain(name: str, message: str, code: str | None, details: object = None) -> dict[str, Any]:
    members = {"name": name, "message": message, "code": code, "details": details}
    return {name: value for name, value in members.items() if value is not None}


def mask(error: Exception, request_id: str) -> Reply:
    """An error that nobody expected: what it was is for the log alone."""
    log.error("request %s failed", request_id, exc_info=error)
    return _envelope(500, {"message": "Internal Server Error"}, ())


def _envelope(status: int, error: Mapping[str, Any], headers: Headers) -> Reply:
    return Reply(_dump({"error": {"statusCode": status, **error}}), status, headers)


def _dump(value: object) -> bytes:
    """JSON; where a caller's text holds half of a surrogate pair, or a number is vast, all in ASCII."""
    try:
        return orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return json.dumps(value, separators=(",", ":")).encode()
