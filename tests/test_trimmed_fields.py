"""E-mail addresses, tax numbers and country codes have no spaces around them, whichever API writes them."""

import io
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from app.clients.transfer.service import import_clients
from app.clients.transfer.sources import JsonRecords
from app.ids import new_id
from app.query.invisible import trim
from tests.conftest import Service

Write = Callable[[Service, str, str, str], Awaitable[Any]]

AROUND = [
    " ", "\t", "\n", "\r\n", "\u00a0", "\u00ad", "\u061c", "\u180e", "\u2003", "\u200b", "\u200e", "\u2028", "\u2060",
    "\u3000", "\ufe0f", "\ufeff", "\u3164", " \u200b\t ",
]  # fmt: skip

CREATE = "mutation($i: CreateClientInput!) { createClient(input: $i) { client { clientId } userErrors { field message code } } }"
UPDATE = "mutation($id: ID!, $i: UpdateClientInput!) { updateClient(id: $id, input: $i) { userErrors { field message code } } }"


async def ask(service: Service, query: str, **variables: Any) -> Mapping[str, Any]:
    answer = await service.http.post("/graphql", json={"query": query, "variables": variables})
    (payload,) = answer.json()["data"].values()
    return dict(payload)


async def create_by_v1(service: Service, email: str, number: str, code: str) -> str:
    body = {"name": "Ana", "email": email, "taxNumber": number, "countryAlpha2Code": code}
    answer = await service.http.post(f"/v1/Organizations/{service.organization}/clients", json=body)
    return str(answer.json()["id"])


async def patch_by_v1(service: Service, email: str, number: str, code: str) -> str:
    client = await create_by_v1(service, "", "", "")
    body = {"email": email, "taxNumber": number, "countryAlpha2Code": code}
    await service.http.patch(f"/v1/Clients/{client}", json=body)
    return client


async def create_by_customers(service: Service, email: str, number: str, code: str) -> str:
    body = {"name": "Ana", "email": email, "tax_number": number, "country_code": code}
    return str((await service.http.post("/customers", json=body)).json()["id"]).removeprefix("cust_")


async def create_by_graphql(service: Service, email: str, number: str, code: str) -> str:
    fields = {"name": "Ana", "email": email, "taxNumber": number, "countryAlpha2Code": code}
    return str((await ask(service, CREATE, i=fields))["client"]["clientId"])


async def update_by_graphql(service: Service, email: str, number: str, code: str) -> str:
    client = await create_by_v1(service, "", "", "")
    fields = {"email": email, "taxNumber": number, "countryAlpha2Code": code}
    assert (await ask(service, UPDATE, id=client, i=fields))["userErrors"] == []
    return client


async def create_by_import(service: Service, email: str, number: str, code: str) -> str:
    record = {"id": new_id(), "name": "Ana", "email": email, "taxNumber": number, "countryAlpha2Code": code}
    source = JsonRecords(io.BytesIO(json.dumps(record).encode()))
    await import_clients(service.database, service.organization, source)
    return str(record["id"])


WRITES = [create_by_v1, patch_by_v1, create_by_customers, create_by_graphql, update_by_graphql, create_by_import]


async def read(service: Service, client: str) -> tuple[str, str, str]:
    record = (await service.http.get(f"/v1/Clients/{client}")).json()
    return record["email"], record["taxNumber"], record["countryAlpha2Code"]


@pytest.mark.parametrize("write", WRITES)
async def test_spaces_around_a_field_are_dropped(shared_service: Service, write: Write) -> None:
    for around in AROUND:
        fields = (f"{around}trail@b.example{around}", f"{around}SI 5022\u200b3054{around}", f"{around}SI{around}")
        client = await write(shared_service, *fields)
        stored = await read(shared_service, client)
        assert stored == ("trail@b.example", "SI 5022\u200b3054", "SI"), ascii(around)
    assert await read(shared_service, await write(shared_service, " \u200b", "\t", "\u00a0")) == ("", "", "")


