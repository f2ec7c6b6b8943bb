"""The form of errors in GraphQL results. Unexpected errors are logged and shown as a generic internal error."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError, Node

from app.errors import (
    AnswerTooLarge,
    ChangesReset,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Stale,
    StorageFull,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
)
from app.graphql.server.codes import STATUSES, ErrorCode
from app.http.errors import HttpError
from app.http.rates import write_rejection
from app.http.redaction import hide_tokens
from app.http.rejections import note_rejection
from app.observability.figures import note_limit
from app.observability.request_log import show_id

log = logging.getLogger("clientele")

INTERNAL = "Internal error. The service has logged it with the id of this request."

CODES: Mapping[type[BaseException], ErrorCode] = {
    Malformed: ErrorCode.BAD_USER_INPUT,
    Invalid: ErrorCode.BAD_USER_INPUT,
    NotFound: ErrorCode.NOT_FOUND,
    Forbidden: ErrorCode.FORBIDDEN,
    Conflict: ErrorCode.CONFLICT,
    Stale: ErrorCode.STALE_VERSION,
    TooMany: ErrorCode.RATE_LIMITED,
    AnswerTooLarge: ErrorCode.ANSWER_TOO_LARGE,
    ChangesReset: ErrorCode.CHANGES_RESET,
    StorageFull: ErrorCode.QUOTA_EXCEEDED,
    Unauthenticated: ErrorCode.UNAUTHENTICATED,
    TooSlow: ErrorCode.TIMEOUT,
    Unavailable: ErrorCode.SERVICE_UNAVAILABLE,
}
"""The value of `extensions.code` for each kind of DomainError."""
RETRIES: Mapping[ErrorCode, Mapping[str, str]] = {
    ErrorCode.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
    ErrorCode.TIMEOUT: {"Retry-After": "1"},
}


class RequestError(HttpError):
    """A request that is not executed. `status` is that of the HTTP response, and `extensions` are those of the error
    besides its code."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.headers, self.extensions = code, headers or {}, extensions or {}
        _note_limit(code)

    @property
    def status(self) -> int:
        return STATUSES.get(self.code, 400)

    @property
    def formatted(self) -> dict[str, Any]:
        """The error as it appears in a result."""
        return {"message": _show_message(self.message), "extensions": {**self.extensions, "code": self.code}}


def _note_limit(code: object) -> None:
    """Notes the limit that a code is about, such as cost-limit-exceeded."""
    if isinstance(code, ErrorCode) and code.endswith(("_LIMIT_EXCEEDED", "_TOO_LARGE")):
        note_limit(code.lower().replace("_", "-"))


def limit_error(code: ErrorCode, message: str, limit: int, node: Node | None = None) -> GraphQLError:
    """The error about a document or an operation that exceeds a limit. Callers see the limit in `extensions`, too."""
    return GraphQLError(message, node, extensions={"code": code, "limit": limit})


@dataclass(eq=False)
class OperationError(Exception):
    """The errors of a well-formed request whose operation is not executed. Its document or its variables are invalid, or
    it costs too much. `cost` is None if the document is invalid."""

    errors: list[GraphQLError]
    cost: int | None = None

    def __post_init__(self) -> None:
        _note_limit((self.errors[0].extensions or {}).get("code"))


def format_error(error: GraphQLError, request_id: str, code: ErrorCode = ErrorCode.BAD_USER_INPUT) -> dict[str, Any]:
    """The error as it appears in a result. An unexpected one is replaced, and logged with the request's id.

    `code` is for errors of graphql-core itself that have no code yet.
    """
    formatted: dict[str, Any] = {**error.formatted, "message": _show_message(error.message)}
    if isinstance(error, GraphQLSyntaxError):
        code = ErrorCode.GRAPHQL_PARSE_FAILED
    if error.original_error is None:
        formatted["extensions"] = {"code": code, **formatted.get("extensions", {})}
    else:
        formatted["message"], formatted["extensions"] = _describe(error.original_error, request_id)
    return formatted


def to_request_error(error: BaseException, request_id: str) -> RequestError:
    """The response for an error outside of the execution."""
    message, extensions = _describe(error, request_id)
    code = extensions["code"]
    headers = write_headers(error) if isinstance(error, TooMany) else RETRIES.get(code)
    return RequestError(code, message, headers, extensions)


def is_unavailable(data: Mapping[str, Any] | None, errors: Sequence[GraphQLError]) -> bool:
    """True if a field timed out or had no database, and no field has a value. The client should send the request again."""
    unavailable = any(isinstance(error.original_error, TooSlow | Unavailable) for error in errors)
    return unavailable and not any(value is not None for value in (data or {}).values())


def find_limit(data: Mapping[str, Any] | None, errors: Sequence[GraphQLError]) -> TooMany | None:
    """The limit because of which no field has a value; None if one has, or if the errors are of another kind."""
    limits = (error.original_error for error in errors if isinstance(error.original_error, TooMany))
    return None if any(value is not None for value in (data or {}).values()) else next(limits, None)


def write_headers(error: TooMany) -> dict[str, str]:
    """The headers of a response with status 429."""
    return {name.decode(): value.decode() for name, value in write_rejection(error)}


def _describe(error: BaseException, request_id: str) -> tuple[str, dict[str, Any]]:
    """The message and the `extensions` that a caller may see. Other errors are logged."""
    if isinstance(error, Unavailable):
        log.error("request %s: %s", show_id(request_id), error.explanation)
    note_rejection(error)
    if isinstance(error, DomainError):
        code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), ErrorCode.BAD_USER_INPUT)
        extensions: dict[str, Any] = {"code": code}
        if error.field is not None:
            extensions["field"] = _show_message(error.field)
        if isinstance(error, TooMany):
            extensions["retryAfter"] = error.retry_after
        if isinstance(error, AnswerTooLarge):
            extensions["limit"] = error.limit
        return _show_message(error.message), extensions
    if isinstance(error, GraphQLError):
        return _show_message(error.message), {"code": ErrorCode.BAD_USER_INPUT}
    log.error("request %s failed", show_id(request_id), exc_info=error)
    return INTERNAL, {"code": ErrorCode.INTERNAL_SERVER_ERROR}


def _show_message(text: str) -> str:
    """The text without tokens, and with `?` for each lone surrogate, which a result in UTF-8 cannot hold."""
    return hide_tokens(text.encode("utf-8", "replace").decode())
