"""Paths: split as they were sent, then decoded, so that an encoded slash is part of a segment."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes


def path_segments(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """The decoded segments below the root path; one trailing slash does not count. Raises ValueError for what is no UTF-8."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    below = raw.partition(b"?")[0].removeprefix(quote(scope.get("root_path", "")).encode())
    parts = below.removeprefix(b"/").removesuffix(b"/").split(b"/")
    return tuple(unquote_to_bytes(part).decode() for part in parts)
