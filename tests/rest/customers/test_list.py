"""The list of customers: pages and cursors, orders, queries, searches, and what is refused."""

import json
from typing import Any

import pytest

from tests.conftest import Service
from tests.rest.conftest import NAMES
from tests.rest.customers.test_customers import create

FOLDED = ("alpha", "Beta", "Čebela", "delta", "école", "Zeta")


async def ask(service: Service, **parameters: Any) -> dict[str, Any]:
    if "query" in parameters and not isinstance(parameters["query"], str):
        parameters["query"] = json.dumps(parameters["query"])
    answer = await service.http.get("/customers", params=parameters)
    assert answer.status_code == 200, answer.text
    listed: dict[str, Any] = answer.json()
    return listed


async def names(service: Service, **parameters: Any) -> list[str]:
    return [row["name"] for row in (await ask(service, **parameters))["data"]]


async def test_one_customer_is_listed_as_documented(service: Service) -> None:
    made = await create(service)
    pagination = {"total": 1, "next_cursor": None, "prev_cursor": None, "has_more": False}
    assert await ask(service) == {"data": [made], "pagination": pagination}


async def test_an_empty_list_has_no_cursors(service: Service) -> None:
    pagination = {"total": 0, "next_cursor": None, "prev_cursor": None, "has_more": False}
    assert await ask(service) == {"data": [], "pagination": pagination}


async def test_ten_are_listed_by_default_in_the_order_of_their_ids(service: Service) -> None:
    made = [(await create(service, name=f"C{n}"))["id"] for n in range(12)]
    listed = await ask(service)
    assert [row["id"] for row in listed["data"]] == made[:10]
    assert listed["pagination"]["has_more"] is True
    assert listed["pagination"]["total"] == 12
    rest = await ask(service, next_cursor=listed["pagination"]["next_cursor"])
    assert [row["id"] for row in rest["data"]] == made[10:]
    assert rest["pagination"]["has_more"] is False
    assert rest["pagination"]["next_cursor"] is None


async def test_the_total_is_left_out_when_not_wanted(service: Service) -> None:
    await create(service)
    assert (await ask(service, include_total_count="false"))["pagination"]["total"] == -1
    assert (await ask(service, include_total_count="true"))["pagination"]["total"] == 1


async def test_the_total_is_of_what_is_asked(service: Service, six: list[dict[str, Any]]) -> None:
    assert (await ask(service, limit=1, query={"city": None}))["pagination"]["total"] == 3
    assert (await ask(service, limit=1, search="eta"))["pagination"]["total"] == 2


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("name", FOLDED),
        ("-name", FOLDED[::-1]),
        ("-created_at", NAMES[::-1]),
        ("created_at", NAMES),
        ("id", NAMES),
        ("-id", NAMES[::-1]),
        ("city", ("Čebela", "Zeta", "Beta", "alpha", "école", "delta")),
        ("-city", ("Beta", "Zeta", "Čebela", "delta", "école", "alpha")),
        ("city,name", ("Čebela", "Zeta", "Beta", "alpha", "delta", "école")),
        ("city,-name", ("Zeta", "Čebela", "Beta", "école", "delta", "alpha")),
        ("-city,name", ("Beta", "Čebela", "Zeta", "alpha", "delta", "école")),
        (["city", "-name"], ("Zeta", "Čebela", "Beta", "école", "delta", "alpha")),
        ('["city", "-name"]', ("Zeta", "Čebela", "Beta", "école", "delta", "alpha")),
        ('{"city": "asc", "name": "desc"}', ("Zeta", "Čebela", "Beta", "école", "delta", "alpha")),
        ('"-name"', FOLDED[::-1]),
        ("is_tax_subject,-id", NAMES[::-1]),
        ("contact_type", NAMES),
        ("", NAMES),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 4, 100])
async def test_every_order_is_walked_forward_and_back(
    read_only: Service, order_by: str | list[str], expected: tuple[str, ...], limit: int
) -> None:
    service = read_only
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await ask(service, order_by=order_by, limit=limit, **cursor)
        assert (page["pagination"]["prev_cursor"] is None) is (not found)
        found += [row["name"] for row in page["data"]]
        if not page["pagination"]["has_more"]:
            break
        cursor = {"next_cursor": page["pagination"]["next_cursor"]}
    assert tuple(found) == expected
    back = [row["name"] for row in page["data"]][::-1]
    while page["pagination"]["prev_cursor"] is not None:
        page = await ask(service, order_by=order_by, limit=limit, prev_cursor=page["pagination"]["prev_cursor"])
        assert page["pagination"]["has_more"] is True
        back += [row["name"] for row in page["data"]][::-1]
    assert tuple(back) == expected[::-1]


async def test_a_page_that_became_empty_leads_back(service: Service, six: list[dict[str, Any]]) -> None:
    for order in ("id", "-id", "-city", "name"):
        first = await ask(service, order_by=order, limit=6)
        cursor = (await ask(service, order_by=order, limit=5))["pagination"]["next_cursor"]
        ids = [row["id"] for row in first["data"]]
        await service.http.delete(f"/customers/{ids[5]}")
        empty = await ask(service, order_by=order, limit=5, next_cursor=cursor)
        assert (empty["data"], empty["pagination"]["has_more"]) == ([], False)
        back = await ask(service, order_by=order, limit=2, prev_cursor=empty["pagination"]["prev_cursor"])
        assert [row["id"] for row in back["data"]] == ids[3:5]
        assert back["pagination"]["has_more"] is False
        assert back["pagination"]["next_cursor"] is None
        await create(service, name=first["data"][5]["name"], city=first["data"][5]["city"])


