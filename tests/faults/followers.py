"""Followers of the changes of one organization, over a WebSocket or an event stream."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import connect

from app.changes.repository import ChangeRepository
from app.storage.database import Database

FOLLOW = "subscription ($after: String) { clientChanges(after: $after) { cursor version clientId at } }"

Changes = AsyncIterator[dict[str, Any]]


class StreamEnded(Exception):
    """The server rejected a subscription, or ended it with another message than a change."""


class StreamRejected(StreamEnded):
    """The server did not accept the request for a stream."""


@dataclass(frozen=True)
class Subscription:
    """The server to ask, the token, and the cursor after which the changes begin."""

    address: str
    token: str
    after: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def operation(self) -> dict[str, Any]:
        return {"query": FOLLOW, "variables": {"after": self.after}}


@asynccontextmanager
async def over_socket(subscription: Subscription, *, abort: bool = False) -> AsyncIterator[Changes]:
    """The changes over a WebSocket. With `abort` its end is not announced."""
    address = subscription.address.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"], proxy=None, close_timeout=0.2) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": subscription.headers}))
        acknowledged = json.loads(await socket.recv())
        if acknowledged["type"] != "connection_ack":
            raise StreamEnded(acknowledged)
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": subscription.operation}))

        async def changes() -> Changes:
            while True:
                message = json.loads(await socket.recv())
                if message["type"] != "next":
                    raise StreamEnded(message)
                yield _read(message["payload"])

        yield changes()
        if abort:
            socket.transport.abort()


@asynccontextmanager
async def over_events(subscription: Subscription, *, abort: bool = False) -> AsyncIterator[Changes]:
    """The changes over an event stream, which always ends without an announcement."""
    headers = {**subscription.headers, "Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(timeout=20, trust_env=False) as http,
        http.stream(
            "POST", f"{subscription.address}/graphql", json=subscription.operation, headers=headers
        ) as response,
    ):
        if response.status_code != 200:
            raise StreamRejected(response.status_code)

        async def changes() -> Changes:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    yield _read(json.loads(line.removeprefix("data: ")))

        yield changes()


def _read(result: dict[str, Any]) -> dict[str, Any]:
    if result.get("errors"):
        raise StreamEnded(result["errors"])
    change: dict[str, Any] = result["data"]["clientChanges"]
    return change


async def read_epoch(url: str) -> str:
    """The epoch of the changes of a database."""
    database = Database(url)
    try:
        async with database.read() as connection:
            return (await ChangeRepository(connection).last_position()).epoch
    finally:
        await database.close()
