"""Keys of the caller's own: once registered, no way of writing a client repeats a value in an organization."""

import asyncio
from datetime import timedelta
from io import BytesIO
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from app.clients.keys import MOST_KEYS, ClientKey, find_clients, register_key
from app.clients.transfer.problems import NotImported
from app.clients.transfer.service import import_clients
from app.clients.transfer.sources import JsonRecords
from app.errors import Conflict, Invalid
from app.mail.files import NO_FILES
from app.privacy.deletion import delete_organization
from app.privacy.purge import Batches, purge_due
from app.storage.database import Database
from tests.conftest import Service

ERP = ClientKey("custom", "erp", "A-1")


async def register(service: Service, key: ClientKey = ERP, organization: str | None = None) -> None:
    async with service.database.write() as connection:
        await register_key(connection, organization or service.organization, key)


async def holder(service: Service, value: str, document: str = "custom", name: str = "erp") -> str | None:
    async with service.database.read() as connection:
        key = ClientKey(document, name, value)
        return (await find_clients(connection, service.organization, {0: key})).get(0)


async def create(service: Service, custom: Any, **more: Any) -> Any:
    body = {"name": "Ana", "custom": custom, **more}
    return (await service.http.post(f"/v1/organizations/{service.organization}/clients", json=body)).json()


async def test_a_repeated_value_is_a_conflict_on_v1(service: Service) -> None:
    await register(service)
    first = await create(service, {"erp": "A-1", "other": 1})
    body = {"name": "Bea", "custom": {"erp": "A-1"}}
    path = f"/v1/organizations/{service.organization}/clients"
    answer = await service.http.post(path, json=body)
    assert answer.status_code == 409
    assert answer.json()["error"]["name"] == "Error"
    assert first["id"] in answer.json()["error"]["message"]
    assert (await service.http.post(path, json=[{"name": "Cy"}, body])).status_code == 409
    assert (await service.http.get(f"{path}/count")).json() == {"count": 1}
    second = await create(service, {"erp": "A-2"})
    for method in ("patch", "put"):
        answer = await getattr(service.http, method)(f"/v1/clients/{second['id']}", json=body)
        assert answer.status_code == 409, answer.text
    assert await holder(service, "A-1") == first["id"]
    assert await holder(service, "A-2") == second["id"]


