"""Request bodies: bytes up to a cap, and JSON without loss or guesses."""

import json
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from app.http.errors import HttpError
from app.query.values import parse_whole

DEEPEST = 32


class TooLarge(HttpError):
    """The body is larger than the service takes."""


class WrongType(HttpError):
    """The API does not read the media type, the charset or the encoding of the body."""


class NotJson(HttpError):
    """The body is not JSON."""


class TooDeep(HttpError):
    """The body is JSON nested deeper than 32 levels."""


async def read_bytes(request: Request, cap: int) -> bytes:
    """The bytes of a body. Raises TooLarge for over `cap` bytes, and NotJson when the caller disconnects."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > cap:
        raise TooLarge(f"The body must have at most {cap} bytes.")
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > cap:
                raise TooLarge(f"The body must have at most {cap} bytes.")
            parts.append(part)
    except ClientDisconnect as error:
        raise NotJson("The body is incomplete.") from error
    return b"".join(parts)


def parse_json(data: bytes, *, deepest: int = DEEPEST) -> Any:
    """The JSON value; the last of repeated keys counts. Raises NotJson, and TooDeep below `deepest` levels."""
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_reject_constant, parse_int=parse_whole)
    except RecursionError as error:
        raise TooDeep(f"The body must be nested at most {deepest} levels deep.") from error
    except UnicodeDecodeError as error:
        raise NotJson(f"The body must be valid JSON: byte {error.start + 1} is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise NotJson(f"The body must be valid JSON: {_describe(error)}.") from error
    if _depth_over(value, deepest):
        raise TooDeep(f"The body must be nested at most {deepest} levels deep.")
    return value


def _describe(error: json.JSONDecodeError) -> str:
    """The position of the first mistake in the JSON. At the end of the text, something is missing."""
    if not error.doc[error.pos :].strip():
        return "it ends too early"
    return f"line {error.lineno}, column {error.colno} is not as JSON requires"


def _reject_constant(name: str) -> NoReturn:
    raise NotJson(f"The body must be valid JSON: {name} is not a JSON number.")


def _depth_over(value: object, allowed: int) -> bool:
    """True if a value has more levels of objects and lists than allowed."""
    if not isinstance(value, dict | list):
        return False
    if allowed == 0:
        return True
    members = value.values() if isinstance(value, dict) else value
    return any(_depth_over(member, allowed - 1) for member in members)
