"""A transaction that PostgreSQL rolls back because of another one is run again, and at last answered with 503."""

from typing import Any

import pytest
from sqlalchemy import text

from app.errors import Contended
from app.storage.connection import Connection
from app.storage.database import Database
from app.storage.retries import PAUSES, retried
from tests.conftest import Service

ATTEMPTS = len(PAUSES) + 1
FAILING = """
CREATE SEQUENCE attempts;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('attempts') <= {} THEN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '{}'; END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER fail BEFORE INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION fail();
"""
"""A sequence is not rolled back, so it counts the attempts."""
ADD = text("INSERT INTO accounts (id, email, custom) VALUES ('a', 'a@a.example', '{}')")


async def fail(database: Database, times: int, table: str = "accounts", state: str = "40001") -> None:
    async with database.read() as connection:
        await connection.driver.execute(FAILING.format(times, state, table))


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_a_single_statement_is_run_again(database: Database, state: str) -> None:
    await fail(database, ATTEMPTS - 1, state=state)
    async with database.statement() as connection:
        await connection.execute(ADD)


async def test_a_single_statement_is_given_up_after_the_last_attempt(database: Database) -> None:
    await fail(database, 1000)
    with pytest.raises(Contended):
        async with database.statement() as connection:
            await connection.execute(ADD)
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT last_value FROM attempts")) == ATTEMPTS


async def test_a_statement_in_a_transaction_is_not_run_again_alone(database: Database) -> None:
    await fail(database, 1)
    with pytest.raises(Contended):
        async with database.write() as connection:
            await connection.execute(ADD)


async def test_a_whole_transaction_is_run_again(database: Database) -> None:
    await fail(database, ATTEMPTS - 1)

    @retried
    async def add() -> int:
        async with database.write() as connection:
            await connection.execute(ADD)
            return await count(connection)

    assert await add() == 1


async def count(connection: Connection) -> int:
    return int(await connection.scalar(text("SELECT count(*) FROM accounts")))


WRITES: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    ("POST", "/customers", {"name": "B"}, {}),
    ("POST", "/customers", {"name": "B"}, {"Idempotency-Key": "k"}),
    ("PATCH", "/customers/{customer}", {"name": "B"}, {}),
    ("PATCH", "/customers/{customer}", {"metadata": {"a": "b"}}, {}),
    ("DELETE", "/customers/{customer}", {}, {}),
    ("POST", "/v1/Organizations/{organization}/clients", {"name": "B"}, {}),
    ("POST", "/graphql", {"query": 'mutation { createCustomer(input: {name: "B"}) { customer { id } } }'}, {}),
]


@pytest.mark.parametrize(("method", "path", "body", "headers"), WRITES)
async def test_a_write_of_any_api_is_run_again_and_then_answered_with_503(
    service: Service, method: str, path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    customer = (await service.http.post("/customers", json={"name": "A"})).json()["id"]
    url = path.format(customer=customer, organization=service.organization)
    await fail(service.database, ATTEMPTS * ATTEMPTS, "clients")
    last = await service.http.request(method, url, json=body, headers=headers)
    assert last.status_code == 503, last.text
    assert int(last.headers["retry-after"]) > 0
    async with service.database.read() as connection:
        await connection.driver.execute(f"SELECT setval('attempts', {ATTEMPTS * ATTEMPTS - 1})")
    answer = await service.http.request(method, url, json=body, headers=headers)
    assert answer.status_code in (200, 201, 204), answer.text
    assert "errors" not in (answer.json() if answer.content else {})
