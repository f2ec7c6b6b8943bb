"""Every error carries the request id; an unexpected error is masked and logged with it."""

import logging
import socket
from asyncio import Queue

import httpx
import pytest
from sqlalchemy import text
from starlette.types import Message, Receive, Scope, Send

from app.config import Config
from app.http.request_ids import RequestIds
from app.main import create_app
from app.storage.database import Database
from tests.conftest import BROKEN_CLIENTS, Service
from tests.rest.customers.test_customers import check_error


async def ask_with(config: Config, database: Database, token: str) -> httpx.Response:
    """The list of customers from an application over another database, which is closed."""
    transport = httpx.ASGITransport(create_app(config, database))
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as http:
            return await http.get("/customers")
    finally:
        await database.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
async def test_every_api_names_the_request_in_every_answer(shared_service: Service, method: str) -> None:
    paths = ("/customers", "/customers/x", "/customers/x/vies-check", "/entities", "/v1/clients/x", "/v1/nothing")
    for path in (*paths, "/graphql", "/graphql/x", "/healthz", "/readyz", "/", "/nothing", "//customers", "/%ff"):
        for token in (shared_service.token, "unknown"):
            headers = {"x-request-id": "mine", "authorization": f"Bearer {token}"}
            answer = await shared_service.http.request(method, path, headers=headers)
            assert answer.headers.get_list("x-request-id") == ["mine"], path
            assert answer.status_code < 500, path


@pytest.mark.parametrize("answer", ["websocket.accept", "websocket.http.response.start"])
async def test_a_handshake_is_answered_with_the_request_id(answer: str) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": answer, "headers": [(b"a", b"b")]})
        await send({"type": "websocket.close"})

    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "websocket", "headers": [(b"x-request-id", b"mine")]}
    await RequestIds(application)(scope, Queue[Message]().get, keep)
    assert sent[0]["headers"] == [(b"a", b"b"), (b"x-request-id", b"mine")]
    assert sent[1] == {"type": "websocket.close"}


async def test_an_unexpected_error_is_masked_and_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    async with service.database.read() as connection:
        await connection.driver.execute(BROKEN_CLIENTS)
    with caplog.at_level(logging.ERROR, "clientele"):
        answer = await service.http.get("/customers", headers={"x-request-id": "look-for-me"})
    body = check_error(answer, 500, "internal_server_error")
    assert body["message"] == "Internal Server Error"
    assert "look-for-me" in caplog.text
    assert "RaiseError" in caplog.text


async def test_a_question_that_takes_too_long_may_be_asked_again(service: Service) -> None:
    hasty = Database(service.database.url, statement_timeout=0.2)
    async with service.database.write() as connection:
        await connection.execute(text("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE"))
        answer = await ask_with(service.config, hasty, service.token)
    check_error(answer, 503, "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_database_that_cannot_be_reached_is_unavailable(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = await ask_with(config, Database(f"postgresql://nobody@127.0.0.1:{port}/none"), "sk_live_x")
    check_error(answer, 503, "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0
