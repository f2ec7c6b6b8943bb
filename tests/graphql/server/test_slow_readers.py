"""Followers that stop reading: what they have not taken counts as unsent, stays bounded, and is dropped when they are cut off."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.auth import Caller
from app.storage.shares import ANSWERS_OF_OWNER
from tests.conftest import Service
from tests.graphql.server.test_websocket import another
from tests.live_server import TIMEOUT, connected_client, open_client

QUERY = "subscription { clientChanges { cursor client { custom } } }"
SIZE = 90_000
LARGE = {"texts": ["x" * 10_000] * (SIZE // 10_000)}
WRITE_TIMEOUT = 2.0


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def small_socket(address: str) -> socket.socket:
    """A connection that takes little before its owner reads."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.connect(("127.0.0.1", urlsplit(address).port))
    opened.setblocking(False)
    return opened


@asynccontextmanager
async def slow_websocket(address: str, token: str) -> AsyncIterator[None]:
    """A WebSocket with 20 subscriptions that reads nothing more."""
    settings: dict[str, Any] = {
        "sock": small_socket(address),
        "max_queue": 1,
        "compression": None,
        "ping_interval": None,
    }
    async with open_client(address, **settings) as line:
        await line.send("connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await line.receive() == {"type": "connection_ack"}
        for number in range(20):
            await line.ask(str(number), QUERY)
        await line.ask("last", "{ viewer { scopes } }")
        assert await line.next("last")
        yield
        line.socket.transport.abort()


@asynccontextmanager
async def slow_event_stream(address: str, token: str) -> AsyncIterator[None]:
    """An event stream that is read up to its head."""
    body = json.dumps({"query": QUERY})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n"
    )
    reader, writer = await asyncio.open_connection(sock=small_socket(address), limit=1024)
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    yield
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


SLOW_READERS = {"WebSocket": slow_websocket, "event stream": slow_event_stream}


@pytest.mark.parametrize("transport", SLOW_READERS)
async def test_a_follower_that_stops_reading_is_bounded_and_cut_off(service: Service, transport: str) -> None:
    created = await service.http.post(
        f"/v1/organizations/{service.organization}/clients", json={"name": "Large", "custom": LARGE}
    )
    client, shares = created.json()["id"], service.database.pool.shares
    tenant = (await Caller((service.token,), service.database).principal()).tenant
    most = 0

    async def change() -> None:
        """Makes changes until the reader is cut off."""
        nonlocal most
        for number in range(1_000):
            await service.http.patch(f"/v1/clients/{client}", json={"note": str(number)})
            most = max(most, shares.unsent.get(tenant, 0))
            if most > SIZE > shares.unsent.get(tenant, 0):
                return
        raise AssertionError("the reader was not cut off")

    async with (
        another(service, write_timeout=WRITE_TIMEOUT) as address,
        connected_client(address, service.token) as reading,
        SLOW_READERS[transport](address, service.token),
    ):
        await reading.ask("r", "subscription { clientChanges { version } }")
        changing = asyncio.create_task(change())
        versions = [(await reading.next("r"))["clientChanges"]["version"] for _ in range(5)]
        assert versions == list(range(versions[0], versions[0] + 5))
        async with asyncio.timeout(TIMEOUT):
            await changing
        reading.socket.transport.abort()
        await until(lambda: shares.unsent == {} and shares.all_unsent == 0)
    assert SIZE < most <= ANSWERS_OF_OWNER * shares.answer_cap
