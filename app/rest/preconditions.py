"""Entity tags: the version of a record as HTTP spells it, and the conditions that callers set on it."""

import re
from collections.abc import Sequence

from starlette.requests import Request

TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
VERSION = re.compile(r"[1-9][0-9]{0,8}")
NEVER = 0
"""A version that no record has."""


def etag(version: int) -> str:
    return f'"{version}"'


def expected_versions(request: Request) -> Sequence[int] | None:
    """The versions that If-Match allows; None when any will do. A weak or foreign tag matches none."""
    given = request.headers.getlist("if-match")
    text = ",".join(given).strip()
    if not given or text == "*":
        return None
    return [_version(weak, tag) for weak, tag in TAG.findall(text)] or [NEVER]


def _version(weak: str, tag: str) -> int:
    return int(tag) if not weak and VERSION.fullmatch(tag) else NEVER


def holds_already(request: Request, version: int) -> bool:
    """Whether If-None-Match names this version: the caller has what it would get."""
    text = ",".join(request.headers.getlist("if-none-match")).strip()
    return text == "*" or any(tag == str(version) for _, tag in TAG.findall(text))
