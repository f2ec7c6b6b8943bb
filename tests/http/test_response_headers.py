"""Headers that protect responses: nobody keeps data, no browser guesses a type, and no other site reads or frames the page."""

from dataclasses import replace

import httpx
import pytest

from app.main import create_app
from tests.conftest import Service
from tests.live_server import served
from tests.raw_http import connected, request

HTML = {"accept": "text/html"}
REQUESTS: list[tuple[str, str, object]] = [
    ("GET", "/v1/clients/count", None),
    ("GET", "/v1/clients/0190a1b2c3d4e5f60718293a", None),
    ("GET", "/v1/nothing", None),
    ("POST", "/v1/accounts/login", {"email": "a@example.com", "password": "wrong"}),
    ("GET", "/customers", None),
    ("GET", "/customers/cust_0190a1b2c3d4e5f60718293a", None),
    ("POST", "/customers", {"name": 1}),
    ("GET", "/entities", None),
    ("GET", "/nothing", None),
    ("POST", "/graphql", {"query": "{ viewer { scopes } }"}),
    ("POST", "/graphql", {"query": "{"}),
    ("POST", "/graphql", []),
    ("DELETE", "/graphql", None),
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
]


@pytest.mark.parametrize("token", [True, False], ids=["with a token", "without a token"])
@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_no_response_is_kept_or_guessed_at(
    shared_service: Service, method: str, path: str, body: object, token: bool
) -> None:
    client = shared_service.http if token else shared_service.client(None)
    answer = await client.request(method, path, json=body)
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert "server" not in answer.headers


async def test_responses_without_a_body_and_events_are_protected_too(service: Service) -> None:
    made = await service.http.post("/customers", json={"name": "Ann"})
    path = f"/v1/clients/{made.json()['id'].removeprefix('cust_')}"
    tag = (await service.http.get(path)).headers["etag"]
    answers = [
        await service.http.get(path, headers={"if-none-match": tag}),
        await service.http.delete(f"/customers/{made.json()['id']}"),
        await service.http.post(
            "/graphql", json={"query": "{ viewer { scopes } }"}, headers={"accept": "text/event-stream"}
        ),
    ]
    assert answers[0].status_code == 304
    for answer, expected in zip(answers, ("no-store", "no-store", "no-cache, no-store"), strict=True):
        assert answer.headers.get_list("cache-control") == [expected]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_the_page_has_a_strict_policy(shared_service: Service) -> None:
    headers = (await shared_service.http.get("/graphql", headers=HTML)).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in policy["script-src"]
    assert (headers["x-frame-options"], headers["referrer-policy"]) == ("DENY", "no-referrer")
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


async def test_other_origins_may_call_the_apis_but_not_read_the_page(shared_service: Service) -> None:
    app = create_app(replace(shared_service.config, cors_origins=("*",)), shared_service.database)
    origin = {"origin": "https://evil.example"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        page = await http.get("/graphql", headers=HTML | origin)
        assert page.headers["content-type"].startswith("text/html")
        assert [name for name in page.headers if name.startswith("access-control-")] == []
        assert (await http.get("/customers", headers=origin)).headers["access-control-allow-origin"] == "*"


async def test_the_token_of_the_demo_is_shown_only_without_a_proxy(shared_service: Service) -> None:
    app = create_app(replace(shared_service.config, demo_token="sk_live_demo"), shared_service.database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        assert "sk_live_demo" in (await http.get("/graphql", headers=HTML)).text
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"):
            page = await http.get("/graphql", headers=HTML | {name: "192.0.2.1"})
            assert page.status_code == 200
            assert "sk_live_demo" not in page.text


async def test_the_server_sends_no_banner(shared_service: Service) -> None:
    async with served(shared_service.app, shared_service.config) as address:
        for sent in (
            request("GET", "/healthz"),
            request("GET", "/customers"),
            request("GET", "/healthz", host=None),
            request("GET", "/graphql", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 8"),
            request(
                "GET",
                "/graphql",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Protocol: graphql-transport-ws",
            ),
        ):
            async with connected(address) as connection:
                assert "server" not in (await connection.ask(sent)).headers
