"""A server that falls silent makes nobody wait beyond the limit of a statement, and is left for another host."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import text

from app.errors import Unavailable
from app.storage import connector
from app.storage.connector import connect, read_hosts
from app.storage.database import Database
from app.storage.deadline import OutOfTime, time_limit
from tests.storage.proxy import Proxy, proxied

LONG = 20.0
"""Seconds that tell a bounded wait from a hang on a busy machine."""
ONE = text("SELECT 1")
BACKEND = text("SELECT pg_backend_pid()")


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    async with proxied(database_url) as proxy:
        yield proxy


@pytest.fixture
async def remote(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database behind the proxy, with short limits."""
    monkeypatch.setattr("app.storage.database.GRACE", 0.3)
    monkeypatch.setattr(connector, "CONNECT_TIMEOUT", 0.3)
    database = Database(proxy.address, pool_size=2, statement_timeout=0.3)
    async with asyncio.timeout(LONG):
        yield database
        proxy.thaw()
        await database.close()


async def read(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(ONE)


async def write(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(ONE)


async def stream(database: Database) -> None:
    async with database.snapshot() as connection:
        _ = [row async for row in connection.stream(ONE)]


@pytest.mark.parametrize("use", [read, write, stream])
async def test_a_silent_server_makes_the_database_unavailable(
    proxy: Proxy, remote: Database, use: Callable[[Database], Awaitable[None]]
) -> None:
    await use(remote)
    proxy.freeze()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await use(remote)
    proxy.thaw()
    await use(remote)


async def test_a_commit_without_an_answer_makes_the_database_unavailable(proxy: Proxy, remote: Database) -> None:
    async def commit() -> None:
        async with remote.write() as connection:
            await connection.execute(ONE)
            proxy.freeze()

    with pytest.raises(Unavailable):
        await commit()


async def test_every_idle_connection_to_a_silent_server_is_dropped(proxy: Proxy, remote: Database) -> None:
    async with remote.read() as first, remote.read() as second:
        before = {await first.scalar(BACKEND), await second.scalar(BACKEND)}
    proxy.freeze()
    with pytest.raises(Unavailable):
        await read(remote)
    proxy.thaw()
    async with remote.read() as first, remote.read() as second:
        assert before.isdisjoint({await first.scalar(BACKEND), await second.scalar(BACKEND)})


async def test_an_earlier_deadline_of_an_operation_still_counts(proxy: Proxy, remote: Database) -> None:
    await read(remote)
    proxy.freeze()
    with pytest.raises(OutOfTime), time_limit(0.1):
        await read(remote)


async def test_closing_does_not_wait_for_a_silent_server(proxy: Proxy, remote: Database) -> None:
    await read(remote)
    proxy.freeze()
    await remote.close()


async def test_a_silent_host_is_skipped_and_the_next_connection_begins_with_the_other(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "CONNECT_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        opener = connector.Connector(proxy.through(silent.getsockname()[1], proxy.port))
        async with asyncio.timeout(LONG):
            for driver in [await opener.open(), await opener.open()]:
                assert await driver.fetchval("SELECT 1") == 1
                await driver.close()
        silent.settimeout(LONG)
        silent.accept()[0].close()
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()


async def test_connect_timeout_of_the_url_is_the_limit_of_each_host(proxy: Proxy) -> None:
    driver = await connect(f"{proxy.address}&connect_timeout=7")
    await driver.close()
    assert read_hosts("postgresql://a:b@h1,h2:5433/db?connect_timeout=7&sslmode=disable") == (
        [
            "postgresql://a:b@h1/db?sslmode=disable&target_session_attrs=read-write",
            "postgresql://a:b@h2:5433/db?sslmode=disable&target_session_attrs=read-write",
        ],
        7.0,
    )


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u@h/db?connect_timeout=0", ["postgresql://u@h/db"]),
        ("postgresql://u@[::1]:5/db", ["postgresql://u@[::1]:5/db"]),
        ("postgresql://u:p%2C@/db?host=%2Ftmp", ["postgresql://u:p%2C@/db?host=%2Ftmp"]),
        (
            "postgresql:///db?host=/a,/b&port=1,2&target_session_attrs=any",
            [
                "postgresql:/db?target_session_attrs=any&host=%2Fa&port=1",
                "postgresql:/db?target_session_attrs=any&host=%2Fb&port=2",
            ],
        ),
    ],
)
def test_each_host_of_a_url_gets_a_url(url: str, hosts: list[str]) -> None:
    assert read_hosts(url) == (hosts, connector.CONNECT_TIMEOUT)


@pytest.mark.parametrize("query", ["connect_timeout=soon", "host=a,b,c&port=1,2"])
async def test_an_invalid_url_is_a_configuration_error(query: str) -> None:
    with pytest.raises(asyncpg.ClientConfigurationError):
        await connect(f"postgresql:///db?{query}")


async def test_the_kernel_watches_the_connection(proxy: Proxy) -> None:
    driver = await connect(proxy.address)
    opened = driver._transport.get_extra_info("socket")  # type: ignore[attr-defined]
    assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
    await driver.close()


NAMES = """
import asyncio, sys
from app.storage.connector import connect

async def show() -> None:
    driver = await connect(sys.argv[1])
    await driver.fetch("SELECT $1::int", 1)
    print(*[row[0] for row in await driver.fetch("SELECT name FROM pg_prepared_statements")])
    await driver.close()

asyncio.run(show())
"""


async def test_two_processes_never_name_a_prepared_statement_alike(database_url: str) -> None:
    async def names() -> set[bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", NAMES, database_url, stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
        )
        output, _ = await process.communicate()
        return set(output.split())

    first, second = await names(), await names()
    assert first
    assert first.isdisjoint(second)
