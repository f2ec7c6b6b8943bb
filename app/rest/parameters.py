"""Parameters of a request, read so that nothing in them is lost: no replacement characters, no forgotten repetition."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from app.errors import Malformed

MOST_PARAMETERS = 1000


def read_parameters(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of each parameter in the order given. Raises Malformed for text that is no UTF-8, or over 1,000 of them."""
    try:
        text = scope["query_string"].decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        reason = "is not valid UTF-8" if isinstance(error, UnicodeError) else f"has over {MOST_PARAMETERS} parameters"
        raise Malformed(f"The query string {reason}") from error
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
