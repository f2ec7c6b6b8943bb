"""Totals: they are exact whoever writes at once, and cost the same at any size."""

import asyncio
import random

import pytest
from sqlalchemy import func, select

from app.clients.faces import GRAPHQL_CLIENT
from app.clients.repository import ClientRepository
from app.clients.service import list_clients, remove_client, restore_client
from app.errors import NotFound
from app.query import operators
from app.query.model import Compare, Page, Query
from app.query.request import Wanted
from app.storage.tables import client_totals, clients
from tests.clients.conftest import SELECTION, Office
from tests.conftest import Service
from tests.seeding import make_organization, principal, request_of, target_of


async def counted(office: Office) -> int:
    live = select(func.count()).where(clients.c.organization_id == office.organization, clients.c.deleted_at.is_(None))
    async with office.database.read() as connection:
        return int(await connection.scalar(live))


async def test_total_follows_every_write(office: Office) -> None:
    assert await office.total() == 0
    made = await office.add_all(*({} for _ in range(5)))
    assert await office.total() == 5
    where = (office.access,)
    await remove_client(*where, made[0], SELECTION)
    assert await office.total() == 4
    with pytest.raises(NotFound):
        await remove_client(*where, made[0], SELECTION)
    assert await office.total() == 4
    await restore_client(*where, made[0], SELECTION)
    with pytest.raises(NotFound):
        await restore_client(*where, made[0], SELECTION)
    assert await office.total() == 5


class GaveUp(Exception):
    pass


async def test_total_is_exact_after_sixteen_writers_at_once(busy_office: Office) -> None:
    office = busy_office
    shared = await office.add_all(*({} for _ in range(10)))

    async def write(seed: int) -> None:
        chosen = random.Random(seed)
        for _ in range(15):
            await step(office, chosen, shared)

    await asyncio.gather(*(write(seed) for seed in range(16)))
    assert await office.total() == await counted(office) > 10
    async with office.database.read() as connection:
        slots = await connection.scalar(select(func.count()).select_from(client_totals))
    assert slots > 1


async def step(office: Office, chosen: random.Random, shared: list[str]) -> None:
    """One write of a random kind; a third of them is rolled back."""
    target = target_of(office.organization, record=chosen.choice(shared))
    new = {"id": f"{chosen.getrandbits(96):024x}", "organization_id": office.organization, "name": "N", "metadata": {}}
    kind, undone = chosen.choice(["add", "bulk", "remove", "restore", "erase"]), chosen.random() < 0.33
    try:
        async with office.database.write() as connection:
            repository = ClientRepository(connection)
            if kind == "add":
                await repository.add([new], "x", SELECTION)
            elif kind == "bulk":
                await repository.add(
                    [{**new, "id": f"{chosen.getrandbits(96):024x}"} for _ in range(3)], "x", SELECTION
                )
            elif kind == "erase":
                await repository.erase(target, SELECTION)
            elif kind == "remove":
                await repository.remove(target, SELECTION)
            else:
                await repository.restore(target, SELECTION)
            if undone:
                raise GaveUp
    except (GaveUp, NotFound):
        pass


async def test_total_counts_what_a_question_finds(office: Office) -> None:
    made = await office.add_all(*({"city": city} for city in ("A", "A", "B", None)))
    await remove_client(office.access, made[0], SELECTION)
    for query, count in [
        (Query(), 3),
        (Query(deleted_too=True), 4),
        (Query(Compare("city", operators.EQ, "A")), 1),
        (Query(Compare("city", operators.EQ, "A"), deleted_too=True), 2),
        (Query(words=("ann",)), 3),
        (Query(words=("nobody",)), 0),
    ]:
        for limit in (1, 2, 10):
            listing = await list_clients(
                office.access,
                office.organization,
                request_of(GRAPHQL_CLIENT, query, Page(limit), wanted=Wanted(total=True)),
            )
            assert (listing.total, len(listing.rows)) == (count, min(count, limit))


async def test_totals_of_organizations_are_apart(office: Office) -> None:
    other = await make_organization(office.database)
    await office.add_all({}, {})
    elsewhere = Office(office.database, other, principal(other))
    assert await elsewhere.total() == 0
    await elsewhere.add()
    assert (await office.total(), await elsewhere.total()) == (2, 1)


async def told(service: Service) -> list[int]:
    """The total that each door tells."""
    home = f"/v1/organizations/{service.organization}/clients"
    v1 = await service.http.get(home, params={"filter": '{"limit": 1}'})
    counted = await service.http.get(f"{home}/count")
    customers = await service.http.get("/customers", params={"limit": "1"})
    graphql = await service.http.post("/graphql", json={"query": "{ clients { totalCount } customers { totalCount } }"})
    both = graphql.json()["data"]
    totals = [int(v1.headers["x-total-count"]), counted.json()["count"], customers.json()["pagination"]["total"]]
    return [*totals, both["clients"]["totalCount"], both["customers"]["totalCount"]]


async def test_total_is_exact_after_writers_at_every_door_at_once(service: Service) -> None:
    home, post = f"/v1/organizations/{service.organization}/clients", service.http.post

    async def v1(name: str) -> None:
        many = (await post(home, json=[{"name": name}] * 5)).json()
        await post(home, json=[{"name": name}, {"name": ""}])
        await service.http.delete(f"/v1/clients/{many[0]['id']}")
        await service.http.delete(f"/v1/clients/{many[0]['id']}")

    async def customers(name: str) -> None:
        made = [(await post("/customers", json={"name": name})).json()["id"] for _ in range(4)]
        for one in made[:3]:
            await service.http.delete(f"/customers/{one}")
        await post(f"/customers/{made[0]}/restore")
        await service.http.delete(f"/customers/{made[1]}/permanent")
        await service.http.delete(f"/customers/{made[3]}/permanent")

    async def graphql(name: str) -> None:
        create = f'mutation {{ createClient(input: {{name: "{name}"}}) {{ client {{ clientId }} }} }}'
        for _ in range(2):
            made = (await post("/graphql", json={"query": create})).json()["data"]["createClient"]["client"]["clientId"]
        await post("/graphql", json={"query": f'mutation {{ deleteClient(id: "{made}") {{ userErrors {{ code }} }} }}'})

    await asyncio.gather(*(write(str(turn)) for turn in range(4) for write in (v1, customers, graphql)))
    live = select(func.count()).where(clients.c.deleted_at.is_(None))
    async with service.database.read() as connection:
        there = await connection.scalar(live)
    assert there == 4 * (4 + 1 + 1)
    assert await told(service) == [there] * 5
