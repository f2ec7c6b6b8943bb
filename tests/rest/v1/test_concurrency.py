"""Versions, conditions and repeated requests."""

import asyncio

import pytest

from tests.conftest import Service
from tests.rest.v1.requests import NOBODY, as_filter, clients_path, make


async def test_a_stale_version_changes_nothing(service: Service) -> None:
    made = await make(service)
    path, old = f"/v1/Clients/{made['id']}", {"If-Match": '"1"'}
    first = await service.http.patch(path, json={"name": "First"}, headers=old)
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (await service.http.put(path, json={"name": "Second"}, headers=old)).status_code == 412
    assert (await service.http.patch(path, json={}, headers=old)).status_code == 412
    assert (await service.http.delete(path, headers=old)).status_code == 412
    assert (await service.http.get(path)).json()["name"] == "First"
    for tags in ('"2"', '"1", "2"', "*"):
        assert (await service.http.patch(path, json={}, headers={"If-Match": tags})).status_code == 200
    for tags in ('W/"2"', '"two"', "2"):
        assert (await service.http.patch(path, json={}, headers={"If-Match": tags})).status_code == 412
    assert (await service.http.delete(path, headers={"If-Match": '"2"'})).json() == {"count": 1}
    assert (await service.http.delete(path, headers={"If-Match": '"3"'})).status_code == 412
    assert (await service.http.patch(f"/v1/Clients/{NOBODY}", json={}, headers=old)).status_code == 404


STALE = {"statusCode": 412, "name": "Error", "message": "The record has changed since that version"}


async def test_exactly_one_of_twenty_writers_wins_each_round(service: Service) -> None:
    """Whether they replace or patch; who comes too late is told so, and the record is the winner's."""
    made = await make(service)
    path = f"/v1/Clients/{made['id']}"
    for version in range(1, 6):
        tag = {"If-Match": f'"{version}"'}
        writes = [
            service.http.request(
                "PATCH" if index % 2 else "PUT", path, json={"name": f"{version} {index}"}, headers=tag
            )
            for index in range(20)
        ]
        answers = await asyncio.gather(*writes)
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        assert [answer.json() for answer in answers if answer not in won] == [{"error": STALE}] * 19
        read = await service.http.get(path)
        assert (read.json(), read.headers["etag"]) == (won[0].json(), f'"{version + 1}"')
        assert won[0].headers["etag"] == read.headers["etag"]


async def test_exactly_one_of_twenty_deletes_wins(service: Service) -> None:
    path, tag = f"/v1/Clients/{(await make(service))['id']}", {"If-Match": '"1"'}
    answers = await asyncio.gather(*(service.http.delete(path, headers=tag) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 19]
    again = await asyncio.gather(*(service.http.delete(path) for _ in range(2)))
    assert [answer.json() for answer in again] == [{"count": 0}] * 2


async def test_every_answer_about_one_client_has_its_tag(service: Service) -> None:
    made = await service.http.post(clients_path(service), json={"name": "x"})
    path = f"/v1/Clients/{made.json()['id']}"
    tags = [made.headers["etag"]]
    for method, below, body in (
        ("GET", "", None),
        ("HEAD", "", None),
        ("GET", as_filter({"fields": ["id"]}), None),
        ("GET", as_filter({"include": "organization"}), None),
        ("PUT", "", {"name": "y"}),
        ("POST", "/replace", {"name": "z"}),
        ("PATCH", "", {"name": "w"}),
        ("PATCH", "", {}),
    ):
        answer = await service.http.request(method, path + below, json=body)
        assert answer.status_code == 200
        tags.append(answer.headers["etag"])
    assert tags == [f'"{version}"' for version in (1, 1, 1, 1, 1, 2, 3, 4, 4)]
    for several in (await service.http.get(clients_path(service)), await service.http.get(f"{path}/exists")):
        assert "etag" not in several.headers


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"1"', 200),
        ("*", 200),
        (' "1" ', 200),
        ('"0", W/"1" , "1"', 200),
        ('"7","1"', 200),
        ('W/"1"', 412),
        ('"01"', 412),
        ('"1.0"', 412),
        ("1", 412),
        ("", 412),
        ('"', 412),
        ('"1', 412),
        ('"' + "9" * 500 + '"', 412),
        ("'1'", 412),
    ],
)
async def test_if_match_allows_the_versions_it_names(shared_service: Service, tags: str, status: int) -> None:
    path, condition = f"/v1/Clients/{(await make(shared_service))['id']}", {"If-Match": tags}
    for method, body in (("PATCH", {}), ("PATCH", {"createdAt": 1}), ("PUT", {"name": "x"})):
        answer = await shared_service.http.request(method, path, json=body, headers=condition)
        assert answer.status_code == status
        if status == 412:
            assert answer.json() == {"error": STALE}
    deleted = await shared_service.http.delete(path, headers={"If-Match": '"1"'})
    assert deleted.status_code == (412 if status == 200 else 200)


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"1"', 304),
        ('W/"1"', 304),
        ("*", 304),
        ('"2", "1"', 304),
        ('"2"', 200),
        ("1", 200),
        ("", 200),
    ],
)
async def test_a_client_is_not_sent_to_whoever_has_it(shared_service: Service, tags: str, status: int) -> None:
    path, condition = f"/v1/Clients/{(await make(shared_service))['id']}", {"If-None-Match": tags}
    for method in ("GET", "HEAD"):
        answer = await shared_service.http.request(method, path, headers=condition)
        assert (answer.status_code, answer.headers["etag"]) == (status, '"1"')
        assert bool(answer.content) is (status == 200 and method == "GET")
    included = await shared_service.http.get(path + as_filter({"include": "organization"}), headers=condition)
    assert included.status_code == 200
    assert (await shared_service.http.get(f"/v1/Clients/{NOBODY}", headers=condition)).status_code == 404


