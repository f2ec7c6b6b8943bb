"""The documented operations on clients, each by the simplest request."""

from typing import Any

import pytest

from tests.conftest import Service
from tests.rest.v1.requests import NOBODY, as_filter, clients_path, make, names

WRITABLE = {
    "contact": "Borut Novak",
    "note": "call first",
    "isEndCustomer": True,
    "type": "both",
    "name": "Zelena Energija",
    "address": "Glavna 1",
    "address2": "2. nadstropje",
    "city": "Kranj",
    "zip": "4000",
    "state": "Gorenjska",
    "country": "Slovenia",
    "countryAlpha2Code": "SI",
    "taxNumber": "SI12345678",
    "taxSubject": True,
    "companyNumber": "1234567",
    "IBAN": "SI56 0000 0000 0000 000",
    "bank": "Banka",
    "SWIFT": "BANKSI2X",
    "website": "https://zelena.example",
    "email": "info@zelena.example",
    "phone": "+386 1 000 000",
    "businessType": "company",
    "fiscalRegionCode": "01",
    "custom": {"level": 7, "tags": ["a", "b"]},
    "unitIds": ["one", "two"],
    "_data": [{"name": "ref", "value": {"n": 1}, "options": {}}],
}

READ_ONLY = {"id", "createdAt", "updatedAt", "deletedAt", "_isDeleted", "deletedId", "organizationId", "unitId"}


async def test_a_client_is_made_with_every_documented_property(service: Service) -> None:
    made = await make(service)
    assert set(made) == {*WRITABLE, *READ_ONLY}
    assert made["organizationId"] == service.organization
    assert (made["isEndCustomer"], made["taxSubject"], made["custom"]) == (False, False, {})
    assert (made["_isDeleted"], made["deletedAt"], made["email"]) == (False, None, None)


async def test_what_was_sent_is_what_is_read(service: Service) -> None:
    made = await make(service, **WRITABLE)
    read = (await service.http.get(f"/v1/Clients/{made['id']}")).json()
    assert read == made
    assert {name: read[name] for name in WRITABLE} == WRITABLE


async def test_a_list_says_how_many_there_are_in_all(service: Service) -> None:
    for name in ("b", "a", "c"):
        await make(service, name=name)
    answer = await service.http.get(clients_path(service) + as_filter({"limit": 2, "order": "name DESC"}))
    assert [one["name"] for one in answer.json()] == ["c", "b"]
    assert answer.headers["x-total-count"] == "3"
    skipped = await service.http.get(clients_path(service) + as_filter({"limit": 2, "skip": 5}))
    assert (skipped.json(), skipped.headers["x-total-count"]) == ([], "3")


async def test_a_filter_finds(service: Service) -> None:
    await make(service, name="Alpha", country="Slovenia", custom={"level": 3})
    await make(service, name="Beta", country="Japan", custom={"level": 11})
    await make(service, name="Gamma")
    assert await names(service, {"where": {"country": {"inq": ["Japan", "France"]}}}) == ["Beta"]
    assert await names(service, {"where": {"custom.level": {"gt": 5}}}) == ["Beta"]
    either = {"or": [{"name": {"like": "A%"}}, {"country": None}]}
    assert await names(service, {"where": either, "order": "name ASC"}) == ["Alpha", "Gamma"]


async def test_fields_choose_what_is_shown(service: Service) -> None:
    made = await make(service, email="a@b.example")
    answer = await service.http.get(f"/v1/Clients/{made['id']}" + as_filter({"fields": ["email", "name"]}))
    assert answer.json() == {"name": "Pixel Studio", "email": "a@b.example"}


async def test_the_organization_can_be_included(service: Service) -> None:
    await make(service)
    answer = await service.http.get(
        clients_path(service) + as_filter({"include": "organization", "fields": ["organizationId"]})
    )
    assert answer.json()[0]["organization"]["name"] == "Studio Example"


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        ({"fields": ["name"]}, {"id", "name"}),
        ({"fields": {"email": False}}, {"id", "name", "country"}),
        ({"fields": {"email": "true", "name": "false"}}, {"id", "email"}),
        ({"where": {"name": {"like": "Studio%"}}, "fields": "name"}, {"id", "name"}),
        ({"where": {"or": [{"name": "x"}, {"email": {"regexp": "^OFFICE@"}}]}}, None),
        ({"where": {"country": {"nin": ["Slovenia"]}}}, None),
        ({"where": {"id": {"inq": []}}}, None),
    ],
)
async def test_an_included_organization_has_a_scope(
    shared_service: Service, scope: Any, shown: set[str] | None
) -> None:
    path = f"/v1/Clients/{(await make(shared_service))['id']}"
    answer = await shared_service.http.get(path + as_filter({"include": {"relation": "organization", "scope": scope}}))
    assert answer.status_code == 200
    included = answer.json().get("organization")
    assert (included if included is None else set(included)) == shown


