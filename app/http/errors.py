"""Errors of HTTP itself, which no service function raises."""


class HttpError(Exception):
    """An expected error of a request. `message` is fit for the caller."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
