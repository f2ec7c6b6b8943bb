"""Raw connections to the real server, in front of an application that shows what it received."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

PATIENCE = 15.0
"""Seconds for what must happen at once, or after a deadline of a test."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def shown(self) -> Any:
        return json.loads(self.body)


@dataclass
class RawConnection:
    """One connection that sends exactly the bytes of a test."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        """The next response. Raises IncompleteReadError if the server closes the connection without one."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(head[0].split()[1]), headers, body)

    async def ask(self, data: bytes) -> Answer:
        await self.send(data)
        return await self.answer()

    async def flood(self, part: bytes, most: int = 100_000_000) -> Answer:
        """Sends a part again and again until the server ends the connection. Returns the answer that came meanwhile."""
        answering, sent = asyncio.create_task(self.answer()), 0
        while not self.writer.transport.is_closing():
            assert sent < most, "the server reads without an end"
            sent += len(part)
            try:
                await self.send(part)
                await asyncio.sleep(0)
            except ConnectionError:
                break
        return await answering

    async def is_closed(self) -> bool:
        """Waits until the server closes the connection; what it still sends does not count."""
        async with asyncio.timeout(PATIENCE):
            try:
                while await self.reader.read(1 << 16):
                    pass
            except ConnectionError:
                pass
        return True


@asynccontextmanager
async def connected(address: str, **options: Any) -> AsyncIterator[RawConnection]:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, **options)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.transport.abort()


def request(
    method: str = "GET", path: str = "/", *headers: str, host: str | None = "localhost", body: bytes = b""
) -> bytes:
    """A request in HTTP/1.1."""
    lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host is not None else []), *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def showing_app() -> Starlette:
    """An application that answers with the request that it received, or with `?size` bytes, after `?wait` seconds."""

    async def show(request: Request) -> Response:
        body = await request.body()
        await asyncio.sleep(float(request.query_params.get("wait", 0)))
        if "size" in request.query_params:
            return Response(b"x" * int(request.query_params["size"]))
        headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.scope["headers"]]
        client, scheme = request.scope["client"], request.scope["scheme"]
        return JSONResponse(
            {"headers": headers, "client": client[0], "scheme": scheme, "size": len(body), "path": request.url.path}
        )

    async def reject(request: Request) -> Response:
        return Response(b"early", 413)

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    methods = ["GET", "POST"]
    return Starlette(
        routes=[
            WebSocketRoute("/echo", echo),
            Route("/reject", reject, methods=methods),
            Route("/{path:path}", show, methods=methods),
        ]
    )
