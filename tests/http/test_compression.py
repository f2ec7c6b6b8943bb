"""Compressed responses: on every API for callers that accept gzip, never for those that do not."""

import gzip
import json
from dataclasses import replace

import httpx
import pytest
from starlette.types import Message, Scope

from app.http.compression import LONG, SMALLEST, Compression
from app.main import create_app
from tests.conftest import Service

ASKED = {"Accept-Encoding": "br;q=1.0, GZIP ; q=0.5"}
PLAIN = {"Accept-Encoding": "identity"}
QUERY = {"query": "{ clients(first: 100) { nodes { name note } } }"}


@pytest.fixture(scope="module")
async def stocked(shared_service: Service) -> Service:
    for number in range(30):
        body = {"name": f"Client {number}", "note": "Žiga " * 20}
        await shared_service.http.post(f"/v1/organizations/{shared_service.organization}/clients", json=body)
    return shared_service


def large_requests(service: Service) -> list[tuple[str, str, object]]:
    return [
        ("GET", "/customers?limit=100", None),
        ("GET", f"/v1/organizations/{service.organization}/clients", None),
        ("POST", "/graphql", QUERY),
        ("POST", "/graphql", {"query": "{" + " x" * 40 + "}"}),
        ("POST", "/customers", {f"wrong{number}": 1 for number in range(50)}),
        ("POST", f"/v1/organizations/{service.organization}/clients", {f"wrong{number}": 1 for number in range(50)}),
    ]


async def test_every_api_compresses_a_large_response_that_is_asked_for(stocked: Service) -> None:
    for method, path, body in large_requests(stocked):
        plain = await stocked.http.request(method, path, json=body, headers=PLAIN)
        packed = await stocked.http.request(method, path, json=body, headers=ASKED)
        assert packed.status_code == plain.status_code
        assert len(plain.content) >= SMALLEST, path
        assert (plain.headers.get("content-encoding"), packed.headers["content-encoding"]) == (None, "gzip"), path
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
        assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        assert without_id(packed.text) == without_id(plain.text)


def without_id(text: str) -> object:
    """A response without its request id."""
    body = json.loads(text)
    return {**body, "request_id": None} if isinstance(body, dict) else body


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("*", True),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("identity;q=0", False),
        ("identity;q=0, *;q=0.1", True),
        ("", False),
    ],
)
async def test_accept_encoding_is_heeded(stocked: Service, accepted: str, compressed: bool) -> None:
    answer = await stocked.http.get("/customers?limit=100", headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") is compressed
    assert len(answer.json()["data"]) >= 30


async def test_graphiql_is_compressed_for_a_browser(shared_service: Service) -> None:
    answer = await shared_service.http.get("/graphql", headers={"Accept": "text/html", "Accept-Encoding": "gzip, br"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "<html" in answer.text


async def test_small_and_tagged_responses_and_those_to_head_are_not_compressed(stocked: Service) -> None:
    small = await stocked.http.get("/customers?limit=1&search=nobody", headers=ASKED)
    assert {"content-encoding", "vary"}.isdisjoint(small.headers)
    made = await stocked.http.post("/customers", json={"name": "x", "address": "n" * 5000}, headers=ASKED)
    assert (made.headers["etag"], made.headers.get("content-encoding")) == ('"1"', None)
    shown = await stocked.http.get(f"/customers/{made.json()['id']}", headers=ASKED)
    assert (shown.headers["etag"], shown.headers.get("content-encoding")) == ('"1"', None)
    head = await stocked.http.head("/customers?limit=100", headers=ASKED)
    assert (head.status_code, head.headers.get("content-encoding"), head.content) == (200, None, b"")


async def test_a_setting_turns_compression_off(stocked: Service) -> None:
    app = create_app(replace(stocked.config, compression=False), stocked.database)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=stocked.headers) as http:
        answer = await http.get("/customers?limit=100", headers=ASKED)
    assert (answer.status_code, answer.headers.get("content-encoding")) == (200, None)


async def respond(messages: list[Message]) -> list[Message]:
    """What a caller that accepts gzip receives of a response."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: object, send: object) -> None:
        for message in messages:
            await send(message)  # type: ignore[operator]

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope: Scope = {"type": "http", "method": "GET", "headers": [(b"accept-encoding", b"gzip")]}
    await Compression(app)(scope, receive, send)
    return sent


def start(status: int = 200, **headers: str) -> Message:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": named}


BODY = b"x" * 2000
WHOLE: Message = {"type": "http.response.body", "body": BODY}
UNCHANGED: list[list[Message]] = [
    [start(content_type="text/event-stream"), {"type": "http.response.body", "body": BODY, "more_body": True}],
    [start(content_type="text/event-stream")],
    [start(content_length="2000", etag='"1"'), WHOLE],
    [start(content_length="2000", content_encoding="br"), WHOLE],
    [start(304, content_length="2000"), WHOLE],
    [start(206, content_length="2000"), WHOLE],
    [start(204), {"type": "http.response.body"}],
    [start(content_length="999"), {"type": "http.response.body", "body": BODY[:999]}],
    [start(content_length="4000"), {"type": "http.response.body", "body": BODY, "more_body": True}, WHOLE],
]


@pytest.mark.parametrize("messages", UNCHANGED, ids=range(len(UNCHANGED)))
async def test_a_response_that_must_not_change_is_sent_as_it_is(messages: list[Message]) -> None:
    assert await respond(messages) == messages


@pytest.mark.parametrize("size", [SMALLEST, LONG, LONG * 8])
async def test_a_body_of_any_size_comes_back_whole(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"!" * (size % 256)
    head, message = await respond(
        [start(content_length=str(size), etag='W/"1"'), {"type": "http.response.body", "body": body}]
    )
    headers = dict(head["headers"])
    assert gzip.decompress(message["body"]) == body
    assert (headers[b"content-encoding"], int(headers[b"content-length"])) == (b"gzip", len(message["body"]))
    assert headers[b"etag"] == b'W/"1"'
