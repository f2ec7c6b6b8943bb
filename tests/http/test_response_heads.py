"""The head of a response has the bytes that uvicorn itself would write."""

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.protocol.responses import ResponseCycle

UVICORN = ResponseCycle.__base__
"""The class of uvicorn, whose name in its module is that of ours now."""


class Transport:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.written.append(b"<end>")


class Flow:
    write_paused = False


async def respond(
    cycle_type: Any, headers: list[tuple[bytes, bytes]], *, status: int, method: str, alive: bool
) -> list[bytes]:
    """What a cycle writes for a response with this head."""
    transport, log = Transport(), logging.getLogger("test")
    defaults = [(b"date", b"Fri, 27 Nov 2026 04:42:26 GMT")]
    arguments: tuple[Any, ...] = ({"method": method}, transport, Flow(), log, log, False, defaults)
    cycle = cycle_type(*arguments, asyncio.Event(), True, alive, lambda: None)
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    body: Any = {"type": "http.response.body", "body": b"" if status == 304 else b"[1]"}
    await cycle.send(start)
    await cycle.send(body)
    return transport.written


LENGTH = (b"content-length", b"3")
HEADS: list[tuple[list[tuple[bytes, bytes]], dict[str, Any]]] = [
    ([LENGTH, (b"content-type", b"application/json"), (b"x-request-id", b"a")], {}),
    ([LENGTH, (b"Content-Type", b"application/json")], {}),
    ([LENGTH], {"method": "HEAD"}),
    ([LENGTH], {"alive": False}),
    ([LENGTH, (b"connection", b"close")], {}),
    ([(b"content-type", b"text/event-stream")], {}),
    ([(b"transfer-encoding", b"chunked")], {}),
    ([(b"etag", b'"1"')], {"status": 304}),
]


@pytest.mark.parametrize(("headers", "more"), HEADS)
async def test_a_response_has_the_bytes_of_uvicorn(headers: list[tuple[bytes, bytes]], more: dict[str, Any]) -> None:
    options: dict[str, Any] = {"status": 200, "method": "GET", "alive": True, **more}
    assert await respond(ResponseCycle, headers, **options) == await respond(UVICORN, headers, **options)


@pytest.mark.parametrize("header", [(b"x-id", b"a\r\nb: c"), (b"x\r\ny", b"a"), (b"x-id", b"a\x00")])
async def test_a_header_with_a_line_break_is_an_error(header: tuple[bytes, bytes]) -> None:
    for cycle_type in (ResponseCycle, UVICORN):
        with pytest.raises(RuntimeError, match="Invalid HTTP header"):
            await respond(cycle_type, [LENGTH, header], status=200, method="GET", alive=True)


def test_connections_make_these_responses() -> None:
    """HttpToolsProtocol takes the class of its responses from its module."""
    made = HttpToolsProtocol.on_headers_complete.__globals__["RequestResponseCycle"]
    assert made is ResponseCycle
