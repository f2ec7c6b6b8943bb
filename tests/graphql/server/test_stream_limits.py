"""Streams and subscriptions are limited per account, token and network, and an event is executed once for its followers."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from app.graphql.server import shared_results
from app.graphql.server.codes import ErrorCode
from app.graphql.server.errors import RequestError
from app.graphql.server.operations import Operations
from app.graphql.server.streams import PlaceLimit, Places
from tests.conftest import Service
from tests.graphql.server.test_websocket import another
from tests.live_server import TIMEOUT, connected_client, open_client

FOLLOW = "subscription ($after: String) { clientChanges(after: $after) { cursor client { name } } }"
VIEWER = "{ viewer { scopes } }"


def test_places_are_free_again_after_the_block_and_after_an_error() -> None:
    places = Places(
        "places",
        PlaceLimit(2, ErrorCode.STREAM_LIMIT_EXCEEDED, "all"),
        PlaceLimit(1, ErrorCode.TOKEN_STREAM_LIMIT_EXCEEDED, "one {most}"),
    )
    with places.take("", "a"):
        with pytest.raises(RequestError, match="one 1"), places.take("", "a"):
            pass
        with places.take("", "b"), pytest.raises(RequestError, match="all"), places.take("", "c"):
            pass
        with places.take("", "c"):
            pass
    assert [dict(taken) for taken in places._taken] == [{}, {}]


async def test_a_token_and_an_account_have_a_number_of_streams(service: Service) -> None:
    other_token = await service.make_token(account_email=service.email)
    others = await service.make_token(organization_id=service.organization)
    async with another(service, token_streams=1, account_streams=2) as address, AsyncExitStack() as stack:
        await stack.enter_async_context(connected_client(address, service.token))
        assert "Your token has 1 open streams" in await rejected(address, service.token)
        await stack.enter_async_context(connected_client(address, other_token))
        third = await service.make_token(account_email=service.email)
        assert "Your account has 2 open streams" in await rejected(address, third)
        headers = {"Authorization": f"Bearer {third}", "Accept": "text/event-stream"}
        async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=TIMEOUT) as http:
            response = await http.post("/graphql", json={"query": FOLLOW})
        assert (response.status_code, response.headers["retry-after"]) == (429, "5")
        assert response.json()["errors"][0]["extensions"]["code"] == "ACCOUNT_STREAM_LIMIT_EXCEEDED"
        await stack.enter_async_context(connected_client(address, others))


async def rejected(address: str, token: str) -> str:
    """The reason with which a WebSocket is closed after connection_init."""
    async with open_client(address) as line:
        await line.send("connection_init", payload={"token": token})
        code, reason = await line.closed()
    assert code == 1013
    return reason


async def test_websockets_before_connection_init_have_places_of_their_own(service: Service) -> None:
    async with another(service, address_waiting_sockets=2, streams=3) as address, AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(connected_client(address, service.token))
    async with another(service, address_waiting_sockets=2) as address, AsyncExitStack() as stack:
        waiting = [await stack.enter_async_context(open_client(address)) for _ in range(2)]
        async with open_client(address) as line:
            assert await line.closed() == (1013, "2 WebSockets of your address wait for connection_init.")
        await waiting[0].send("connection_init", payload={"token": service.token})
        assert await waiting[0].receive() == {"type": "connection_ack"}
        await stack.enter_async_context(connected_client(address, service.token))


async def test_a_message_before_connection_init_is_short(service: Service) -> None:
    async with another(service) as address:
        async with open_client(address) as line:
            await line.send("ping", payload={"a": "x" * 5_000})
            assert (await line.closed())[0] == 1009
        async with connected_client(address, service.token) as line:
            await line.send("ping", payload={"a": "x" * 5_000})
            assert (await line.receive())["type"] == "pong"


async def test_a_token_and_an_account_have_a_number_of_subscriptions(service: Service) -> None:
    async with another(service, token_subscriptions=2) as address, connected_client(address, service.token) as line:
        for name in ("a", "b"):
            await line.ask(name, FOLLOW)
        await line.ask("c", FOLLOW)
        error = await line.error("c")
        assert error["extensions"]["code"] == "TOKEN_SUBSCRIPTION_LIMIT_EXCEEDED"
        assert "2 running subscriptions" in error["message"]
        await line.ask("q", VIEWER)
        assert await line.next("q")


async def test_followers_share_the_execution_of_an_event(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only followers with the same document, variables in the selection, and rights."""
    executed: list[Any] = []
    execute = Operations.execute

    async def note(self: Operations, prepared: Any, request_id: str) -> Any:
        if prepared.execution.event is not None:
            executed.append(prepared.request.query)
        return await execute(self, prepared, request_id)

    monkeypatch.setattr(Operations, "execute", note)
    monkeypatch.setattr(shared_results, "LONGEST_KEPT", 3600.0)
    same_account = await service.make_token(account_email=service.email)
    of_organization = await service.make_token(organization_id=service.organization)
    other = "subscription ($b: Boolean!) { clientChanges { cursor client { name @skip(if: $b) id } } }"
    async with another(service) as address, AsyncExitStack() as stack:
        start = await first_cursor(service, address)
        executed.clear()
        lines = [
            await stack.enter_async_context(connected_client(address, token))
            for token in (service.token, same_account, of_organization)
        ]
        for line in lines:
            for number in range(5):
                await line.ask(f"s{number}", FOLLOW, after=start)
            for name, skipped in (("t", True), ("u", False), ("v", True)):
                await line.ask(name, other, b=skipped)
        for line in lines:
            await until_following(line, service, 8)
        for query, most in ((FOLLOW, 2), (other, 4)):
            latest = len([made for made in executed if made == query])
            assert latest <= most * changes_of(service), (query, latest)


CHANGES: dict[str, int] = {}


def changes_of(service: Service) -> int:
    return CHANGES[service.organization]


async def first_cursor(service: Service, address: str) -> str:
    """The cursor of the first change that a follower sees. The further changes that it waited for count as changes after it."""
    async with connected_client(address, service.token) as line:
        await line.ask("s", "subscription { clientChanges { cursor } }")
        waiting = asyncio.create_task(line.receive())
        while not waiting.done():
            await service.http.post("/customers", json={"name": "Ann"})
            CHANGES[service.organization] = CHANGES.get(service.organization, -1) + 1
            await asyncio.wait([waiting], timeout=0.2)
        cursor: str = (await waiting)["payload"]["data"]["clientChanges"]["cursor"]
        return cursor


async def until_following(line: Any, service: Service, many: int) -> None:
    """Changes clients until each of the operations has shown one."""
    seen: set[str] = set()
    while len(seen) < many:
        await service.http.post("/customers", json={"name": "Bea"})
        CHANGES[service.organization] = CHANGES.get(service.organization, 0) + 1
        for _ in range(200):
            try:
                async with asyncio.timeout(0.3):
                    message = await line.receive()
            except TimeoutError:
                break
            assert message["type"] == "next", message
            seen.add(message["id"])
