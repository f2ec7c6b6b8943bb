"""User errors: the errors of a mutation that its caller can correct, with codes for programs."""

from collections.abc import Awaitable, Sequence
from enum import Enum
from typing import TypeVar

import strawberry

from app.errors import (
    AccountTokenRequired,
    Conflict,
    DomainError,
    Forbidden,
    IdempotencyKeyReused,
    Invalid,
    KeyTaken,
    Malformed,
    NotFound,
    NotVerified,
    OrganizationShared,
    Problem,
    ReadOnlyToken,
    Stale,
    StorageFull,
    TooMany,
)
from app.graphql.schema.sentences import end_sentence, write_sentence
from app.http.redaction import hide_tokens


@strawberry.enum(description="The cause of a user error. Later versions can add causes.")
class UserErrorCode(Enum):
    ACCOUNT_TOKEN_REQUIRED = strawberry.enum_value(
        "ACCOUNT_TOKEN_REQUIRED",
        description="The token belongs to an organization. Only the token of an account may do this.",
    )
    ALREADY_SHOWN = strawberry.enum_value(
        "ALREADY_SHOWN", description="The text of the access token was shown when it was created, and is not stored."
    )
    BLANK = strawberry.enum_value(
        "BLANK", description="A required value is missing, empty or without a visible character."
    )
    CONFLICT = strawberry.enum_value("CONFLICT", description="The value or the request contradicts stored data.")
    FORBIDDEN = strawberry.enum_value("FORBIDDEN", description="The token may not do this.")
    IDEMPOTENCY_KEY_REUSED = strawberry.enum_value(
        "IDEMPOTENCY_KEY_REUSED",
        description="The idempotency key belongs to another request. Use a new key for each request.",
    )
    INVALID = strawberry.enum_value(
        "INVALID", description="The value has the wrong form. The message tells the right one."
    )
    INVALID_CHOICE = strawberry.enum_value(
        "INVALID_CHOICE", description="The value is not one of the allowed values, which `allowedValues` lists."
    )
    INVALID_COUNTRY_CODE = strawberry.enum_value(
        "INVALID_COUNTRY_CODE", description="The value is not a country code. `allowedValues` lists all of them."
    )
    INVALID_EMAIL = strawberry.enum_value("INVALID_EMAIL", description="The value is not an e-mail address.")
    INVALID_TYPE = strawberry.enum_value(
        "INVALID_TYPE", description="The value is of another JSON type, or it is null where null is not allowed."
    )
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="There is no such record that your token can access.")
    NOT_STORABLE = strawberry.enum_value(
        "NOT_STORABLE",
        description="The value has characters that cannot be stored, such as NUL, or is nested too deeply.",
    )
    NOT_VERIFIED = strawberry.enum_value(
        "NOT_VERIFIED",
        description="The operator has not verified an account of the organization, so it cannot send mail.",
    )
    ORGANIZATION_SHARED = strawberry.enum_value(
        "ORGANIZATION_SHARED",
        description="Other accounts can access the organization too, so only the operator can delete it.",
    )
    OUT_OF_RANGE = strawberry.enum_value("OUT_OF_RANGE", description="The number is too large or too small.")
    QUOTA_EXCEEDED = strawberry.enum_value(
        "QUOTA_EXCEEDED", description="The organization has used up its storage. Deleting and erasing still work."
    )
    RATE_LIMITED = strawberry.enum_value(
        "RATE_LIMITED",
        description="A limit on repeated acts is used up. The message tells when the next one is allowed.",
    )
    READ_ONLY_TOKEN = strawberry.enum_value("READ_ONLY_TOKEN", description="The token may only read.")
    REPEATED = strawberry.enum_value("REPEATED", description="An earlier row of the request names the same record.")
    STALE_VERSION = strawberry.enum_value(
        "STALE_VERSION", description="The record no longer has the version `expectedVersion`."
    )
    TAKEN = strawberry.enum_value("TAKEN", description="Another record has this value, which must be unique.")
    TOO_COMMON = strawberry.enum_value(
        "TOO_COMMON", description="The password is common, or is a name or an address of the account."
    )
    TOO_LARGE = strawberry.enum_value("TOO_LARGE", description="The list or document has over 100 KB as JSON.")
    TOO_LONG = strawberry.enum_value("TOO_LONG", description="The text or list is longer than allowed.")
    TOO_SHORT = strawberry.enum_value("TOO_SHORT", description="The password is shorter than allowed.")
    UNKNOWN_FIELD = strawberry.enum_value(
        "UNKNOWN_FIELD", description="The object has a member that is not known. `allowedValues` lists the known ones."
    )
    WRONG_PASSWORD = strawberry.enum_value("WRONG_PASSWORD", description="The current password is wrong.")


