"""Errors of the Customers API: {code, message, request_id}, with a cause when the body is not valid."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import (
    AnswerTooLarge,
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    Stale,
    StorageFull,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
)
from app.http.bodies import NotJson, TooDeep, TooLarge, WrongType
from app.http.encodings import BrokenBody
from app.rest.boundary import ErrorCase, ErrorTable, ExpectedError, InternalError
from app.rest.customers.call import CustomersResponse
from app.rest.router import BadEncoding, NoRoute, WrongMethod

ROWS: Mapping[type[ExpectedError], tuple[int, str]] = {
    Malformed: (400, "bad_request"),
    NotJson: (400, "bad_request"),
    BrokenBody: (400, "bad_request"),
    Unauthenticated: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    NotFound: (404, "not_found"),
    NoRoute: (404, "not_found"),
    BadEncoding: (404, "not_found"),
    WrongMethod: (405, "method_not_allowed"),
    Conflict: (409, "conflict"),
    Stale: (412, "precondition_failed"),
    TooLarge: (413, "payload_too_large"),
    AnswerTooLarge: (413, "answer_too_large"),
    WrongType: (415, "unsupported_media_type"),
    StorageFull: (422, "quota_exceeded"),
    Invalid: (422, "validation_error"),
    TooDeep: (422, "validation_error"),
    TooMany: (429, "too_many_requests"),
    InternalError: (500, "internal_server_error"),
    TooSlow: (503, "service_unavailable"),
    Unavailable: (503, "service_unavailable"),
}


def write_error(case: ErrorCase) -> Mapping[str, Any]:
    """The JSON body of an error."""
    body: dict[str, Any] = {"code": case.code, "message": case.error.message, "request_id": case.request_id}
    if isinstance(case.error, Invalid):
        body |= {"message": "The request is not valid.", "cause": explain(case.error.problems)}
    elif isinstance(case.error, TooDeep):
        body["cause"] = {"_errors": [case.error.message]}
    return body


def explain(problems: Sequence[Problem]) -> dict[str, Any]:
    """The problems as zod's format() writes them; a problem without a field is about the whole body."""
    cause: dict[str, Any] = {}
    for problem in problems:
        member = cause.setdefault(problem.field, {}) if problem.field else cause
        member.setdefault("_errors", []).append(problem.message)
    return cause


CUSTOMERS_ERRORS = ErrorTable(ROWS, write_error, CustomersResponse)
