"""Ids: 12 bytes as 24 lower-case hex digits, ordered by the time they were made."""

import re
import secrets
import threading
import time

ID = re.compile(r"[0-9a-f]{24}")

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new id: six bytes of milliseconds, six of chance; within a process each is greater than the one before."""
    global _last
    drawn = int(time.time() * 1000) << 48 | secrets.randbits(48)
    with _lock:
        _last = drawn if drawn > _last else _last + 1
        return f"{_last:024x}"


def is_id(text: str) -> bool:
    """Whether a text has the form of an id; anything else is the id of nothing."""
    return ID.fullmatch(text) is not None
