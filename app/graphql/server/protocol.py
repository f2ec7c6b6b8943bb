"""graphql-transport-ws: the messages that a client may send, and why a socket is closed.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.auth import read_authorization
from app.http.bodies import NotJson, TooDeep, parse_json

PROTOCOL = "graphql-transport-ws"
WITH_ID = frozenset({"subscribe", "complete"})
WITHOUT_ID = frozenset({"connection_init", "ping", "pong"})
LONGEST_ID = 1000
LONGEST_REASON = 120
"""Bytes; a close frame holds 123."""
TOKEN_NAMES = ("authorization", "x-access-token", "access_token", "accesstoken", "authtoken", "token")


@dataclass(eq=False)
class Closing(Exception):
    """The socket is to be closed, with one of the codes of WebSocket or of the protocol."""

    code: int
    text: str

    @property
    def reason(self) -> str:
        return self.text.encode("utf-8", "replace")[:LONGEST_REASON].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a client. `id` is empty where the type has none; `payload` is None or as its type demands."""

    type: str
    id: str
    payload: Any


def read_message(text: str) -> Message:
    """A client's message. Raises Closing (4400) for one that the protocol does not know.

    What a `subscribe` asks is not looked at beyond being an object: that is an error of its operation alone.
    """
    try:
        body = parse_json(text.encode("utf-8", "surrogatepass"))
    except (NotJson, TooDeep) as refusal:
        raise Closing(4400, "The message is not JSON, or nested too deeply") from refusal
    if not isinstance(body, dict):
        raise Closing(4400, "The message is not a JSON object")
    kind, payload = body.get("type"), body.get("payload")
    if not isinstance(kind, str) or kind not in WITH_ID | WITHOUT_ID:
        raise Closing(4400, "The message has no type that a client may send")
    if kind != "complete" and not isinstance(payload, dict | None):
        raise Closing(4400, f"The payload of {kind} is not an object")
    if kind == "subscribe" and payload is None:
        raise Closing(4400, "The payload of subscribe is missing")
    return Message(kind, _read_id(body.get("id")) if kind in WITH_ID else "", payload)


def _read_id(given: object) -> str:
    if not isinstance(given, str) or not 1 <= len(given) <= LONGEST_ID:
        raise Closing(4400, f"The id is not a text of 1 to {LONGEST_ID} characters")
    if any("\ud800" <= letter <= "\udfff" for letter in given):
        raise Closing(4400, "The id holds half of a surrogate pair")
    return given


def find_token(payload: Mapping[str, Any] | None) -> str | None:
    """The token in the payload of connection_init: as Authorization, as one of the names of a token, in whatever case,
    or as one of these in `headers`. None when there is none."""
    given = {name.lower(): value for name, value in (payload or {}).items()}
    for name in TOKEN_NAMES:
        value = given.get(name)
        token = read_authorization(value) if isinstance(value, str) else None
        if token:
            return token
    headers = given.get("headers")
    return find_token(headers) if isinstance(headers, dict) and headers is not payload else None
