"""Paths: split as they were sent, found without regard to case, and only then decoded."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote, unquote_to_bytes

from app.rest.v1.errors import BadEncoding, NoMethod

ID, FK = ":id", ":fk"
MODELS = {"clients": "Client", "organizations": "Organization", "accounts": "Account"}
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

Key = tuple[str, ...]
"""A method and the lower-case segments of a path, the second of which may be ID, and the fourth FK."""

Target = TypeVar("Target")


def raw_path(scope: Mapping[str, Any]) -> str:
    """The path as it was sent, below the root path."""
    raw: bytes | None = scope.get("raw_path")
    path = raw.partition(b"?")[0].decode("latin-1") if raw else quote(scope["path"])
    root: str = scope.get("root_path", "")
    return path.removeprefix(quote(root)) if root else path


def find_target(table: Mapping[Key, Target], method: str, path: str, query: str) -> tuple[Target, str]:
    """What is at a path below /v1, and the decoded id in it (empty where there is none).

    Raises NoMethod, and BadEncoding for an id that does not decode.
    """
    segments = path.removeprefix("/").removesuffix("/").split("/")
    lower = [segment.lower() for segment in segments]
    found = table.get((method, *lower))
    if found is not None:
        return found, ""
    if len(segments) > 1 and segments[1]:
        found = table.get((method, lower[0], ID, *lower[2:]))
        if found is not None:
            return found, decode(segments[1])
    if len(segments) == 4 and segments[1] and segments[3]:
        found = table.get((method, lower[0], ID, lower[2], FK))
        if found is not None:
            return found, decode(segments[1])
    if method == "HEAD":
        return find_target(table, "GET", path, query)
    raise NoMethod(describe(method, path, query))


def describe(method: str, path: str, query: str) -> str:
    """What LoopBack says about a path where nothing is: it is relative to the model, if there is one."""
    model, _, rest = path.removeprefix("/").partition("/")
    asked = f"?{query}" if query else ""
    if model.lower() in MODELS:
        return f'Shared class "{MODELS[model.lower()]}" has no method handling {method} /{rest}{asked}'
    return f"There is no method to handle {method} {path or '/'}{asked}"


def decode(segment: str) -> str:
    """The text that a segment encodes. Raises BadEncoding."""
    if "%" not in segment and segment.isascii():
        return segment
    try:
        if not BAD_PERCENT.search(segment):
            return unquote_to_bytes(segment.encode("latin-1")).decode()
    except ValueError:
        pass
    raise BadEncoding(f"Failed to decode param '{segment}'")
