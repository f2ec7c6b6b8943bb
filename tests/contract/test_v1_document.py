"""The public document of the v1 Clients API, statement by statement, in the order of the document.

A statement that the service deliberately contradicts is tested as well: such a test says "differs" in its name, and
docs/decisions/0020 gives the reason.
"""

import json
import re
from typing import Any

import httpx
import pytest

from tests.conftest import Service

TEXTS = """
contact note name address address2 city zip state country countryAlpha2Code taxNumber companyNumber IBAN bank SWIFT
website email phone businessType fiscalRegionCode
""".split()  # noqa: SIM905
"""The properties that the document calls strings, and that a caller writes."""

READ_ONLY = ("id", "createdAt", "updatedAt", "deletedAt", "_isDeleted", "deletedId", "organizationId", "unitId")
OBJECT = {*TEXTS, *READ_ONLY, "isEndCustomer", "type", "taxSubject", "custom", "unitIds", "_data"}
"""The properties of the client object."""

SAMPLE = {
    **dict.fromkeys(TEXTS, "string"),
    "isEndCustomer": False,
    "type": "customer",
    "taxSubject": True,
    "custom": {},
    "_data": [{"name": "string", "value": {}, "options": {}}],
}
"""The sample body of creating, replacing and patching, with a type that the document lists."""

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def raw(service: Service) -> dict[str, str]:
    """The headers of every sample request: the token alone, without a scheme, and JSON as the content type."""
    return {"Authorization": service.token, "content-type": "application/json"}


async def ask(service: Service, method: str, path: str, body: object = None, **options: Any) -> httpx.Response:
    content = None if body is None else json.dumps(body)
    async with service.client(None) as client:
        return await client.request(method, f"/v1{path}", content=content, headers=raw(service), **options)


async def create(service: Service, **properties: Any) -> dict[str, Any]:
    response = await ask(
        service, "POST", f"/Organizations/{service.organization}/clients", {"name": "Ana"} | properties
    )
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


# The client object


async def test_the_object_has_every_documented_property_and_no_other(service: Service) -> None:
    assert set(await create(service)) == OBJECT


@pytest.mark.parametrize("name", TEXTS)
async def test_a_text_property_is_written_and_shown(service: Service, name: str) -> None:
    assert (await create(service, **{name: "string"}))[name] == "string"


@pytest.mark.parametrize("name", ["taxSubject", "isEndCustomer"])
async def test_a_boolean_property_is_written_and_shown(service: Service, name: str) -> None:
    for value in (True, False):
        assert (await create(service, **{name: value}))[name] is value


@pytest.mark.parametrize("kind", ["customer", "supplier", "both"])
async def test_a_client_is_a_customer_a_supplier_or_both(service: Service, kind: str) -> None:
    assert (await create(service, type=kind))["type"] == kind


async def test_custom_takes_any_data(service: Service) -> None:
    custom = {"level": 3, "tags": ["a", None, {"b": True}], "nested": {"c": "d"}}
    assert (await create(service, custom=custom))["custom"] == custom


async def test_data_items_have_an_id_a_name_a_value_and_options(service: Service) -> None:
    item = {"id": "string", "name": "string", "value": {"a": 1}, "options": {"b": 2}}
    assert (await create(service, _data=[item]))["_data"] == [item]


@pytest.mark.parametrize("name", READ_ONLY)
async def test_a_read_only_property_of_a_body_changes_nothing(service: Service, name: str) -> None:
    made = await create(service)
    response = await ask(service, "PATCH", f"/Clients/{made['id']}", {name: made[name], "note": "new"})
    assert response.status_code == 200
    assert response.json() | {"note": None, "updatedAt": None} == made | {"updatedAt": None}


async def test_timestamps_differ_from_the_sample_they_are_valid_iso_8601(service: Service) -> None:
    made = await create(service)
    assert MOMENT.fullmatch(made["createdAt"])
    assert MOMENT.fullmatch(made["updatedAt"])
    assert made["deletedAt"] is None


