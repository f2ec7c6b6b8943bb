"""User errors: what was wrong with a mutation, in words that a program can read."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

import strawberry

from app.errors import Conflict, DomainError, Forbidden, Invalid, Malformed, NotFound, Problem, Stale


@strawberry.enum(description="What is wrong with a mutation.")
class UserErrorCode(Enum):
    BLANK = strawberry.enum_value("BLANK", description="A value is required and was missing or empty.")
    CONFLICT = strawberry.enum_value("CONFLICT", description="The idempotency key was used for another request.")
    FORBIDDEN = strawberry.enum_value("FORBIDDEN", description="The token may only read.")
    INVALID = strawberry.enum_value("INVALID", description="The value has the wrong form.")
    INVALID_CHOICE = strawberry.enum_value("INVALID_CHOICE", description="The value is none of those allowed.")
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="There is no such record within reach.")
    STALE_VERSION = strawberry.enum_value(
        "STALE_VERSION", description="The record is not at `expectedVersion` any more."
    )
    TOO_LONG = strawberry.enum_value("TOO_LONG", description="The value is longer or larger than allowed.")


@strawberry.type(description="Something that the sender of a mutation can put right.")
class UserError:
    field: list[str] | None = strawberry.field(description="The path of the input that is wrong, if one is.")
    message: str = strawberry.field(description="What is wrong, in English.")
    code: UserErrorCode = strawberry.field(description="What is wrong, for programs.")


PROBLEMS = {
    "presence": UserErrorCode.BLANK,
    "inclusion": UserErrorCode.INVALID_CHOICE,
    "length": UserErrorCode.TOO_LONG,
}
REFUSALS: dict[type[DomainError], tuple[UserErrorCode, list[str] | None]] = {
    NotFound: (UserErrorCode.NOT_FOUND, ["id"]),
    Stale: (UserErrorCode.STALE_VERSION, ["expectedVersion"]),
    Conflict: (UserErrorCode.CONFLICT, ["idempotencyKey"]),
    Forbidden: (UserErrorCode.FORBIDDEN, None),
}


ARGUMENTS = {"Idempotency-Key": "idempotencyKey", "l": "language"}
"""Fields that are arguments of a mutation, by their names elsewhere."""


def _path(field: str, under: list[str]) -> list[str]:
    return [ARGUMENTS[field]] if field in ARGUMENTS else [*under, field]


def _problem(problem: Problem, under: list[str]) -> UserError:
    code = PROBLEMS.get(problem.code, UserErrorCode.INVALID)
    return UserError(field=_path(problem.field, under), message=problem.message, code=code)


def user_errors(refusal: DomainError, under: list[str]) -> list[UserError]:
    """An expected refusal as user errors; `under` leads to the input. Raises the refusal again when it is none of these."""
    if isinstance(refusal, Invalid):
        return [_problem(problem, under) for problem in refusal.problems]
    if isinstance(refusal, Malformed):
        path = None if refusal.field is None else _path(refusal.field, under)
        return [UserError(field=path, message=refusal.message, code=UserErrorCode.INVALID)]
    for kind, (code, usual) in REFUSALS.items():
        if isinstance(refusal, kind):
            path = usual if refusal.field is None else _path(refusal.field, [])
            return [UserError(field=path, message=refusal.message, code=code)]
    raise refusal


async def attempt(
    work: Callable[[], Awaitable[Any]], made: Callable[[Any, list[UserError]], Any], under: list[str]
) -> Any:
    """The payload of some work: `made` from its result, or from nothing and the errors of an expected refusal."""
    try:
        return made(await work(), [])
    except DomainError as refusal:
        return made(None, user_errors(refusal, under))
