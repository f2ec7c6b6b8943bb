"""The public document of the Customers API, statement by statement, in the order of the document.

A statement that the service deliberately contradicts is tested as well: such a test says "differs" in its name, and
docs/decisions/0020 gives the reason.
"""

import json
import re
from typing import Any

import pytest

from tests.conftest import Service

OPTIONAL = ["email", "tax_number", "address", "city", "country_code", "address_2", "post_code", "state", "country"]
"""The optional texts of a body."""

SAMPLE_ANSWER: dict[str, Any] = {
    "name": "Minimal Customer",
    **dict.fromkeys(("email", "address", "address_2", "post_code", "city", "state", "country", "country_code")),
    "tax_number": None,
    "metadata": {},
    "vies": None,
}
"""The sample answer, without the ids and the timestamps."""

QUERY_FIELDS = ("id", "name", "address", "city", "country", "tax_number", "email", "created_at", "updated_at")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def create(service: Service, **values: Any) -> dict[str, Any]:
    response = await service.http.post("/customers", json={"name": "Minimal Customer"} | values)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def find(service: Service, **query: object) -> list[str]:
    """The names of the customers that a query finds."""
    response = await service.http.get("/customers", params={"query": json.dumps(query), "limit": 100})
    assert response.status_code == 200, response.text
    return [customer["name"] for customer in response.json()["data"]]


# Create


async def test_the_sample_request_gives_the_sample_answer(service: Service) -> None:
    headers = {"x-entity-id": f"ent_{service.organization}"}
    response = await service.http.post("/customers", json={"name": "Minimal Customer"}, headers=headers)
    made = response.json()
    assert {name: made[name] for name in SAMPLE_ANSWER} == SAMPLE_ANSWER
    assert re.fullmatch(r"cust_[0-9a-f]{24}", made["id"])
    assert made["entity_id"] == f"ent_{service.organization}"
    assert MOMENT.fullmatch(made["created_at"])
    assert MOMENT.fullmatch(made["updated_at"])


async def test_only_the_name_is_required(service: Service) -> None:
    await create(service)
    response = await service.http.post("/customers", json=dict.fromkeys(OPTIONAL, "SI"))
    assert response.status_code == 422
    assert response.json()["cause"] == {"name": {"_errors": ["Required"]}}


@pytest.mark.parametrize("name", OPTIONAL)
async def test_an_optional_text_is_stored_and_shown(service: Service, name: str) -> None:
    assert (await create(service, **{name: "SI"}))[name] == "SI"


@pytest.mark.parametrize("header", ["entity_id", "x-entity-id"])
async def test_the_entity_of_a_request_is_named_by_a_header(service: Service, header: str) -> None:
    second = await service.make_organization("Second", account_email=service.email)
    response = await service.http.post("/customers", json={"name": "Ana"}, headers={header: f"ent_{second}"})
    assert response.json()["entity_id"] == f"ent_{second}"


async def test_without_a_header_the_first_created_entity_is_taken(service: Service) -> None:
    await service.make_organization("Second", account_email=service.email)
    assert (await create(service))["entity_id"] == f"ent_{service.organization}"


async def test_metadata_holds_fifty_texts_of_two_hundred_and_fifty_characters(service: Service) -> None:
    metadata = {f"key{number}": "x" * 250 for number in range(50)}
    assert (await create(service, metadata=metadata))["metadata"] == metadata


@pytest.mark.parametrize(
    "metadata",
    [
        {f"key{number}": "x" for number in range(51)},
        {"key": "x" * 251},
        {"key": 7},
        {"key": {"nested": "x"}},
        ["x"],
        "x",
    ],
)
async def test_metadata_beyond_its_limits_is_rejected(service: Service, metadata: object) -> None:
    response = await service.http.post("/customers", json={"name": "Ana", "metadata": metadata})
    assert response.status_code == 422
    assert "metadata" in response.json()["cause"]


async def test_metadata_differs_a_key_has_at_most_forty_characters(service: Service) -> None:
    longest, longer = "k" * 40, "k" * 41
    assert (await create(service, metadata={longest: "x"}))["metadata"] == {longest: "x"}
    response = await service.http.post("/customers", json={"name": "Ana", "metadata": {longer: "x"}})
    assert response.status_code == 422


# List


async def test_the_sample_list_gives_the_sample_pagination(service: Service) -> None:
    made = await create(service)
    response = await service.http.get("/customers", headers={"x-entity-id": f"ent_{service.organization}"})
    pagination = {"total": 1, "next_cursor": None, "prev_cursor": None, "has_more": False}
    assert response.json() == {"data": [made], "pagination": pagination}


