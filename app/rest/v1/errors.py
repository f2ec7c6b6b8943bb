"""Errors of the v1 API: LoopBack's envelope, names, codes and messages."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.accounts.service import LoginFailed
from app.errors import (
    ABSENT,
    AnswerTooLarge,
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    NotVerified,
    Problem,
    Stale,
    StorageFull,
    TokenExpired,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
)
from app.http.bodies import DEEPEST, NotJson, TooDeep, TooLarge, WrongType
from app.http.encodings import BrokenBody
from app.http.errors import HttpError
from app.http.paths import raw_path
from app.http.redaction import hide_tokens
from app.query.values import stringify
from app.rest.boundary import ErrorCase, ErrorTable, ExpectedError, InternalError
from app.rest.router import BadEncoding, NoRoute, WrongMethod
from app.rest.v1.answers import V1Response
from app.rest.v1.models import CLIENT, Model

NOT_AN_OBJECT, NOT_A_STRING = "Value is not an object.", "Value is not a string."
DEPTH_MESSAGE, DEPTH_CODE = "The query object exceeds maximum depth {}", "QUERY_OBJECT_TOO_DEEP"
PREFIX = "/v1"
LONGEST_VALUE = 32
MEMBERS = ("statusCode", "name", "message", "code", "details")
MODELS = {"clients": "Client", "organizations": "Organization", "accounts": "Account", "webhooks": "Webhook"}


class UnknownModel(HttpError):
    """There is no such record, with the message and the code of the operation that looked for it."""

    def __init__(self, message: str, code: str | None = "MODEL_NOT_FOUND") -> None:
        super().__init__(message)
        self.code = code


class NotLoggedIn(HttpError):
    """The request to log out has no token."""


class InvalidModel(HttpError):
    """A body that is not valid, with the name of its model."""

    def __init__(self, invalid: Invalid, model: str) -> None:
        super().__init__(invalid.message)
        self.invalid = invalid
        self.model = model


class TooManyProblems(HttpError):
    """Some items of a list are not valid. `details` has for each item its described error, or None when it is valid."""

    def __init__(self, details: Sequence[Mapping[str, Any] | None]) -> None:
        super().__init__("Failed with multiple errors, see `details` for more information.")
        self.details = details


@contextmanager
def checking(model: str) -> Iterator[None]:
    """Adds the name of the model to Invalid; without it the model is a client."""
    try:
        yield
    except Invalid as invalid:
        raise InvalidModel(invalid, model) from invalid


def missing_argument(name: str) -> Malformed:
    return Malformed(f"{name} is a required argument", name)


def too_deep(most: int) -> Malformed:
    return Malformed(DEPTH_MESSAGE.format(most), code=DEPTH_CODE)


def no_model(record_id: str) -> UnknownModel:
    return UnknownModel(f"could not find a model with id {record_id}")


def unknown_record(model: Model, record_id: str) -> UnknownModel:
    return UnknownModel(f'Unknown "{model.name}" id "{record_id}".')


def not_replaced(record_id: str) -> UnknownModel:
    return UnknownModel(f"Could not replace. Object with id {record_id} does not exist!", None)


def other_id_in_replacement(record_id: str, sent: object) -> Malformed:
    """The body of a replacement has the id of another record."""
    return Malformed(f"id property (id) cannot be updated from {record_id} to {_plain(sent)}", "id")


def other_id_in_change(record_id: str, sent: object) -> Malformed:
    """The body of a change has the id of another record."""
    return Malformed(f"id cannot be updated from {record_id} to {_plain(sent)} when forceId is set to true", "id")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else stringify(value)


def stale_deletion() -> Stale:
    """A deletion with If-Match found no record."""
    return Stale("The record does not exist in the version of If-Match.")


ROWS: Mapping[type[ExpectedError], tuple[int, str]] = {
    BadEncoding: (400, "URIError"),
    Malformed: (400, "Error"),
    NotJson: (400, "SyntaxError"),
    BrokenBody: (400, "Error"),
    TooDeep: (400, "Error"),
    Forbidden: (401, "Error"),
    NotVerified: (403, "Error"),
    NotLoggedIn: (401, "Error"),
    Unauthenticated: (401, "Error"),
    NoRoute: (404, "Error"),
    NotFound: (404, "Error"),
    UnknownModel: (404, "Error"),
    WrongMethod: (404, "Error"),
    Conflict: (409, "Error"),
    Stale: (412, "Error"),
    TooLarge: (413, "PayloadTooLargeError"),
    AnswerTooLarge: (413, "PayloadTooLargeError"),
    WrongType: (415, "UnsupportedMediaTypeError"),
    StorageFull: (422, "Error"),
    Invalid: (422, "ValidationError"),
    InvalidModel: (422, "ValidationError"),
    TooManyProblems: (422, "ValidationError"),
    TooMany: (429, "Error"),
    InternalError: (500, ""),
    TooSlow: (503, "Error"),
    Unavailable: (503, "Error"),
}
"""Status and LoopBack's name of an error. LoopBack answers 401 to a token without the scope."""


