"""RequestIds: every request has an id, which every answer and every line in the log names."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.ids import new_id

HEADER = b"x-request-id"
STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
"""The messages that carry the headers of an answer: also of one to a handshake, taken or refused."""
SANE = re.compile(rb"[!-~]{1,255}")


class RequestIds:
    """Puts the caller's X-Request-Id, or a new one, into `scope["state"]["request_id"]` and on the answer.

    A caller's id is taken when it has 1 to 255 visible ASCII characters.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        request_id = given if SANE.fullmatch(given) else b"req_" + new_id().encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()

        async def send_with_id(message: Message) -> None:
            if message["type"] in STARTS:
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id)]
            await send(message)

        await self.app(scope, receive, send_with_id)