# Create


async def test_creating_answers_the_client(service: Service) -> None:
    response = await ask(service, "POST", f"/Organizations/{service.organization}/clients", SAMPLE)
    assert response.status_code == 200
    made = response.json()
    assert set(made) == OBJECT
    assert {name: made[name] for name in SAMPLE} == SAMPLE
    assert made["organizationId"] == service.organization
    assert made["_isDeleted"] is False


async def test_the_type_of_the_sample_differs_only_documented_types_are_accepted(service: Service) -> None:
    response = await ask(service, "POST", f"/Organizations/{service.organization}/clients", SAMPLE | {"type": "string"})
    assert response.status_code == 422
    assert response.json()["error"]["details"]["codes"] == {"type": ["inclusion"]}


async def test_a_name_is_all_that_a_new_client_needs(service: Service) -> None:
    made = await create(service)
    defaults = {"isEndCustomer": False, "custom": {}}
    assert {name: made[name] for name in defaults} == defaults
    assert [name for name in TEXTS if made[name] is not None] == ["name"]


async def test_a_new_client_needs_a_name(service: Service) -> None:
    body = {name: value for name, value in SAMPLE.items() if name != "name"}
    response = await ask(service, "POST", f"/Organizations/{service.organization}/clients", body)
    assert response.status_code == 422
    assert response.json()["error"]["details"]["codes"] == {"name": ["presence"]}


async def test_the_organization_in_the_path_must_exist(service: Service) -> None:
    response = await ask(service, "POST", f"/Organizations/{'0' * 24}/clients", SAMPLE)
    assert response.status_code == 404


# Get and find


async def test_a_client_is_read_by_its_id(service: Service) -> None:
    made = await create(service)
    response = await ask(service, "GET", f"/Clients/{made['id']}")
    assert (response.status_code, response.json()) == (200, made)


async def test_the_filter_of_a_get_is_json_with_fields_and_include(service: Service) -> None:
    made = await create(service)
    chosen = {"fields": ["id", "name", "organizationId"], "include": "organization"}
    response = await ask(service, "GET", f"/Clients/{made['id']}", params={"filter": json.dumps(chosen)})
    shown = response.json()
    assert set(shown) == {"id", "name", "organizationId", "organization"}
    assert shown["organization"]["id"] == service.organization


async def test_clients_are_found_in_an_organization(service: Service) -> None:
    made = [await create(service, name=name) for name in ("Ana", "Bor")]
    response = await ask(service, "GET", f"/Organizations/{service.organization}/clients")
    assert response.status_code == 200
    assert sorted(response.json(), key=lambda row: row["name"]) == made


async def test_the_filter_of_a_list_is_optional_and_chooses_clients(service: Service) -> None:
    for name in ("Ana", "Bor"):
        await create(service, name=name)
    chosen = {"where": {"name": "Bor"}, "fields": {"name": True}}
    response = await ask(
        service, "GET", f"/Organizations/{service.organization}/clients", params={"filter": json.dumps(chosen)}
    )
    assert response.json() == [{"name": "Bor"}]


# Count


async def test_clients_are_counted_with_and_without_conditions(service: Service) -> None:
    for name in ("Ana", "Bor"):
        await create(service, name=name)
    path = f"/Organizations/{service.organization}/clients/count"
    assert (await ask(service, "GET", path)).json() == {"count": 2}
    where = json.dumps({"name": "Bor"})
    assert (await ask(service, "GET", path, params={"where": where})).json() == {"count": 1}


# Search


async def test_a_search_needs_a_term_and_finds_clients(service: Service) -> None:
    made = await create(service, name="Space Exploration Ltd")
    path = f"/Organizations/{service.organization}/clients/search"
    assert (await ask(service, "GET", path, params={"term": "space"})).json() == [made]
    assert (await ask(service, "GET", path)).status_code == 400


