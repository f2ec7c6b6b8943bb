"""InvalidValue: a value of a body that breaks a rule of its field."""

from app.errors import Problem

MALFORMED = "format"
"""The code of a value that PostgreSQL cannot store; its problem does not repeat the value."""


class InvalidValue(Exception):
    """A value that breaks a rule of its field. `code` is a stable word such as `type`, `length` or `inclusion`.

    The other parts are those of a `Problem`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        path: tuple[str, ...] = (),
        predicate: str = "",
        allowed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path, self.predicate, self.allowed = path, predicate, allowed

    def to_problem(self, name: str, value: object) -> Problem:
        """The problem of the field with this name. It does not repeat a value that cannot be stored."""
        shown = None if self.code == MALFORMED else value
        return Problem(name, self.code, self.message, shown, self.path, self.predicate, self.allowed)
