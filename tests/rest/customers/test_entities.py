"""Entities: a caller finds the ids that it can ask about, and sandbox and live never meet."""

from datetime import timedelta
from typing import Any

import pytest

from app.accounts.service import create_account
from app.auth import Environment
from app.errors import NotFound
from app.privacy.deletion import delete_organization, restore_organization
from tests.conftest import Service
from tests.rest.customers.test_customers import check_error

PAGINATION = {"total": 1, "next_cursor": None, "prev_cursor": None, "has_more": False}


async def test_a_key_lists_what_it_can_reach(service: Service) -> None:
    await service.make_organization("Foreign")
    listed = (await service.http.get("/entities")).json()
    assert listed["pagination"] == PAGINATION
    (entity,) = listed["data"]
    assert entity == {
        "id": f"ent_{service.organization}",
        "name": "Studio Example",
        "email": "office@studio.example",
        "country": None,
        "locale": "en",
        "environment": "live",
        "created_at": entity["created_at"],
        "updated_at": entity["updated_at"],
    }
    assert len(entity["created_at"]) == len("2024-01-01T00:00:00.000Z")
    assert (await service.http.get(f"/entities/{entity['id']}")).json() == entity


async def test_entities_are_walked_forward_and_back(service: Service) -> None:
    made = [service.organization]
    made += [await service.make_organization(f"E{n}", account_email=service.email) for n in range(6)]
    ids = [f"ent_{one}" for one in made]
    pages: list[list[str]] = []
    asked: dict[str, Any] = {"limit": 3}
    while True:
        page = (await service.http.get("/entities", params=asked)).json()
        pages.append([row["id"] for row in page["data"]])
        assert page["pagination"]["total"] == 7
        if not page["pagination"]["has_more"]:
            break
        asked["next_cursor"] = page["pagination"]["next_cursor"]
    assert pages == [ids[:3], ids[3:6], ids[6:]]
    back = {"limit": 3, "prev_cursor": page["pagination"]["prev_cursor"], "include_total_count": "false"}
    before = (await service.http.get("/entities", params=back)).json()
    assert [row["id"] for row in before["data"]] == ids[3:6]
    assert before["pagination"]["has_more"] is True
    assert before["pagination"]["total"] == -1


async def test_a_page_is_empty_when_the_entities_beyond_its_cursor_are_gone(service: Service) -> None:
    second = await service.make_organization("Second", account_email=service.email)
    first_page = (await service.http.get("/entities", params={"limit": 1})).json()["pagination"]
    last_page = (await service.http.get("/entities", params={"next_cursor": first_page["next_cursor"]})).json()[
        "pagination"
    ]
    for gone, cursor, name in (
        (second, first_page["next_cursor"], "next_cursor"),
        (service.organization, last_page["prev_cursor"], "prev_cursor"),
    ):
        await delete_organization(service.database, gone, timedelta(days=30))
        answer = await service.http.get("/entities", params={name: cursor})
        assert (answer.status_code, answer.json()) == (200, {"data": [], "pagination": PAGINATION | {"total": 1}})
        await restore_organization(service.database, gone)


async def test_a_key_of_no_entity_lists_none(service: Service) -> None:
    await create_account(service.database, "alone@example.com")
    async with service.client(await service.make_token(account_email="alone@example.com")) as alone:
        assert (await alone.get("/entities")).json() == {"data": [], "pagination": PAGINATION | {"total": 0}}


async def test_other_entities_are_not_found(service: Service) -> None:
    foreign = await service.make_organization("Foreign")
    for wrong in (f"ent_{foreign}", service.organization, "ent_x", f"cust_{service.organization}"):
        check_error(await service.http.get(f"/entities/{wrong}"), 404, "not_found")
    async with service.client(None) as anybody:
        check_error(await anybody.get("/entities"), 401, "unauthorized")
    check_error(await service.http.post("/entities", json={}), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "query", ["limit=0", "next_cursor=x", "order_by=name", "limit=1&limit=2", "next_cursor=a&prev_cursor=a"]
)
async def test_an_unknown_parameter_or_value_is_an_error(shared_service: Service, query: str) -> None:
    check_error(await shared_service.http.get(f"/entities?{query}"), 400, "bad_request")


async def test_sandbox_and_live_keys_reach_their_own_entities(service: Service) -> None:
    sandbox = await service.make_organization("Sandbox", account_email=service.email, environment=Environment.SANDBOX)
    token = await service.make_token(account_email=service.email, environment=Environment.SANDBOX)
    assert token.startswith("sk_sandbox_")
    async with service.client(token) as http:
        (entity,) = (await http.get("/entities")).json()["data"]
        assert (entity["id"], entity["environment"]) == (f"ent_{sandbox}", "sandbox")
        made = (await http.post("/customers", json={"name": "Trial"})).json()
        check_error(await http.get(f"/entities/ent_{service.organization}"), 404, "not_found")
    check_error(await service.http.get(f"/customers/{made['id']}"), 404, "not_found")
    assert [row["id"] for row in (await service.http.get("/entities")).json()["data"]] == [
        f"ent_{service.organization}"
    ]


async def test_an_entity_key_has_the_environment_of_its_entity(service: Service) -> None:
    sandbox = await service.make_organization("Sandbox", environment=Environment.SANDBOX)
    token = await service.make_token(organization_id=sandbox)
    assert token.startswith("ek_sandbox_")
    assert (await service.make_token(organization_id=service.organization)).startswith("ek_live_")
    async with service.client(token) as http:
        assert (await http.get("/entities")).json()["data"][0]["environment"] == "sandbox"
    with pytest.raises(NotFound):
        await service.make_token(organization_id="0" * 24)
