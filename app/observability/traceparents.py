"""The W3C header traceparent, by which a request belongs to the trace of its caller.

https://www.w3.org/TR/trace-context/
"""

import re

HEADER = b"traceparent"
PATTERN = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
"""Version, trace, parent and flags. Version ff is not allowed, nor are ids of zeros; later versions may have more parts."""


def read_traceparent(value: bytes) -> tuple[str, str] | None:
    """The ids of the trace and of the caller's span; None if the value is not valid."""
    parts = PATTERN.fullmatch(value)
    if parts is None or (value[:2] == b"00" and len(value) != 55):
        return None
    return parts[1].decode(), parts[2].decode()
