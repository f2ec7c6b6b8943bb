"""Ids: 12 bytes as 24 lower-case hex digits, in the order of their creation."""

import re
import secrets
import threading
import time

ID = re.compile(r"[0-9a-f]{24}")

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new id: six bytes of Unix time in milliseconds and six random bytes. Within a process, ids always increase."""
    global _last
    drawn = int(time.time() * 1000) << 48 | secrets.randbits(48)
    with _lock:
        _last = drawn if drawn > _last else _last + 1
        return f"{_last:024x}"


def is_id(text: str) -> bool:
    """True if a text has the form of an id."""
    return ID.fullmatch(text) is not None
