"""Versions, conditions and repeated requests."""

import asyncio

from tests.conftest import Service
from tests.rest.v1.clients import NOBODY, clients_path, make


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


async def test_exactly_one_of_twenty_writers_wins_each_round(service: Service) -> None:
    made = await make(service)
    path = f"/v1/Clients/{made['id']}"
    for version in (1, 2, 3):
        tag = {"If-Match": f'"{version}"'}
        writes = [service.http.patch(path, json={"note": f"writer {index}"}, headers=tag) for index in range(20)]
        answers = await asyncio.gather(*writes)
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        assert {answer.status_code for answer in answers} == {200, 412}
        assert (await service.http.get(path)).json() == won[0].json()


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
