"""graphql-transport-ws on a real WebSocket: tokens, closing, and errors that concern one operation alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.accounts.service import create_account
from app.auth import Scope, hash_token
from app.main import create_app
from app.tokens import revoke_token
from tests.conftest import Service
from tests.graphql.conftest import add_records
from tests.live_server import WebSocketClient, connected_client, open_client, served

VIEWER = "{ viewer { scopes } }"
FOLLOW = """
subscription ($after: String, $organization: ID) {
  clientChanges(after: $after, organizationId: $organization) { cursor }
}
"""


@asynccontextmanager
async def another(service: Service, **settings: Any) -> AsyncIterator[str]:
    """The address of another application over the same database."""
    config = replace(service.config, **settings)
    app = create_app(config, service.database)
    async with app.router.lifespan_context(app), served(app, config) as address:
        yield address


@pytest.fixture(scope="module")
async def address(shared_service: Service) -> AsyncIterator[str]:
    async with another(shared_service, init_timeout=2.0, token_check=0.1, body_cap=20_000) as address:
        yield address


async def test_queries_and_mutations_have_one_result(shared_service: Service, address: str) -> None:
    async with connected_client(address, shared_service.token) as line:
        await line.ask("q", VIEWER)
        assert await line.next("q") == {"viewer": {"scopes": ["READ", "WRITE"]}}
        assert await line.receive() == {"type": "complete", "id": "q"}
        await line.ask("q", 'mutation { createClient(input: {name: "Ann"}) { client { name } } }')
        assert await line.next("q") == {"createClient": {"client": {"name": "Ann"}}}
        assert await line.receive() == {"type": "complete", "id": "q"}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": VIEWER, "operationName": "Other"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"documentId": "unknown"}, "PERSISTED_QUERY_NOT_SUPPORTED"),
        ({"query": "query ($a: Int!) { clients(first: $a) { totalCount } }"}, "BAD_USER_INPUT"),
        ({"query": "subscription { a: clientChanges { at } b: clientChanges { at } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": FOLLOW, "variables": {"after": "x"}}, "BAD_USER_INPUT"),
        ({"query": FOLLOW, "variables": {"after": ""}}, "BAD_USER_INPUT"),
        ({"query": FOLLOW, "variables": {"organization": "5eed00000000000000000000"}}, "NOT_FOUND"),
        ({"query": "\ud800"}, "GRAPHQL_PARSE_FAILED"),
    ],
)
async def test_an_error_of_an_operation_does_not_close_the_websocket(
    shared_service: Service, address: str, payload: dict[str, Any], code: str
) -> None:
    async with connected_client(address, shared_service.token) as line:
        await line.send("subscribe", "bad", payload)
        error = await line.error("bad")
        assert error["extensions"]["code"] == code
        await line.ask("bad", VIEWER)
        assert await line.next("bad") == {"viewer": {"scopes": ["READ", "WRITE"]}}


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({}, "`query`"),
        ({"query": None}, "`query`"),
        ({"query": 1}, "`query`"),
        ({"query": VIEWER, "operationName": 1}, "`operationName`"),
        ({"query": VIEWER, "variables": []}, "`variables`"),
        ({"query": VIEWER, "extensions": "x"}, "`extensions`"),
        ({"documentId": 1}, "`documentId`"),
    ],
)
async def test_a_payload_of_the_wrong_shape_closes_the_websocket(
    shared_service: Service, address: str, payload: dict[str, Any], name: str
) -> None:
    async with connected_client(address, shared_service.token) as line:
        await line.send("subscribe", "bad", payload)
        code, reason = await line.closed()
        assert (code, name in reason) == (4400, True), reason


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_of_any_origin_may_connect_because_only_the_token_counts(
    shared_service: Service, address: str, origin: str
) -> None:
    async with open_client(address, headers={"Origin": origin, "Cookie": f"token={shared_service.token}"}) as line:
        await line.send("connection_init")
        assert (await line.closed())[0] == 4403
    async with open_client(address, headers={"Origin": origin}) as line:
        await line.send("connection_init", payload={"token": shared_service.token})
        assert await line.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("how", ["complete", "close"])
async def test_a_mutation_that_has_begun_is_finished(shared_service: Service, address: str, how: str) -> None:
    (client,) = await add_records(shared_service, [{"name": "Ann"}])
    row = text("SELECT version FROM clients WHERE id = :id FOR UPDATE")
    async with connected_client(address, shared_service.token) as line:
        async with shared_service.database.write() as holding:
            await holding.execute(row, {"id": client})
            await line.ask(
                "m", 'mutation ($id: ID!) { updateClient(id: $id, input: {name: "Bea"}) { client { id } } }', id=client
            )
            await until_a_statement_waits(shared_service)
            if how == "complete":
                await line.send("complete", "m")
                await line.send("ping")
                assert (await line.receive())["type"] == "pong"
            else:
                await line.socket.close()
        async with asyncio.timeout(20), shared_service.database.read() as connection:
            while await connection.scalar(row, {"id": client}) != 2:
                continue


async def until_a_statement_waits(service: Service) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(20), service.database.read() as connection:
        while not await connection.scalar(waiting):
            continue


async def test_pings_are_answered_and_pongs_are_not(shared_service: Service, address: str) -> None:
    async with open_client(address) as line:
        await line.send("ping", payload={"n": 1})
        assert await line.receive() == {"type": "pong", "payload": {"n": 1}}
        await line.send("pong")
        await line.send("ping")
        assert await line.receive() == {"type": "pong"}


async def test_the_token_may_be_in_the_header_and_the_payload_takes_precedence(
    shared_service: Service, address: str
) -> None:
    good, bad = {"Authorization": f"Bearer {shared_service.token}"}, {"Authorization": "Bearer nothing"}
    for headers, payload in ((good, None), (good, {}), (bad, good)):
        async with open_client(address, headers=headers) as line:
            await line.send("connection_init", payload=payload)
            assert await line.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("payload", [None, {}, {"Authorization": "Bearer "}, {"Authorization": "Bearer nothing"}])
async def test_without_a_valid_token_the_websocket_is_closed(address: str, payload: dict[str, Any] | None) -> None:
    async with open_client(address) as line:
        await line.send("connection_init", payload=payload)
        code, reason = await line.closed()
        assert code == 4403
        assert "access token" in reason


async def test_an_expired_token_is_rejected(shared_service: Service, address: str) -> None:
    token = await shared_service.make_token(organization_id=shared_service.organization)
    await expire(shared_service, token)
    async with open_client(address) as line:
        await line.send("connection_init", payload={"Authorization": token})
        assert await line.closed() == (4403, "The access token has expired")


async def expire(service: Service, token: str) -> None:
    async with service.database.write() as connection:
        await connection.execute(
            text("UPDATE access_tokens SET expires_at = now() WHERE hash = :hash"), {"hash": hash_token(token)}
        )


async def misbehave(line: WebSocketClient, how: str) -> None:
    match how:
        case "subscribe first":
            await line.ask("1", VIEWER)
        case "no JSON":
            await line.socket.send("{")
        case "bytes":
            await line.socket.send(b'{"type": "ping"}')
        case "unknown type":
            await line.send("start", "1", {"query": VIEWER})
        case "too large":
            await line.send("ping", payload={"a": "x" * 30_000})
        case "silence":
            pass


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("subscribe first", 4401),
        ("no JSON", 4400),
        ("bytes", 4400),
        ("unknown type", 4400),
        ("too large", 1009),
        ("silence", 4408),
    ],
)
async def test_breaking_the_protocol_without_a_token_closes_the_websocket(address: str, how: str, code: int) -> None:
    async with open_client(address) as line:
        await misbehave(line, how)
        assert (await line.closed())[0] == code


async def test_a_second_connection_init_closes_the_websocket(shared_service: Service, address: str) -> None:
    async with connected_client(address, shared_service.token) as line:
        await line.send("connection_init", payload={"Authorization": shared_service.token})
        assert await line.closed() == (4429, "Too many initialisation requests")


async def test_an_id_names_one_operation_at_a_time(shared_service: Service, address: str) -> None:
    async with connected_client(address, shared_service.token) as line:
        await line.ask("a", FOLLOW)
        await line.send("complete", "a")
        await line.ask("a", FOLLOW)
        await line.ask("a", FOLLOW)
        assert await line.closed() == (4409, "Subscriber for a already exists")


async def test_a_hundred_operations_run_at_the_same_time(shared_service: Service, address: str) -> None:
    async with connected_client(address, shared_service.token) as line:
        for number in range(100):
            await line.ask(f"s{number}", FOLLOW)
        await line.ask("more", VIEWER)
        assert (await line.error("more"))["extensions"] == {"code": "OPERATION_LIMIT_EXCEEDED", "limit": 100}
        await line.send("complete", "s0")
        await line.ask("more", VIEWER)
        assert await line.next("more") == {"viewer": {"scopes": ["READ", "WRITE"]}}


@pytest.mark.parametrize("offered", [None, ["graphql-ws"], ["chat"]])
async def test_only_graphql_transport_ws_is_accepted(address: str, offered: list[str] | None) -> None:
    async with open_client(address, subprotocols=offered) as line:
        assert line.socket.subprotocol is None
        assert (await line.closed())[0] == 4406


async def test_other_paths_reject_websockets(address: str) -> None:
    with pytest.raises(InvalidStatus):
        async with open_client(f"{address}/v1"):
            pass


async def test_streams_over_the_limit_are_told_to_try_again_later(shared_service: Service) -> None:
    async with another(shared_service, streams=2) as address:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(connected_client(address, shared_service.token))
            async with open_client(address) as line:
                assert await line.closed() == (1013, "Too many streams are open. Try again later.")
        async with asyncio.timeout(20):
            while not await has_room(address):
                continue


async def has_room(address: str) -> bool:
    async with open_client(address) as line:
        await line.send("ping")
        with suppress(ConnectionClosed):
            return bool((await line.receive())["type"] == "pong")
    return False


@pytest.mark.parametrize("ending", ["revoked", "expired", "organization lost"])
async def test_a_token_that_becomes_invalid_closes_the_websocket(
    shared_service: Service, address: str, ending: str
) -> None:
    email = f"{ending.replace(' ', '.')}@example.com"
    await create_account(shared_service.database, email)
    organization = await shared_service.make_organization("Followed", account_email=email)
    token = await shared_service.make_token(account_email=email, scope=Scope.READ)
    async with connected_client(address, token) as line:
        await line.ask("s", FOLLOW)
        if ending == "revoked":
            await revoke(shared_service, token)
        elif ending == "expired":
            await expire(shared_service, token)
        else:
            async with shared_service.database.write() as connection:
                await connection.execute(
                    text("DELETE FROM account_organizations WHERE organization_id = :id"), {"id": organization}
                )
        assert (await line.closed())[0] == 4403


async def revoke(service: Service, token: str) -> None:
    async with service.database.write() as connection:
        token_id = await connection.scalar(
            text("SELECT id FROM access_tokens WHERE hash = :hash"), {"hash": hash_token(token)}
        )
        assert await revoke_token(connection, token_id)


async def test_each_operation_checks_the_token_again(shared_service: Service, address: str) -> None:
    token = await shared_service.make_token(organization_id=shared_service.organization)
    async with connected_client(address, token) as line:
        await revoke(shared_service, token)
        await line.ask("q", VIEWER)
        assert (await line.closed())[0] == 4403


async def test_a_stopping_server_closes_its_websockets(service: Service) -> None:
    async with AsyncExitStack() as stack:
        async with served(service.app, service.config) as address:
            line = await stack.enter_async_context(connected_client(address, service.token))
            await line.ask("s", FOLLOW)
        assert (await line.closed())[0] == 1012
