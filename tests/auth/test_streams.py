"""Streams end with their tokens, and check them without a statement while access is unchanged."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from app.auth import Caller, Principal, hash_token
from app.errors import Unauthenticated
from app.graphql.server import streams
from app.main import create_app
from tests.auth.conftest import LookUps, run, until
from tests.conftest import Service, opened
from tests.graphql.server.test_sse import FOLLOW, stream
from tests.graphql.server.test_websocket import revoke
from tests.live_server import TIMEOUT, connected_client, served

Place = Callable[..., AbstractAsyncContextManager[str]]
NEVER = 86400.0
"""Seconds between checks without a cause."""


@asynccontextmanager
async def remote(service: Service, token_check: float) -> AsyncIterator[str]:
    """The address of a service that makes no changes itself: its connections are its own."""
    async with opened(str(service.config.database_url)) as database:
        config = replace(service.config, token_check=token_check)
        app = create_app(config, database)
        async with app.router.lifespan_context(app), served(app, config) as address:
            yield address


@asynccontextmanager
async def local(service: Service, token_check: float) -> AsyncIterator[str]:
    """The address of a service in the process that makes the changes."""
    config = replace(service.config, token_check=token_check)
    app = create_app(config, service.database)
    async with app.router.lifespan_context(app), served(app, config) as address:
        yield address


@pytest.mark.parametrize("place", [local, remote])
async def test_a_revoked_token_ends_its_websocket_and_its_event_stream(
    service: Service, place: Place, look_ups: LookUps
) -> None:
    token = await service.make_token(organization_id=service.organization)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with (
        place(service, token_check=NEVER) as address,
        connected_client(address, token) as line,
        httpx.AsyncClient(base_url=address, headers=headers, timeout=TIMEOUT, trust_env=False) as http,
        stream(http, FOLLOW) as events,
    ):
        await revoke(service, token)
        assert await line.closed() == (4403, "The access token is not known")
        assert (await events.next())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        await events.complete()


async def test_a_stream_ends_when_its_token_expires(service: Service) -> None:
    token = await service.make_token(organization_id=service.organization)
    async with local(service, token_check=NEVER) as address:
        sql = "UPDATE access_tokens SET expires_at = clock_timestamp() + interval '2 s' WHERE hash = :hash"
        await run(service.database, sql, hash=hash_token(token))
        async with connected_client(address, token) as line:
            assert await line.closed() == (4403, "The access token has expired")


async def test_a_check_costs_no_statement_while_access_is_unchanged(
    service: Service, look_ups: LookUps, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[object] = []
    find_flaw = streams._find_flaw

    async def check(caller: Caller, principal: Principal) -> Unauthenticated | None:
        checks.append(caller)
        return await find_flaw(caller, principal)

    monkeypatch.setattr(streams, "_find_flaw", check)
    async with local(service, token_check=0.001) as address, connected_client(address, service.token):

        async def checked_for_free() -> bool:
            checks.clear()
            look_ups.clear()
            await asyncio.sleep(0.05)
            return len(checks) > 3 and not look_ups

        await until(checked_for_free)


async def test_one_statement_looks_up_the_tokens_of_all_streams(service: Service, look_ups: LookUps) -> None:
    tokens = [await service.make_token(organization_id=service.organization) for _ in range(6)]
    async with local(service, token_check=NEVER) as address, AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(connected_client(address, token)) for token in tokens]
        look_ups.clear()
        await revoke(service, tokens[0])
        await lines[0].closed()
        assert sorted(look_ups) == [1, len(tokens)]
        await lines[1].ask("q", "{ viewer { scopes } }")
        assert await lines[1].next("q")
        assert sorted(look_ups) == [1, len(tokens)]
