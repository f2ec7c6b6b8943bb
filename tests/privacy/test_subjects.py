"""An export about one person has everything that the service stores about it, and nothing about others."""

import io
import json
from typing import Any

import pytest
from sqlalchemy import text

from app.privacy.subjects import export_subject
from tests.conftest import Service
from tests.privacy.conftest import execute, wait_until_sent
from tests.privacy.test_erasure import EMAIL, NAME, create, remind


async def export(service: Service, email: str = EMAIL, organization: str | None = None) -> dict[str, Any]:
    written = io.BytesIO()
    count = await export_subject(service.database, email, organization, written.write)
    document: dict[str, Any] = json.loads(written.getvalue())
    assert count == sum(len(rows) for rows in document.values() if isinstance(rows, list))
    return document


@pytest.mark.parametrize("spelling", [EMAIL, " OFELIJA@example.com ", "ofélija@example.com"])
async def test_everything_about_a_person_is_exported(service: Service, spelling: str) -> None:
    headers = {"idempotency-key": "key"}
    made = await service.http.post("/customers", json={"name": NAME, "email": EMAIL.upper()}, headers=headers)
    person, gone, other = (
        made.json()["id"],
        await create(service, email=EMAIL),
        await create(service, email="h@example.com"),
    )
    await service.http.patch(f"/customers/{person}", json={"city": "Elsinore"})
    await service.http.delete(f"/customers/{gone}")
    await remind(service, person, email="second@example.com")
    await remind(service, other, email=EMAIL)
    await remind(service, other)
    await wait_until_sent(service, 3)
    document = await export(service, spelling)
    ids = {id_.removeprefix("cust_") for id_ in (person, gone)}
    assert {row["id"] for row in document["clients"]} == ids
    assert {row["name"] for row in document["clients"]} == {NAME, "Hamlet"}
    assert sorted(row["action"] for row in document["changes"]) == ["created", "created", "deleted", "updated"]
    assert {row["client_id"] for row in document["changes"]} == ids
    assert {row["recipient"] for row in document["messages"]} == {"second@example.com", EMAIL}
    assert [json.loads(row["body"])["name"] for row in document["responses"]] == [NAME]
    assert (document["accounts"], document["tokens"]) == ([], [])


async def test_an_account_is_exported_without_secrets(service: Service) -> None:
    await execute(service, "UPDATE accounts SET password_hash = 'secret-hash'")
    document = await export(service, service.email)
    (account,), (token,) = document["accounts"], document["tokens"]
    assert (account["email"], token["account_id"], token["scope"]) == (service.email, account["id"], "write")
    async with service.database.read() as connection:
        stored = await connection.scalar(text("SELECT encode(hash, 'hex') FROM access_tokens"))
    shown = json.dumps(document)
    assert stored not in shown
    assert "secret-hash" not in shown


async def test_an_export_of_one_organization_has_nothing_of_others(service: Service) -> None:
    await create(service, name=NAME, email=EMAIL)
    other = await service.make_organization("Other")
    async with service.client(await service.make_token(organization_id=other)) as http:
        await http.post("/customers", json={"name": "Laertes", "email": EMAIL}, headers={"idempotency-key": "key"})
    assert {row["name"] for row in (await export(service))["clients"]} == {NAME, "Laertes"}
    for organization, names in ((other, ["Laertes"]), (service.organization, [NAME]), ("0" * 24, [])):
        document = await export(service, EMAIL, organization)
        assert [row["name"] for row in document["clients"]] == names
        assert [row["after"]["name"] for row in document["changes"]] == names
        assert len(document["responses"]) == (organization == other)
    assert (await export(service, service.email, service.organization))["accounts"] == []


@pytest.mark.parametrize("email", ["nobody@example.com", "", "%", "' OR true --", "\u0000"[1:]])
async def test_an_address_of_nobody_gives_an_empty_document(service: Service, email: str) -> None:
    await create(service, name=NAME, email=EMAIL)
    document = await export(service, email)
    assert [name for name, rows in document.items() if isinstance(rows, list) and rows] == []
