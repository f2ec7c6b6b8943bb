"""Bodies of callers without a valid token: at most 4 KB are read and parsed."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.http.bodies import UNAUTHENTICATED_CAP
from tests.conftest import Service
from tests.rest.v1.requests import NOBODY

JSON = {"Content-Type": "application/json"}
OPERATIONS = [
    ("POST", "/v1/organizations/{}/clients"),
    ("PUT", f"/v1/clients/{NOBODY}"),
    ("PATCH", f"/v1/clients/{NOBODY}"),
    ("POST", f"/v1/clients/{NOBODY}/send-reminder"),
    ("PATCH", "/v1/organizations/{}"),
    ("POST", f"/v1/accounts/{NOBODY}/organizations"),
    ("POST", f"/v1/accounts/{NOBODY}/accesstokens"),
    ("POST", "/v1/accounts/logout"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("token", [None, "unknown"])
async def test_a_small_body_that_is_not_json_is_400_and_a_large_one_401(
    shared_service: Service, method: str, path: str, token: str | None
) -> None:
    there = path.format(shared_service.organization)
    async with shared_service.client(token) as http:
        for size, status in ((UNAUTHENTICATED_CAP, 400), (UNAUTHENTICATED_CAP + 1, 401), (2_000_000, 401)):
            answer = await http.request(method, there, content=b"{" * size, headers=JSON)
            assert (answer.status_code, answer.json()["error"]["statusCode"]) == (status, status), size


async def test_a_large_body_is_not_read_before_its_token_is_found_wanting(shared_service: Service) -> None:
    sent = 0

    async def send() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1024
            yield b"[" * 1024

    path = f"/v1/organizations/{shared_service.organization}/clients"
    async with shared_service.client(None) as http:
        answer = await http.post(path, content=send(), headers=JSON)
    assert (answer.status_code, sent <= UNAUTHENTICATED_CAP + 2 * 1024) == (401, True)


async def test_a_small_body_that_unpacks_to_a_large_one_is_401(shared_service: Service) -> None:
    path = f"/v1/organizations/{shared_service.organization}/clients"
    packed = gzip.compress(b"[" * 500_000)
    assert len(packed) < UNAUTHENTICATED_CAP
    for token, status in ((None, 401), (shared_service.token, 400)):
        async with shared_service.client(token) as http:
            answer = await http.post(path, content=packed, headers={**JSON, "Content-Encoding": "gzip"})
        assert answer.status_code == status


async def test_a_large_form_or_an_unknown_type_is_401(shared_service: Service) -> None:
    path = f"/v1/organizations/{shared_service.organization}/clients"
    async with shared_service.client(None) as http:
        for kind in ("application/x-www-form-urlencoded", "text/plain"):
            answer = await http.post(path, content=b"a" * 5000, headers={"Content-Type": kind})
            assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/accounts/login"])
async def test_a_sign_up_and_a_login_take_16_kb(service: Service, path: str) -> None:
    body: dict[str, Any] = {"email": "a@b.example", "password": "x" * 17_000}
    async with service.client(None) as http:
        assert (await http.post(path, json=body)).status_code == 413


async def test_the_other_apis_read_no_body_without_a_token(shared_service: Service) -> None:
    async with shared_service.client(None) as http:
        for there in ("/customers", "/graphql"):
            assert (await http.post(there, content=b"[" * 900_000, headers=JSON)).status_code == 401


LARGE = {
    "lists": b"[" + b"[]," * 60_000 + b"[]]",
    "objects": b"[" + b"{}," * 60_000 + b"{}]",
    "numbers": b"[" + b"1," * 60_000 + b"1]",
    "texts": b"[" + b'"\\"",' * 140_000 + b'""]',
    "members": b"{" + b'"a":1,' * 60_000 + b'"a":1}',
    "chains": b"[" + (b"[" * 30 + b"]" * 30 + b",") * 2_000 + b"1]",
}


@pytest.mark.parametrize("kind", LARGE)
async def test_json_with_over_50000_values_is_rejected(shared_service: Service, kind: str) -> None:
    for path in (f"/v1/organizations/{shared_service.organization}/clients", "/customers", "/graphql"):
        answer = await shared_service.http.post(path, content=LARGE[kind], headers=JSON)
        assert answer.status_code == 413, path


async def test_signs_inside_texts_are_not_values(shared_service: Service) -> None:
    path = f"/v1/organizations/{shared_service.organization}/clients"
    records = [{"name": ",[{" * 20, "note": '\\"' + ",[{" * 3_000} for _ in range(20)]
    answer = await shared_service.http.post(path, json=records)
    assert (answer.status_code, [row["note"] for row in answer.json()]) == (200, [row["note"] for row in records])
