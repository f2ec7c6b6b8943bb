"""What callers of each API get at the limits of their share, and that other callers get their answers meanwhile."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.accounts.service import create_account
from app.auth import Caller
from app.config import Config
from app.storage.database import Database
from tests.conftest import Service, running
from tests.graphql.conftest import RESOLVED

LARGE, SMALL = 40, 4
"""Records of 10 KB: more and fewer than the limit allows in one answer."""
CAP = 200_000


@pytest.fixture
async def limited(database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """A service with answers of at most 200 KB, and 40 clients of 10 KB."""
    database = Database(database_url, answer_cap=CAP)
    async with running(Config(database_url=database_url, data_dir=tmp_path), database) as service:
        clients = [{"name": "x" * 10_000}] * (LARGE // 4)
        for _ in range(4):
            answer = await service.http.post(f"/v1/organizations/{service.organization}/clients", json=clients)
            assert answer.status_code == 200
        yield service
    await database.close()


def requests_for(service: Service, count: int) -> dict[str, tuple[str, str, Any]]:
    """A request for a list of so many clients, by API."""
    query = f"{{ clients(first: {count}) {{ nodes {{ name }} }} }}"
    return {
        "v1": ("GET", f"/v1/organizations/{service.organization}/clients?filter[limit]={count}", None),
        "Customers": ("GET", f"/customers?limit={count}", None),
        "GraphQL": ("POST", "/graphql", {"query": query}),
    }


async def ask(http: httpx.AsyncClient, request: tuple[str, str, Any]) -> httpx.Response:
    method, path, body = request
    return await http.request(method, path, json=body)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    if "errors" in body:
        return answer.status_code, body["errors"][0]["extensions"]["code"]
    return answer.status_code, body["error"].get("code", "") if "error" in body else body["code"]


TOO_LARGE = {
    "v1": (413, "ANSWER_TOO_LARGE"),
    "Customers": (413, "answer_too_large"),
    "GraphQL": (200, "ANSWER_TOO_LARGE"),
}
BUSY = {"v1": (429, ""), "Customers": (429, "too_many_requests"), "GraphQL": (429, "RATE_LIMITED")}


@pytest.mark.parametrize("api", TOO_LARGE)
async def test_an_answer_over_the_limit_is_an_error(limited: Service, api: str) -> None:
    answer = await ask(limited.http, requests_for(limited, LARGE)[api])
    assert code_of(answer) == TOO_LARGE[api], answer.text[:500]
    assert "200,000 bytes" in answer.text
    small = await ask(limited.http, requests_for(limited, SMALL)[api])
    assert small.status_code == 200
    assert "errors" not in small.text[:20]
    assert limited.database.pool.shares.unsent == {}


async def test_the_fields_of_one_operation_count_together(limited: Service) -> None:
    fields = " ".join(f"a{index}: clients(first: {SMALL}) {{ nodes {{ name }} }}" for index in range(20))
    answer = await limited.http.post("/graphql", json={"query": f"{{ {fields} }}"})
    for error in answer.json()["errors"]:
        assert error["extensions"] == {"code": "ANSWER_TOO_LARGE", "limit": CAP}
    assert len(answer.content) < CAP


def many(text: str, count: int = 20) -> str:
    """A selection under many names."""
    return " ".join(f"a{index}: {text}" for index in range(count))


REPEATED = {
    "a text": f"nodes {{ {RESOLVED} {many('name')} }}",
    "a document": f"nodes {{ {RESOLVED} {many('custom')} }}",
    "a text of another record": f"nodes {{ organization {{ {many('name')} }} }}",
    "a rendered list": many("nodes { name }"),
    "a rendered record in its edge": f"edges {{ {many('node { name }')} }}",
    "a cursor": f"edges {{ {many('cursor', 200)} }}",
}


@pytest.mark.parametrize("selected", REPEATED)
async def test_a_long_value_under_many_names_counts_each_time(limited: Service, selected: str) -> None:
    change = {"name": "y" * 10_000}
    assert (await limited.http.patch(f"/v1/organizations/{limited.organization}", json=change)).status_code == 200
    custom = {"name": "x" * 10_000, "custom": {"text": "é" * 8000}}
    await limited.http.post(f"/v1/organizations/{limited.organization}/clients", json=[custom] * SMALL)
    arguments = f"last: {SMALL}, orderBy: [{{field: NAME}}]"
    query = f"{{ clients({arguments}) {{ {REPEATED[selected]} }} }}"
    answer = await limited.http.post("/graphql", json={"query": query})
    assert code_of(answer) == TOO_LARGE["GraphQL"], answer.text[:500]
    assert answer.json()["data"] is None
    once = await limited.http.post(
        "/graphql", json={"query": "{ clients(first: 2) { nodes { name custom organization { name } } } }"}
    )
    assert len(once.json()["data"]["clients"]["nodes"]) == 2
    assert limited.database.pool.shares.unsent == {}


async def test_an_included_organization_counts_with_each_client(limited: Service) -> None:
    path = f"/v1/organizations/{limited.organization}"
    assert (await limited.http.patch(path, json={"name": "y" * 10_000})).status_code == 200
    question = "clients?filter[limit]=15"
    assert (await limited.http.get(f"{path}/{question}")).status_code == 200
    answer = await limited.http.get(f"{path}/{question}&filter[include]=organization")
    assert code_of(answer) == TOO_LARGE["v1"]
    few = await limited.http.get(f"{path}/clients?filter[limit]=5&filter[include]=organization")
    assert [client["organization"]["name"] for client in few.json()] == ["y" * 10_000] * 5


@pytest.mark.parametrize("api", BUSY)
async def test_a_busy_account_waits_and_then_gets_429_while_others_are_answered(service: Service, api: str) -> None:
    shares, busy = service.database.pool.shares, service.http
    tenant = (await Caller((service.token,), service.database).principal()).tenant
    service.database.pool.wait = 0.05
    await create_account(service.database, "other@example.com")
    organization = await service.make_organization("Other", account_email="other@example.com")
    quiet = service.client(await service.make_token(account_email="other@example.com"))
    while shares._may_take(tenant):
        await shares.take(tenant, 1)
    answer = await ask(busy, requests_for(service, SMALL)[api])
    assert code_of(answer) == BUSY[api], answer.text
    assert answer.headers["retry-after"] == "1"
    service.organization = organization
    answer = await ask(quiet, requests_for(service, SMALL)[api])
    assert answer.status_code == 200
    assert "errors" not in answer.text
    assert (await busy.get("/readyz")).status_code == 200
    while tenant in shares.held:
        shares.give_back(tenant)
    await quiet.aclose()
