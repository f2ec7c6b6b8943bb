"""A search that exceeds the statement timeout: each API answers with an error, a next step and a time to retry."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.config import Config
from app.storage.database import Database
from tests.conftest import Service, running


@pytest.fixture
async def slow(database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """A service with a statement timeout of 400 ms, while another transaction locks its clients."""
    hasty, patient = Database(database_url, statement_timeout=0.4), Database(database_url)
    async with (
        running(Config(database_url=database_url, data_dir=tmp_path), hasty) as service,
        patient.write() as connection,
    ):
        await connection.execute(text("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE"))
        yield service
    await patient.close()
    await hasty.close()


async def test_customers_reject_a_slow_search(slow: Service) -> None:
    answer = await slow.http.get("/customers?search=ann&include_total_count=false")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["code"] == "service_unavailable"
    assert "narrow the search" in answer.json()["message"]


@pytest.mark.parametrize("path", ["clients/search", "search-clients"])
async def test_v1_rejects_a_slow_search(slow: Service, path: str) -> None:
    answer = await slow.http.get(f"/v1/organizations/{slow.organization}/{path}?term=ann")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "narrow the search" in answer.json()["error"]["message"]


@pytest.mark.parametrize("fields", ["nodes { name }", "totalCount"])
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_graphql_rejects_a_slow_search(slow: Service, fields: str, accept: str) -> None:
    query = f'{{ clients(search: "ann") {{ {fields} }} }}'
    answer = await slow.http.post("/graphql", json={"query": query}, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "TIMEOUT"
    assert "narrow the search" in error["message"]
    assert answer.json()["data"] is None


async def test_the_results_beside_a_slow_search_are_kept(slow: Service) -> None:
    """The error reaches the nearest field that may be null."""
    query = '{ viewer { account { email } } organization { clients(search: "ann") { totalCount } } }'
    answer = await slow.http.post("/graphql", json={"query": query})
    assert answer.status_code == 200
    assert answer.json()["data"] == {"viewer": {"account": {"email": slow.email}}, "organization": None}


async def test_connections_work_after_a_slow_search(slow: Service) -> None:
    for _ in range(3):
        assert (await slow.http.get("/customers?search=ann")).status_code == 503
    async with slow.database.read() as connection:
        assert not connection.driver.is_in_transaction()
        assert await connection.driver.fetchval("SHOW plan_cache_mode") == "auto"
    assert not any(driver.is_in_transaction() for driver in slow.database.pool._free)
