"""The headers of a request, as ASGI gives them: pairs of a name in lower case and a value."""

from starlette.types import Scope


def read_lines(scope: Scope, name: bytes) -> list[str]:
    """The values of all lines of a header."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def read_header(scope: Scope, name: bytes) -> str:
    """The value of the first line of a header; empty without one."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return ""
