"""The history stores what a change has changed beside the record after it, and shows whole images."""

import json
from typing import Any

from sqlalchemy import text

from tests.conftest import Service
from tests.privacy.conftest import execute

QUERY = (
    "query ($id: ID!) { client(id: $id) { history { nodes { action before after changes { field before after } } } } }"
)


async def history(service: Service, client_id: str) -> list[dict[str, Any]]:
    answer = await service.http.post("/graphql", json={"query": QUERY, "variables": {"id": client_id}})
    nodes: list[dict[str, Any]] = answer.json()["data"]["client"]["history"]["nodes"]
    return nodes


async def stored(service: Service) -> list[Any]:
    async with service.database.read() as connection:
        return await connection.scalars(text("SELECT before FROM client_changes ORDER BY id DESC"))


async def test_one_word_of_a_large_record_costs_one_large_image(service: Service) -> None:
    body = {"name": "Ann", "city": "Graz", "custom": {"note": "long " * 1000}}
    path = f"/v1/organizations/{service.organization}/clients"
    client = (await service.http.post(path, json=body)).json()
    await service.http.patch(f"/v1/clients/{client['id']}", json={"city": "Linz"})
    (before, created) = await stored(service)
    assert created is None
    assert (before["city"], sorted(before)) == ("Graz", ["city", "updated_at", "version"])
    await service.http.put(f"/v1/clients/{client['id']}", json={**body, "city": None})
    (before, *_) = await stored(service)
    assert (before["city"], sorted(before)) == ("Linz", ["city", "updated_at", "version"])


async def test_images_before_a_change_are_whole(service: Service) -> None:
    path = f"/v1/organizations/{service.organization}/clients"
    made = (await service.http.post(path, json={"name": "Ann", "email": "ann@example.com", "note": None})).json()
    client = f"/v1/clients/{made['id']}"
    await service.http.patch(client, json={"note": "new", "email": None})
    await service.http.patch(client, json={"custom": {"a": [1, None]}})
    await service.http.delete(client)
    await service.http.post(f"/customers/cust_{made['id']}/restore")
    *changes, first = await history(service, made["id"])
    assert first["before"] is None
    for newer, older in zip(changes, [*changes[1:], first], strict=True):
        assert newer["before"] == older["after"]
    assert [change["changes"] for change in changes[2:]] == [
        [{"field": "custom", "before": {}, "after": {"a": [1, None]}}],
        [
            {"field": "email", "before": "ann@example.com", "after": None},
            {"field": "note", "before": None, "after": "new"},
        ],
    ]


async def test_images_that_were_stored_whole_are_shown_as_they_are(service: Service) -> None:
    path = f"/v1/organizations/{service.organization}/clients"
    made = (await service.http.post(path, json={"name": "Ann"})).json()
    await service.http.patch(f"/v1/clients/{made['id']}", json={"name": "Bea"})
    shown = json.dumps(await history(service, made["id"]))
    await execute(service, "UPDATE client_changes SET before = after || before WHERE before IS NOT NULL")
    assert json.dumps(await history(service, made["id"])) == shown
