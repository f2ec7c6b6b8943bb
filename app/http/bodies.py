"""Request bodies: bytes up to a cap, and JSON without loss or guesses."""

import json
from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

from starlette.requests import Request

from app.http.errors import HttpError
from app.http.headers import read_header
from app.http.rates import Meter
from app.query.values import parse_whole

DEEPEST = 32
MOST_VALUES = 50_000
"""Parsing as many values takes a few hundredths of a second."""
QUOTES_PER_VALUE = 4
"""A value that is a text, and its key, have two quotes each."""
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
UNAUTHENTICATED_CAP = 4096
"""The most bytes of a body that are read and parsed without a valid token."""

Admit: TypeAlias = Callable[[], Awaitable[object]]
"""Raises an error for a caller that may not send a large body."""


class TooLarge(HttpError):
    """The body is larger than the service takes."""


class TooManyValues(TooLarge):
    """The JSON has over 50,000 values."""


class WrongType(HttpError):
    """The API does not read the media type, the charset or the encoding of the body."""


class NotJson(HttpError):
    """The body is not JSON."""


class TooDeep(HttpError):
    """The body is JSON nested deeper than 32 levels."""


async def read_bytes(request: Request, cap: int, admit: Admit | None = None) -> bytes:
    """The bytes of a body, which count against the limits of the caller. `admit` is awaited before more than 4 KB are read.

    Raises TooLarge for over `cap` bytes, NotJson when the caller disconnects, and TooMany.
    """
    meter: Meter | None = request.scope.get("meter")
    declared = _declared_length(request)
    if declared > UNAUTHENTICATED_CAP and admit is not None:
        await admit()
        admit = None
    if declared > cap:
        raise too_large(cap)
    if meter and declared:
        meter.count_bytes(declared)
    parts, size, is_complete = [], 0, False
    while not is_complete:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise NotJson("The body is incomplete.")
        part, is_complete = message.get("body", b""), not message.get("more_body", False)
        size += len(part)
        if size > UNAUTHENTICATED_CAP and admit is not None:
            await admit()
            admit = None
        if size > cap:
            raise too_large(cap)
        parts.append(part)
    if meter and not declared:
        meter.count_bytes(size)
    return b"".join(parts)


def too_large(cap: int) -> TooLarge:
    return TooLarge(f"The body must have at most {cap} bytes.")


def _declared_length(request: Request) -> int:
    """The Content-Length; 0 without one. No body has as many bytes as 19 digits can tell."""
    text = read_header(request.scope, b"content-length")
    return int(text[:19]) if text.isascii() and text.isdigit() else 0


def parse_json(data: bytes, *, deepest: int = DEEPEST) -> Any:
    """The JSON value; the last of repeated keys counts.

    Raises NotJson, TooDeep below `deepest` levels, and TooManyValues for over 50,000 values.
    """
    if len(data) > MOST_VALUES and _count_signs(data) > MOST_VALUES:
        _check_values(data, deepest)
    try:
        value = DECODER.decode(data.removeprefix(BOM_UTF8).decode())
    except RecursionError as error:
        raise TooDeep(f"The body must be nested at most {deepest} levels deep.") from error
    except UnicodeDecodeError as error:
        raise NotJson(f"The body must be valid JSON: byte {error.start + 1} is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise NotJson(f"The body must be valid JSON: {_describe(error)}.") from error
    if data.count(b"{") + data.count(b"[") > deepest and _depth_over(value, deepest):
        raise TooDeep(f"The body must be nested at most {deepest} levels deep.")
    return value


def _describe(error: json.JSONDecodeError) -> str:
    """The position of the first mistake in the JSON. At the end of the text, something is missing."""
    if not error.doc[error.pos :].strip():
        return "it ends too early"
    return f"line {error.lineno}, column {error.colno} is not as JSON requires"


def _reject_constant(name: str) -> NoReturn:
    raise NotJson(f"The body must be valid JSON: {name} is not a JSON number.")


DECODER = json.JSONDecoder(parse_constant=_reject_constant, parse_int=parse_whole)


def _count_signs(data: bytes) -> int:
    """The number of commas, and of objects and lists with members. JSON has as many values, if no text has such signs."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") - data.count(b"[]") - data.count(b"{}")


def _check_values(data: bytes, deepest: int) -> None:
    """Raises TooManyValues for over 50,000 values, without parsing them. Raises TooDeep if the first values are too deep."""
    plain = data.replace(rb"\\", b"").replace(rb"\"", b"")
    quotes = plain.count(b'"')
    if quotes <= QUOTES_PER_VALUE * MOST_VALUES:
        plain = b"".join(plain.split(b'"')[::2])
        if _count_signs(plain) <= MOST_VALUES:
            return
    opening = plain.translate(None, delete=NO_BRACKETS)[: deepest + 1]
    if not opening.strip(b"[{"):
        raise TooDeep(f"The body must be nested at most {deepest} levels deep.")
    raise TooManyValues(f"The body must have at most {MOST_VALUES} JSON values.")


def _depth_over(value: object, allowed: int) -> bool:
    """True if a value has more levels of objects and lists than allowed."""
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for _ in range(allowed):
        level = [
            member
            for outer in level
            for member in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(member, dict | list)
        ]
        if not level:
            return False
    return bool(level)
