"""Entity tags: the version of a record in HTTP, and the conditions of If-Match and If-None-Match (RFC 9110, 13.1)."""

import re
from collections.abc import Sequence

from app.http.responses import Headers

TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
VERSION = re.compile(r"[1-9][0-9]{0,8}")
NEVER = 0
"""A version that no record has."""
FIRST_VERSION = 1


def etag(version: int) -> Headers:
    """The header that names the version of a record."""
    return ((b"etag", b'"%d"' % version),)


def expected_versions(if_match: Sequence[str]) -> Sequence[int] | None:
    """The versions that the If-Match headers allow; None allows every version. A weak or foreign tag allows none."""
    text = ",".join(if_match).strip()
    if not if_match or text == "*":
        return None
    return [_read_version(weak, tag) for weak, tag in TAG.findall(text)] or [NEVER]


def _read_version(weak: str, tag: str) -> int:
    return int(tag) if not weak and VERSION.fullmatch(tag) else NEVER


def names_version(if_none_match: Sequence[str], version: int) -> bool:
    """True if the If-None-Match headers name this version."""
    if not if_none_match:
        return False
    text = ",".join(if_none_match).strip()
    return text == "*" or any(tag == str(version) for _, tag in TAG.findall(text))