async def test_count_counts_what_a_where_finds(service: Service) -> None:
    await make(service, city="Kranj")
    await make(service, city="Celje")
    assert (await service.http.get(clients_path(service, "/count"))).json() == {"count": 2}
    where = '/count?where={"city":"Celje"}'
    assert (await service.http.get(clients_path(service, where))).json() == {"count": 1}


async def test_search_finds_words_in_any_text_best_match_first(service: Service) -> None:
    await make(service, name="The Rocket Shop", type="customer")
    await make(service, name="Rocket", type="both")
    await make(service, name="Bakery", note="bakes for Rocket", type="supplier")
    for path in (clients_path(service, "/search"), f"/v1/organizations/{service.organization}/search-clients"):
        found = (await service.http.get(f"{path}?term=ROCKET")).json()
        assert {one["name"] for one in found} == {"Rocket", "The Rocket Shop", "Bakery"}
        assert found[0]["name"] == "Rocket"
        customers = (await service.http.get(f"{path}?term=rocket&type=customer")).json()
        assert {one["name"] for one in customers} == {"Rocket", "The Rocket Shop"}


async def test_put_replaces_and_patch_changes(service: Service) -> None:
    made = await make(service, city="Kranj", email="a@b.example")
    put = (
        await service.http.put(f"/v1/Clients/{made['id']}", json={**made, "name": "New", "email": None, "city": None})
    ).json()
    assert (put["name"], put["email"], put["city"]) == ("New", None, None)
    bare = (await service.http.put(f"/v1/Clients/{made['id']}", json={"name": "Bare"})).json()
    assert (bare["createdAt"], bare["organizationId"]) == (made["createdAt"], service.organization)
    patched = (await service.http.patch(f"/v1/Clients/{made['id']}", json={"city": "Celje"})).json()
    assert (patched["name"], patched["city"]) == ("Bare", "Celje")


async def test_a_deleted_client_is_only_found_by_those_who_ask_for_deleted_ones(service: Service) -> None:
    made = await make(service)
    assert (await service.http.delete(f"/v1/Clients/{made['id']}")).json() == {"count": 1}
    assert (await service.http.delete(f"/v1/Clients/{made['id']}")).json() == {"count": 0}
    assert (await service.http.get(f"/v1/Clients/{made['id']}")).status_code == 404
    assert await names(service, {}) == []
    listed = (await service.http.get(clients_path(service) + as_filter({"deleted": True}))).json()
    assert [(one["_isDeleted"], one["deletedId"]) for one in listed] == [(True, made["id"])]


async def test_exists_and_head_say_whether_there_is_a_client(service: Service) -> None:
    made = await make(service)
    assert (await service.http.get(f"/v1/Clients/{made['id']}/exists")).json() == {"exists": True}
    assert (await service.http.get(f"/v1/Clients/{NOBODY}/exists")).json() == {"exists": False}
    head = await service.http.head(f"/v1/Clients/{made['id']}")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", '"1"')
    assert (await service.http.head(f"/v1/Clients/{NOBODY}")).status_code == 404


