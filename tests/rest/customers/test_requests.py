"""Requests to the Customers API: tokens, entities, paths, methods, and request ids."""

import json

import pytest

from app.accounts.service import create_account
from app.auth import Scope
from tests.conftest import Service
from tests.rest.customers.test_customers import check_error, create


@pytest.mark.parametrize(
    "record", ["cust_000000000000000000000000", "cust_x", "x", "cust_", "..%2f", "%ff", "cust_" + "A" * 24, "{}", "%00"]
)
async def test_any_other_id_is_not_found(shared_service: Service, record: str) -> None:
    check_error(await shared_service.http.get(f"/customers/{record}"), 404, "not_found")


async def test_what_is_not_there_and_what_is_out_of_reach_get_one_answer(service: Service) -> None:
    made = await create(service)
    deleted = await create(service)
    await service.http.delete(f"/customers/{deleted['id']}")
    organization = await service.make_organization("Other")
    ids = (made["id"], deleted["id"], made["id"].removeprefix("cust_"), "cust_" + "0" * 24, "cust_x", "%00", "{}")
    ways = (("GET", ""), ("PATCH", ""), ("POST", "/vies-check"), ("POST", "/restore"), ("DELETE", "/permanent"))
    async with service.client(await service.make_token(organization_id=organization)) as stranger:
        for method, below in ways:
            answers = [await stranger.request(method, f"/customers/{one}{below}", json={}) for one in ids]
            assert {check_error(one, 404, "not_found")["message"] for one in answers} == {"There is no such record"}
        for wrong in (made["entity_id"], "ent_" + "0" * 24, "ent_x", organization, "x"):
            headers = {"x-entity-id": wrong}
            for answer in (await stranger.get("/customers", headers=headers), await stranger.get(f"/entities/{wrong}")):
                assert check_error(answer, 404, "not_found")["message"] == "There is no such entity"


async def test_an_id_without_its_prefix_is_not_found(service: Service) -> None:
    made = await create(service)
    check_error(await service.http.get(f"/customers/{made['id'].removeprefix('cust_')}"), 404, "not_found")


async def test_strangers_customers_are_not_found(service: Service) -> None:
    made = await create(service)
    other = await service.make_organization("Other")
    async with service.client(await service.make_token(organization_id=other)) as stranger:
        for method, body in (("GET", None), ("PATCH", {"name": "B"}), ("DELETE", None)):
            answer = await stranger.request(method, f"/customers/{made['id']}", json=body)
            check_error(answer, 404, "not_found")
    assert (await service.http.get(f"/customers/{made['id']}")).json() == made


async def test_without_a_valid_key_everything_is_unauthorized(service: Service) -> None:
    for token in (None, "sk_live_unknown"):
        async with service.client(token) as anybody:
            for method, path in (
                ("GET", "/customers"),
                ("POST", "/customers"),
                ("GET", "/customers/a/b/c"),
                ("PUT", "/customers"),
            ):
                answer = await anybody.request(method, path)
                check_error(answer, 401, "unauthorized")
                assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_that_may_only_read_is_forbidden_to_write(service: Service) -> None:
    made = await create(service)
    async with service.client(await service.make_token(account_email=service.email, scope=Scope.READ)) as reader:
        assert (await reader.get(f"/customers/{made['id']}")).status_code == 200
        for method, path in (
            ("POST", "/customers"),
            ("PATCH", f"/customers/{made['id']}"),
            ("DELETE", f"/customers/{made['id']}"),
        ):
            check_error(await reader.request(method, path, json={"name": 7}), 403, "forbidden")


async def test_unknown_paths_and_methods_get_errors_of_the_api(service: Service) -> None:
    for path in ("/customers/a/b/c", "/customers/a/b/"):
        check_error(await service.http.get(path), 404, "not_found")
    put = await service.http.put("/customers", json={})
    check_error(put, 405, "method_not_allowed")
    assert put.headers["allow"] == "GET, POST, HEAD"
    post = await service.http.post("/customers/cust_x", json={})
    check_error(post, 405, "method_not_allowed")
    assert post.headers["allow"] == "GET, PATCH, DELETE, HEAD"


async def test_head_answers_as_get(service: Service) -> None:
    made = await create(service)
    answer = await service.http.head(f"/customers/{made['id']}")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')


