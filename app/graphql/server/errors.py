"""Failures: how what went wrong is shown in GraphQL's shape. What was not expected is masked and logged."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from app.errors import Conflict, DomainError, Forbidden, Invalid, Malformed, NotFound, Stale, TooSlow, Unavailable

log = logging.getLogger("clientele")

INTERNAL = "Something went wrong on our side; it has been logged"

CODES: Mapping[Any, str] = {
    "request": "GRAPHQL_VALIDATION_FAILED",
    Malformed: "BAD_USER_INPUT",
    Invalid: "BAD_USER_INPUT",
    NotFound: "NOT_FOUND",
    Forbidden: "FORBIDDEN",
    Conflict: "CONFLICT",
    Stale: "STALE_VERSION",
    TooSlow: "TIMEOUT",
    Unavailable: "SERVICE_UNAVAILABLE",
}


@dataclass(eq=False)
class Refused(Exception):
    """A request that is not executed: the HTTP status, a message and a code for `extensions.code`."""

    status: int
    message: str
    code: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> dict[str, Any]:
        """The error as the answer shows it."""
        return {"message": self.message, "extensions": {"code": self.code}}


@dataclass(eq=False)
class Rejected(Exception):
    """A well-formed request whose operation is not executed: its document or its variables are wrong, or cost too much.

    `cost` is None for a document that cannot be valued."""

    errors: list[GraphQLError]
    cost: int | None = None


def show_error(error: GraphQLError, request_id: str, code: str | None = None) -> dict[str, Any]:
    """The error as the answer shows it. What no caller may see is replaced, and logged with the request's id."""
    shown: dict[str, Any] = {**error.formatted, "message": _whole_text(error.message)}
    original = error.original_error
    if original is None:
        shown["extensions"] = {"code": code or "BAD_USER_INPUT", **shown.get("extensions", {})}
        return shown
    shown["message"], shown["extensions"] = _told(original, request_id)
    return shown


def _whole_text(text: str) -> str:
    """The text with half surrogate pairs, which a message may quote and no answer can hold, as question marks."""
    return text.encode("utf-8", "replace").decode()


def _told(original: BaseException, request_id: str) -> tuple[str, dict[str, Any]]:
    if isinstance(original, Unavailable):
        log.error("request %s: the database cannot be reached: %s", request_id, original.reason)
    if isinstance(original, DomainError):
        code = next((CODES[kind] for kind in type(original).__mro__ if kind in CODES), "BAD_USER_INPUT")
        extensions = {"code": code} if original.field is None else {"code": code, "field": original.field}
        return _whole_text(original.message), extensions
    if isinstance(original, GraphQLError):
        return _whole_text(original.message), {"code": "BAD_USER_INPUT"}
    log.error("request %s failed", request_id, exc_info=original)
    return INTERNAL, {"code": "INTERNAL_SERVER_ERROR"}


def is_overdue(data: Mapping[str, Any] | None, errors: Sequence[GraphQLError]) -> bool:
    """Whether nothing was answered, and something took too long: then the request as a whole is to be tried again."""
    late = any(isinstance(error.original_error, TooSlow) for error in errors)
    return late and not any(value is not None for value in (data or {}).values())


def show_refusal(error: BaseException, request_id: str) -> Refused:
    """What failed outside of the execution, as a refusal of the whole request."""
    message, extensions = _told(error, request_id)
    code = extensions["code"]
    if code == "SERVICE_UNAVAILABLE":
        return Refused(503, message, code, {"Retry-After": "5"})
    if code == "TIMEOUT":
        return Refused(503, message, code, {"Retry-After": "1"})
    return Refused(500 if code == "INTERNAL_SERVER_ERROR" else 400, message, code)