async def test_a_page_has_ten_customers_unless_limit_says_otherwise(service: Service) -> None:
    for number in range(11):
        await create(service, name=f"Customer {number}")
    assert len((await service.http.get("/customers")).json()["data"]) == 10
    assert len((await service.http.get("/customers", params={"limit": 3})).json()["data"]) == 3


async def test_the_cursors_of_an_answer_lead_to_the_next_and_the_previous_page(service: Service) -> None:
    names = [(await create(service, name=f"Customer {number}"))["name"] for number in range(5)]
    first = (await service.http.get("/customers", params={"limit": 2})).json()
    cursor = first["pagination"]["next_cursor"]
    second = (await service.http.get("/customers", params={"limit": 2, "next_cursor": cursor})).json()
    assert [customer["name"] for customer in second["data"]] == names[2:4]
    assert second["pagination"]["has_more"] is True
    back = second["pagination"]["prev_cursor"]
    again = (await service.http.get("/customers", params={"limit": 2, "prev_cursor": back})).json()
    assert again["data"] == first["data"]


@pytest.mark.parametrize(("flag", "total"), [(None, 1), ("true", 1), ("false", -1)])
async def test_the_total_is_counted_unless_it_is_declined(service: Service, flag: str | None, total: int) -> None:
    await create(service)
    parameters = {} if flag is None else {"include_total_count": flag}
    response = await service.http.get("/customers", params=parameters)
    assert response.json()["pagination"]["total"] == total


async def test_lists_are_sorted(service: Service) -> None:
    for name in ("Bor", "Ana", "Cvetka"):
        await create(service, name=name)
    for order, names in (("name", ["Ana", "Bor", "Cvetka"]), ("-name", ["Cvetka", "Bor", "Ana"])):
        listed = (await service.http.get("/customers", params={"order_by": order})).json()["data"]
        assert [customer["name"] for customer in listed] == names


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("Bor", ["Bor"]),
        ({"equals": "Bor"}, ["Bor"]),
        ({"gte": "Bor"}, ["Bor", "Cvetka"]),
        ({"lte": "Bor"}, ["Ana", "Bor"]),
        ({"gt": "Bor"}, ["Cvetka"]),
        ({"lt": "Bor"}, ["Ana"]),
        ({"in": ["Ana", "Cvetka"]}, ["Ana", "Cvetka"]),
        ({"notIn": ["Ana", "Cvetka"]}, ["Bor"]),
        ({"contains": "VET"}, ["Cvetka"]),
        ({"startsWith": "Cv"}, ["Cvetka"]),
        ({"endsWith": "ka"}, ["Cvetka"]),
        ({"between": ["Ana", "Bor"]}, ["Ana", "Bor"]),
    ],
)
async def test_an_operator_finds_what_the_document_says(service: Service, condition: object, names: list[str]) -> None:
    for name in ("Ana", "Bor", "Cvetka"):
        await create(service, name=name)
    assert await find(service, name=condition) == names


async def test_between_takes_two_dates(service: Service) -> None:
    made = await create(service)
    assert await find(service, created_at={"between": ["2020-01-01", "2100-12-31"]}) == [made["name"]]
    assert await find(service, created_at={"between": ["2020-01-01", "2020-12-31"]}) == []


@pytest.mark.parametrize("name", QUERY_FIELDS)
async def test_a_listed_field_is_allowed_in_a_query(service: Service, name: str) -> None:
    made = await create(
        service, address="Main Street 1", city="Bled", country="Slovenia", tax_number="1", email="a@a.example"
    )
    assert await find(service, **{name: made[name]}) == [made["name"]]


@pytest.mark.parametrize(
    "query",
    [
        {"total": {"gte": 1000}},
        {"customer.name": {"contains": "Acme"}},
        {"date": {"between": ["2025-01-01", "2025-12-31"]}},
    ],
)
async def test_the_sample_queries_differ_they_name_fields_of_invoices(service: Service, query: object) -> None:
    response = await service.http.get("/customers", params={"query": json.dumps(query)})
    assert response.status_code == 400


@pytest.mark.parametrize("search", ["BLED", "nec vod", "orders", "office@", "Main", "12345"])
async def test_a_search_looks_into_every_text_in_any_case_for_parts_of_words(service: Service, search: str) -> None:
    await create(service, name="Other")
    made = await create(
        service,
        name="Studenec voda",
        address="Main Street 1",
        city="Bled",
        email="office@bled.example",
        tax_number="SI12345678",
        metadata={"channel": "Reorders"},
    )
    listed = (await service.http.get("/customers", params={"search": search})).json()["data"]
    assert [customer["id"] for customer in listed] == [made["id"]]


async def test_a_request_needs_a_key(service: Service) -> None:
    async with service.client(None) as client:
        assert (await client.get("/customers")).status_code == 401
        assert (await client.post("/customers", json={"name": "Ana"})).status_code == 401
