"""RequestIds: gives every request an id, which its response and its lines in the log carry, and its figures.

The response also carries the limit that counted the request. A large body is sent in parts.
"""

import random
import re
from collections.abc import Awaitable
from time import perf_counter

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.parts import is_large, send_in_parts
from app.http.rates import Meter
from app.http.redaction import hide_tokens
from app.http.responses import make_private
from app.observability.figures import Figures, current_figures
from app.observability.observer import Observe
from app.observability.spans import DescribeSpan
from app.observability.traceparents import HEADER as TRACEPARENT

HEADER = b"x-request-id"
STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
"""The ASGI messages with the headers of a response, or of the answer to a WebSocket handshake."""
WEBSOCKET, SWITCHED, FAILED = "WEBSOCKET", 101, 500
"""The method and the status of a WebSocket, and the status of a request that ends with an unexpected error."""
SANE = re.compile(rb"[!-~]{1,255}")


class RequestIds:
    """Puts the caller's X-Request-Id, or a new one, into `scope["state"]["request_id"]` and on the answer.

    A caller's id is used when it has 1 to 255 visible ASCII characters and no token. At the end of the request, `observe`
    gets its figures. `describe_span` gets them before the response begins. An unexpected error is answered with 500, and
    raised for the log of the server.
    """

    def __init__(self, app: ASGIApp, observe: Observe | None = None, describe_span: DescribeSpan | None = None) -> None:
        self.app, self.observe, self.describe_span = app, observe, describe_span

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        figures = begin_figures(scope)
        request_id = figures.request_id.encode()
        scope["observe"] = self.observe

        def send_with_id(message: Message) -> Awaitable[None]:
            if "body" in message:
                figures.size += len(message["body"])
            if message["type"] in STARTS:
                figures.status = message.get("status", SWITCHED)
                if self.describe_span is not None:
                    self.describe_span(figures)
                meter: Meter | None = scope.get("meter")
                limits = meter.headers() if meter else ()
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id), *limits]
            elif is_large(message):
                return send_in_parts(send, message)
            return send(message)

        token = current_figures.set(figures)
        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            if scope["type"] == "http" and not figures.status:
                await make_private(PlainTextResponse("Internal Server Error", FAILED))(scope, receive, send_with_id)
            figures.status = FAILED
            raise
        finally:
            current_figures.reset(token)
            if self.observe is not None:
                self.observe(figures)


def begin_figures(scope: Scope) -> Figures:
    """The figures of a request that begins, with its id and the trace to which it belongs."""
    figures = Figures()
    figures.began, figures.method = perf_counter(), scope.get("method", WEBSOCKET)
    sent_id = b""
    for name, value in scope["headers"]:
        if name == HEADER and not sent_id:
            sent_id = value
        elif name == TRACEPARENT:
            figures.traceparent = value
    request_id = sent_id.decode() if sent_id and is_sane(sent_id) else draw_request_id()
    figures.request_id = scope.setdefault("state", {})["request_id"] = request_id
    return figures


def draw_request_id() -> str:
    """A new id, with 96 random bits that cost no call of the system."""
    return f"req_{random.getrandbits(96):024x}"


def is_sane(sent_id: bytes) -> bool:
    """True if a caller's id can be repeated in a header and in the log."""
    return SANE.fullmatch(sent_id) is not None and hide_tokens(sent_id.decode()) == sent_id.decode()
