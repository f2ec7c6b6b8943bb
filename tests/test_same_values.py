"""Every API answers a write that changes nothing with the record as it is, and leaves its version alone."""

from typing import Any

import httpx
from sqlalchemy import func, select

from app.storage.tables import client_changes
from tests.conftest import Service

UPDATE = """
mutation($id: ID!, $input: UpdateClientInput!, $version: Int) {
  made: updateClient(id: $id, input: $input, expectedVersion: $version) {
    client { version updatedAt name } userErrors { code }
  }
}
"""
REPLACE = """
mutation($id: ID!, $input: ReplaceClientInput!) {
  made: replaceClient(id: $id, input: $input) { client { version } userErrors { code } }
}
"""


async def make(service: Service, **values: Any) -> dict[str, Any]:
    path = f"/v1/organizations/{service.organization}/clients"
    answer = await service.http.post(path, json={"name": "Ann", "custom": {"n": 7}, **values})
    return dict(answer.json())


async def changes(service: Service) -> int:
    async with service.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(client_changes)))


async def test_v1_leaves_the_version_alone(service: Service) -> None:
    made = await make(service, unitIds=["u"], _data=[{"id": "1", "value": 2}])
    path = f"/v1/clients/{made['id']}"
    whole = (await service.http.get(path)).json()
    for method, below, body in (
        ("PUT", "", whole),
        ("POST", "/replace", whole),
        ("PATCH", "", whole),
        ("PATCH", "", {}),
        ("PATCH", "", {"custom": {"n": 7.0}}),
        ("PATCH", "", {"createdAt": "2000-01-01"}),
    ):
        answer = await service.http.request(method, path + below, json=body, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, whole, '"1"')
    stale = await service.http.patch(path, json={}, headers={"If-Match": '"2"'})
    assert stale.status_code == 412
    assert await changes(service) == 1


async def test_customers_leave_the_version_alone(service: Service) -> None:
    made = (await service.http.post("/customers", json={"name": "Ann", "metadata": {"a": "b"}})).json()
    path = f"/customers/{made['id']}"
    bodies: list[dict[str, Any]] = [{}, writable(made), {"metadata": {"a": "b", "gone": None}}, {"metadata": {}}]
    for body in bodies:
        answer = await service.http.patch(path, json=body, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, made, '"1"')
    assert (await service.http.patch(path, json={}, headers={"If-Match": '"5"'})).status_code == 412
    assert await changes(service) == 1


def writable(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name in ("name", "city", "bank_accounts", "is_tax_subject")}


async def run(http: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = (await http.post("/graphql", json={"query": query, "variables": variables})).json()
    return dict(answer["data"]["made"])


async def test_graphql_leaves_the_version_alone(service: Service) -> None:
    client = (await make(service))["id"]
    for input_ in ({}, {"name": "Ann"}, {"note": None, "custom": {"n": 7.0}}):
        made = await run(service.http, UPDATE, id=client, input=input_, version=1)
        assert (made["client"]["version"], made["userErrors"]) == (1, [])
    stale = await run(service.http, UPDATE, id=client, input={}, version=2)
    assert stale == {"client": None, "userErrors": [{"code": "STALE_VERSION"}]}
    replaced = await run(service.http, REPLACE, id=client, input={"name": "Ann", "custom": {"n": 7}})
    assert replaced == {"client": {"version": 1}, "userErrors": []}
    assert await changes(service) == 1


async def test_organizations_leave_their_version_alone(service: Service) -> None:
    path = f"/v1/organizations/{service.organization}"
    before = await service.http.get(path)
    name = before.json()["name"]
    for body in ({}, {"name": name}, {"name": name, "custom": {}}):
        answer = await service.http.patch(path, json=body)
        assert (answer.json(), answer.headers["etag"]) == (before.json(), before.headers["etag"])
    assert (await service.http.patch(path, json={"name": "Other"})).headers["etag"] == '"2"'
