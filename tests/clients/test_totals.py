"""Totals: they are exact whoever writes at once, and cost the same at any size."""

import asyncio
import random

import pytest
from sqlalchemy import func, select

from app.clients.faces import GRAPHQL_CLIENT
from app.clients.repository import ClientRepository
from app.clients.service import list_clients, remove_client, restore_client
from app.errors import NotFound
from app.query.model import Compare, Operator, Page, Query
from app.storage.tables import client_totals, clients
from tests.clients.conftest import SELECTION, Office
from tests.seeding import make_organization, principal


async def counted(office: Office) -> int:
    live = select(func.count()).where(clients.c.organization_id == office.organization, clients.c.deleted_at.is_(None))
    async with office.database.read() as connection:
        return int(await connection.scalar(live))


async def test_total_follows_every_write(office: Office) -> None:
    assert await office.total() == 0
    made = await office.add_all(*({} for _ in range(5)))
    assert await office.total() == 5
    where = (office.database, office.caller)
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
    reach, client = [office.organization], chosen.choice(shared)
    new = {"id": f"{chosen.getrandbits(96):024x}", "organization_id": office.organization, "name": "N", "metadata": {}}
    kind, undone = chosen.choice(["add", "remove", "restore"]), chosen.random() < 0.33
    try:
        async with office.database.write() as connection:
            repository = ClientRepository(connection)
            if kind == "add":
                await repository.add([new], "x", SELECTION)
            elif kind == "remove":
                await repository.remove(reach, client, "x", SELECTION)
            else:
                await repository.restore(reach, client, "x", SELECTION)
            if undone:
                raise GaveUp
    except (GaveUp, NotFound):
        pass


async def test_total_counts_what_a_question_finds(office: Office) -> None:
    made = await office.add_all(*({"city": city} for city in ("A", "A", "B", None)))
    await remove_client(office.database, office.caller, made[0], SELECTION)
    for query, count in [
        (Query(), 3),
        (Query(deleted_too=True), 4),
        (Query(Compare("city", Operator.EQ, "A")), 1),
        (Query(Compare("city", Operator.EQ, "A"), deleted_too=True), 2),
        (Query(words=("ann",)), 3),
        (Query(words=("nobody",)), 0),
    ]:
        for limit in (1, 2, 10):
            listing = await list_clients(
                office.database, office.caller, office.organization, GRAPHQL_CLIENT, (), query, Page(limit), total=True
            )
            assert (listing.total, len(listing.rows)) == (count, min(count, limit))


async def test_totals_of_organizations_are_apart(office: Office) -> None:
    other = await make_organization(office.database)
    await office.add_all({}, {})
    elsewhere = Office(office.database, other, principal(other))
    assert await elsewhere.total() == 0
    await elsewhere.add()
    assert (await office.total(), await elsewhere.total()) == (2, 1)
