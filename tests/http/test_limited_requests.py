"""Requests over a limit on every API: status, shape and headers, and the callers who are not affected."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from app.main import create_app
from tests.conftest import Service
from tests.live_server import connected_client, open_client, served

FEW = {"token_requests": 1, "source_requests": 1, "rate_burst": 3.0}
TRIES = 60
VIEWER = "{ viewer { scopes } }"

Ask = Callable[[], Awaitable[httpx.Response]]


@asynccontextmanager
async def limited(service: Service, **limits: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another application over the same database, with the token of the service."""
    app = create_app(replace(service.config, **limits), service.database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service", headers=service.headers) as http,
    ):
        yield http


async def ask_until_limited(ask: Ask) -> httpx.Response:
    """The first response with the status 429."""
    for _ in range(TRIES):
        response = await ask()
        if response.status_code == 429:
            return response
    raise AssertionError(f"None of {TRIES} requests was limited")


def check_headers(response: httpx.Response, name: str, amount: int, seconds: int) -> None:
    wait = int(response.headers["retry-after"])
    assert wait >= 1
    assert f'"{name}";r=0;t={wait}' in response.headers["ratelimit"]
    assert f'"{name}";q={amount};w={seconds}' in response.headers["ratelimit-policy"]
    assert "x-request-id" in response.headers


@pytest.mark.parametrize("path", ["/v1/clients/count", "/v1/organizations/x", "/nothing", "/V1/Accounts/authorized"])
async def test_v1_limits_requests_in_loopbacks_shape(shared_service: Service, path: str) -> None:
    async with limited(shared_service, **FEW) as http:
        await http.get("/v1/accounts/authorized")
        response = await ask_until_limited(lambda: http.get(path))
    check_headers(response, "token-requests", 3, 3)
    error = response.json()["error"]
    assert (error["statusCode"], error["name"]) == (429, "Error")
    assert error["message"].startswith("Too many requests (token-requests): at most 1 a second and 3 at once. Wait ")


async def test_customers_limits_requests_in_its_own_shape(shared_service: Service) -> None:
    async with limited(shared_service, **FEW) as http:
        response = await ask_until_limited(lambda: http.get("/customers"))
    check_headers(response, "token-requests", 3, 3)
    body = response.json()
    assert (body["code"], body["request_id"]) == ("too_many_requests", response.headers["x-request-id"])


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "text/event-stream"])
async def test_graphql_limits_requests_with_a_code(shared_service: Service, accept: str) -> None:
    async with limited(shared_service, **FEW) as http:
        response = await ask_until_limited(
            lambda: http.post("/graphql", json={"query": VIEWER}, headers={"Accept": accept})
        )
    check_headers(response, "token-requests", 3, 3)
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": int(response.headers["retry-after"])}


@pytest.mark.parametrize("path", ["/v1/accounts/is-unique?email=a@b.example", "/customers", "/graphql?query={a}"])
@pytest.mark.parametrize("token", [None, "sk_live_misspelt"])
async def test_requests_without_a_valid_token_count_by_their_source(
    shared_service: Service, path: str, token: str | None
) -> None:
    async with limited(shared_service, **FEW) as http:
        http.headers.pop("authorization")
        headers = {"Authorization": token} if token else {}
        response = await ask_until_limited(lambda: http.get(path, headers=headers))
        check_headers(response, "source-requests", 3, 3)


async def test_is_unique_and_login_count_by_their_source_with_every_token(shared_service: Service) -> None:
    for ask in ("is-unique", "login"):
        async with limited(shared_service, source_requests=1, rate_burst=3.0) as http:
            path, body = f"/v1/accounts/{ask}", {"email": "a@b.example", "password": "x"}
            assert (await http.get("/v1/accounts/authorized")).status_code == 200
            response = await ask_until_limited(
                lambda path=path, body=body: http.get(path, params=body) if "is" in path else http.post(path, json=body)  # type: ignore[misc]
            )
            check_headers(response, "source-requests", 3, 3)
            assert (await http.get("/v1/accounts/authorized")).status_code == 200


async def test_a_token_is_not_affected_by_others_of_its_source(shared_service: Service) -> None:
    async with limited(shared_service, source_requests=1, rate_burst=3.0) as http:
        assert (await http.get("/customers")).status_code == 200
        await ask_until_limited(lambda: http.get("/customers", headers={"Authorization": "random"}))
        assert (await http.get("/customers")).status_code == 200


async def test_health_and_graphiql_are_not_limited(shared_service: Service) -> None:
    async with limited(shared_service, **FEW) as http:
        http.headers.pop("authorization")
        await ask_until_limited(lambda: http.get("/customers"))
        page = await http.get("/graphql", headers={"Accept": "text/html"})
        assert page.status_code == 200
        for path in ["/healthz", "/readyz"] * 5:
            response = await http.get(path)
            assert response.status_code == 200, response.text
            assert "ratelimit" not in response.headers


