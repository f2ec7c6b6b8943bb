"""A token that was looked up is known until access changes: at once in the process of the change, soon in all others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.accounts.passwords import Passwords
from app.accounts.service import set_password
from app.auth import KnownTokens, hash_token, known_tokens
from app.auth.statements import FIND_TOKEN
from app.config import Config
from app.errors import Unavailable
from app.main import create_app
from app.storage.connection import Connection, Rows
from app.storage.database import Database
from tests.auth.conftest import LookUps, run, status_of, token_id, until, warm_up
from tests.conftest import CHEAP, Service, opened
from tests.rest.v1.sign_up import PASSWORD
from tests.storage.proxy import proxied

Change = Callable[[Service, str], Awaitable[object]]


async def account_id(service: Service) -> str:
    async with service.database.read() as connection:
        return str(await connection.scalar(text("SELECT id FROM accounts")))


async def log_in(service: Service) -> str:
    await set_password(service.database, Passwords(CHEAP), service.email, PASSWORD)
    async with service.client(None) as http:
        answer = await http.post("/v1/accounts/login", json={"email": service.email, "password": PASSWORD})
    return str(answer.json()["id"])


async def revoke(service: Service, token: str) -> None:
    path = f"/v1/accounts/{await account_id(service)}/accesstokens/{await token_id(service, token)}"
    assert (await service.http.delete(path)).status_code == 204


async def log_out(service: Service, token: str) -> None:
    async with service.client(token) as http:
        assert (await http.post("/v1/accounts/logout")).status_code == 204


async def change_password(service: Service, token: str) -> None:
    body = {"oldPassword": PASSWORD, "newPassword": "another long probe"}
    assert (await service.http.post("/v1/accounts/change-password", json=body)).status_code == 204


async def delete_account(service: Service, token: str) -> None:
    assert (await service.http.delete(f"/v1/accounts/{await account_id(service)}")).status_code < 300


async def expire(service: Service, token: str) -> None:
    await run(
        service.database,
        "UPDATE access_tokens SET expires_at = now() - interval '1 s' WHERE hash = :hash",
        hash=hash_token(token),
    )


async def empty(service: Service, token: str) -> None:
    await run(service.database, "TRUNCATE access_tokens")


ENDS: list[Change] = [revoke, log_out, change_password, delete_account, expire, empty]


@pytest.fixture
async def other(config: Config, service: Service) -> AsyncIterator[Service]:
    """A service on the same database whose process has made no change: its connections are its own."""
    async with another(config, service) as other:
        yield other


@asynccontextmanager
async def another(config: Config, service: Service) -> AsyncIterator[Service]:
    async with opened(str(config.database_url)) as database:
        app = create_app(config, database)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://service", headers=service.headers) as http,
        ):
            yield replace(service, app=app, http=http, database=database)


async def test_a_known_token_costs_no_statement(service: Service, look_ups: LookUps) -> None:
    await warm_up(service, look_ups, service.token)
    look_ups.clear()
    for path in ("/customers", f"/v1/organizations/{service.organization}/clients", "/graphql?query={viewer{scopes}}"):
        assert await status_of(service, service.token, path) == 200
    assert look_ups == []


@pytest.mark.parametrize("change", ENDS, ids=lambda change: change.__name__)
async def test_an_ended_token_is_rejected_at_once_in_the_process_that_ended_it(
    service: Service, look_ups: LookUps, change: Change
) -> None:
    token = await log_in(service)
    await warm_up(service, look_ups, token)
    await change(service, token)
    assert await status_of(service, token) == 401


@pytest.mark.parametrize("change", ENDS, ids=lambda change: change.__name__)
async def test_an_ended_token_is_rejected_soon_in_every_other_process(
    service: Service, other: Service, look_ups: LookUps, change: Change
) -> None:
    token = await log_in(service)
    await warm_up(other, look_ups, token)
    await change(service, token)

    async def rejected() -> bool:
        return await status_of(other, token) == 401

    await until(rejected)


async def test_a_gained_organization_can_be_reached_at_once(
    service: Service, other: Service, look_ups: LookUps
) -> None:
    for _ in range(3):
        await warm_up(service, look_ups, service.token)
        await warm_up(other, look_ups, service.token)
        body = {"name": "Second", "email": "second@example.com", "country": "Slovenia"}
        made = await service.http.post(f"/v1/accounts/{await account_id(service)}/organizations", json=body)
        path = f"/v1/organizations/{made.json()['id']}"
        assert await status_of(service, service.token, path) == 200

        async def reached() -> bool:
            return await status_of(other, service.token, path) == 200  # noqa: B023

        await until(reached)


async def test_a_lost_organization_cannot_be_reached(service: Service, other: Service, look_ups: LookUps) -> None:
    second = await service.make_organization("Second", account_email=service.email)
    own = await service.make_token(organization_id=second)
    path = f"/v1/organizations/{second}/clients"
    for token in (service.token, own):
        await warm_up(service, look_ups, token)
        await warm_up(other, look_ups, token)
    assert (await service.http.delete(f"/v1/organizations/{second}")).status_code < 300
    assert [await status_of(service, token, path) for token in (service.token, own)] == [404, 401]

    async def rejected() -> bool:
        return [await status_of(other, token, path) for token in (service.token, own)] == [404, 401]

    await until(rejected)


async def test_a_membership_that_ends_counts_at_once(service: Service, look_ups: LookUps) -> None:
    await warm_up(service, look_ups, service.token)
    await run(service.database, "DELETE FROM account_organizations")
    assert await status_of(service, service.token, f"/v1/organizations/{service.organization}/clients") == 404


async def test_a_known_token_expires_by_the_clock(service: Service, look_ups: LookUps) -> None:
    token = await service.make_token(organization_id=service.organization)
    sql = "UPDATE access_tokens SET expires_at = clock_timestamp() + interval '2 s' WHERE hash = :hash"
    await run(service.database, sql, hash=hash_token(token))
    await warm_up(service, look_ups, token)

    async def rejected() -> bool:
        return await status_of(service, token) == 401

    await until(rejected)


@dataclass
class Running:
    """Known tokens of a process of their own."""

    known: KnownTokens
    hash: bytes

    async def learn(self) -> None:
        """Looks the token up until it is remembered."""
        while self.known.find(self.hash) is None:
            await self.known.look_up([self.hash])
            await asyncio.sleep(0)


@asynccontextmanager
async def knowing(database: Database, token: str) -> AsyncIterator[Running]:
    known = KnownTokens(database)
    task = asyncio.create_task(known.run())
    try:
        yield Running(known, hash_token(token))
    finally:
        task.cancel()
        await asyncio.wait([task])


class Gate:
    """Holds the results of look-ups back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read, self.open = asyncio.Event(), asyncio.Event()
        self._execute = Connection.execute
        gate = self

        async def execute(self: Connection, statement: Any, parameters: Any = None) -> Rows:
            rows = await gate._execute(self, statement, parameters)
            if statement is FIND_TOKEN:
                gate.read.set()
                await gate.open.wait()
            return rows

        monkeypatch.setattr(Connection, "execute", execute)