async def test_answers_carry_the_request_id_that_was_given(service: Service) -> None:
    echoed = await service.http.get("/customers", headers={"x-request-id": "my-id-1"})
    assert echoed.headers.get_list("x-request-id") == ["my-id-1"]
    assert (
        check_error(await service.http.get("/customers/a/b", headers={"x-request-id": "a"}), 404, "not_found")[
            "request_id"
        ]
        == "a"
    )
    for odd in ("", "a b", "x" * 256, "\xe9"):
        answer = await service.http.get("/customers", headers=[(b"x-request-id", odd.encode("latin-1"))])
        assert answer.headers["x-request-id"].startswith("req_")
    async with service.client(None) as anybody:
        assert (await anybody.get("/healthz")).headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Request-Id"])
async def test_the_same_request_with_a_key_is_answered_once_more(service: Service, header: str) -> None:
    body = json.dumps({"name": "Once"}).encode()
    headers = {header: "key-1", "content-type": "application/json"}
    first = await service.http.post("/customers", content=body, headers=headers)
    again = await service.http.post("/customers", content=body, headers=headers)
    assert (first.status_code, first.content, first.headers["etag"]) == (201, again.content, '"1"')
    assert (again.status_code, again.headers["etag"]) == (201, '"1"')
    assert (await service.http.get("/customers")).json()["pagination"]["total"] == 1
    other = await service.http.post("/customers", json={"name": "Other"}, headers={header: "key-1"})
    check_error(other, 409, "conflict")


async def test_the_idempotency_key_is_worth_more_than_the_request_id(service: Service) -> None:
    for request_id in ("proxy-1", "proxy-2"):
        headers = {"idempotency-key": "key", "x-request-id": request_id}
        assert (await service.http.post("/customers", json={"name": "Once"}, headers=headers)).status_code == 201
    assert (await service.http.get("/customers")).json()["pagination"]["total"] == 1
    two = [("idempotency-key", "key"), ("idempotency-key", "other")]
    check_error(await service.http.post("/customers", json={"name": "Once"}, headers=two), 400, "bad_request")


async def test_a_key_that_was_refused_once_may_be_used_again(service: Service) -> None:
    headers = {"idempotency-key": "key"}
    assert (await service.http.post("/customers", json={}, headers=headers)).status_code == 422
    assert (await service.http.post("/customers", json={"name": "A"}, headers=headers)).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_an_odd_idempotency_key_is_rejected(shared_service: Service, key: str) -> None:
    answer = await shared_service.http.post("/customers", json={"name": "A"}, headers={"idempotency-key": key})
    check_error(answer, 400, "bad_request")


async def test_the_header_picks_the_entity(service: Service) -> None:
    second = await service.make_organization("Second", account_email=service.email)
    foreign = await service.make_organization("Foreign")
    here = await create(service)
    there = (
        await service.http.post("/customers", json={"name": "There"}, headers={"x-entity-id": f"ent_{second}"})
    ).json()
    assert there["entity_id"] == f"ent_{second}"
    listed = await service.http.get("/customers", headers={"entity_id": f"ent_{second}"})
    assert [row["id"] for row in listed.json()["data"]] == [there["id"]]
    assert [row["id"] for row in (await service.http.get("/customers")).json()["data"]] == [here["id"]]
    assert (await service.http.get(f"/customers/{there['id']}")).json() == there
    elsewhere = await service.http.get(
        f"/customers/{there['id']}", headers={"x-entity-id": f"ent_{service.organization}"}
    )
    check_error(elsewhere, 404, "not_found")
    for wrong in (f"ent_{foreign}", second, "ent_x", f"cust_{second}"):
        check_error(await service.http.get("/customers", headers={"x-entity-id": wrong}), 404, "not_found")
    both = {"x-entity-id": f"ent_{second}", "entity_id": f"ent_{service.organization}"}
    check_error(await service.http.get("/customers", headers=both), 400, "bad_request")
    same = {"x-entity-id": f"ent_{second}", "entity_id": f"ent_{second}"}
    assert (await service.http.get("/customers", headers=same)).status_code == 200


async def test_a_key_without_entities_finds_none(service: Service) -> None:
    await create_account(service.database, "alone@example.com")
    async with service.client(await service.make_token(account_email="alone@example.com")) as alone:
        check_error(await alone.get("/customers"), 404, "not_found")
        check_error(await alone.post("/customers", json={"name": "A"}), 404, "not_found")
