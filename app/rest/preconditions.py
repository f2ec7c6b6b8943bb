"""Entity tags: the version of a record in HTTP, and the conditions of If-Match and If-None-Match (RFC 9110, 13.1)."""

from collections.abc import Iterator, Sequence

from app.errors import Malformed
from app.http.responses import Headers

LONGEST_CONDITION = 1024
"""Characters of If-Match, or of If-None-Match."""
LONGEST_VERSION = 9
NEVER = 0
"""A version that no record has."""
FIRST_VERSION = 1


def etag(version: int) -> Headers:
    """The header that names the version of a record."""
    return ((b"etag", b'"%d"' % version),)


def expected_versions(if_match: Sequence[str]) -> Sequence[int] | None:
    """The versions that the If-Match headers allow; None allows every version. A weak or foreign tag allows none.

    Raises Malformed for headers that are too long.
    """
    text = _join(if_match, "If-Match")
    if not if_match or text == "*":
        return None
    return [_read_version(weak, tag) for weak, tag in _read_tags(text)] or [NEVER]


def names_version(if_none_match: Sequence[str], version: int) -> bool:
    """True if the If-None-Match headers name this version. Raises Malformed for headers that are too long."""
    if not if_none_match:
        return False
    text = _join(if_none_match, "If-None-Match")
    return text == "*" or any(tag == str(version) for _, tag in _read_tags(text))


def _join(lines: Sequence[str], name: str) -> str:
    text = ",".join(lines).strip()
    if len(text) > LONGEST_CONDITION:
        raise Malformed(f"{name} must have at most {LONGEST_CONDITION} characters; got {len(text)}.", name)
    return text


def _read_tags(text: str) -> Iterator[tuple[bool, str]]:
    """The entity tags of a list, each with True for a weak one. A tag that no comma and no end follows is left out."""
    parts = text.split('"')
    for before, tag, after in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
        rest = after.lstrip()
        if not rest or rest[0] == ",":
            yield before.endswith("W/"), tag


def _read_version(weak: bool, tag: str) -> int:
    is_version = not weak and tag.isascii() and tag.isdigit() and len(tag) <= LONGEST_VERSION and tag[0] != "0"
    return int(tag) if is_version else NEVER
