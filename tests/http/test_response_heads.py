"""A response has the bytes that uvicorn itself would write, with the head and the body in one call of the system."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.protocol.responses import ResponseCycle

UVICORN = ResponseCycle.__base__
"""The class of uvicorn, whose name in its module is that of ours now."""


class Transport:
    """A transport that keeps what each call writes."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, parts: Sequence[bytes]) -> None:
        self.written.append(b"".join(parts))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.written.append(b"<end>")


class Flow:
    write_paused = False


async def respond(
    cycle_type: Any,
    headers: list[tuple[bytes, bytes]],
    *,
    status: int = 200,
    method: str = "GET",
    alive: bool = True,
    parts: Sequence[bytes] = (b"[1]",),
) -> list[bytes]:
    """What each call of a cycle writes for a response with this head, and with the body in parts."""
    transport, log = Transport(), logging.getLogger("test")
    defaults = [(b"date", b"Fri, 27 Nov 2026 04:42:26 GMT")]
    arguments: tuple[Any, ...] = ({"method": method}, transport, Flow(), log, log, False, defaults)
    cycle = cycle_type(*arguments, asyncio.Event(), True, alive, lambda: None)
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    await cycle.send(start)
    for number, part in enumerate(parts, start=1):
        body: Any = {"type": "http.response.body", "body": part, "more_body": number < len(parts)}
        await cycle.send(body)
    return transport.written


LENGTH = (b"content-length", b"3")
HEADS: list[tuple[list[tuple[bytes, bytes]], dict[str, Any]]] = [
    ([LENGTH, (b"content-type", b"application/json"), (b"x-request-id", b"a")], {}),
    ([LENGTH, (b"Content-Type", b"application/json")], {}),
    ([LENGTH, (b"vary", b"origin"), (b"vary", b"accept")], {}),
    ([LENGTH], {"method": "HEAD"}),
    ([LENGTH], {"alive": False}),
    ([LENGTH, (b"connection", b"close")], {}),
    ([(b"content-type", b"text/event-stream")], {}),
    ([(b"transfer-encoding", b"chunked")], {}),
    ([(b"etag", b'"1"')], {"status": 304, "parts": (b"",)}),
    ([LENGTH], {"parts": (b"[", b"1", b"]")}),
    ([(b"content-length", b"0")], {"status": 202, "parts": (b"",)}),
]


@pytest.mark.parametrize(("headers", "more"), HEADS)
async def test_a_response_has_the_bytes_of_uvicorn(headers: list[tuple[bytes, bytes]], more: dict[str, Any]) -> None:
    ours, theirs = await respond(ResponseCycle, headers, **more), await respond(UVICORN, headers, **more)
    assert b"".join(ours) == b"".join(theirs)


async def test_the_head_and_the_body_are_one_call() -> None:
    assert len(await respond(ResponseCycle, [LENGTH])) == 1


@pytest.mark.parametrize("body", [b"[1", b"[1]]"])
async def test_a_body_of_another_length_is_an_error(body: bytes) -> None:
    for cycle_type in (ResponseCycle, UVICORN):
        with pytest.raises(RuntimeError, match="than Content-Length"):
            await respond(cycle_type, [LENGTH], parts=(body,))


@pytest.mark.parametrize("header", [(b"x-id", b"a\r\nb: c"), (b"x\r\ny", b"a"), (b"x-id", b"a\x00")])
async def test_a_header_with_a_line_break_is_an_error(header: tuple[bytes, bytes]) -> None:
    for cycle_type in (ResponseCycle, UVICORN):
        with pytest.raises(RuntimeError, match="Invalid HTTP header"):
            await respond(cycle_type, [LENGTH, header])


def test_connections_make_these_responses() -> None:
    """HttpToolsProtocol takes the class of its responses from its module."""
    made = HttpToolsProtocol.on_headers_complete.__globals__["RequestResponseCycle"]
    assert made is ResponseCycle
