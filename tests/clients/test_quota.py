"""An organization has a quota of records and of history; without room, every API rejects writes that add data."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from app.clients.quota import StorageQuota
from app.config import Config
from app.storage.database import Database
from tests.conftest import Service, running


async def quota_of(service: Service, **limits: int) -> StorageQuota:
    """Gives the service another quota, whose usage of the organization is known."""
    quota = StorageQuota(service.database, **{"records": 0, "history": 0, **limits}, interval=1000)
    service.database.is_full = quota.is_full
    await quota.refresh(service.organization)
    return quota


async def create(service: Service, **fields: Any) -> str:
    answer = await service.http.post("/customers", json={"name": "Ann", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"]).removeprefix("cust_")


async def mutate(service: Service, mutation: str, payload: str = "userErrors { code field }") -> Mapping[str, Any]:
    answer = await service.http.post("/graphql", json={"query": f"mutation {{ it: {mutation} {{ {payload} }} }}"})
    result: Mapping[str, Any] = answer.json()["data"]["it"]
    return result


async def assert_full(service: Service, client_id: str, gone: str) -> None:
    """Every write that adds data is rejected, in the shape of its API."""
    v1: tuple[tuple[str, str, Any], ...] = (
        ("POST", f"/v1/organizations/{service.organization}/clients", {"name": "x"}),
        ("POST", f"/v1/organizations/{service.organization}/clients", [{"name": "x"}]),
        ("PATCH", f"/v1/clients/{client_id}", {"name": "x"}),
        ("PUT", f"/v1/clients/{client_id}", {"name": "x"}),
    )
    for method, path, body in v1:
        answer = await service.http.request(method, path, json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["statusCode"]) == (422, "QUOTA_EXCEEDED", 422), path
    for method, path, body in (
        ("POST", "/customers", {"name": "x"}),
        ("PATCH", f"/customers/cust_{client_id}", {"name": "x"}),
        ("PATCH", f"/customers/cust_{client_id}", {"metadata": {"a": "b"}}),
        ("POST", f"/customers/cust_{gone}/restore", {}),
    ):
        answer = await service.http.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "quota_exceeded"), path
    for mutation in (
        'createClient(input: {name: "x"})',
        f'updateClient(id: "{client_id}", input: {{name: "x"}})',
        f'restoreClient(id: "{gone}")',
    ):
        assert await mutate(service, mutation) == {"userErrors": [{"code": "QUOTA_EXCEEDED", "field": None}]}


@pytest.mark.parametrize("limits", [{"records": 2}, {"history": 3000}])
async def test_a_full_organization_is_told_so_by_every_api(service: Service, limits: dict[str, int]) -> None:
    client_id, gone = await create(service), await create(service)
    await create(service, metadata={"note": "x" * 250})
    await service.http.delete(f"/customers/cust_{gone}")
    await quota_of(service, **limits)
    await assert_full(service, client_id, gone)
    assert (await service.http.get(f"/v1/clients/{client_id}")).json()["name"] == "Ann"
    assert (await service.http.delete(f"/v1/clients/{client_id}")).json() == {"count": 1}
    assert (await service.http.delete(f"/customers/cust_{client_id}/permanent")).status_code == 200


async def test_deleting_and_erasing_make_room(service: Service) -> None:
    client_id = await create(service)
    for limits, path in (({"records": 1}, ""), ({"history": 1}, "/permanent")):
        quota = await quota_of(service, **limits)
        assert quota.is_full(service.organization)
        assert (await service.http.delete(f"/customers/cust_{client_id}{path}")).status_code == 200
        await quota.refresh(service.organization)
        assert not quota.is_full(service.organization)


async def test_other_organizations_of_the_token_are_not_full(service: Service) -> None:
    client_id, other = await create(service), await service.make_organization("Other", account_email=service.email)
    quota = await quota_of(service, records=1)
    await quota.refresh(other)
    path = f"/v1/organizations/{other}/clients"
    made = (await service.http.post(path, json={"name": "Bea"})).json()["id"]
    answer = await service.http.patch(f"/v1/clients/{made}", json={"name": "Cid"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Cid")
    assert (await service.http.patch(f"/v1/clients/{client_id}", json={"name": "Dan"})).status_code == 422
    assert (await service.http.get(f"/v1/clients/{client_id}")).json()["name"] == "Ann"


@pytest.fixture
async def small(config: Config, database: Database) -> AsyncIterator[Service]:
    async with running(replace(config, record_quota=2), database) as service:
        yield service


async def test_the_usage_is_read_in_the_background(small: Service) -> None:
    await create(small)
    await create(small)
    quota = StorageQuota(small.database, 2, 0, interval=0)
    small.database.is_full = quota.is_full
    while (await small.http.post("/customers", json={"name": "Ann"})).status_code == 201:
        pass
    assert (await small.http.post("/customers", json={"name": "Ann"})).json()["code"] == "quota_exceeded"


async def test_what_is_new_is_added_to_what_is_known(service: Service) -> None:
    quota = await quota_of(service, history=10**9)
    usage = quota._usages[service.organization]
    known = usage.history
    await create(service)
    await quota._read(service.organization, usage)
    grown = usage.history
    await quota.refresh(service.organization)
    assert quota._usages[service.organization].history == grown > known == 0