@pytest.mark.parametrize("place", ["in the same process", "in another process"])
async def test_a_token_that_ends_during_its_look_up_is_not_remembered(
    config: Config, service: Service, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    async with opened(str(config.database_url)) as database, knowing(database, service.token) as running:
        known = running.known
        await running.learn()
        gate = Gate(monkeypatch)
        looking = asyncio.create_task(known.look_up([running.hash]))
        await gate.read.wait()
        change = known.next_change
        await run(database if place == "in the same process" else service.database, "DELETE FROM access_tokens")
        async with asyncio.timeout(60):
            await change.wait()
        gate.open.set()
        assert [token.hash for token in await looking] == [running.hash]
        assert known.find(running.hash) is None


async def test_a_revision_that_cannot_be_read_ends_the_trust(
    service: Service, look_ups: LookUps, monkeypatch: pytest.MonkeyPatch
) -> None:
    await warm_up(service, look_ups, service.token)
    monkeypatch.setattr(known_tokens, "READ_REVISION", text("SELECT 1 / 0"))

    async def asks() -> bool:
        look_ups.clear()
        assert await status_of(service, service.token) == 200
        return bool(look_ups)

    await until(asks)
    look_ups.clear()
    for _ in range(3):
        assert await status_of(service, service.token) == 200
    assert look_ups == [1] * 3
    monkeypatch.undo()


async def test_nothing_is_served_from_memory_while_the_database_is_away(config: Config, service: Service) -> None:
    async with (
        proxied(str(config.database_url)) as proxy,
        opened(proxy.address) as database,
        knowing(database, service.token) as running,
    ):
        await running.learn()
        proxy.freeze()

        async def unknown() -> bool:
            await asyncio.sleep(0.001)
            return running.known.find(running.hash) is None

        await until(unknown)
        with pytest.raises((Unavailable, TimeoutError)):
            async with asyncio.timeout(0.2):
                await running.known.look_up([running.hash])
        await run(service.database, "DELETE FROM access_tokens")
        proxy.thaw()
        with suppress(Unavailable):
            assert await running.known.look_up([running.hash]) == []
        assert running.known.find(running.hash) is None


async def test_the_number_of_remembered_ids_is_bounded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_tokens, "MOST_IDS", 7)
    tokens = [await service.make_token(organization_id=service.organization) for _ in range(5)]
    async with opened(str(service.config.database_url)) as database:
        for token in tokens:
            async with knowing(database, token) as running:
                await running.learn()
        async with knowing(database, tokens[0]) as running:
            await running.learn()
            hashes = [hash_token(token) for token in tokens]
            await running.known.look_up(hashes)
            assert sum(running.known.find(hash_) is not None for hash_ in hashes) == 3
            monkeypatch.setattr(known_tokens, "MOST_IDS", 1)
            await running.known.look_up(hashes)
            assert not any(running.known.find(hash_) for hash_ in hashes)