async def test_a_repeated_value_is_a_conflict_on_the_customers_api(service: Service) -> None:
    await register(service, ClientKey("metadata", "crm", "7"))
    first = (await service.http.post("/customers", json={"name": "Ana", "metadata": {"crm": "7", "a": "b"}})).json()
    answer = await service.http.post("/customers", json={"name": "Bea", "metadata": {"crm": "7"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    second = (await service.http.post("/customers", json={"name": "Bea", "metadata": {"crm": "8"}})).json()
    path = f"/customers/{second['id']}"
    assert (await service.http.patch(path, json={"metadata": {"crm": "7"}})).status_code == 409
    assert (await service.http.patch(path, json={"metadata": {"crm": None}})).status_code == 200
    assert (await service.http.patch(f"/customers/{first['id']}", json={"metadata": {"crm": "8"}})).status_code == 200
    assert await holder(service, "8", "metadata", "crm") == first["id"].removeprefix("cust_")
    assert await holder(service, "7", "metadata", "crm") is None


async def test_deletion_frees_a_value_and_a_restore_that_would_repeat_it_is_a_conflict(service: Service) -> None:
    await register(service)
    first = await create(service, {"erp": "A-1"})
    assert (await service.http.delete(f"/v1/clients/{first['id']}")).json() == {"count": 1}
    assert await holder(service, "A-1") is None
    second = await create(service, {"erp": "A-1"})
    path = f"/customers/cust_{first['id']}/restore"
    assert (await service.http.post(path)).status_code == 409
    assert (await service.http.delete(f"/customers/cust_{second['id']}/permanent")).status_code == 200
    assert await holder(service, "A-1") is None
    assert (await service.http.post(path)).status_code == 200
    assert await holder(service, "A-1") == first["id"]


async def test_a_key_is_registered_over_the_clients_that_exist(service: Service) -> None:
    first = await create(service, {"erp": "A-1"})
    twin = await create(service, {"erp": "A-1"})
    gone = await create(service, {"erp": "A-2"})
    await create(service, {"erp": "A-2"})
    await service.http.delete(f"/v1/clients/{gone['id']}")
    with pytest.raises(Conflict) as conflict:
        await register(service)
    assert first["id"] in conflict.value.message
    assert twin["id"] in conflict.value.message
    assert gone["id"] not in conflict.value.message
    assert (await create(service, {"erp": "A-1"}))["custom"] == {"erp": "A-1"}, "nothing is registered"
    for client in (await service.http.get("/customers", params={"query": "{}"})).json()["data"][1:]:
        await service.http.delete(f"/customers/{client['id']}")
    await register(service)
    await register(service)
    assert (await create(service, {"erp": "A-1"}))["error"]["statusCode"] == 409


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1", 1, True),
        ("1.5", 1.5, True),
        ("a", "A", False),
        ("a", "a ", False),
        (True, True, False),
        (None, None, False),
        ("", "", False),
        ({"a": 1}, {"a": 1}, False),
        ([1], [1], False),
        ("x" * 9000, "x" * 9000, True),
    ],
)
async def test_texts_and_numbers_are_values_and_nothing_else(
    service: Service, one: Any, other: Any, same: bool
) -> None:
    await register(service)
    assert "error" not in await create(service, {"erp": one})
    assert ("error" in await create(service, {"erp": other})) is same


async def test_other_organizations_and_other_members_may_repeat_a_value(service: Service) -> None:
    await register(service)
    other = await service.make_organization("Other", account_email=service.email)
    await register(service, organization=other)
    await create(service, {"erp": "A-1"})
    assert "error" not in await create(service, {"crm": "A-1"})
    answer = await service.http.post(f"/v1/organizations/{other}/clients", json={"name": "B", "custom": {"erp": "A-1"}})
    assert answer.status_code == 200


async def test_an_organization_has_five_keys_and_unused_ones_make_room(service: Service) -> None:
    for number in range(MOST_KEYS):
        await create(service, {f"key{number}": "1"})
        await register(service, ClientKey("custom", f"key{number}", "1"))
    with pytest.raises(Invalid):
        await register(service, ClientKey("custom", "sixth", "1"))
    listed = (await service.http.get(f"/v1/organizations/{service.organization}/clients")).json()
    await service.http.delete(f"/v1/clients/{listed[0]['id']}")
    await register(service, ClientKey("custom", "sixth", "1"))
    await create(service, {"sixth": "1"})
    with pytest.raises(Invalid):
        await register(service, ClientKey("custom", "seventh", "1"))


async def test_a_registration_waits_for_writers_and_writers_for_it(service: Service, database: Database) -> None:
    """Of writers that repeat a value while the key is registered, one succeeds before, or the registration fails."""
    for attempt in range(8):
        key = ClientKey("custom", f"erp{attempt % 4}-{attempt}", "A-1")
        writes = [create(service, {key.name: "A-1"}) for _ in range(3)]
        *_, registered = await asyncio.gather(*writes, register(service, key), return_exceptions=True)
        listed = (await service.http.get(f"/v1/organizations/{service.organization}/clients")).json()
        having = [client for client in listed if client["custom"].get(key.name) == "A-1"]
        assert registered is None or isinstance(registered, Conflict)
        assert (len(having) == 1) is (registered is None), (len(having), registered)
        for client in listed:
            await service.http.delete(f"/v1/clients/{client['id']}")


async def test_an_import_with_a_value_that_is_taken_names_the_record(service: Service) -> None:
    await register(service)
    first = await create(service, {"erp": "A-1"})
    lines = [{"id": f"{n:024x}", "name": f"N{n}", "custom": {"erp": value}} for n, value in enumerate(("B", "A-1"))]
    file = BytesIO(b"\n".join(orjson.dumps(line) for line in lines))
    with pytest.raises(NotImported) as error:
        await import_clients(service.database, service.organization, JsonRecords(file))
    assert "line 2" in error.value.message
    assert first["id"] in error.value.message
    assert await holder(service, "B") is None


async def test_a_permanent_deletion_of_an_organization_removes_its_keys(service: Service) -> None:
    await register(service)
    await create(service, {"erp": "A-1"})
    await delete_organization(service.database, service.organization, timedelta(0))
    await purge_due(Batches(service.database, 0), NO_FILES)
    async with service.database.read() as connection:
        for table in ("clients", "client_keys", "client_key_values"):
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
