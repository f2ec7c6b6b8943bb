"""Services whose statements about tokens are counted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from app.auth import hash_token
from app.auth.statements import FIND_TOKEN, FIND_TOKENS
from app.storage.connection import Connection
from app.storage.database import Database
from tests.conftest import Service


class LookUps(list[int]):
    """The numbers of tokens that the statements of a test have looked up, one for each statement."""


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> LookUps:
    counted = LookUps()
    execute = Connection.execute

    async def count(self: Connection, statement: Any, parameters: Any = None) -> Any:
        if statement is FIND_TOKEN or statement is FIND_TOKENS:
            counted.append(len((parameters or {}).get("hashes", "1")))
        return await execute(self, statement, parameters)

    monkeypatch.setattr(Connection, "execute", count)
    return counted


async def status_of(service: Service, token: str, path: str = "/customers?limit=1") -> int:
    async with service.client(token) as http:
        return (await http.get(path)).status_code


async def warm_up(service: Service, look_ups: LookUps, token: str) -> None:
    """Sends requests until the token is remembered. It is not while the service reads whether access has changed."""
    for _ in range(10_000):
        before = len(look_ups)
        assert await status_of(service, token) == 200
        if len(look_ups) == before:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the token is never remembered")


async def run(database: Database, sql: str, **parameters: Any) -> None:
    async with database.write() as connection:
        await connection.execute(text(sql), parameters)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for something that happens within a second, however busy the machine is."""
    for _ in range(10_000):
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happens")


async def token_id(service: Service, token: str) -> str:
    async with service.database.read() as connection:
        found = await connection.scalar(
            text("SELECT id FROM access_tokens WHERE hash = :hash"), {"hash": hash_token(token)}
        )
    return str(found)
