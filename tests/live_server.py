"""The application behind a real server on loopback, and a WebSocket client that sends exactly the messages of a test."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.config import Config
from app.graphql.server.websocket import PROTOCOL
from app.server import Server, base_address, open_socket, server_settings

TIMEOUT = 20.0
"""Seconds for a start and for a message."""


@asynccontextmanager
async def served(app: Starlette, config: Config) -> AsyncIterator[str]:
    """Serves an application that has been started, until the end of the block. Yields its address."""
    opened = open_socket("127.0.0.1", 0)
    address = base_address(opened)
    server = Server(server_settings(config, opened, app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[opened]))
    try:
        async with asyncio.timeout(TIMEOUT):
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        yield address
    finally:
        server.should_exit = True
        await serving


@dataclass
class WebSocketClient:
    """A WebSocket that sends and receives messages as JSON."""

    socket: ClientConnection

    async def send(self, type_: str, id_: str | None = None, payload: object = None) -> None:
        message = {"type": type_, "id": id_, "payload": payload}
        await self.socket.send(json.dumps({name: value for name, value in message.items() if value is not None}))

    async def ask(self, id_: str, query: str, **variables: Any) -> None:
        await self.send("subscribe", id_, {"query": query, "variables": variables})

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def next(self, id_: str) -> dict[str, Any]:
        """The data of the next message, a result of an operation."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", id_), message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def error(self, id_: str) -> dict[str, Any]:
        """Returns the only error of the next message, which must end the operation."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("error", id_), message
        (error,) = message["payload"]
        return dict(error)

    async def closed(self) -> tuple[int, str]:
        """The code and the reason with which the server closes the WebSocket. Earlier messages are ignored."""
        async with asyncio.timeout(TIMEOUT):
            with suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


@asynccontextmanager
async def open_client(
    address: str, *, headers: Mapping[str, str] | None = None, **options: Any
) -> AsyncIterator[WebSocketClient]:
    """A WebSocket without any message yet."""
    url = address.replace("http", "ws", 1) + "/graphql"
    settings: dict[str, Any] = {"subprotocols": [PROTOCOL], "additional_headers": headers, "proxy": None} | options
    settings["close_timeout"] = 0.1  # a client that has not read everything does not see the server's close
    async with connect(url, **settings) as socket:
        yield WebSocketClient(socket)


@asynccontextmanager
async def connected_client(address: str, token: str) -> AsyncIterator[WebSocketClient]:
    """Opens a WebSocket and waits for the acknowledgement of its connection_init."""
    async with open_client(address) as opened:
        await opened.send("connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await opened.receive() == {"type": "connection_ack"}
        yield opened
