"""What only this door refuses, in LoopBack's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import DomainError, Invalid, Malformed, Unauthenticated


class NoMethod(DomainError):
    """No operation is at this path with this method."""


class BadEncoding(DomainError):
    """A part of the path is no percent-encoded UTF-8."""


class UnknownModel(DomainError):
    """There is no such record, in the words and with the code of the operation that looked for it."""

    def __init__(self, message: str, code: str | None = "MODEL_NOT_FOUND") -> None:
        super().__init__(message)
        self.code = code


class NotLoggedIn(Unauthenticated):
    """There is no token to log out."""


class InvalidModel(Invalid):
    """Invalid, and the name of the model that is."""

    def __init__(self, invalid: Invalid, model: str) -> None:
        super().__init__(invalid.problems)
        self.model = model


@contextmanager
def checking(model: str) -> Iterator[None]:
    """Says of which model a body is invalid; without it that is a client."""
    try:
        yield
    except Invalid as invalid:
        raise InvalidModel(invalid, model) from invalid


class WrongType(DomainError):
    """The body is of a type, in a charset or in an encoding that is not read here."""


class TooManyProblems(DomainError):
    """Some items of a list are not valid: for each item nothing, or what was wrong with it."""

    def __init__(self, problems: list[DomainError | None]) -> None:
        super().__init__("Failed with multiple errors, see `details` for more information.")
        self.problems = problems


NOT_AN_OBJECT, NOT_A_STRING = "Value is not an object.", "Value is not a string."


def refuse_missing(name: str) -> Malformed:
    return Malformed(f"{name} is a required argument", name)


def refuse_depth(most: int) -> Malformed:
    return Malformed(f"The query object exceeds maximum depth {most}", code="QUERY_OBJECT_TOO_DEEP")


def no_model(record_id: str) -> UnknownModel:
    return UnknownModel(f"could not find a model with id {record_id}")
