"""Expected errors, without any word of HTTP. Each API renders them in its own shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class DomainError(Exception):
    """An expected error. `message` is shown to the caller. `field` is the public name of the field with the error, if any."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Malformed(DomainError):
    """The request cannot be read: an unknown field, an operator with a wrong value, an invalid cursor.

    `code` is a stable word, where the API has one. `details` are further members of its error.
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
    """One error in one property of a body. `code` is a stable word such as `presence` or `unknown-property`.

    `path` leads to the wrong member inside the property: keys, and indexes from "0". `predicate` says what is wrong with
    that member, behind its name; without it `message` does. `allowed` lists the allowed values, if there is a list.
    """

    field: str
    code: str
    message: str
    value: object = None
    path: tuple[str, ...] = ()
    predicate: str = ""
    allowed: tuple[str, ...] = ()


class _Absent:
    def __repr__(self) -> str:
        return "undefined"


ABSENT = _Absent()
"""The value in a Problem about a property that the body does not have."""


class Invalid(DomainError):
    """The body can be read but breaks rules. `problems` lists every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        super().__init__(text, problems[0].field if problems else None)


class Unauthenticated(DomainError):
    """The request has no valid access token: it is missing, unknown or expired."""


class TokenExpired(Unauthenticated):
    """The access token was valid until it expired."""


class Forbidden(DomainError):
    """The token is valid, but lacks the scope that the operation needs."""


class ReadOnlyToken(Forbidden):
    """The token may only read."""


class AccountTokenRequired(Forbidden):
    """The token belongs to an organization, and only an account may do this."""


class NotVerified(Forbidden):
    """The account signed up by itself, and the operator has not verified it."""


class NotFound(DomainError):
    """The record does not exist, is deleted, or belongs to another organization. The message is the same for all three."""


class Conflict(DomainError):
    """The request contradicts stored data, such as an idempotency key that was used for another request."""


class IdempotencyKeyReused(Conflict):
    """The idempotency key was used for another request."""


class OrganizationShared(Conflict):
    """Other accounts can access the organization too."""


class KeyTaken(Conflict):
    """Another live client has the value of a key. `document` and `name` are the key; `client_id` is the written client."""

    def __init__(self, document: str, name: str, client_id: str, holder_id: str) -> None:
        super().__init__(
            f"The member {name!r} of `{document}` identifies the clients of the organization, and the client {holder_id} "
            "has the same value. Use another value, or change that client."
        )
        self.document, self.name, self.client_id, self.holder_id = document, name, client_id, holder_id


class ChangesReset(DomainError):
    """Changes after a cursor are lost: the caller has to read the records again.

    The database was restored or failed over, so that numbers may be taken again. Or, if `expired`, the changes are older
    than their images are kept.
    """

    def __init__(self, field: str | None = None, *, expired: bool = False) -> None:
        reason = (
            "The changes after this cursor are older than the service keeps them."
            if expired
            else "The database was restored or failed over since this cursor was made."
        )
        super().__init__(f"{reason} Read the records again, and then start without a cursor.", field)


class Stale(DomainError):
    """The record no longer has the version that the caller expects."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit on repeated acts: at most `amount` of a unit within `seconds`. Callers see its `name`."""

    name: str
    amount: int
    seconds: float
    unit: str = "requests"


class TooMany(DomainError):
    """Too many requests. `retry_after` is the number of seconds to wait before the next one.

    `quota` is the limit that is used up, if it has a name.
    """

    def __init__(self, message: str, retry_after: int, quota: Quota | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.quota = quota


class AnswerTooLarge(DomainError):
    """The answer is larger than one answer may be. `limit` is in bytes. The caller can ask for fewer records or fields."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The answer is larger than {limit:,} bytes. Ask for fewer records or fewer fields.")
        self.limit = limit


class StorageFull(DomainError):
    """The organization has used up its quota of records or of history. Deleting and erasing still work."""

    code = "QUOTA_EXCEEDED"

    def __init__(self) -> None:
        super().__init__(
            "The organization has used up its storage. Delete or erase records that you no longer need, or ask the operator "
            "of the service for a larger quota."
        )


class TooSlow(DomainError):
    """The query timed out. The caller can add filters or ask for fewer rows."""


TIMED_OUT = "The query timed out. Add filters or ask for fewer rows."


class Unavailable(DomainError):
    """The database cannot be reached. `reason` is for the operator and the log; callers never see it."""

    problem = "The database cannot be reached"

    def __init__(self, reason: str) -> None:
        super().__init__("The service is not available right now")
        self.reason = reason

    @property
    def explanation(self) -> str:
        """The problem and its reason, for the operator."""
        return f"{self.problem}: {self.reason}"


class Unusable(Unavailable):
    """The database answers, but the service cannot use it: it is read-only, lacks tables, or rejects the role."""

    problem = "The database cannot be used"


class Contended(Unavailable):
    """PostgreSQL rolled a transaction back because of another one. The same transaction can succeed the next time."""

    problem = "A transaction was rolled back because of another one"


class Misconfigured(DomainError):
    """A setting or the machine prevents the service from running. Only the operator sees the message."""
