"""A token that ends, or an organization that is gained or lost, counts at once in the process of the change.

It counts within a second in another process, also without notices. While PostgreSQL does not answer, nothing is served
from memory after two seconds.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx

from app.accounts.passwords import Passwords
from app.accounts.service import set_password
from app.auth import hash_token
from app.organizations.service import create_token
from app.storage.database import Database
from tests.faults.processes import Postgres, Service, Tenant, children_of, make_tenant, postgres, services
from tests.faults.promises.writes import UNLIMITED
from tests.live_server import connected_client

ROUNDS = 3
SOON = 2.0
"""Seconds for other processes: one on a quiet machine, and another one for a busy machine."""
SETTINGS = {**UNLIMITED, "CLIENTELE_SOURCE_REQUESTS": "off", "CLIENTELE_TOKEN_CHECK": "3600"}
OLD, NEW = "correct horse battery", "another long password"
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'clientele listener'"
FOLLOW = "subscription { clientChanges { cursor } }"


@dataclass
class Change:
    """Two services over one database: `here` makes a change, and `there` learns about it."""

    tenant: Tenant
    database: Database
    here: Service
    there: Service
    delays: list[float] = field(default_factory=list)

    async def status(self, service: Service, token: str, path: str = "/customers?limit=1") -> int:
        async with service.open(token) as http:
            return (await http.get(path)).status_code

    async def call(self, method: str, path: str, token: str, **body: str) -> httpx.Response:
        async with self.here.open(token) as http:
            answer = await http.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        return answer

    async def account(self) -> str:
        return str((await self.call("GET", "/v1/accounts/authorized", self.tenant.token)).json()["id"])

    async def expect(self, token: str, path: str, status: int) -> None:
        """Expects a status at once here, and soon there."""
        began = time.monotonic()
        assert await self.status(self.here, token, path) == status
        while await self.status(self.there, token, path) != status:
            assert time.monotonic() < began + SOON, f"{path} was not {status} after {SOON:g} seconds"
            await asyncio.sleep(0.01)
        self.delays.append(time.monotonic() - began)

    async def warm(self, token: str) -> None:
        """Makes both services know a token."""
        for _ in range(3):
            assert [await self.status(service, token) for service in (self.here, self.there)] == [200, 200]
            await asyncio.sleep(0.3)

    async def log_in(self) -> str:
        await set_password(self.database, Passwords(8), "owner@example.com", OLD)
        answer = await self.call("POST", "/v1/accounts/login", "", email="owner@example.com", password=OLD)
        return str(answer.json()["id"])


async def revoke_token(change: Change) -> None:
    token = await create_token(change.database, account_email="owner@example.com")
    await change.warm(token)
    async with connected_client(change.there.address, token) as line:
        await line.ask("1", FOLLOW)
        await change.call("DELETE", f"/v1/accounts/{await change.account()}/accesstokens/{token}", change.tenant.token)
        began = time.monotonic()
        await change.expect(token, "/customers", 401)
        assert (await line.closed())[0] == 4403
        assert time.monotonic() < began + SOON


async def end_session(change: Change) -> None:
    token = await change.log_in()
    await change.warm(token)
    await change.call("POST", "/v1/accounts/logout", token)
    await change.expect(token, "/customers", 401)


async def change_password(change: Change) -> None:
    token = await change.log_in()
    await change.warm(token)
    await change.call("POST", "/v1/accounts/change-password", change.tenant.token, oldPassword=OLD, newPassword=NEW)
    await change.expect(token, "/customers", 401)


async def gain_and_lose_organization(change: Change) -> None:
    token = change.tenant.token
    await change.warm(token)
    body = {"name": "Second", "email": "second@example.com", "country": "Slovenia"}
    made = await change.call("POST", f"/v1/accounts/{await change.account()}/organizations", token, **body)
    path = f"/v1/organizations/{made.json()['id']}"
    await change.expect(token, f"{path}/clients", 200)
    await change.call("DELETE", path, token)
    await change.expect(token, f"{path}/clients", 404)


async def let_expire(change: Change) -> None:
    token = await create_token(change.database, organization_id=change.tenant.organization)
    sql = "UPDATE access_tokens SET expires_at = clock_timestamp() + interval '2 s' WHERE hash = $1 RETURNING 1"
    connection = await asyncpg.connect(change.tenant.url)
    try:
        await connection.execute(sql, hash_token(token))
    finally:
        await connection.close()
    began = time.monotonic()
    await change.warm(token)
    await asyncio.sleep(began + 2 - time.monotonic())
    assert [await change.status(service, token) for service in (change.here, change.there)] == [401, 401]


async def stop_database(server: Postgres, change: Change) -> None:
    """Stops the processes of PostgreSQL for more than two seconds: nothing is answered from memory."""
    await change.warm(change.tenant.token)
    stopped = (server.pid, *children_of(server.pid))
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        await asyncio.sleep(2.5)
        async with change.here.open(change.tenant.token, timeout=1.0) as http:
            try:
                answer = await http.post("/graphql", json={"query": "{ __typename }"})
                assert answer.status_code == 503, answer.text
            except httpx.TimeoutException:
                pass
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)


CHANGES: tuple[Callable[[Change], Awaitable[None]], ...] = (
    revoke_token,
    end_session,
    change_password,
    gain_and_lose_organization,
    let_expire,
)


async def check_revocations(server: Postgres, folder: Path) -> str:
    """The server is its own, because it is stopped in the end."""
    own = folder / "server"
    with postgres(own) as server:
        tenant = await make_tenant(await server.make_database())
        database = Database(tenant.url)
        try:
            with services(folder, 2, DATABASE_URL=tenant.url, **SETTINGS) as (here, there):
                change = Change(tenant, database, here, there)
                for _ in range(ROUNDS):
                    for make in CHANGES:
                        await server.execute(tenant.url, CUT)
                        await make(change)
                await stop_database(server, change)
        finally:
            await database.close()
    delays = sorted(change.delays)
    return f"another process follows after {delays[len(delays) // 2]:.2f} s, at most {delays[-1]:.2f} s"
