"""Bodies in the forms that clients send them."""

from typing import Any

import pytest

from tests.conftest import Service
from tests.rest.v1.requests import NOBODY, as_filter, clients_path, make

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


async def test_a_form_makes_a_client(service: Service) -> None:
    form = (
        "name=Pixel+%26+Co&taxSubject=true&isEndCustomer=0&custom[a]=1&custom[b][]=x&id=&unitIds[]=u&_data[0][name]=ref"
    )
    made = (await service.http.post(clients_path(service), content=form, headers=FORM)).json()
    assert (made["name"], made["taxSubject"], made["isEndCustomer"]) == ("Pixel & Co", True, False)
    assert made["custom"] == {"a": "1", "b": ["x"]}
    assert (made["unitIds"], made["_data"]) == (["u"], [{"name": "ref"}])
    patched = await service.http.patch(f"/v1/Clients/{made['id']}", content="city=Kranj&state=", headers=FORM)
    assert (patched.json()["city"], patched.json()["state"]) == ("Kranj", "")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("city=Kranj", 422),
        ("name=x&nope=1", 422),
        ("name[a]=x", 422),
        ("name=x&unitIds=u", 400),
        ("name=x&custom" + "[a]" * 40 + "=1", 400),
        ("name=x&custom[a]b=1", 400),
        ("name=x&custom[a=1", 422),
        ("name=a%00b", 400),
        ("name=X&name=Y", 422),
        ("name=x" + "&a=1" * 1000, 413),
    ],
)
async def test_a_form_is_held_to_the_rules(service: Service, form: str, status: int) -> None:
    assert (await service.http.post(clients_path(service), content=form, headers=FORM)).status_code == status


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"name": 5}, {"name": "5"}),
        ({"name": False}, {"name": "false"}),
        ({"name": "   "}, {"name": "   "}),
        ({"taxSubject": "1"}, {"taxSubject": True}),
        ({"taxSubject": ""}, {"taxSubject": False}),
        ({"taxSubject": None}, {"taxSubject": None}),
        ({"custom": None}, {"custom": None}),
        ({"custom": [1, {"a": None}]}, {"custom": [1, {"a": None}]}),
        ({"custom": {"n": [7.0, 1e3, 0.5, -0.0, 2**59]}}, {"custom": {"n": [7, 1000, 0.5, 0, 2**59]}}),
        ({"unitIds": '["a"]'}, {"unitIds": ["a"]}),
        ({"unitIds": [1, True]}, {"unitIds": ["1", "true"]}),
        ({"_data": [{"id": "x", "value": {"deep": [1]}}]}, {"_data": [{"id": "x", "value": {"deep": [1]}}]}),
        ({"id": ""}, {"city": None}),
        (
            {"id": None, "createdAt": "garbage", "_isDeleted": True, "deletedAt": 5},
            {"_isDeleted": False, "deletedAt": None},
        ),
        ({"organizationId": NOBODY, "unitId": "u"}, {"unitId": None}),
    ],
)
async def test_values_are_coerced_and_read_only_ones_ignored(service: Service, value: Any, kept: Any) -> None:
    made = await make(service, **value)
    assert {name: made[name] for name in kept} == kept
    assert made["organizationId"] == service.organization


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"unitIds": {}}, "Items must be an array: {}"),
        ({"_data": 5}, "Items must be an array: 5"),
        ({"_data": "x"}, 'could not create List from JSON string: "x"'),
        ({"unitIds": '{"a":1}'}, 'Items must be an array: {"a":1}'),
    ],
)
async def test_what_is_no_list_is_rejected(service: Service, value: Any, message: str) -> None:
    answer = await service.http.post(clients_path(service), json={"name": "x", **value})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


async def test_the_last_of_doubled_keys_wins_and_a_byte_order_mark_is_no_matter(service: Service) -> None:
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    body = b'\xef\xbb\xbf{"name":"X","name":"Y"}'
    assert (await service.http.post(clients_path(service), content=body, headers=headers)).json()["name"] == "Y"
    wide = '{"name":"Ž"}'.encode("utf-16")
    headers = {"Content-Type": 'application/json; charset="utf-16"'}
    assert (await service.http.post(clients_path(service), content=wide, headers=headers)).json()["name"] == "Ž"


async def test_a_body_of_another_type_counts_as_none_where_that_is_rejected_anyway(service: Service) -> None:
    made = await make(service)
    for method, path in (("POST", clients_path(service)), ("PUT", f"/v1/Clients/{made['id']}")):
        for headers in ({"Content-Type": "text/plain"}, {}):
            answer = await service.http.request(method, path, content=b'{"name":"x"}', headers=headers)
            assert answer.json()["error"]["details"]["codes"] == {"name": ["presence"]}


