"""Many at once: the same request is done once, and totals stay exact whoever writes."""

import asyncio
import json
import random
from typing import Any

import pytest
from sqlalchemy import func, select

from app.auth import Access, Caller
from app.clients.faces import CUSTOMER
from app.clients.record import CUSTOMER_RULES
from app.clients.service import add_clients
from app.errors import DomainError
from app.idempotency import RequestKey, StoredResponse
from app.ids import new_id
from app.records.bodies import read_body
from app.storage.tables import clients
from tests.conftest import Service
from tests.rest.customers.test_customers import check_error, create

WRITERS, STEPS = 12, 15


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Request-Id"])
async def test_the_same_request_fifty_times_at_once_makes_one_customer(service: Service, header: str) -> None:
    async def post() -> tuple[int, bytes, str]:
        answer = await service.http.post("/customers", json={"name": "Once"}, headers={header: "one"})
        return answer.status_code, answer.content, answer.headers["etag"]

    answers = await asyncio.gather(*(post() for _ in range(50)))
    ((status, body, tag),) = set(answers)
    assert (status, tag) == (201, '"1"')
    listed = (await service.http.get("/customers")).json()
    assert listed["data"] == [json.loads(body)]
    assert listed["pagination"]["total"] == 1
    other = await service.http.post("/customers", json={"name": "Other"}, headers={header: "one"})
    check_error(other, 409, "conflict")


async def test_different_requests_with_one_key_make_one_customer(service: Service) -> None:
    async def post(number: int) -> int:
        answer = await service.http.post("/customers", json={"name": f"N{number}"}, headers={"x-request-id": "one"})
        return answer.status_code

    statuses = await asyncio.gather(*(post(number) for number in range(20)))
    assert sorted(statuses) == [201] + [409] * 19
    assert (await service.http.get("/customers")).json()["pagination"]["total"] == 1


async def test_totals_are_exact_whoever_writes(service: Service) -> None:
    made = [(await create(service, name=f"C{n}"))["id"] for n in range(6)]
    await asyncio.gather(*(write(service, made, random.Random(seed)) for seed in range(WRITERS)))
    live = select(func.count()).select_from(clients).where(clients.c.deleted_at.is_(None))
    async with service.database.read() as connection:
        counted = await connection.scalar(live)
    first = (await service.http.get("/customers", params={"limit": "1"})).json()["pagination"]["total"]
    queried = {"limit": "1", "query": '{"name": {"not": "nobody"}}'}
    filtered = (await service.http.get("/customers", params=queried)).json()["pagination"]["total"]
    assert first == filtered == counted


async def write(service: Service, made: list[str], chance: random.Random) -> None:
    """Some writes of every kind to customers that other writers write to as well; some are refused or rolled back."""
    principal = await Caller((service.token,), service.database).principal()
    for _ in range(STEPS):
        path = f"/customers/{chance.choice(made)}"
        match chance.randrange(7):
            case 0:
                made.append((await create(service))["id"])
            case 1:
                await service.http.delete(path)
            case 2:
                await service.http.post(f"{path}/restore")
            case 3:
                await service.http.delete(f"{path}/permanent")
            case 4:
                await service.http.patch(path, json={"city": "x"})
            case 5:
                await add_several(service, principal, chance.choice((True, False)))
            case 6:
                await service.http.delete(path, headers={"if-match": f'"{chance.randrange(1, 4)}"'})


async def add_several(service: Service, principal: Any, kept: bool) -> None:
    """Three customers in one statement; unless `kept`, in a transaction that is rolled back in the end."""
    values = [read_body(CUSTOMER, {"name": "Bulk"}, CUSTOMER_RULES, "create") for _ in range(3)]

    def answer(_: Any) -> StoredResponse:
        if not kept:
            raise DomainError("rolled back")
        return StoredResponse(200, b"")

    key = None if kept else RequestKey.of(principal.owner, new_id(), "bulk")
    try:
        await add_clients(Access(service.database, principal), service.organization, values, (), key=key, answer=answer)
    except DomainError:
        assert not kept