@strawberry.type(description="An error that the caller of a mutation can correct.")
class UserError:
    field: list[str] | None = strawberry.field(
        description="The path of the wrong argument or input field, from the name of the argument down. The index of a list "
        "member is a text, from `0`. Null if the error belongs to no argument."
    )
    message: str = strawberry.field(description="The error as a sentence in English, for people.")
    code: UserErrorCode = strawberry.field(description="The cause of the error, for programs.")
    allowed_values: list[str] | None = strawberry.field(
        default=None, description="The allowed values. Null if they cannot be listed."
    )


ResultT = TypeVar("ResultT")

PROBLEMS = {
    "presence": UserErrorCode.BLANK,
    "type": UserErrorCode.INVALID_TYPE,
    "inclusion": UserErrorCode.INVALID_CHOICE,
    "length": UserErrorCode.TOO_LONG,
    "length.min": UserErrorCode.TOO_SHORT,
    "exclusion": UserErrorCode.TOO_COMMON,
    "size": UserErrorCode.TOO_LARGE,
    "range": UserErrorCode.OUT_OF_RANGE,
    "format": UserErrorCode.NOT_STORABLE,
    "unknown-property": UserErrorCode.UNKNOWN_FIELD,
    "repetition": UserErrorCode.REPEATED,
    "uniqueness": UserErrorCode.TAKEN,
    "country-code": UserErrorCode.INVALID_COUNTRY_CODE,
    "format.email": UserErrorCode.INVALID_EMAIL,
    "INVALID_PASSWORD": UserErrorCode.WRONG_PASSWORD,
}
"""The cause for each code of a Problem and of Malformed. Any other one is INVALID."""
EXPECTED: dict[type[DomainError], tuple[UserErrorCode, list[str] | None]] = {
    NotFound: (UserErrorCode.NOT_FOUND, ["id"]),
    StorageFull: (UserErrorCode.QUOTA_EXCEEDED, None),
    Stale: (UserErrorCode.STALE_VERSION, ["expectedVersion"]),
    IdempotencyKeyReused: (UserErrorCode.IDEMPOTENCY_KEY_REUSED, ["idempotencyKey"]),
    OrganizationShared: (UserErrorCode.ORGANIZATION_SHARED, ["id"]),
    Conflict: (UserErrorCode.CONFLICT, None),
    NotVerified: (UserErrorCode.NOT_VERIFIED, None),
    ReadOnlyToken: (UserErrorCode.READ_ONLY_TOKEN, None),
    AccountTokenRequired: (UserErrorCode.ACCOUNT_TOKEN_REQUIRED, None),
    Forbidden: (UserErrorCode.FORBIDDEN, None),
    TooMany: (UserErrorCode.RATE_LIMITED, None),
}
"""The errors that a mutation expects, each with its cause and the path of the argument that usually has it. A class stands
before its parent."""

ARGUMENTS = {"Idempotency-Key": "idempotencyKey", "l": "language", "organizationId": "organizationId"}
"""The arguments of mutations by the names that errors have for them."""


def user_errors(error: DomainError, under: list[str]) -> list[UserError]:
    """An expected error as user errors; `under` is the path of the input. Raises any other error again."""
    if isinstance(error, Invalid):
        return [_show_problem(problem, under) for problem in error.problems]
    if isinstance(error, Malformed):
        path = None if error.field is None else _find_path(error.field, under)
        return [_make(path, error.message, PROBLEMS.get(error.code or "", UserErrorCode.INVALID))]
    if isinstance(error, KeyTaken):
        return [_make([*under, error.document, error.name] if under else None, error.message, UserErrorCode.TAKEN)]
    for kind, (code, usual) in EXPECTED.items():
        if isinstance(error, kind):
            path = usual if error.field is None else _find_path(error.field, [])
            return [_make(path, error.message, code)]
    raise error


def _show_problem(problem: Problem, under: list[str]) -> UserError:
    path = [*_find_path(problem.field, under), *problem.path]
    member = path[len(under) :] if path[: len(under)] == under else path
    message = write_sentence(member, problem.predicate or problem.message)
    return _make(path, message, PROBLEMS.get(problem.code, UserErrorCode.INVALID), problem.allowed)


def _find_path(field: str, under: list[str]) -> list[str]:
    return [ARGUMENTS[field]] if field in ARGUMENTS else [*under, field]


def _make(path: list[str] | None, message: str, code: UserErrorCode, allowed: Sequence[str] = ()) -> UserError:
    return UserError(
        field=None if path is None else list(map(hide_tokens, path)),
        message=end_sentence(hide_tokens(message)),
        code=code,
        allowed_values=list(allowed) or None,
    )


async def attempt(work: Awaitable[ResultT], under: list[str]) -> tuple[ResultT | None, list[UserError]]:
    """The result of some work, or None and its expected errors."""
    try:
        return await work, []
    except DomainError as error:
        return None, user_errors(error, under)
