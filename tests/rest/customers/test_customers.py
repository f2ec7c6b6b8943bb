"""One customer through the Customers API: create, read, change, delete, and errors."""

from typing import Any

from httpx import Response

from tests.conftest import Service

NULLS = {
    **dict.fromkeys(("email", "address", "address_2", "post_code", "city", "state", "country", "country_code")),
    **dict.fromkeys(("tax_number", "company_number", "peppol_id", "peppol_scheme_id", "bank_accounts", "contact_type")),
    **dict.fromkeys(("ujp", "vies", "deleted_at")),
}
DEFAULTS: dict[str, Any] = {**NULLS, "metadata": {}, "is_tax_subject": True, "is_end_consumer": False}


async def create(service: Service, **fields: Any) -> dict[str, Any]:
    answer = await service.http.post("/customers", json={"name": "Minimal Customer", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def check_error(answer: Response, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["request_id"] == answer.headers["x-request-id"]
    assert isinstance(body["message"], str)
    assert set(body) == {"code", "message", "request_id"} | ({"cause"} if status == 422 else set())
    assert answer.headers["content-type"] == "application/json"
    return body


async def test_a_name_alone_makes_the_documented_customer(service: Service) -> None:
    answer = await service.http.post("/customers", json={"name": "Minimal Customer"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["id"].startswith("cust_")
    assert len(made["id"]) == 29
    assert made["entity_id"] == f"ent_{service.organization}"
    assert made["created_at"] == made["updated_at"]
    assert made == {**DEFAULTS, **{key: made[key] for key in ("id", "entity_id", "created_at", "updated_at")}} | {
        "name": "Minimal Customer"
    }
    assert answer.headers["etag"] == '"1"'


async def test_timestamps_have_milliseconds_and_z(service: Service) -> None:
    made = await create(service)
    assert len(made["created_at"]) == len("2024-01-01T00:00:00.000Z")
    assert made["created_at"][19] == "."
    assert made["created_at"].endswith("Z")


async def test_every_writable_field_comes_back(service: Service) -> None:
    given = {
        "name": "Žiga Čušin",
        "email": "",
        "address": "Dolga 1",
        "address_2": "2. nadstropje",
        "post_code": "1000",
        "city": "Ljubljana",
        "state": "Osrednja",
        "country": "Slovenia",
        "country_code": "SI",
        "tax_number": "SI12345678",
        "company_number": "5555555000",
        "peppol_id": "9915:test",
        "peppol_scheme_id": "9915",
        "contact_type": "buyer",
        "is_tax_subject": False,
        "is_end_consumer": True,
        "metadata": {"order": "7"},
        "ujp": {"receiver_name": "A", "receiver_identifier": None, "receiver_agent": None, "receiver_mailbox": "b"},
        "bank_accounts": [
            {
                "type": "iban",
                "name": None,
                "bank_name": None,
                "iban": "SI56",
                "account_number": None,
                "bic": None,
                "routing_number": None,
                "sort_code": None,
                "is_default": True,
            }
        ],
    }
    made = await create(service, **given)
    assert {key: made[key] for key in given} == given
    read = (await service.http.get(f"/customers/{made['id']}")).json()
    assert read == made


async def test_read_only_fields_are_ignored_and_an_id_is_rejected(service: Service) -> None:
    made = await create(service, id="", entity_id="ent_x", created_at="x", vies={"valid": True}, deleted_at="x")
    assert made["vies"] is None
    assert made["deleted_at"] is None
    refused = await service.http.post("/customers", json={"name": "A", "id": "cust_" + "a" * 24})
    assert "id" in check_error(refused, 422, "validation_error")["cause"]


async def test_a_change_writes_only_what_is_given(service: Service) -> None:
    made = await create(service, city="Graz", metadata={"a": "1", "b": "2"})
    changes = {"city": "Wien", "metadata": {"b": None, "c": "3"}, "is_end_consumer": None}
    answer = await service.http.patch(f"/customers/{made['id']}", json=changes)
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    changed = answer.json()
    assert changed["metadata"] == {"a": "1", "c": "3"}
    same = {key: value for key, value in made.items() if key not in ("city", "metadata", "updated_at")}
    assert {key: changed[key] for key in same} == same
    assert changed["city"] == "Wien"
    emptied = await service.http.patch(f"/customers/{made['id']}", json={"metadata": None, "city": None})
    assert (emptied.json()["metadata"], emptied.json()["city"]) == ({}, None)


async def test_metadata_stays_within_its_cap_when_merged(service: Service) -> None:
    made = await create(service, metadata={f"a{n}": "v" for n in range(30)})
    more = await service.http.patch(f"/customers/{made['id']}", json={"metadata": {f"b{n}": "v" for n in range(21)}})
    assert "metadata" in check_error(more, 422, "validation_error")["cause"]
    assert (await service.http.get(f"/customers/{made['id']}")).json() == made


async def test_a_deleted_customer_is_shown_once_and_then_gone(service: Service) -> None:
    made = await create(service)
    answer = await service.http.delete(f"/customers/{made['id']}")
    assert answer.status_code == 200
    assert answer.json()["deleted_at"] is not None
    assert answer.json()["id"] == made["id"]
    for method in ("GET", "DELETE"):
        check_error(await service.http.request(method, f"/customers/{made['id']}"), 404, "not_found")
    check_error(await service.http.patch(f"/customers/{made['id']}", json={"name": "B"}), 404, "not_found")


async def test_a_change_may_name_the_version_that_it_is_for(service: Service) -> None:
    path = f"/customers/{(await create(service))['id']}"
    assert (await service.http.patch(path, json={"city": "A"}, headers={"if-match": '"1"'})).headers["etag"] == '"2"'
    for tag in ('"1"', 'W/"2"', '"x"', "2", '"0"', "nonsense"):
        check_error(
            await service.http.patch(path, json={"city": "B"}, headers={"if-match": tag}), 412, "precondition_failed"
        )
        check_error(await service.http.delete(path, headers={"if-match": tag}), 412, "precondition_failed")
    assert (await service.http.patch(path, json={"city": "C"}, headers={"if-match": '"1", "2"'})).status_code == 200
    assert (await service.http.patch(path, json={"city": "D"}, headers={"if-match": "*"})).status_code == 200
    assert (await service.http.delete(path, headers={"if-match": '"4"'})).status_code == 200


async def test_an_unchanged_customer_need_not_be_sent_again(service: Service) -> None:
    path = f"/customers/{(await create(service))['id']}"
    answer = await service.http.get(path, headers={"if-none-match": 'W/"1"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    assert (await service.http.get(path, headers={"if-none-match": '"2"'})).status_code == 200
