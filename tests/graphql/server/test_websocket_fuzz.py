"""No message and no disconnect on a WebSocket leaves a traceback or the exception of a task that nothing waits for."""

import asyncio
import gc
import json
import logging
import os
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.graphql.server.websocket import PROTOCOL
from tests.conftest import Service
from tests.graphql.server.test_websocket import another
from tests.live_server import connected_client, open_client

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FOLLOW = "subscription { clientChanges { cursor client { name } } }"
PAYLOADS: list[object] = [
    "\ud800",
    2**64,
    -(10**500),
    10.5,
    None,
    True,
    "x" * 5000,
    {"\udfff": {"a": "\ud800"}},
    {"n": 2**64},
    {"deep": {"a": [[[["b"]]]]}},
    [],
    {},
    {"headers": {"headers": {"headers": {}}}},
    {"query": FOLLOW},
    {"query": "{ viewer { scopes } }"},
    {"query": "{ viewer { scopes", "variables": {"\ud800": 1}},
    {"query": "query($x: String) { clients(search: $x) { totalCount } }", "variables": {"x": "\ud800"}},
    {"query": "query($x: Int) { clients(first: $x) { totalCount } }", "variables": {"x": 10**300}},
    {"query": "{ clients(first: " + "9" * 5000 + ") { totalCount } }"},
    {"documentId": "\ud800"},
    {"query": "\ud800", "operationName": "\udfff"},
    {"query": "{ viewer { scopes } }", "extensions": {"persistedQuery": {"sha256Hash": "\ud800", "version": 2**70}}},
]
IDS: list[object] = ["1", "1", "2", "", None, 1, "\ud800", "x" * 2000, ["1"], "\u0000", 'a"\n']
TYPES: list[object] = [
    *("connection_init", "ping", "pong", "subscribe", "subscribe", "complete"),
    *("next", "error", "", None, 5, [], "PING", "connection_ack"),
]


def make_frame(opcode: int, data: bytes, *, fin: bool = True, mask: bytes = b"\1\2\3\4") -> bytes:
    """A masked frame."""
    size = len(data)
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", size)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def make_message(choose: random.Random) -> bytes:
    message: dict[str, Any] = {
        "type": choose.choice(TYPES),
        "id": choose.choice(IDS),
        "payload": choose.choice(PAYLOADS),
    }
    for name in choose.sample(sorted(message), choose.choice([0, 0, 0, 1, 2])):
        del message[name]
    return json.dumps(message).encode()


ODD_FRAMES: list[Callable[[random.Random], bytes]] = [
    lambda choose: make_frame(BINARY, make_message(choose)),
    lambda choose: make_frame(TEXT, b"\xff\xfe\x80"),
    lambda choose: make_frame(TEXT, b'{"type":', fin=False) + make_frame(0, b'"ping"}'),
    lambda choose: make_frame(TEXT, b"\xe2\x82", fin=False) + make_frame(0, b"\xac"),
    lambda choose: make_frame(TEXT, b"{", fin=False) + make_frame(TEXT, b"}"),
    lambda choose: make_frame(0, b"orphan"),
    lambda choose: make_frame(TEXT, b"", fin=False) + make_frame(0, b"", fin=False) * 3000,
    lambda choose: make_frame(PING, b"x" * 125) * 50,
    lambda choose: make_frame(PING, b"x" * 130),
    lambda choose: make_frame(PONG, b"unasked"),
    lambda choose: make_frame(CLOSE, b""),
    lambda choose: make_frame(CLOSE, b"\x03"),
    lambda choose: make_frame(CLOSE, struct.pack(">H", choose.choice([999, 1000, 1005, 1006, 4999, 65535])) + b"\xff"),
    lambda choose: make_frame(CLOSE, struct.pack(">H", 1000) + b"bye"),
    lambda choose: make_frame(3, b"reserved"),
    lambda choose: b"\xc1" + make_frame(TEXT, b"{}")[1:],
    lambda choose: b"\x81\x02{}",
    lambda choose: make_frame(TEXT, b"x" * 30_000),
    lambda choose: b"\x81\xff" + b"\xff" * 8,
    lambda choose: os.urandom(50),
    lambda choose: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.fixture
async def address(service: Service) -> AsyncIterator[str]:
    async with another(service, init_timeout=2.0, token_check=0.05, body_cap=20_000) as address:
        yield address


async def open_raw(
    address: str, token: str | None, choose: random.Random
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket after its handshake, and with a token after its connection_init."""
    reader, writer = await asyncio.open_connection(urlsplit(address).hostname, urlsplit(address).port)
    writer.write(
        b"GET /graphql HTTP/1.1\r\nHost: service\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        b"Sec-WebSocket-Protocol: " + PROTOCOL.encode() + b"\r\n\r\n"
    )
    if choose.random() < 0.9:
        async with asyncio.timeout(20):
            await reader.readuntil(b"\r\n\r\n")
    if token is not None:
        payload = {"type": "connection_init", "payload": {"token": token}}
        writer.write(make_frame(TEXT, json.dumps(payload).encode()))
    return reader, writer


async def disturb(address: str, token: str, choose: random.Random) -> None:
    """Sends some messages and ends the connection at a moment of chance, in one of several ways."""
    reader, writer = await open_raw(address, choose.choice([token, token, token, None, "wrong"]), choose)
    try:
        for _ in range(choose.randrange(8)):
            odd = choose.random() < 0.25
            writer.write(choose.choice(ODD_FRAMES)(choose) if odd else make_frame(TEXT, make_message(choose)))
            if choose.random() < 0.4:
                await writer.drain()
                await asyncio.sleep(choose.choice([0, 0, 0.001, 0.01]))
        if choose.random() < 0.5:
            async with asyncio.timeout(5):
                await reader.read(100)
    except OSError:
        pass
    finally:
        if choose.random() < 0.5 and not writer.is_closing():
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()


async def test_no_message_and_no_disconnect_leaves_a_traceback(
    service: Service, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    choose = random.Random(20261126)
    with caplog.at_level(logging.WARNING):
        for _ in range(40):
            await asyncio.gather(*(disturb(address, service.token, random.Random(choose.random())) for _ in range(10)))
            await service.http.post("/customers", json={"name": "Ann"})
        async with connected_client(address, service.token) as line:
            await line.ask("q", "{ viewer { scopes } }")
            assert await line.next("q")
        gc.collect()
        await asyncio.sleep(0)
    assert unheard == []
    assert [
        record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR
    ] == []


@pytest.mark.parametrize("payload", [{"a": "\ud800"}, {"\udfff": 1}, {"a": 2**64}, {"a": -(2**70)}, {"a": 10**500}])
async def test_a_ping_is_answered_whatever_its_payload_holds(address: str, payload: dict[str, Any]) -> None:
    async with open_client(address) as line:
        await line.send("ping", payload=payload)
        assert (await line.receive())["type"] == "pong"
        await line.send("ping", payload={"a": 1})
        assert await line.receive() == {"type": "pong", "payload": {"a": 1}}