def write_error(case: ErrorCase) -> Mapping[str, Any]:
    """LoopBack's envelope of an error; empty members are left out."""
    members = {"statusCode": case.status, "name": case.code, **describe(case)}
    return {"error": {name: members[name] for name in MEMBERS if members.get(name) not in (None, "")}}


def describe(case: ErrorCase) -> Mapping[str, Any]:
    """Message, code and details of an error."""
    match case.error:
        case NoRoute() | WrongMethod():
            return {"message": describe_path(case)}
        case BadEncoding(segment=segment):
            return {"message": f"Failed to decode param '{segment}'"}
        case Unauthenticated() | Forbidden() as error:
            return describe_authorization(error)
        case Invalid() as error:
            return explain(error, CLIENT.name)
        case InvalidModel() as error:
            return explain(error.invalid, error.model)
        case TooManyProblems() as error:
            return {"message": error.message, "details": error.details}
        case AnswerTooLarge() as error:
            return {"message": error.message, "code": "ANSWER_TOO_LARGE"}
        case TooDeep():
            return {"message": DEPTH_MESSAGE.format(DEEPEST), "code": DEPTH_CODE}
        case Malformed() | UnknownModel() | StorageFull() as error:
            return {"message": error.message, "code": error.code, "details": getattr(error, "details", None)}
    return {"message": case.error.message}


def describe_authorization(error: Unauthenticated | Forbidden) -> Mapping[str, Any]:
    """LoopBack's answers to a caller without a valid token, or without the scope. LoopBack has none for NotVerified."""
    if isinstance(error, NotVerified):
        return {"message": error.message, "code": "ACCOUNT_NOT_VERIFIED"}
    if isinstance(error, LoginFailed):
        return {"message": error.message, "code": "LOGIN_FAILED"}
    if isinstance(error, TokenExpired):
        return {"message": "Invalid Access Token", "code": "INVALID_TOKEN"}
    return {"message": "Authorization Required", "code": "AUTHORIZATION_REQUIRED"}


def describe_path(case: ErrorCase) -> str:
    """LoopBack's message about a path without an operation: it is relative to the model, if there is one."""
    method, path = case.request.method, raw_path(case.request.scope)
    query = case.request.scope["query_string"].decode("latin-1")
    asked = f"?{query}" if query else ""
    if path[: len(PREFIX) + 1].lower() not in (PREFIX, f"{PREFIX}/"):
        return f"Cannot {method} {path}{asked}"
    below = path[len(PREFIX) :]
    model, _, rest = below.removeprefix("/").partition("/")
    if model.lower() in MODELS:
        return f'Shared class "{MODELS[model.lower()]}" has no method handling {method} /{rest}{asked}'
    return f"There is no method to handle {method} {below or '/'}{asked}"


def explain_item(invalid: Invalid) -> Mapping[str, Any]:
    """The error of one item of a list."""
    status, name = ROWS[Invalid]
    return {"statusCode": status, "name": name, **explain(invalid, CLIENT.name)}


V1_ERRORS = ErrorTable(ROWS, write_error, V1Response)


def explain(invalid: Invalid, model: str) -> dict[str, Any]:
    """Every problem of a record in one message, as LoopBack writes it."""
    codes: dict[str, list[str]] = {}
    messages: dict[str, list[str]] = {}
    for problem in invalid.problems:
        codes.setdefault(problem.field, []).append(problem.code)
        messages.setdefault(problem.field, []).append(problem.message)
    described = "; ".join(describe_problem(problem) for problem in invalid.problems)
    return {
        "message": f"The `{model}` instance is not valid. Details: {described}.",
        "details": {"context": model, "codes": codes, "messages": messages},
    }


def describe_problem(problem: Problem) -> str:
    return f"`{problem.field}` {problem.message} (value: {show_value(problem.value)})"


def show_value(value: object) -> str:
    """A value, cut to 32 characters; texts as JSON, other values as a JavaScript console shows them."""
    if isinstance(value, str):
        return stringify(cut(hide_tokens(value)))
    if value is ABSENT:
        return "undefined"
    return cut(hide_tokens(inspect(value, depth=1 if isinstance(value, list) else 0)))


def cut(text: str) -> str:
    """Up to 32 characters: the beginning, three dots, and up to three closing characters, or else the last three."""
    if len(text) <= LONGEST_VALUE:
        return text
    closing = len(text) - len(text.rstrip(" \t})]"))
    tail = text[-(min(closing, 3) or 3) :]
    return f"{text[: LONGEST_VALUE - len(tail) - 4]}...{tail}"


def inspect(value: object, depth: int) -> str:
    """A value as Node's util.inspect prints it, objects below `depth` by their kind."""
    if isinstance(value, dict):
        if not value or depth < 0:
            return "[Object]" if value else "{}"
        return f"{{ {', '.join(f'{_key(key)}: {inspect(inner, depth - 1)}' for key, inner in value.items())} }}"
    if isinstance(value, list):
        if not value or depth < 0:
            return "[Array]" if value else "[]"
        return f"[ {', '.join(inspect(inner, depth - 1) for inner in value)} ]"
    return _quote(value) if isinstance(value, str) else stringify(value)


def _key(key: str) -> str:
    return key if key.isidentifier() else _quote(key)


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
