"""Subscriptions: nobody follows the changes of another tenant, over WebSockets or server-sent events."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.main import create_app
from tests.changes.conftest import cursor
from tests.conftest import Service
from tests.live_server import TIMEOUT, connected_client, served
from tests.tenancy.graphql import subscription_probes
from tests.tenancy.probes import fill, make_absent, names_for
from tests.tenancy.world import CANARY, Caller, World, join

FOLLOW_FROM = "subscription ($after: String) { clientChanges(after: $after) { client { name } } }"


@pytest.fixture
async def world(service: Service) -> World:
    return await World.make(service)


@pytest.fixture
async def address(service: Service) -> AsyncIterator[str]:
    config = replace(service.config, token_check=0.05)
    app = create_app(config, service.database)
    async with app.router.lifespan_context(app), served(app, config) as address:
        yield address


async def first_error(address: str, caller: Caller, transport: str, body: Mapping[str, Any]) -> Any:
    """The first message of a subscription, which must be an error."""
    if transport == "websocket":
        async with connected_client(address, str(caller.token)) as client:
            await client.send("subscribe", "1", body)
            return await client.error("1")
    headers = {"Authorization": f"Bearer {caller.token}", "Accept": "text/event-stream"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=TIMEOUT, trust_env=False) as http:
        answer = await http.post("/graphql", json=body)
    return answer.status_code, answer.text


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_a_foreign_subscription_fails_as_an_absent_one(world: World, address: str, transport: str) -> None:
    absent = make_absent(world.owner)
    for caller in [caller for caller in await world.foreign_callers() if caller.valid]:
        for probe in subscription_probes():
            if not probe.names() or "clientIds" in probe.body["variables"]:
                continue
            answers = []
            for asked in (world.owner, absent):
                names = names_for(caller, asked, world.owner)
                answers.append(str(await first_error(address, caller, transport, fill(probe.body, names))))
            assert answers[0] == answers[1], (caller.name, str(probe))
            assert CANARY not in answers[0]


async def test_a_follower_receives_only_changes_of_its_own_organization(world: World, address: str) -> None:
    other = world.other
    start = await cursor(world.service.database, other.ids["organization"], 0)
    async with connected_client(address, other.token) as client:
        await client.ask("1", FOLLOW_FROM, after=start)
        for tenant, name in ((world.owner, CANARY), (other, "Mine")):
            async with world.service.client(tenant.token) as http:
                answer = await http.patch(f"/v1/clients/{tenant.ids['client']}", json={"name": name})
                assert answer.status_code == 200
        while (change := (await client.next("1"))["clientChanges"]) != {"client": {"name": "Mine"}}:
            assert CANARY not in str(change)


FILTERED = """subscription ($ids: [ID!], $after: String!) {
  clientChanges(clientIds: $ids, after: $after) { client { name } }
}"""


async def test_a_filter_of_foreign_records_receives_nothing_of_them(world: World, address: str) -> None:
    other, owner = world.other, world.owner
    start = await cursor(world.service.database, other.ids["organization"], 0)
    async with connected_client(address, other.token) as client:
        await client.ask("1", FILTERED, ids=[owner.ids["client"], other.ids["client"]], after=start)
        for tenant, name in ((owner, CANARY), (other, "Mine")):
            async with world.service.client(tenant.token) as http:
                answer = await http.patch(f"/v1/clients/{tenant.ids['client']}", json={"name": name})
                assert answer.status_code == 200
        while (change := (await client.next("1"))["clientChanges"]) != {"client": {"name": "Mine"}}:
            assert CANARY not in str(change)


async def test_an_account_that_loses_an_organization_loses_its_stream(world: World, address: str) -> None:
    lost, home = world.lost, world.owner.ids["organization"]
    await join(world.service.database, lost.ids["account"], home)
    async with connected_client(address, lost.token) as client:
        await client.ask("1", f'subscription {{ clientChanges(organizationId: "{home}") {{ client {{ name }} }} }}')
        async with world.service.database.write() as connection:
            await connection.execute(
                text("DELETE FROM account_organizations WHERE account_id = :account AND organization_id = :home"),
                {"account": lost.ids["account"], "home": home},
            )
        assert await client.closed() == (4403, "The access token has lost access to an organization.")
