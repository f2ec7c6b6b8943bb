"""Every error of every kind carries the request's id, and what nobody expected is masked and logged under it."""

import logging
import socket

import httpx
import pytest
from sqlalchemy import text

from app.config import Config
from app.main import create_app
from app.storage.database import Database
from tests.conftest import Service
from tests.rest.test_customers import check_error


async def ask_with(config: Config, database: Database, token: str) -> httpx.Response:
    """The list of customers from an application over another database, which is closed."""
    transport = httpx.ASGITransport(create_app(config, database))
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as http:
            return await http.get("/customers")
    finally:
        await database.close()


async def test_an_unexpected_error_is_masked_and_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    async with service.database.write() as connection:
        await connection.execute(text("ALTER TABLE clients RENAME TO gone"))
    with caplog.at_level(logging.ERROR, "clientele"):
        answer = await service.http.get("/customers", headers={"x-request-id": "look-for-me"})
    body = check_error(answer, 500, "internal_server_error")
    assert body["message"] == "Internal Server Error"
    assert "look-for-me" in caplog.text
    assert "UndefinedTable" in caplog.text


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
