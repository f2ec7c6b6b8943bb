"""Work that takes too long, or whose client has disconnected, ends in the database too."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from starlette.types import Message, Scope

from app.errors import TooSlow
from app.http import disconnects
from app.storage.database import Database
from app.storage.deadline import OutOfTime, time_left, time_limit
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi
from tests.graphql.server.test_http import another, send

RUNNING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"
)
CLIENTS = "{ clients { nodes { name } } }"
CREATE = 'mutation { createClient(input: {name: "Late"}) { client { name } } }'

Running = Callable[[], Awaitable[int]]


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Running]:
    """The number of other statements that run, or wait for a lock, in the database."""
    connection = await asyncpg.connect(url)
    try:
        yield lambda: connection.fetchval(RUNNING)
    finally:
        await connection.close()


@asynccontextmanager
async def clients_locked(url: str) -> AsyncIterator[None]:
    """Makes every statement on clients wait until the end of the block."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def until(running: Running, count: int) -> None:
    async with asyncio.timeout(30):
        while await running() != count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_statement_is_cancelled_in_the_server_at_the_deadline(database: Database) -> None:
    async with watching(database.url) as running:
        with time_limit(0.2):
            with pytest.raises(OutOfTime):
                async with database.read() as connection:
                    await connection.execute(text("SELECT pg_sleep(600)"))
            await until(running, 0)
            with pytest.raises(TooSlow):
                time_left()
            with pytest.raises(OutOfTime):
                async with database.read() as connection:
                    raise AssertionError("no connection is taken after the deadline")
        async with database.read() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1


async def test_a_transaction_is_rolled_back_at_the_deadline(database: Database) -> None:
    async def work() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO accounts (id, email) VALUES ('a', 'late@example.com')"))
            await connection.execute(text("SELECT pg_sleep(600)"))

    async with watching(database.url) as running:
        with time_limit(0.5), pytest.raises(OutOfTime):
            await work()
        await until(running, 0)
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM accounts")) == 0


async def test_cancelled_work_is_cancelled_in_the_server_and_frees_its_connection(database_url: str) -> None:
    database = Database(database_url, pool_size=1)

    async def work() -> None:
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_sleep(600)"))

    async with watching(database_url) as running:
        for _ in range(3):
            task = asyncio.create_task(work())
            await until(running, 1)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            await until(running, 0)
        async with database.read() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
    await database.close()


async def test_waiting_for_a_connection_ends_at_the_deadline(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    async with database.read():
        with time_limit(0.1), pytest.raises(OutOfTime):
            async with database.read():
                raise AssertionError("there is no second connection")
    await database.close()


async def test_fields_in_time_are_answered_and_the_rest_is_cancelled(service: Service, database_url: str) -> None:
    slow = "organization { clients { nodes { name } } }"
    query = f"{{ viewer {{ account {{ email }} }} a: organization {{ clients {{ totalCount }} }} b: {slow} }}"
    async with (
        another(service, service.database, operation_timeout=2.0) as http,
        watching(database_url) as running,
        clients_locked(database_url),
    ):
        answer = await send(http, {"query": query})
        await until(running, 0)
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] == {
        "viewer": {"account": {"email": service.email}},
        "a": {"clients": {"totalCount": 0}},
        "b": None,
    }
    (error,) = body["errors"]
    assert (error["path"], error["extensions"]) == (["b"], {"code": "TIMEOUT"})


async def test_a_mutation_that_times_out_changes_nothing(api: GraphQLApi, database_url: str) -> None:
    service = api.service
    two = 'mutation { a: createClient(input: {name: "A"}) { client { id } } b: createClient(input: {name: "B"}) { client { id } } }'
    async with another(service, service.database, operation_timeout=0.5) as http, clients_locked(database_url):
        errors = (await send(http, {"query": two})).json()["errors"]
        assert {error["extensions"]["code"] for error in errors} == {"TIMEOUT"}
    assert (await api.data("{ clients { totalCount } }"))["clients"]["totalCount"] == 0


async def ask_and_leave(service: Service, query: str, left: asyncio.Event | None) -> list[Message]:
    """Sends a request as a server does, and disconnects when `left` is set. Without `left`, it never may."""
    body = json.dumps({"query": query}).encode()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        assert left is not None, "the client was asked although the query is short"
        await left.wait()
        return {"type": "http.disconnect"}

    async def send_back(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"authorization", service.token.encode())]
    scope: Scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/graphql", "raw_path": b"/graphql",
        "query_string": b"", "headers": headers, "server": ("service", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    await service.app(scope, receive, send_back)
    return sent


async def test_a_query_is_cancelled_when_its_client_disconnects(service: Service, database_url: str) -> None:
    left = asyncio.Event()
    async with watching(database_url) as running, clients_locked(database_url):
        asking = asyncio.create_task(ask_and_leave(service, CLIENTS, left))
        await until(running, 1)
        left.set()
        await until(running, 0)
        assert (await asking)[0]["status"] == 499


async def test_a_short_query_does_not_listen_for_its_client(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnects, "SHORT", 60.0)
    sent = await ask_and_leave(service, CLIENTS, None)
    assert sent[0]["status"] == 200
    assert json.loads(sent[1]["body"])["data"] == {"clients": {"nodes": []}}


async def test_a_mutation_is_finished_after_its_client_disconnects(api: GraphQLApi, database_url: str) -> None:
    left = asyncio.Event()
    async with watching(database_url) as running:
        async with clients_locked(database_url):
            asking = asyncio.create_task(ask_and_leave(api.service, CREATE, left))
            await until(running, 1)
            left.set()
            await asyncio.sleep(0)
        body: Any = json.loads((await asking)[1]["body"])
        assert body["data"] == {"createClient": {"client": {"name": "Late"}}}
    assert (await api.data(CLIENTS))["clients"]["nodes"] == [{"name": "Late"}]


async def test_a_statement_whose_cancellation_is_lost_ends_with_its_connection(database_url: str) -> None:
    database = Database(database_url)
    async with watching(database_url) as running, database.read() as connection:
        sleeping = asyncio.create_task(connection.execute(text("SELECT pg_sleep(600)")))
        await until(running, 1)
        connection.driver.terminate()
        await asyncio.wait([sleeping])
        await until(running, 0)
    await database.close()