@pytest.mark.parametrize("email", [" trail@b.example ", "trail@b.example\n", "\u200btrail@b.example\u00a0"])
async def test_a_reminder_goes_to_a_stored_address_with_spaces_around_it(service: Service, email: str) -> None:
    client = await create_by_v1(service, "", "", "")
    async with service.database.write() as connection:
        await connection.driver.execute("UPDATE clients SET email = $1", email)
        await connection.driver.execute("UPDATE organizations SET email = $1", f" {email}")
    path = f"/v1/Clients/{client}/send-reminder"
    assert (await service.http.post(path)).json() == {"success": True}
    assert (await service.http.post(path, json={"email": " boss@b.example\t"})).json() == {"success": True}
    async with service.database.read() as connection:
        rows = await connection.driver.fetch("SELECT recipient, reply_to FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [("trail@b.example",) * 2, ("boss@b.example", "trail@b.example")]


async def test_a_blank_recipient_is_not_replaced_by_the_clients_own(service: Service) -> None:
    client = await create_by_v1(service, "own@b.example", "", "")
    answer = await service.http.post(f"/v1/Clients/{client}/send-reminder", json={"email": " \u200b"})
    assert answer.status_code == 422


async def test_duplicates_find_an_address_that_was_sent_with_spaces(shared_service: Service) -> None:
    first = await create_by_v1(shared_service, "twin@b.example", "", "")
    await create_by_customers(shared_service, " twin@b.example ", "", "")
    query = "query($id: ID!) { client(id: $id) { possibleDuplicates { reasons } } }"
    found = await ask(shared_service, query, id=first)
    assert ["SAME_EMAIL" in duplicate["reasons"] for duplicate in found["possibleDuplicates"]][:1] == [True]


def test_only_the_ends_are_trimmed() -> None:
    assert trim("\u200b a \u00a0 b\ufeff\n") == "a \u00a0 b"
    assert (trim(""), trim(" \u200b"), trim("a")) == ("", "", "a")


CODES = [("si", "SI"), ("Gr", "GR"), ("el", "EL"), ("xi", "XI"), ("XK", "XK"), ("", ""), (None, None), (" de ", "DE")]
NOT_CODES = ["ZZZZ", "ZZ", "UK", "EU", "SVN", "Slovenia", "S", "S1", "ß", "ｓ", "S\u200bI", "07"]


@pytest.mark.parametrize(("code", "stored"), CODES)
async def test_a_country_code_is_of_iso_3166(shared_service: Service, code: str | None, stored: str | None) -> None:
    made = await shared_service.http.post("/customers", json={"name": "Ana", "country_code": code})
    assert (made.status_code, made.json()["country_code"]) == (201, stored)
    client = made.json()["id"].removeprefix("cust_")
    assert (await ask(shared_service, UPDATE, id=client, i={"countryAlpha2Code": code}))["userErrors"] == []
    assert (await shared_service.http.get(f"/customers/cust_{client}")).json()["country_code"] == stored


@pytest.mark.parametrize("code", NOT_CODES)
async def test_any_other_country_code_is_an_error(shared_service: Service, code: str) -> None:
    http = shared_service.http
    refused = await http.post("/customers", json={"name": "Ana", "country_code": code})
    assert refused.status_code == 422
    (message,) = refused.json()["cause"]["country_code"]["_errors"]
    assert repr(code)[:40] in message
    assert "ISO 3166-1" in message
    (error,) = (await ask(shared_service, CREATE, i={"name": "Ana", "countryAlpha2Code": code}))["userErrors"]
    assert (error["field"], error["code"]) == (["input", "countryAlpha2Code"], "INVALID_COUNTRY_CODE")
    free = await create_by_v1(shared_service, "", "", code)
    assert (await read(shared_service, free))[2] == code


async def test_a_stored_country_code_is_accepted_unchanged(shared_service: Service) -> None:
    client = await create_by_v1(shared_service, "", "", "ZZZZ")
    path = f"/customers/cust_{client}"
    kept = await shared_service.http.patch(path, json={"country_code": "ZZZZ", "name": "Bo"})
    assert (kept.status_code, kept.json()["country_code"], kept.json()["name"]) == (200, "ZZZZ", "Bo")
    assert (await ask(shared_service, UPDATE, id=client, i={"countryAlpha2Code": "ZZZZ"}))["userErrors"] == []
    replace = UPDATE.replace("UpdateClient", "ReplaceClient").replace("updateClient", "replaceClient")
    assert (await ask(shared_service, replace, id=client, i={"name": "Cy", "countryAlpha2Code": "ZZZZ"}))[
        "userErrors"
    ] == []
    assert (await read(shared_service, client))[2] == "ZZZZ"
    for other in ("ZZZ", "zzzz", "YYYY"):
        assert (await shared_service.http.patch(path, json={"country_code": other})).status_code == 422
    both = await shared_service.http.patch(path, json={"country_code": "ZZZZ", "name": ""})
    assert list(both.json()["cause"]) == ["name"]
    assert (await shared_service.http.patch(path, json={"country_code": "si"})).json()["country_code"] == "SI"
    assert (await shared_service.http.patch(path, json={"country_code": "ZZZZ"})).status_code == 422