async def test_an_unchanged_client_need_not_be_sent_again(service: Service) -> None:
    path = f"/v1/Clients/{(await make(service))['id']}"
    known = await service.http.get(path, headers={"If-None-Match": '"1"'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"1"')
    assert (await service.http.get(path, headers={"If-None-Match": '"2"'})).status_code == 200


async def test_a_patch_of_nothing_makes_no_version(service: Service) -> None:
    made = await make(service)
    answer = await service.http.patch(f"/v1/Clients/{made['id']}", json={"createdAt": None, "organizationId": NOBODY})
    assert (answer.json(), answer.headers["etag"]) == (made, '"1"')


async def test_the_same_key_makes_one_client(service: Service) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = await service.http.post(clients_path(service), json={"name": "Once"}, headers=key)
    again = await service.http.post(clients_path(service), json={"name": "Once"}, headers=key)
    assert (first.json(), first.headers["etag"]) == (again.json(), again.headers["etag"])
    other = await service.http.post(clients_path(service), json={"name": "Other"}, headers=key)
    assert other.status_code == 409
    assert (await service.http.get(clients_path(service, "/count"))).json() == {"count": 1}


async def test_the_same_key_at_the_same_time_makes_one_client(service: Service) -> None:
    key = {"Idempotency-Key": "order-2"}
    for body in ({"name": "Once"}, [{"name": "A"}, {"name": "B"}]):
        key = {"Idempotency-Key": f"order of {len(body)}"}
        asked = (service.http.post(clients_path(service), json=body, headers=key) for _ in range(8))
        assert len({answer.text for answer in await asyncio.gather(*asked)}) == 1
    assert (await service.http.get(clients_path(service, "/count"))).json() == {"count": 3}


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ü"])
async def test_a_key_is_text_that_can_be_kept(shared_service: Service, key: str) -> None:
    answer = await shared_service.http.post(
        clients_path(shared_service), json={"name": "x"}, headers=[(b"Idempotency-Key", key.encode("latin-1"))]
    )
    assert answer.status_code == (200 if key == "ü" else 400)


async def test_a_key_of_a_refused_request_can_be_used_again(service: Service) -> None:
    key = {"Idempotency-Key": "order-3"}
    assert (await service.http.post(clients_path(service), json={}, headers=key)).status_code == 422
    assert (await service.http.post(clients_path(service), json={"name": "x"}, headers=key)).status_code == 200


async def test_the_same_key_sends_one_reminder(service: Service) -> None:
    made = await make(service, email="client@zelena.example")
    path, key = f"/v1/Clients/{made['id']}/send-reminder", {"Idempotency-Key": "reminder-1"}
    for _ in range(2):
        assert (await service.http.post(path, json={}, headers=key)).json() == {"success": True}
    async with service.database.read() as connection:
        assert await connection.driver.fetchval("SELECT count(*) FROM outbox") == 1


async def test_a_list_is_made_whole_or_not_at_all(service: Service) -> None:
    made = (await service.http.post(clients_path(service), json=[{"name": "A"}, {"name": "B"}])).json()
    assert [one["name"] for one in made] == ["A", "B"]
    answer = await service.http.post(clients_path(service), json=[{"name": "C"}, {}])
    assert answer.status_code == 422
    first, second = answer.json()["error"]["details"]
    assert (first, second["details"]["codes"]) == (None, {"name": ["presence"]})
    assert (await service.http.get(clients_path(service, "/count"))).json() == {"count": 2}
    assert (await service.http.post(clients_path(service), json=[])).json() == []


async def test_requests_with_one_key_at_once_send_one_reminder(service: Service) -> None:
    made = await make(service, email="client@zelena.example")
    path, key = f"/v1/Clients/{made['id']}/send-reminder", {"Idempotency-Key": "reminder-1"}
    answers = await asyncio.gather(*(service.http.post(path, json={"l": "sl"}, headers=key) for _ in range(20)))
    assert [(one.status_code, one.json()) for one in answers] == [(200, {"success": True})] * 20
    assert (await service.http.post(path, json={"l": "de"}, headers=key)).status_code == 409
    async with service.database.read() as connection:
        assert await connection.driver.fetchval("SELECT count(*) FROM outbox") == 1
