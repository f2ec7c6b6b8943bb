"""User errors: the errors of a mutation that its caller can correct, with codes for programs."""

from collections.abc import Awaitable
from enum import Enum
from typing import TypeVar

import strawberry

from app.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    NotVerified,
    Problem,
    Stale,
    StorageFull,
    TooMany,
)
from app.http.redaction import hide_tokens


@strawberry.enum(description="The kind of a user error.")
class UserErrorCode(Enum):
    BLANK = strawberry.enum_value(
        "BLANK", description="A required value is missing, empty or without a visible character."
    )
    CONFLICT = strawberry.enum_value(
        "CONFLICT",
        description="The idempotency key belongs to another request, or other accounts can access the organization too.",
    )
    FORBIDDEN = strawberry.enum_value("FORBIDDEN", description="The token may only read.")
    INVALID = strawberry.enum_value("INVALID", description="The value has the wrong form.")
    INVALID_CHOICE = strawberry.enum_value("INVALID_CHOICE", description="The value is not one of the allowed values.")
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="There is no such record that your token can access.")
    NOT_VERIFIED = strawberry.enum_value(
        "NOT_VERIFIED",
        description="The operator has not verified an account of the organization, so it cannot send mail.",
    )
    RATE_LIMITED = strawberry.enum_value(
        "RATE_LIMITED",
        description="A limit on repeated acts is used up. The message tells when the next one is allowed.",
    )
    QUOTA_EXCEEDED = strawberry.enum_value(
        "QUOTA_EXCEEDED", description="The organization has used up its storage. Deleting and erasing still work."
    )
    STALE_VERSION = strawberry.enum_value(
        "STALE_VERSION", description="The record no longer has the version `expectedVersion`."
    )
    TOO_LARGE = strawberry.enum_value("TOO_LARGE", description="The list or document has over 100 KB as JSON.")
    TOO_COMMON = strawberry.enum_value(
        "TOO_COMMON", description="The password is common, or is a name or an address of the account."
    )
    TOO_LONG = strawberry.enum_value("TOO_LONG", description="The text or list is longer than allowed.")
    TOO_SHORT = strawberry.enum_value("TOO_SHORT", description="The password is shorter than allowed.")


@strawberry.type(description="An error that the caller of a mutation can correct.")
class UserError:
    field: list[str] | None = strawberry.field(
        description="The path of the wrong argument or input field. Null if the error belongs to none."
    )
    message: str = strawberry.field(description="The error, as English text for people.")
    code: UserErrorCode = strawberry.field(description="The error, as a code for programs.")


ResultT = TypeVar("ResultT")

PROBLEMS = {
    "presence": UserErrorCode.BLANK,
    "inclusion": UserErrorCode.INVALID_CHOICE,
    "length": UserErrorCode.TOO_LONG,
    "length.min": UserErrorCode.TOO_SHORT,
    "exclusion": UserErrorCode.TOO_COMMON,
    "size": UserErrorCode.TOO_LARGE,
}
EXPECTED: dict[type[DomainError], tuple[UserErrorCode, list[str] | None]] = {
    NotFound: (UserErrorCode.NOT_FOUND, ["id"]),
    StorageFull: (UserErrorCode.QUOTA_EXCEEDED, None),
    Stale: (UserErrorCode.STALE_VERSION, ["expectedVersion"]),
    Conflict: (UserErrorCode.CONFLICT, ["idempotencyKey"]),
    NotVerified: (UserErrorCode.NOT_VERIFIED, None),
    Forbidden: (UserErrorCode.FORBIDDEN, None),
    TooMany: (UserErrorCode.RATE_LIMITED, None),
}
"""The errors that a mutation expects, each with its code and the path of the argument that usually causes it."""

ARGUMENTS = {"Idempotency-Key": "idempotencyKey", "l": "language", "organizationId": "organizationId"}
"""The arguments of mutations by the names that errors have for them."""


def _path(field: str, under: list[str]) -> list[str]:
    return [ARGUMENTS[field]] if field in ARGUMENTS else [*under, hide_tokens(field)]


def _make(field: list[str] | None, message: str, code: UserErrorCode) -> UserError:
    return UserError(field=field, message=hide_tokens(message), code=code)


def _problem(problem: Problem, under: list[str]) -> UserError:
    code = PROBLEMS.get(problem.code, UserErrorCode.INVALID)
    return _make(_path(problem.field, under), problem.message, code)


def user_errors(error: DomainError, under: list[str]) -> list[UserError]:
    """An expected error as user errors; `under` is the path of the input. Raises any other error again."""
    if isinstance(error, Invalid):
        return [_problem(problem, under) for problem in error.problems]
    if isinstance(error, Malformed):
        path = None if error.field is None else _path(error.field, under)
        return [_make(path, error.message, UserErrorCode.INVALID)]
    for kind, (code, usual) in EXPECTED.items():
        if isinstance(error, kind):
            path = usual if error.field is None else _path(error.field, [])
            return [_make(path, error.message, code)]
    raise error


async def attempt(work: Awaitable[ResultT], under: list[str]) -> tuple[ResultT | None, list[UserError]]:
    """The result of some work, or None and its expected errors."""
    try:
        return await work, []
    except DomainError as error:
        return None, user_errors(error, under)