async def test_going_back_to_nothing_leads_forward(service: Service, six: list[dict[str, Any]]) -> None:
    for order in ("id", "-id"):
        all_six = [row["id"] for row in (await ask(service, order_by=order))["data"]]
        first = await ask(service, order_by=order, limit=1)
        second = await ask(service, order_by=order, limit=1, next_cursor=first["pagination"]["next_cursor"])
        await service.http.delete(f"/customers/{all_six[0]}")
        nothing = await ask(service, order_by=order, limit=1, prev_cursor=second["pagination"]["prev_cursor"])
        assert nothing["data"] == []
        assert nothing["pagination"]["prev_cursor"] is None
        assert nothing["pagination"]["has_more"] is True
        again = await ask(service, order_by=order, limit=1, next_cursor=nothing["pagination"]["next_cursor"])
        assert [row["id"] for row in again["data"]] == all_six[1:2]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "Beta"}, {"Beta"}),
        ({"name": {"equals": "beta"}}, set()),
        ({"name": {"$equals": "Beta"}}, {"Beta"}),
        ({"name": {"not": "Beta"}, "city": None}, {"alpha", "école", "delta"}),
        ({"city": {"not": None}}, {"Čebela", "Beta", "Zeta"}),
        ({"city": {"not": "Graz"}}, {"Beta", "Zeta"}),
        ({"name": {"gt": "delta"}}, {"école", "Zeta"}),
        ({"name": {"$gte": "DELTA"}}, {"delta", "école", "Zeta"}),
        ({"name": {"lt": "beta"}}, {"alpha"}),
        ({"name": {"lte": "beta"}}, {"alpha", "Beta"}),
        ({"name": {"in": ["Beta", "Zeta", "x"]}}, {"Beta", "Zeta"}),
        ({"name": {"notIn": ["Beta", "Zeta"]}, "city": {"not": None}}, {"Čebela"}),
        ({"name": {"contains": "ET"}}, {"Beta", "Zeta"}),
        ({"name": {"startsWith": "ÉCO"}}, {"école"}),
        ({"name": {"endsWith": "TA"}}, {"Beta", "Zeta", "delta"}),
        ({"name": {"contains": "%"}}, set()),
        ({"name": {"between": ["b", "d"]}}, {"Beta", "Čebela"}),
        ({"name": {"gt": "a", "lt": "c"}}, {"alpha", "Beta"}),
        ({"is_tax_subject": True, "is_end_consumer": False, "city": "graz"}, {"Zeta"}),
        ({"created_at": {"gt": "2020-01-01"}, "name": "alpha"}, {"alpha"}),
        ({"created_at": {"between": ["2020-01-01", "2020-12-31"]}}, set()),
        ({"id": {"gt": "cust_"}, "name": "alpha"}, {"alpha"}),
        ({"id": {"gt": "d"}}, set()),
        ({"id": {"lt": "d"}, "name": "alpha"}, {"alpha"}),
        ({"id": {"startsWith": "cust_"}, "name": "alpha"}, {"alpha"}),
        ({}, set(NAMES)),
    ],
)
async def test_queries_find_what_they_say(read_only: Service, query: dict[str, Any], expected: set[str]) -> None:
    assert set(await names(read_only, query=query)) == expected


async def test_metadata_is_found_by_dots_and_by_nesting(service: Service) -> None:
    await create(service, name="A", metadata={"order_id": "ab-7", "a.b": "x"})
    await create(service, name="B", metadata={"order_id": "cd-8"})
    for query in (
        {"metadata.order_id": "ab-7"},
        {"metadata": {"order_id": "ab-7"}},
        {"metadata": {"order_id": {"equals": "ab-7"}}},
        {"metadata.order_id": {"$startsWith": "AB"}},
        {"metadata.order_id": {"in": ["ab-7"]}},
        {"metadata.order_id": {"lt": "b"}},
    ):
        assert await names(service, query=query) == ["A"]


async def test_a_customer_is_found_by_its_id(service: Service, six: list[dict[str, Any]]) -> None:
    assert await names(service, query={"id": six[2]["id"]}) == ["Beta"]
    assert await names(service, query={"id": six[2]["id"].removeprefix("cust_")}) == []
    assert await names(service, query={"id": {"in": [six[0]["id"], six[1]["id"]]}}) == ["Čebela", "alpha"]


async def test_contact_types_are_found_by_their_public_names(service: Service) -> None:
    for kind in ("buyer", "supplier", "both", None):
        await create(service, name=str(kind), contact_type=kind)
    assert await names(service, query={"contact_type": {"in": ["buyer", "both"]}}) == ["buyer", "both"]
    assert await names(service, query={"contact_type": None}) == ["None"]


async def test_searches_find_every_word_without_case_and_accents(service: Service, six: list[dict[str, Any]]) -> None:
    await create(service, name="Meta", city="Žalec", metadata={"k": "Ključ 100%"})
    assert await names(service, search="CEBELA") == ["Čebela"]
    assert await names(service, search="ecole") == ["école"]
    assert await names(service, search="graz eta") == ["Zeta"]
    assert await names(service, search="zalec kljuc") == ["Meta"]
    assert await names(service, search="100%") == ["Meta"]
    assert await names(service, search="%") == ["Meta"]
    assert await names(service, search="_") == []
    assert await names(service, search="") == [*NAMES, "Meta"]
    assert await names(service, search="eta", order_by="-name", limit=1) == ["Zeta"]


async def test_deleted_customers_are_not_listed(service: Service, six: list[dict[str, Any]]) -> None:
    await service.http.delete(f"/customers/{six[0]['id']}")
    listed = await ask(service)
    assert len(listed["data"]) == listed["pagination"]["total"] == 5