async def test_a_response_tells_what_is_left(shared_service: Service) -> None:
    async with limited(shared_service, token_requests=1000, rate_burst=3.0) as http:
        for path in ("/customers", "/v1/accounts/authorized", "/graphql?query={viewer{scopes}}"):
            response = await http.get(path)
            assert re.fullmatch(r'"token-requests";r=299\d;t=1', response.headers["ratelimit"])
            assert response.headers["ratelimit-policy"] == '"token-requests";q=3000;w=3'


async def test_each_root_field_of_a_mutation_is_a_write(service: Service) -> None:
    create = 'createClient(input: {name: "Ann"}) { client { id } }'
    fields = " ".join(f"a{number}: {create}" for number in range(3))
    query = f"mutation {{ ...Many }} fragment Many on Mutation {{ {fields} }}"
    async with limited(service, token_writes=1, rate_burst=4.0) as http:
        assert "errors" not in (await http.post("/graphql", json={"query": query})).json()
        response = await ask_until_limited(lambda: http.post("/graphql", json={"query": query}))
        check_headers(response, "token-writes", 4, 4)
        retry_after = int(response.headers["retry-after"])
        assert response.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfter": retry_after}
        assert "data" not in response.json()
        assert (await http.post("/graphql", json={"query": VIEWER})).json()["data"]


async def test_each_record_of_a_list_is_a_write(service: Service) -> None:
    bulk = "mutation ($input: [CreateClientInput!]!) { createClients(input: $input) { results { index } } }"
    many = [{"name": f"Client {number}"} for number in range(40)]
    path = f"/v1/organizations/{service.organization}/clients"
    async with limited(service, token_writes=10, rate_burst=4.0) as http:
        assert (await http.get("/customers")).status_code == 200
        assert (await http.post(path, json=many[:10])).status_code == 200
        response = await ask_until_limited(lambda: http.post(path, json=many))
        check_headers(response, "token-writes", 40, 4)
        for accept in ("application/json", "application/graphql-response+json"):
            body = {"query": bulk, "variables": {"input": many}}
            response = await http.post("/graphql", json=body, headers={"Accept": accept})
            assert response.status_code == 429
            check_headers(response, "token-writes", 40, 4)
            assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["RATE_LIMITED"]


async def test_the_bytes_of_bodies_are_limited(service: Service) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield json.dumps({"name": "x" * 900}).encode()

    async with limited(service, token_bytes=1000, rate_burst=3.0) as http:
        assert (await http.get("/customers")).status_code == 200
        response = await ask_until_limited(lambda: http.post("/customers", json={"name": "x" * 900}))
        check_headers(response, "token-bytes", 3000, 3)
        assert response.headers["ratelimit-policy"].startswith('"token-bytes";q=3000;w=3;qu="content-bytes"')
        chunked = {"Content-Type": "application/json"}
        assert (await http.post("/customers", content=pieces(), headers=chunked)).status_code == 429
        assert (await http.get("/customers")).status_code == 200


@asynccontextmanager
async def limited_server(service: Service, **limits: Any) -> AsyncIterator[str]:
    """The address of another server over the same database."""
    config = replace(service.config, **limits)
    app = create_app(config, service.database)
    async with app.router.lifespan_context(app), served(app, config) as address:
        yield address


async def test_each_operation_of_a_websocket_counts(shared_service: Service) -> None:
    async with (
        limited_server(shared_service, token_requests=1, rate_burst=4.0) as address,
        connected_client(address, shared_service.token) as line,
    ):
        for number in range(TRIES):
            await line.ask(str(number), VIEWER)
            message = await line.receive()
            if message["type"] == "error":
                break
            assert (await line.receive())["type"] == "complete"
        assert message["payload"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfter": 1}
        await line.send("complete", "0")
        for _ in range(TRIES):
            await line.send("ping")
        assert (await line.closed())[0] == 4429


async def open_until_rejected(address: str) -> None:
    for _ in range(TRIES):
        async with open_client(address):
            pass


async def test_handshakes_without_a_token_are_limited_and_given_back_to_a_valid_one(
    shared_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    async with limited_server(shared_service, source_requests=1, rate_burst=4.0) as address:
        for _ in range(10):
            async with connected_client(address, shared_service.token):
                pass
        with pytest.raises(InvalidStatus) as rejected:
            await open_until_rejected(address)
    assert rejected.value.response.status_code == 429
    assert int(rejected.value.response.headers["retry-after"]) >= 1
    assert "without completing handshake" not in caplog.text