async def test_a_search_is_limited_to_customers_or_suppliers(service: Service) -> None:
    for kind in ("customer", "supplier", "both"):
        await create(service, name=f"Space {kind}", type=kind)
    path = f"/Organizations/{service.organization}/clients/search"
    for kind in ("customer", "supplier"):
        rows = (await ask(service, "GET", path, params={"term": "space", "type": kind})).json()
        assert {row["type"] for row in rows} == {kind, "both"}


# Replace and patch


async def test_replacing_answers_the_client_with_the_new_values(service: Service) -> None:
    made = await create(service, unitIds=["u"], note="old")
    response = await ask(service, "PUT", f"/Clients/{made['id']}", SAMPLE)
    assert response.status_code == 200
    replaced = response.json()
    assert {name: replaced[name] for name in SAMPLE} == SAMPLE
    kept = ("id", "organizationId", "createdAt")
    assert [replaced[name] for name in kept] == [made[name] for name in kept]


async def test_replacing_needs_a_name_and_sets_what_is_absent_to_its_default(service: Service) -> None:
    made = await create(service, note="old", isEndCustomer=True, custom={"a": 1})
    response = await ask(service, "PUT", f"/Clients/{made['id']}", {"note": "new"})
    assert response.status_code == 422
    replaced = (await ask(service, "PUT", f"/Clients/{made['id']}", {"name": "Bor"})).json()
    assert [replaced[name] for name in ("note", "isEndCustomer", "custom")] == [None, False, {}]


async def test_patching_answers_the_client_with_the_sample_values(service: Service) -> None:
    made = await create(service)
    response = await ask(service, "PATCH", f"/Clients/{made['id']}", SAMPLE)
    assert response.status_code == 200
    assert {name: response.json()[name] for name in SAMPLE} == SAMPLE


async def test_patching_differs_a_name_is_not_required(service: Service) -> None:
    made = await create(service, note="old")
    patched = (await ask(service, "PATCH", f"/Clients/{made['id']}", {"city": "Bled"})).json()
    assert patched | {"city": None, "updatedAt": None} == made | {"updatedAt": None}
    assert patched["city"] == "Bled"


# Delete


async def test_deleting_answers_the_number_of_deleted_clients(service: Service) -> None:
    made = await create(service)
    response = await ask(service, "DELETE", f"/Clients/{made['id']}")
    assert (response.status_code, response.json()) == (200, {"count": 1})
    path = f"/Organizations/{service.organization}/clients"
    listed = await ask(service, "GET", path, params={"filter": json.dumps({"deleted": True})})
    (row,) = listed.json()
    assert (row["_isDeleted"], row["deletedId"]) == (True, made["id"])
    assert MOMENT.fullmatch(row["deletedAt"])


# Send a reminder


async def test_a_reminder_needs_no_argument(service: Service) -> None:
    made = await create(service, email="ana@ana.example")
    response = await ask(service, "POST", f"/Clients/{made['id']}/send-reminder", {})
    assert (response.status_code, response.json()) == (200, {"success": True})


async def test_a_reminder_takes_an_address_and_a_language(service: Service) -> None:
    made = await create(service)
    body = {"email": "office@ana.example", "l": "sl"}
    response = await ask(service, "POST", f"/Clients/{made['id']}/send-reminder", body)
    assert (response.status_code, response.json()) == (200, {"success": True})


@pytest.mark.parametrize("body", [{"email": "string"}, {"l": "string"}, {"email": "string", "l": "string"}])
async def test_the_sample_reminder_differs_its_values_are_checked(service: Service, body: dict[str, str]) -> None:
    made = await create(service, email="ana@ana.example")
    response = await ask(service, "POST", f"/Clients/{made['id']}/send-reminder", body)
    assert response.status_code == 422


# Authentication, as in every sample request


async def test_a_request_without_a_token_is_unauthorized(service: Service) -> None:
    async with service.client(None) as client:
        response = await client.get(f"/v1/Organizations/{service.organization}/clients")
    assert response.status_code == 401
