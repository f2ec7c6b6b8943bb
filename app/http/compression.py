"""Compression: responses over 1,000 bytes in gzip, for callers whose Accept-Encoding allows it."""

import asyncio
import zlib
from collections.abc import Awaitable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.preferences import accepts_gzip

SMALLEST = 1000
LEVEL = 3
"""Level 6 takes twice as long and saves a tenth of the bytes."""
LONG = 128 * 1024
"""From this size on, a thread compresses the body: 128 KiB take about a millisecond."""
WEAK = b"W/"
"""The beginning of an ETag that does not name the bytes of the body."""
VARY = (b"vary", b"Accept-Encoding")
GZIP_WINDOW = zlib.MAX_WBITS | 16


class Compression:
    """Compresses responses that have one body.

    Event streams and other bodies in parts, bodies that are encoded already, and responses with a strong ETag are sent
    unchanged: the tag names the bytes of the body, and If-Match needs it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or scope["method"] == "HEAD":
            return self.app(scope, receive, send)
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-encoding"]
        sender = GzipSender(send) if lines and accepts_gzip(lines) else PlainSender(send)
        return self.app(scope, receive, sender)


class PlainSender:
    """Sends the messages of one response unchanged. A response that could have been compressed says so in Vary."""

    def __init__(self, send: Send) -> None:
        self.send = send

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start" and is_compressible(message):
            message["headers"] = [*message["headers"], VARY]
        return self.send(message)


class GzipSender:
    """Sends the messages of one response, compressed. The first message waits for the body."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and is_compressible(message):
            self.start = message
            return
        start, self.start = self.start, None
        if start is not None:
            if not message.get("more_body"):
                message = await self._encode(start, message)
            await self.send(start)
        await self.send(message)

    async def _encode(self, start: Message, message: Message) -> Message:
        """The message with the compressed body. Sets the headers of `start`."""
        body: bytes = message["body"]
        packed = compress(body) if len(body) < LONG else await asyncio.to_thread(compress, body)
        start["headers"] = [*start["headers"], VARY]
        headers = MutableHeaders(raw=start["headers"])
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(packed))
        return {**message, "body": packed}


def is_compressible(start: Message) -> bool:
    """True if the body of a response with this status and these headers may be compressed.

    A response without a Content-Length has its body in parts, such as an event stream.
    """
    headers = dict(start["headers"])
    if int(headers.get(b"content-length", 0)) < SMALLEST or start["status"] in (204, 206, 304):
        return False
    return b"content-encoding" not in headers and headers.get(b"etag", WEAK).startswith(WEAK)


def compress(data: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return packer.compress(data) + packer.flush()
