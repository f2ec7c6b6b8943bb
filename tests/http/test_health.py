from types import SimpleNamespace
from typing import cast

import httpx
from sqlalchemy import text
from starlette.applications import Starlette

from app.http.health import health_routes
from app.storage.readiness import Readiness
from tests.conftest import Service


async def test_healthz_and_readyz_answer_without_a_token(service: Service) -> None:
    async with service.client(None) as anybody:
        assert (await anybody.get("/healthz")).json() == {"status": "ok"}
        assert (await anybody.get("/readyz")).json() == {"status": "ok"}


async def test_readyz_tells_how_long_changes_are_held_back() -> None:
    async def find_problem() -> None:
        return None

    delays = [0.5, 12.34]
    readiness = SimpleNamespace(find_problem=find_problem)
    app = Starlette(routes=health_routes(cast("Readiness", readiness), lambda: delays.pop(0)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        assert (await http.get("/readyz")).json() == {"status": "ok"}
        assert (await http.get("/readyz")).json() == {"status": "ok", "changes_delay": 12.3}


async def test_readyz_says_that_migrations_are_missing(service: Service) -> None:
    async with service.database.write() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    answer = await service.http.get("/readyz")
    assert answer.status_code == 503
    assert "clientele migrate" in answer.json()["reason"]
