"""clientChanges: every change through any API is published to its organization, and a cursor continues where it stopped."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from app.auth import Scope
from tests.changes.conftest import cursor
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records
from tests.live_server import connected_client, served

FOLLOW = """
subscription ($after: String, $organization: ID) {
  clientChanges(organizationId: $organization, after: $after) {
    cursor action at actor { type name } version clientId before after changes { field }
    client { id clientId name isDeleted updatedAt custom }
    customer { customerId name metadata contactType deletedAt }
  }
}
"""
CURSORS = "subscription ($after: String) { clientChanges(after: $after) { cursor version clientId } }"


@pytest.fixture
async def address(service: Service) -> AsyncIterator[str]:
    async with served(service.app, service.config) as address:
        yield address


async def beginning(service: Service) -> str:
    return await cursor(service.database, service.organization, 0)


async def ok(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()


async def test_a_change_through_any_api_is_published(service: Service, address: str, api: GraphQLApi) -> None:
    http, clients = service.http, f"/v1/organizations/{service.organization}/clients"
    async with connected_client(address, service.token) as line:
        await line.ask("s", FOLLOW, after=await beginning(service))

        async def told(**expected: Any) -> dict[str, Any]:
            change: dict[str, Any] = (await line.next("s"))["clientChanges"]
            change["changes"] = [each["field"] for each in change["changes"]]
            assert {name: change[name] for name in expected} == expected
            assert change["actor"] == {"type": "ACCOUNT", "name": service.email}
            return change

        made = await ok(await http.post(clients, json={"name": "Ann", "type": "customer", "custom": {"a": 1}}))
        created = await told(action="CREATED", version=1, clientId=made["id"], before=None)
        assert created["after"]["name"] == created["client"]["name"] == created["customer"]["name"] == "Ann"
        assert created["customer"]["contactType"] == "BUYER"
        assert created["client"]["custom"] == created["after"]["custom"] == {"a": 1}
        assert created["changes"] == ["name", "type", "custom"]
        assert created["at"] == created["after"]["createdAt"] == made["createdAt"]

        await ok(await http.patch(f"/customers/cust_{made['id']}", json={"metadata": {"k": "v"}, "name": "Bea"}))
        changed = await told(action="UPDATED", version=2, changes=["name"])
        assert (changed["before"]["name"], changed["after"]["name"]) == ("Ann", "Bea")
        assert changed["customer"]["metadata"] == {"k": "v"}
        assert changed["before"] == created["after"]

        await api.data(
            'mutation ($id: ID!) { updateClient(id: $id, input: {city: "Bled"}) { client { id } } }', id=made["id"]
        )
        await told(action="UPDATED", version=3, changes=["city"])
        await ok(await http.delete(f"/v1/clients/{made['id']}"))
        deleted = await told(action="DELETED", version=4, changes=["deletedAt", "deletedId", "isDeleted"])
        assert deleted["client"]["isDeleted"] is True
        assert deleted["customer"]["deletedAt"] == deleted["after"]["deletedAt"]
        await ok(await http.post(f"/customers/cust_{made['id']}/restore"))
        assert (await told(action="RESTORED", version=5))["client"]["isDeleted"] is False
        await ok(await http.delete(f"/customers/cust_{made['id']}/permanent"))
        await told(action="ERASED", version=6, client=None, customer=None, before=None, after=None, changes=[])

        await line.ask("again", FOLLOW, after=await beginning(service))
        for number in range(1, 7):
            change = (await line.next("again"))["clientChanges"]
            assert change["version"] == number
            assert all(change[name] is None for name in ("client", "customer", "before", "after"))
            assert change["changes"] == []


async def test_resolvers_work_in_a_change(service: Service, address: str) -> None:
    query = """
    subscription ($after: String) { clientChanges(after: $after) {
      renamed: client { organization { name } customer { name } history(first: 1) { nodes { version } totalCount } }
    } }
    """
    await add_records(service, [{"name": "Ann"}])
    async with connected_client(address, service.token) as line:
        await line.ask("s", query, after=await beginning(service))
        assert (await line.next("s"))["clientChanges"]["renamed"] == {
            "organization": {"name": "Studio Example"},
            "customer": {"name": "Ann"},
            "history": {"nodes": [{"version": 1}], "totalCount": 1},
        }


async def test_changes_of_other_organizations_are_not_published(service: Service, address: str) -> None:
    second = await service.make_organization("Second", account_email=service.email)
    foreign = await service.make_organization("Foreign")
    token = await service.make_token(organization_id=foreign, scope=Scope.READ)
    made = {
        home: (await add_records(service, [{"name": home}], home))[0]
        for home in (foreign, second, service.organization, foreign)
    }
    async with connected_client(address, service.token) as line, connected_client(address, token) as stranger:
        for id_, home in (("first", None), ("second", f"ent_{second}")):
            await line.ask(
                id_,
                FOLLOW,
                after=await cursor(service.database, second if home else service.organization, 0),
                organization=home,
            )
            told = (await line.next(id_))["clientChanges"]
            assert told["clientId"] == made[second if home else service.organization]
            await line.send("complete", id_)
        await stranger.ask("s", FOLLOW, after=await cursor(service.database, foreign, 0))
        assert {(await stranger.next("s"))["clientChanges"]["after"]["name"] for _ in range(2)} == {foreign}
        await stranger.ask("other", FOLLOW, organization=second)
        assert (await stranger.error("other"))["extensions"]["code"] == "NOT_FOUND"
        await line.ask("cursor", FOLLOW, after=await cursor(service.database, second, 0))
        assert (await line.error("cursor"))[
            "message"
        ] == "Invalid cursor: pass a cursor that this API returned for these changes."


async def test_random_disconnects_lose_and_repeat_no_change(service: Service, address: str) -> None:
    """The small sister of tests/faults/changes.py: 100 changes by four writers, three subscribers that come and go."""
    chance = random.Random(7)

    async def write() -> None:
        for _ in range(5):
            (client,) = await add_records(service, [{"name": "Ann"}])
            for index in range(4):
                await ok(await service.http.patch(f"/v1/clients/{client}", json={"note": str(index)}))

    async def follow() -> list[tuple[str, str, int]]:
        seen: list[tuple[str, str, int]] = []
        while len(seen) < 100:
            async with connected_client(address, service.token) as line:
                await line.ask("s", CURSORS, after=seen[-1][0] if seen else await beginning(service))
                for _ in range(min(chance.randint(1, 30), 100 - len(seen))):
                    change = (await line.next("s"))["clientChanges"]
                    seen.append((change["cursor"], change["clientId"], change["version"]))
                if chance.random() < 0.5:
                    line.socket.transport.abort()
        return seen

    following = asyncio.gather(*(follow() for _ in range(3)))
    await asyncio.gather(*(write() for _ in range(4)))
    told = await following
    assert told[0] == told[1] == told[2]
    assert len({cursor for cursor, _, _ in told[0]}) == 100
    versions: dict[str, list[int]] = {}
    for _, client, version in told[0]:
        versions.setdefault(client, []).append(version)
    assert list(versions.values()) == [[1, 2, 3, 4, 5]] * 20


async def test_a_slow_subscriber_gets_every_change(service: Service, address: str) -> None:
    """The changes are larger than every buffer on the way; the server waits, and reads them when they are taken."""
    async with connected_client(address, service.token) as line:
        await line.ask("s", FOLLOW, after=await beginning(service))
        for start in range(0, 120, 40):
            rows = [{"name": str(start + index), "custom": {"text": "x" * 40_000}} for index in range(40)]
            await add_records(service, rows)
        names: list[str] = []
        while len(names) < 120:
            names.append((await line.next("s"))["clientChanges"]["client"]["name"])
    assert names == [str(index) for index in range(120)]


async def test_a_lost_client_leaves_no_subscription(service: Service, address: str) -> None:
    async with connected_client(address, service.token) as line:
        await line.ask("s", CURSORS)
        await line.socket.send(json.dumps({"type": "ping"}))
        while (await line.receive())["type"] != "pong":
            continue
        line.socket.transport.abort()
        with pytest.raises(ConnectionClosed):
            await line.socket.recv()
    async with connected_client(address, service.token) as line:
        await line.ask("s", CURSORS, after=await beginning(service))
        await add_records(service, [{"name": "Ann"}])
        assert (await line.next("s"))["clientChanges"]["version"] == 1
