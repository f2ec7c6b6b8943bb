"""Messages of clients in the protocol graphql-transport-ws, and the errors that close a WebSocket.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.auth import read_authorization
from app.http.bodies import NotJson, TooDeep, TooManyValues, parse_json

WITH_ID = frozenset({"subscribe", "complete"})
WITHOUT_ID = frozenset({"connection_init", "ping", "pong"})
MAX_ID = 1000
MAX_REASON = 120
"""Bytes of a close reason. A close frame holds 123."""
TOKEN_NAMES = ("authorization", "x-access-token", "access_token", "accesstoken", "authtoken", "token")


@dataclass(eq=False)
class CloseSocket(Exception):
    """Closes the WebSocket with a code of the WebSocket standard or of the protocol."""

    code: int
    text: str

    @property
    def reason(self) -> str:
        """The text, cut to fit into a close frame."""
        return self.text.encode("utf-8", "replace")[:MAX_REASON].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class Message:
    """A message from a client. `id` is empty if the type has none. `payload` is None, or of the form that the type needs."""

    type: str
    id: str
    payload: Any


def read_message(text: str) -> Message:
    """A client's message. Raises CloseSocket (4400) for a message that breaks the protocol.

    The payload of `subscribe` must only be an object here; `read_request` reads it.
    """
    try:
        body = parse_json(text.encode("utf-8", "surrogatepass"))
    except (NotJson, TooDeep, TooManyValues) as error:
        raise CloseSocket(4400, "The message is not JSON, is nested too deeply, or has too many values.") from error
    if not isinstance(body, dict):
        raise CloseSocket(4400, "The message must be a JSON object.")
    kind, payload = body.get("type"), body.get("payload")
    if not isinstance(kind, str) or kind not in WITH_ID | WITHOUT_ID:
        raise CloseSocket(4400, f"`type` must be one of {', '.join(sorted(WITH_ID | WITHOUT_ID))}.")
    if kind != "complete" and not isinstance(payload, dict | None):
        raise CloseSocket(4400, f"The payload of {kind} must be an object.")
    if kind == "subscribe" and payload is None:
        raise CloseSocket(4400, "`subscribe` needs a payload.")
    return Message(kind, _read_id(body.get("id")) if kind in WITH_ID else "", payload)


def _read_id(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID:
        raise CloseSocket(4400, f"`id` must be a string of 1 to {MAX_ID} characters.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise CloseSocket(4400, "`id` contains a lone surrogate.")
    return value


def find_token(payload: Mapping[str, Any] | None) -> str | None:
    """The token in the payload of connection_init, or None.

    It is the value of one of TOKEN_NAMES in any case, in the payload or in its member `headers`.
    """
    members = {name.lower(): value for name, value in (payload or {}).items()}
    for name in TOKEN_NAMES:
        value = members.get(name)
        token = read_authorization(value) if isinstance(value, str) else None
        if token:
            return token
    headers = members.get("headers")
    return find_token(headers) if isinstance(headers, dict) and headers is not payload else None