async def test_a_reminder_lies_in_the_outbox(service: Service) -> None:
    made = await make(service, email="client@zelena.example")
    path = f"/v1/Clients/{made['id']}/send-reminder"
    assert (await service.http.post(path)).json() == {"success": True}
    assert (await service.http.post(path, json={"l": "sl", "email": "other@zelena.example"})).json() == {
        "success": True
    }
    async with service.database.read() as connection:
        rows = await connection.driver.fetch("SELECT recipient, language FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [("client@zelena.example", "en"), ("other@zelena.example", "sl")]
    assert (await service.http.post(path, json={"l": "xx"})).status_code == 422
    assert (await service.http.post(f"/v1/Clients/{NOBODY}/send-reminder", json={})).status_code == 404


async def test_a_reminder_takes_its_arguments_from_the_query_too(service: Service) -> None:
    made = await make(service, email="client@zelena.example")
    path = f"/v1/Clients/{made['id']}/send-reminder?email=other%40zelena.example&l=sl"
    key = {"Idempotency-Key": "reminder"}
    assert (await service.http.post(path, headers=key)).json() == {"success": True}
    assert (await service.http.post(path.replace("l=sl", "l=hr"), headers=key)).status_code == 409
    async with service.database.read() as connection:
        sent = await connection.driver.fetch("SELECT recipient, language FROM outbox")
    assert [tuple(row) for row in sent] == [("other@zelena.example", "sl")]


@pytest.mark.parametrize(
    ("body", "query", "unknown"),
    [
        ({"mail": "boss@x.example", "language": "de"}, "", ["mail", "language"]),
        ({"email": "boss@x.example", "lang": "de"}, "", ["lang"]),
        ({"Email": "boss@x.example"}, "", ["Email"]),
        ({"email ": "boss@x.example"}, "", ["email "]),
        ({"L": None}, "", ["L"]),
        ({"access_token": "x"}, "", ["access_token"]),
        ({}, "?mail=boss%40x.example&l=sl", ["mail"]),
        ({}, "?to[]=boss%40x.example", ["to"]),
        ({"a": 1}, "?b=2&_=3", ["a", "b"]),
    ],
)
async def test_a_reminder_with_unknown_arguments_is_not_sent(
    service: Service, body: dict[str, Any], query: str, unknown: list[str]
) -> None:
    made = await make(service, email="client@zelena.example")
    answer = await service.http.post(f"/v1/Clients/{made['id']}/send-reminder{query}", json=body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["details"]["codes"] == {name: ["unknown-property"] for name in unknown}
    assert "email and l" in error["message"]
    async with service.database.read() as connection:
        assert await connection.driver.fetchval("SELECT count(*) FROM outbox") == 0


async def test_parameters_that_clients_add_are_not_arguments_of_a_reminder(service: Service) -> None:
    made = await make(service, email="client@zelena.example")
    path = f"/v1/Clients/{made['id']}/send-reminder"
    token = service.http.headers["authorization"]
    assert (await service.http.post(f"{path}?_=1732620000&access_token={token}", json={})).json() == {"success": True}
    form = await service.http.post(path, data={"email": "a@b.example", "l": "sl"})
    assert form.json() == {"success": True}
    assert (await service.http.post(path, data={"email": "a@b.example", "language": "sl"})).status_code == 422


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("EN", "en"),
        ("sl-SI", "sl"),
        ("SL_si", "sl"),
        ("de_AT", "de"),
        ("de-Latn-AT-1996", "de"),
        ("zh", None),
        ("english", None),
        ("sl-", None),
        ("-sl", None),
        ("sl SI", None),
        ("en-\u200b", None),
    ],
)
async def test_the_language_of_a_reminder_is_that_of_its_tag(service: Service, tag: str, language: str | None) -> None:
    made = await make(service, email="client@zelena.example")
    answer = await service.http.post(f"/v1/Clients/{made['id']}/send-reminder", json={"l": tag})
    async with service.database.read() as connection:
        sent = [row[0] for row in await connection.driver.fetch("SELECT language FROM outbox")]
    if language is None:
        assert answer.status_code == 422
        assert answer.json()["error"]["details"]["codes"] == {"l": ["inclusion"]}
        assert sent == []
    else:
        assert (answer.status_code, sent) == (200, [language])


async def test_numbers_inside_custom_are_numbers_and_their_text(service: Service) -> None:
    for name, level in (("whole", 7.0), ("text", "7"), ("half", 7.5), ("word", "x"), ("truth", True), ("list", [7])):
        await make(service, name=name, custom={"level": level})
    await make(service, name="none", custom={})
    for clause, found in (
        (7, ["whole"]),
        ("7", ["text", "whole"]),
        ({"inq": [7, "x"]}, ["whole", "word"]),
        ({"neq": 7}, ["half", "list", "text", "truth", "word"]),
        ({"nin": [7, 7.5, "x"]}, ["list", "text", "truth"]),
        ({"nin": ["7", None]}, ["half", "list", "truth", "word"]),
        ({"gt": 7}, ["half"]),
        ({"between": [7, 8]}, ["half", "whole"]),
        (True, ["truth"]),
        (None, ["none"]),
    ):
        assert sorted(await names(service, {"where": {"custom.level": clause}})) == found, clause


async def test_somebody_elses_client_is_no_client(service: Service) -> None:
    made = await make(service)
    stranger = await service.make_organization("Stranger")
    async with service.client(await service.make_token(organization_id=stranger)) as http:
        path = f"/v1/Clients/{made['id']}"
        assert (await http.get(path)).status_code == 404
        assert (await http.put(path, json={"name": "Mine"})).status_code == 404
        assert (await http.patch(path, json={"name": "Mine"})).status_code == 404
        assert (await http.delete(path)).json() == {"count": 0}
        assert (await http.get(clients_path(service))).status_code == 404
        assert (await http.post(f"{path}/send-reminder", json={})).status_code == 404
    assert (await service.http.get(path)).json() == made
