"""A WebSocket that has ended leaves memory at once, and not with the next full garbage collection."""

import asyncio
import gc
import weakref

import pytest

from app.graphql.server import websocket
from tests.conftest import Service
from tests.live_server import connected_client, served

FOLLOW = "subscription { clientChanges { cursor } }"


async def end_of(connection: "weakref.ref[websocket.Connection]") -> bool:
    """True when the connection has left memory, which takes a few rounds of the event loop."""
    for _ in range(500):
        if connection() is None:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_follower_that_leaves_is_freed_without_a_garbage_collection(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[weakref.ref[websocket.Connection]] = []
    serve = websocket.Connection.serve

    def note(self: websocket.Connection) -> object:
        connections.append(weakref.ref(self))
        return serve(self)

    monkeypatch.setattr(websocket.Connection, "serve", note)
    async with served(service.app, service.config) as address:
        gc.collect()
        gc.disable()
        try:
            async with connected_client(address, service.token) as line:
                await line.ask("follow", FOLLOW)
                await asyncio.sleep(0.1)
            assert await end_of(connections[0])
        finally:
            gc.enable()
