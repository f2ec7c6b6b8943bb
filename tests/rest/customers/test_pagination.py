"""Walking a list forward and back while others insert and delete: what stays is seen once, in order, nulls and all."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Service

ORDERS = ("id", "-id", "name", "-name", "city", "-city", "city,name", "-city,name", "-created_at", "contact_type,-city")
FIELDS = {
    "name": st.sampled_from(("a", "B", "č", "b")),
    "city": st.sampled_from((None, "", "x", "Y")),
    "contact_type": st.sampled_from((None, "buyer", "both")),
}
CUSTOMERS = st.fixed_dictionaries(FIELDS)
DELETE = st.integers(-3, 30)
MEANWHILE = st.lists(st.lists(CUSTOMERS | DELETE, max_size=3), max_size=8)


@dataclass
class Walk:
    """A list being walked; `meanwhile` is what others do after each page: a number deletes, a dictionary inserts."""

    http: httpx.AsyncClient
    order_by: str
    limit: int
    meanwhile: list[list[dict[str, Any] | int]]
    living: list[str]
    deleted: set[str] = field(default_factory=set)
    search: str = ""

    async def disturb(self) -> None:
        for what in self.meanwhile.pop(0) if self.meanwhile else ():
            if isinstance(what, dict):
                self.living.append(await insert(self.http, what))
            elif self.living:
                victim = self.living.pop(what % len(self.living))
                self.deleted.add(victim)
                assert (await self.http.delete(f"/customers/{victim}")).status_code == 200

    async def page(self, **cursor: str) -> tuple[list[str], dict[str, Any]]:
        parameters = {"order_by": self.order_by, "limit": str(self.limit), "search": self.search, **cursor}
        answer = await self.http.get("/customers", params=parameters)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["data"]], answer.json()["pagination"]

    async def forward(self) -> tuple[list[str], list[str], dict[str, Any]]:
        """Every row on the way, the rows of the last page, and where it lies."""
        rows, place = await self.page()
        seen = list(rows)
        while place["has_more"]:
            await self.disturb()
            rows, place = await self.page(next_cursor=place["next_cursor"])
            seen += rows
        return seen, rows, place

    async def back(self, place: dict[str, Any]) -> list[str]:
        seen: list[str] = []
        while place["prev_cursor"] is not None:
            await self.disturb()
            rows, place = await self.page(prev_cursor=place["prev_cursor"])
            seen += rows[::-1]
        return seen


async def insert(http: httpx.AsyncClient, fields: dict[str, Any]) -> str:
    answer = await http.post("/customers", json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def check_seen(seen: list[str], staying: list[str]) -> None:
    """`staying` are those that were there all along, in the order of the list."""
    assert len(seen) == len(set(seen)), "a row was seen twice"
    there = set(staying)
    assert [row for row in seen if row in there] == staying


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    customers=st.lists(CUSTOMERS, max_size=9),
    order_by=st.sampled_from(ORDERS),
    limit=st.integers(1, 4),
    onward=MEANWHILE,
    homeward=MEANWHILE,
)
async def test_what_stays_is_seen_once_in_order_both_ways(
    shared_service: Service,
    customers: list[dict[str, Any]],
    order_by: str,
    limit: int,
    onward: list[list[dict[str, Any] | int]],
    homeward: list[list[dict[str, Any] | int]],
) -> None:
    organization = await shared_service.make_organization("Walked")
    async with shared_service.client(await shared_service.make_token(organization_id=organization)) as http:
        living = [await insert(http, fields) for fields in customers]
        walk = Walk(http, order_by, limit, onward, living)
        before, _ = await Walk(http, order_by, 100, [], []).page()
        seen, last, place = await walk.forward()
        check_seen(seen, [row for row in before if row not in walk.deleted])
        walk.meanwhile = homeward
        turning, _ = await Walk(http, order_by, 100, [], []).page()
        home = last[::-1] + await walk.back(place)
        check_seen(home, [row for row in turning if row not in walk.deleted][::-1])


async def test_a_walk_among_busy_writers_loses_and_doubles_nothing(service: Service) -> None:
    fields: list[dict[str, Any]]
    fields = [{"name": f"stays {n}", "city": None if n % 3 else f"c{n % 2}"} for n in range(24)]
    fields = [one | {"email": None if n % 4 else f"e{n}@x.example"} for n, one in enumerate(fields)]
    staying = [await insert(service.http, one) for one in fields]
    finished = asyncio.Event()

    async def write(city: str | None) -> None:
        while not finished.is_set():
            made = await insert(service.http, {"name": "goes", "city": city})
            await service.http.delete(f"/customers/{made}")

    writers = [asyncio.create_task(write(city)) for city in (None, "c0", "c1", "zz")]
    try:
        for order_by, search in (("city", ""), ("-email", "stays"), ("-id", "s"), ("city,-name", "")):
            walk = Walk(service.http, order_by, 3, [], [], search=search)
            seen, last, place = await walk.forward()
            home = last[::-1] + await walk.back(place)
            onward, homeward = ([row for row in found if row in staying] for found in (seen, home))
            assert onward == homeward[::-1]
            assert sorted(onward) == staying
            assert all(len(found) == len(set(found)) for found in (seen, home))
    finally:
        finished.set()
        await asyncio.gather(*writers)
