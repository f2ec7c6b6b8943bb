"""Refusals: what the service says no to, in words that belong to no protocol. Each door renders them in its own shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class DomainError(Exception):
    """An expected refusal. `message` is fit for the caller; `field` is the public name of what was wrong, if one was."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Malformed(DomainError):
    """The question cannot be read: an unknown field, an operator with the wrong value, a bad cursor.

    `code` is a stable word where the caller's dialect has one, and `details` what it shows beside it.
    """

    def __init__(
        self,
        message: str,
        field: str | None = None,
        *,
        code: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, field)
        self.code = code
        self.details = details


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one property of a body. `code` is a stable word such as `presence` or `unknown-property`."""

    field: str
    code: str
    message: str
    value: object = None


class _Absent:
    def __repr__(self) -> str:
        return "undefined"


ABSENT = _Absent()
"""Stands in a Problem for the value of a property that was not given."""


class Invalid(DomainError):
    """A body that can be read but breaks a rule; lists every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        super().__init__(text, problems[0].field if problems else None)


class Unauthenticated(DomainError):
    """The request has no valid access token: it is missing, unknown or expired."""


class TokenExpired(Unauthenticated):
    """The access token was valid until it expired."""


class Forbidden(DomainError):
    """A valid token without the scope that the operation needs."""


class NotFound(DomainError):
    """There is no such record, it is deleted, or it is somebody else's: always the same answer."""


class Conflict(DomainError):
    """The request contradicts what is stored, such as an idempotency key used for another request."""


class Stale(DomainError):
    """The record has changed since the version that the caller named."""


class TooMany(DomainError):
    """Asked too often. `retry_after` is how many seconds later it is worth asking again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooSlow(DomainError):
    """The question needed more time than one question may take; it can be narrowed and asked again."""


class Unavailable(DomainError):
    """The database cannot be reached right now. `reason` is for the operator and the log, never for a caller."""

    def __init__(self, reason: str) -> None:
        super().__init__("The service is not available right now")
        self.reason = reason


class Misconfigured(DomainError):
    """A setting or the machine does not allow the service to run; said to the operator, never to a caller."""
