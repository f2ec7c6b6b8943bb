import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from app.http import disk
from app.http.disk import DiskCheck
from app.http.health import Check, Health
from app.mail import worker
from app.main import create_app
from app.postgres.folders import find_cluster_folder
from app.storage.readiness import Readiness
from tests.conftest import Service

READY = {"database": "ok", "migrations": "ok", "outbox": "ok", "events": "ok", "webhooks": "ok"}


async def test_healthz_and_readyz_answer_without_a_token(service: Service) -> None:
    async with service.client(None) as anybody:
        assert (await anybody.get("/healthz")).json() == {"status": "ok"}
        assert (await anybody.get("/readyz")).json() == {"status": "ok", "checks": READY}


async def find_nothing() -> None:
    return None


def ask_readyz(checks: dict[str, Check], delay: Callable[[], float] = lambda: 0.0) -> httpx.AsyncClient:
    """A client of the health checks of a process whose database works."""
    readiness = cast("Readiness", SimpleNamespace(find_problem=find_nothing))
    app = Starlette(routes=Health(readiness, delay, checks).routes())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


async def test_readyz_tells_how_long_changes_are_held_back() -> None:
    delays = [0.5, 12.34]
    parts = {"database": "ok", "migrations": "ok"}
    async with ask_readyz({}, lambda: delays.pop(0)) as http:
        assert (await http.get("/readyz")).json() == {"status": "ok", "checks": parts}
        assert (await http.get("/readyz")).json() == {"status": "ok", "checks": parts, "changes_delay": 12.3}


async def test_readyz_says_that_migrations_are_missing(service: Service) -> None:
    async with service.database.write() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    answer = await service.http.get("/readyz")
    assert answer.status_code == 503
    assert "clientele migrate" in answer.json()["reason"]
    checks = answer.json()["checks"]
    assert checks == READY | {"migrations": answer.json()["reason"]}


async def test_readyz_names_the_part_that_fails() -> None:
    async def find_problem() -> str:
        return "it is broken"

    async with ask_readyz({"first": find_nothing, "second": find_problem}) as http:
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "it is broken")
    assert answer.json()["checks"] == {"database": "ok", "migrations": "ok", "first": "ok", "second": "it is broken"}


async def test_readyz_says_that_the_workers_have_ended(service: Service) -> None:
    app = create_app(service.config, service.database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        async with app.router.lifespan_context(app):
            running = await http.get("/readyz")
        ended = await http.get("/readyz")
    assert (running.status_code, running.json()["checks"]) == (200, READY)
    assert ended.status_code == 503
    assert ended.json()["checks"] == READY | {
        "outbox": "the outbox worker has ended",
        "events": "the reader of events has ended",
        "webhooks": "the worker of webhooks has ended",
    }
    assert ended.json()["reason"] == "the outbox worker has ended"


async def test_readyz_says_that_the_outbox_worker_is_stuck(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "STUCK", -1.0)
    answer = await service.http.get("/readyz")
    assert (answer.status_code, answer.json()["reason"][:37]) == (503, "the outbox worker has done nothing fo")


async def test_readyz_answers_within_a_second_while_the_pool_is_used_up(service: Service) -> None:
    held = [service.database.write() for _ in range(service.database.pool_size)]
    for block in held:
        await block.__aenter__()
    try:
        began = time.monotonic()
        answers = await asyncio.gather(*(service.http.get("/readyz") for _ in range(5)))
        assert time.monotonic() - began < 5.0  # a second, and time for a busy machine
        assert [answer.status_code for answer in answers] == [200] * 5
    finally:
        for block in held:
            await block.__aexit__(None, None, None)


async def test_a_disk_that_is_almost_full_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await DiskCheck(tmp_path).find_problem() is None
    assert "cannot be read: No such file" in str(await DiskCheck(tmp_path / "none").find_problem())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=50_000_000))
    assert (
        await DiskCheck(tmp_path).find_problem() == "the disk of the embedded database is almost full: 50 MB are free"
    )


async def test_a_disk_that_hangs_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging: Any = SimpleNamespace(free=10**12)

    def wait(_: Path) -> Any:
        time.sleep(0.3)
        return hanging

    monkeypatch.setattr(shutil, "disk_usage", wait)
    monkeypatch.setattr(disk, "LIMIT", 0.01)
    check = DiskCheck(tmp_path)
    assert await check.find_problem() == "the disk of the embedded database does not answer"
    monkeypatch.setattr(disk, "LIMIT", 10.0)
    assert await check.find_problem() is None


def test_the_disk_of_an_embedded_database_is_found(tmp_path: Path) -> None:
    embedded = "postgresql://clientele:secret@/clientele?host=%2Ftmp%2Fx"
    assert find_cluster_folder(tmp_path, embedded) is None
    (tmp_path / "postgres.password").write_text("secret")
    assert find_cluster_folder(tmp_path, embedded) == tmp_path
    assert find_cluster_folder(tmp_path, "postgresql://clientele:other@db/clientele") is None
    (tmp_path / "postgres.place").write_text("/var/lib/clientele/x")
    assert find_cluster_folder(tmp_path, embedded) == Path("/var/lib/clientele/x")
