"""RequestIds: gives every request an id, which its response and its lines in the log carry.

The response also carries the limit that counted the request. A large body is sent in parts.
"""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.parts import is_large, send_in_parts
from app.http.rates import Meter
from app.http.redaction import hide_tokens
from app.ids import new_id

HEADER = b"x-request-id"
STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
"""The ASGI messages with the headers of a response, or of the answer to a WebSocket handshake."""
SANE = re.compile(rb"[!-~]{1,255}")


class RequestIds:
    """Puts the caller's X-Request-Id, or a new one, into `scope["state"]["request_id"]` and on the answer.

    A caller's id is used when it has 1 to 255 visible ASCII characters and no token.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        sent_id = next((value for name, value in scope["headers"] if name == HEADER), b"")
        request_id = sent_id if sent_id and is_sane(sent_id) else b"req_" + new_id().encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()

        async def send_with_id(message: Message) -> None:
            if message["type"] in STARTS:
                meter: Meter | None = scope.get("meter")
                limits = meter.headers() if meter else ()
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id), *limits]
            elif is_large(message):
                await send_in_parts(send, message)
                return
            await send(message)

        await self.app(scope, receive, send_with_id)


def is_sane(sent_id: bytes) -> bool:
    """True if a caller's id can be repeated in a header and in the log."""
    return SANE.fullmatch(sent_id) is not None and hide_tokens(sent_id.decode()) == sent_id.decode()
