"""GraphQL over server-sent events: each request has its own stream of next and complete events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.auth import hash_token
from app.graphql.server import sse
from app.main import create_app
from tests.changes.conftest import cursor
from tests.conftest import Service
from tests.graphql.conftest import add_records
from tests.live_server import TIMEOUT, served

STREAM = "text/event-stream"
FOLLOW = "subscription ($after: String) { clientChanges(after: $after) { cursor version client { name } } }"
START = ["event: start", "data:"]
VIEWER = "{ viewer { scopes } }"


@pytest.fixture(scope="module")
async def address(shared_service: Service) -> AsyncIterator[str]:
    config = replace(shared_service.config, token_check=0.1, streams=3)
    app = create_app(config, shared_service.database)
    async with app.router.lifespan_context(app), served(app, config) as address:
        yield address


@pytest.fixture
async def http(shared_service: Service, address: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {**shared_service.headers, "Accept": STREAM}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=TIMEOUT, trust_env=False) as client:
        yield client


@dataclass
class Stream:
    """An event stream, read block by block. `last_id` is what an EventSource would send when it connects again."""

    response: httpx.Response
    lines: AsyncIterator[str]
    last_id: str = ""

    async def block(self) -> list[str]:
        """The lines of the next block, or no lines at the end of the stream."""
        lines: list[str] = []
        async for line in self.lines:
            if not line:
                return lines
            lines.append(line)
        return lines

    async def next(self) -> Any:
        """The result in the next event. Blocks of an id alone are no events."""
        lines = await self.block()
        while self._take_id(lines) and lines in ([], START):
            lines = await self.block()
        event, data = lines
        assert event == "event: next"
        return json.loads(data.removeprefix("data: "))

    def _take_id(self, lines: list[str]) -> bool:
        """Takes the id out of a block. True if the block has one."""
        if not lines or not lines[0].startswith("id: "):
            return False
        self.last_id = lines.pop(0).removeprefix("id: ")
        return True

    async def start(self) -> str:
        """The id before the first event. Comments may come earlier on a busy machine."""
        while (lines := await self.block()) == [":"]:
            continue
        assert self._take_id(lines)
        assert lines == ([] if self.response.request.method == "POST" else START)
        return self.last_id

    async def complete(self) -> None:
        assert await self.block() == ["event: complete", "data:"]
        assert await self.block() == []


@asynccontextmanager
async def stream(
    http: httpx.AsyncClient, query: str, method: str = "POST", last_id: str | None = None, **variables: Any
) -> AsyncIterator[Stream]:
    request: dict[str, Any] = {"json": {"query": query, "variables": variables}}
    if method == "GET":
        request = {"params": {"query": query, "variables": json.dumps(variables)}}
    if last_id is not None:
        request["headers"] = {"Last-Event-ID": last_id}
    async with http.stream(method, "/graphql", **request) as response:
        yield Stream(response, response.aiter_lines())


async def beginning(service: Service) -> str:
    return await cursor(service.database, service.organization, 0)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_query_has_one_event(http: httpx.AsyncClient, method: str) -> None:
    async with stream(http, VIEWER, method) as opened:
        assert opened.response.status_code == 200
        assert opened.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert opened.response.headers["cache-control"] == "no-cache, no-store"
        assert (await opened.next())["data"] == {"viewer": {"scopes": ["READ", "WRITE"]}}
        await opened.complete()


async def test_a_mutation_has_one_event_and_needs_post(http: httpx.AsyncClient) -> None:
    mutation = 'mutation { deleteClient(id: "5eed") { userErrors { code } } }'
    async with stream(http, mutation) as opened:
        assert (await opened.next())["data"]["deleteClient"]["userErrors"] == [{"code": "NOT_FOUND"}]
        await opened.complete()
    async with stream(http, mutation, "GET") as opened:
        assert (opened.response.status_code, opened.response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        (FOLLOW, {"after": "x"}, "BAD_USER_INPUT"),
        (FOLLOW, {"after": 1}, "BAD_USER_INPUT"),
        ('subscription { clientChanges(organizationId: "5eed") { at } }', {}, "NOT_FOUND"),
    ],
)
async def test_an_error_of_an_operation_is_an_event(
    http: httpx.AsyncClient, query: str, variables: dict[str, Any], code: str
) -> None:
    async with stream(http, query, **variables) as opened:
        assert opened.response.status_code == 200
        (error,) = (await opened.next())["errors"]
        assert error["extensions"]["code"] == code
        await opened.complete()


async def test_a_malformed_request_is_answered_in_json(http: httpx.AsyncClient) -> None:
    for request, status in (
        ({"json": {"query": 1}}, 400),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"json": {"query": VIEWER}, "headers": {"Authorization": "Bearer nothing"}}, 401),
    ):
        response = await http.post("/graphql", **request)
        assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
        assert response.json()["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "*/*", None])
async def test_a_subscription_needs_a_stream(http: httpx.AsyncClient, accept: str | None) -> None:
    response = await http.post("/graphql", json={"query": FOLLOW}, headers={"Accept": accept or ""})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (
        406,
        "SUBSCRIPTION_NEEDS_STREAM",
    )
    head = await http.head("/graphql", params={"query": FOLLOW})
    assert head.status_code == 406


async def test_a_subscription_continues_after_its_cursor(shared_service: Service, http: httpx.AsyncClient) -> None:
    await add_records(shared_service, [{"name": "Ann"}, {"name": "Bea"}, {"name": "Cid"}])
    async with stream(http, FOLLOW, after=await beginning(shared_service)) as opened:
        first = (await opened.next())["data"]["clientChanges"]
    assert first["client"] == {"name": "Ann"}
    del http.headers["authorization"]
    http.params = httpx.QueryParams({"access_token": shared_service.token})
    async with stream(http, FOLLOW, "GET", after=first["cursor"]) as opened:
        assert (await opened.next())["data"]["clientChanges"]["client"] == {"name": "Bea"}
        assert (await opened.next())["data"]["clientChanges"]["client"] == {"name": "Cid"}
        await add_records(shared_service, [{"name": "Dan"}])
        assert (await opened.next())["data"]["clientChanges"]["client"] == {"name": "Dan"}


def name_of(result: Any) -> str:
    return str(result["data"]["clientChanges"]["client"]["name"])


async def test_a_stream_that_is_opened_again_continues_behind_its_last_event(
    shared_service: Service, http: httpx.AsyncClient
) -> None:
    async with stream(http, FOLLOW, "GET") as opened:
        start = await opened.start()
    await add_records(shared_service, [{"name": "Eve"}, {"name": "Fay"}])
    async with stream(http, FOLLOW, "GET", start) as opened:
        assert await opened.start() == start
        first = await opened.next()
        assert (name_of(first), opened.last_id) == ("Eve", first["data"]["clientChanges"]["cursor"])
    await add_records(shared_service, [{"name": "Gil"}])
    for method in ("GET", "POST"):
        async with stream(http, FOLLOW, method, opened.last_id) as again:
            assert [name_of(await again.next()) for _ in range(2)] == ["Fay", "Gil"]
    async with stream(http, FOLLOW, "GET", again.last_id, after=start) as latest:
        assert await latest.start() == again.last_id
        await add_records(shared_service, [{"name": "Hal"}])
        assert name_of(await latest.next()) == "Hal"


async def test_a_last_event_id_that_is_no_cursor_is_an_error(http: httpx.AsyncClient) -> None:
    async with stream(http, FOLLOW, "GET", "7") as opened:
        (error,) = (await opened.next())["errors"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "after"}
        await opened.complete()
    for last_id in ("", "7"):
        async with stream(http, VIEWER, "GET", last_id) as opened:
            assert (await opened.next())["data"] == {"viewer": {"scopes": ["READ", "WRITE"]}}
            assert opened.last_id == ""
    async with stream(http, FOLLOW, "GET", "") as opened:
        assert await opened.start()


async def test_comments_keep_a_silent_stream_open(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE", 0.02)
    async with stream(http, FOLLOW) as opened:
        await opened.start()
        assert await opened.block() == [":"]
        assert await opened.block() == [":"]


async def test_an_expired_token_ends_the_stream(shared_service: Service, http: httpx.AsyncClient) -> None:
    token = await shared_service.make_token(organization_id=shared_service.organization)
    http.headers["authorization"] = token
    async with stream(http, FOLLOW) as opened:
        async with shared_service.database.write() as connection:
            await connection.execute(
                text("UPDATE access_tokens SET expires_at = now() WHERE hash = :hash"), {"hash": hash_token(token)}
            )
        assert await opened.next() == {
            "errors": [{"message": "The access token has expired", "extensions": {"code": "UNAUTHENTICATED"}}]
        }
        await opened.complete()


async def test_streams_over_the_limit_are_rejected_until_one_ends(http: httpx.AsyncClient) -> None:
    async with stream(http, FOLLOW), stream(http, FOLLOW), stream(http, FOLLOW), stream(http, VIEWER) as rejected:
        assert rejected.response.status_code == 503
        assert rejected.response.headers["retry-after"] == "5"
    async with asyncio.timeout(TIMEOUT):
        while True:
            async with stream(http, VIEWER) as opened:
                if opened.response.status_code == 200:
                    break


async def test_a_stopping_server_ends_its_streams_without_a_complete_event(service: Service) -> None:
    async with httpx.AsyncClient(headers={**service.headers, "Accept": STREAM}, timeout=TIMEOUT) as http:
        async with served(service.app, service.config) as address:
            http.base_url = httpx.URL(address)
            request = http.build_request("POST", "/graphql", json={"query": FOLLOW})
            response = await http.send(request, stream=True)
        lines = [line async for line in response.aiter_lines() if line]
        assert [line for line in lines if not line.startswith("id: ")] == []