async def test_an_id_cannot_be_changed(service: Service) -> None:
    made = await make(service)
    path = f"/v1/Clients/{made['id']}"
    put = await service.http.put(path, json={"name": "x", "id": 5})
    assert (put.status_code, put.json()["error"]["message"]) == (
        400,
        f"id property (id) cannot be updated from {made['id']} to 5",
    )
    patch = await service.http.patch(path, json={"id": None})
    assert (patch.status_code, patch.json()["error"]["message"]) == (
        400,
        f"id cannot be updated from {made['id']} to null when forceId is set to true",
    )
    for same in (made["id"], None, "", 0, False):
        assert (await service.http.put(path, json={"name": "x", "id": same})).status_code == 200
    assert (await service.http.patch(path, json={"id": made["id"], "city": "y"})).json()["city"] == "y"


async def test_what_an_sdk_read_it_can_send_back(service: Service) -> None:
    made = await make(service, email="a@b.example", custom={"a": 1})
    again = await service.http.put(f"/v1/clients/{made['id']}", json=made)
    assert again.status_code == 200
    assert {**again.json(), "updatedAt": None} == {**made, "updatedAt": None}
    del made["organizationId"]
    moved = await service.http.post(f"/v1/clients/{made['id']}/replace", json=made)
    assert moved.json()["organizationId"] == service.organization


async def test_put_keeps_what_this_api_does_not_show(service: Service) -> None:
    customer = (await service.http.post("/customers", json={"name": "x", "metadata": {"key": "kept"}})).json()
    put = await service.http.put(f"/v1/Clients/{customer['id'].removeprefix('cust_')}", json={"name": "y"})
    assert put.status_code == 200
    assert (await service.http.get(f"/customers/{customer['id']}")).json()["metadata"] == {"key": "kept"}


async def test_what_an_include_showed_can_be_sent_back(service: Service) -> None:
    made = await make(service)
    path = f"/v1/Clients/{made['id']}"
    shown = (await service.http.get(path + as_filter({"include": "organization"}))).json()
    assert shown["organization"]["id"] == service.organization
    for method, below in (("PUT", ""), ("POST", "/replace"), ("PATCH", "")):
        answer = await service.http.request(method, path + below, json={**shown, "city": method})
        assert (answer.status_code, answer.json()["city"]) == (200, method)
        assert "organization" not in answer.json()
    partial = {"name": "Copy", "organization": {"name": "Renamed"}}
    copies = await service.http.post(clients_path(service), json=[partial, {**partial, "organization": {}}])
    assert [copy["name"] for copy in copies.json()] == ["Copy", "Copy"]
    owner = (await service.http.get(f"/v1/organizations/{service.organization}")).json()
    assert owner["name"] != "Renamed"


@pytest.mark.parametrize(
    "member", [{"organization": "x"}, {"organization": []}, {"invoices": {}}, {"Organization": {}}]
)
async def test_other_members_are_unknown(service: Service, member: dict[str, Any]) -> None:
    made = await make(service)
    answer = await service.http.put(f"/v1/Clients/{made['id']}", json={"name": "x", **member})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["codes"] == {name: ["unknown-property"] for name in member}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"id": "x"}, ["id", "name"]),
        ({"name": "", "id": "x"}, ["id", "name"]),
        ({"nope": 1, "id": NOBODY}, ["id", "nope", "name"]),
        ({"type": "friend", "name": "x", "id": 7}, ["id", "type"]),
    ],
)
async def test_the_id_is_the_first_problem(service: Service, body: dict[str, Any], fields: list[str]) -> None:
    answer = (await service.http.post(clients_path(service), json=body)).json()["error"]
    assert list(answer["details"]["codes"]) == fields
    assert answer["message"].startswith("The `Client` instance is not valid. Details: `id` can't be set (value: ")
    in_list = (await service.http.post(clients_path(service), json=[body])).json()["error"]
    assert list(in_list["details"][0]["details"]["codes"]) == fields


async def test_a_name_of_blanks_is_present_as_in_loopback(service: Service) -> None:
    made = await make(service, name=" \u200b")
    assert made["name"] == " \u200b"


async def test_a_list_with_thousands_of_problems_explains_the_first_ones(shared_service: Service) -> None:
    items = [{"name": "x", **{f"unknown{number}": 1 for number in range(25)}} for _ in range(200)]
    answer = await shared_service.http.post(clients_path(shared_service), json=[*items, {"name": "x"}])
    assert answer.status_code == 422
    *details, valid = answer.json()["error"]["details"]
    assert [len(item["details"]["codes"]) for item in details] == [25] * 80 + [1] * 120
    assert valid is None


async def test_a_list_without_members_is_one_value(shared_service: Service) -> None:
    """It has no comma of its own, so 30,000 of them are within the limit."""
    body = b'{"name": "x", "custom": {"a": [' + b"[]," * 30_000 + b"{}]}}"
    answer = await shared_service.http.post(clients_path(shared_service), content=body, headers=JSON)
    assert answer.status_code == 200
