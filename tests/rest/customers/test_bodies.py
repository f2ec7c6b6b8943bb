"""Bodies that the Customers API rejects, and its messages."""

from typing import Any

import pytest

from tests.conftest import Service
from tests.rest.customers.test_customers import check_error


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": " \t\u00a0"}, "name"),
        ({"name": "\u200b\u3164\u2800"}, "name"),
        ({"name": 7}, "name"),
        ({"name": "A\x00"}, "name"),
        ({"name": "A", "city": ["x"]}, "city"),
        ({"name": "A", "city": 5}, "city"),
        ({"name": "A", "city": "x" * 10_001}, "city"),
        ({"name": "A", "contact_type": "customer"}, "contact_type"),
        ({"name": "A", "is_tax_subject": None}, "is_tax_subject"),
        ({"name": "A", "is_tax_subject": "true"}, "is_tax_subject"),
        ({"name": "A", "nickname": "x"}, "nickname"),
        ({"name": "A", "taxNumber": "x"}, "taxNumber"),
        ({"name": "A", "metadata": []}, "metadata"),
        ({"name": "A", "metadata": {"n": 1}}, "metadata"),
        ({"name": "A", "metadata": {"k" * 41: "v"}}, "metadata"),
        ({"name": "A", "metadata": {"k": "v" * 251}}, "metadata"),
        ({"name": "A", "metadata": {str(n): "v" for n in range(51)}}, "metadata"),
        ({"name": "A", "bank_accounts": {}}, "bank_accounts"),
        ({"name": "A", "bank_accounts": [{"type": "swift"}]}, "bank_accounts"),
        ({"name": "A", "ujp": {"receiver": "x"}}, "ujp"),
    ],
)
async def test_invalid_bodies_name_the_field(shared_service: Service, body: dict[str, Any], field: str) -> None:
    answer = await shared_service.http.post("/customers", json=body)
    cause = check_error(answer, 422, "validation_error")["cause"]
    assert list(cause) == [field]
    assert all(isinstance(message, str) for message in cause[field]["_errors"])
    assert (await shared_service.http.get("/customers")).json()["pagination"]["total"] == 0


async def test_a_missing_name_is_required_in_the_words_of_the_contract(service: Service) -> None:
    answer = await service.http.post("/customers", json={})
    assert check_error(answer, 422, "validation_error")["cause"] == {"name": {"_errors": ["Required"]}}


@pytest.mark.parametrize("body", ["[]", '"x"', "1", "null"])
async def test_json_that_is_no_object_is_not_valid(shared_service: Service, body: str) -> None:
    answer = await shared_service.http.post("/customers", content=body, headers={"content-type": "application/json"})
    assert check_error(answer, 422, "validation_error")["cause"] == {"_errors": ["Expected object"]}


@pytest.mark.parametrize(
    "body",
    [
        r'{"name": "half \ud800"}',
        r'{"name": "nul \u0000"}',
        r'{"name": "A", "key \ud800": 1}',
        '{"name": "A", "metadata": ' + '{"a":' * 40 + "1" + "}" * 41,
        "[" * 100_000 + "]" * 100_000,
        '{"name": "A", "city": ' + "9" * 5000 + "}",
        '{"name": "A", "metadata": {"n": 1e400}}',
    ],
)
async def test_json_that_cannot_be_stored_is_not_valid(shared_service: Service, body: str) -> None:
    answer = await shared_service.http.post("/customers", content=body, headers={"content-type": "application/json"})
    check_error(answer, 422, "validation_error")


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": NaN}', b'{"name": "\xff"}', b"{'name': 'A'}"])
async def test_a_body_that_is_not_json_is_a_bad_request(shared_service: Service, body: bytes) -> None:
    answer = await shared_service.http.post("/customers", content=body, headers={"content-type": "application/json"})
    check_error(answer, 400, "bad_request")


async def test_a_body_over_the_cap_is_too_large(service: Service) -> None:
    answer = await service.http.post("/customers", json={"name": "A" * service.config.body_cap})
    check_error(answer, 413, "payload_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin1"},
        {"content-type": "application/json", "content-encoding": "br"},
    ],
)
async def test_a_body_of_another_type_is_rejected(shared_service: Service, headers: dict[str, str]) -> None:
    check_error(
        await shared_service.http.post("/customers", content='{"name": "A"}', headers=headers),
        415,
        "unsupported_media_type",
    )


@pytest.mark.parametrize(
    "kind", ["application/json;charset=UTF-8", 'application/json; charset="utf-8"; x=y', "application/vnd.api+json"]
)
async def test_json_by_other_names_is_read(service: Service, kind: str) -> None:
    answer = await service.http.post("/customers", content='{"name": "A"}', headers={"content-type": kind})
    assert answer.status_code == 201
