"""The first start is killed at eight moments. The next start recovers, with the whole demo."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import asyncpg

from app.postgres.embedded import find_cluster, remove_embedded
from tests.faults.processes import Postgres, Service

FIRST = 60.0
"""Seconds until a moment of the first start."""
DEMO = 1000
"""The clients of the demo."""
AT_ONCE = 2

Moment = Callable[[Path], Awaitable[bool]]


def home_of(data: Path) -> Path | None:
    """The folder of the cluster, once the start has chosen it."""
    with suppress(OSError):
        return Path((data / "postgres.place").read_text()) if (data / "postgres.place").exists() else data
    return None


def has(data: Path, name: str) -> bool:
    return (data / name).exists()


async def has_begun(data: Path) -> bool:
    return has(data, "")


async def has_password(data: Path) -> bool:
    return has(data, "postgres.password")


async def creates_cluster(data: Path) -> bool:
    home = home_of(data)
    return home is not None and any(home.glob("postgres.making-*"))


async def has_cluster(data: Path) -> bool:
    home = home_of(data)
    return home is not None and (home / "postgres" / "PG_VERSION").exists()


async def has_server(data: Path) -> bool:
    home = home_of(data)
    return home is not None and (home / "postgres" / "postmaster.pid").exists()


async def migrates(data: Path) -> bool:
    return await count(data, "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()") > 0


async def has_account(data: Path) -> bool:
    return await count(data, "accounts") > 0


async def has_token(data: Path) -> bool:
    return has(data, "demo-token")


MOMENTS: tuple[Moment, ...] = (
    has_begun, has_password, creates_cluster, has_cluster, has_server, migrates, has_account, has_token,
)  # fmt: skip


async def count(data: Path, rows: str) -> int:
    """The number of some rows in the embedded database; 0 while it does not answer."""
    if await has_server(data):
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await asyncpg.connect(find_cluster(data).url, timeout=2)
            try:
                return int(await connection.fetchval(f"SELECT count(*) FROM {rows}"))
            finally:
                await connection.close()
    return 0


async def kill_at(moment: Moment, service: Service, data: Path) -> None:
    """Starts the service and kills it at a moment."""
    service.launch()
    async with asyncio.timeout(FIRST):
        while not await moment(data):
            assert service.running.poll() is None, service.read_log()
            await asyncio.sleep(0.002)
    await asyncio.to_thread(service.stop, signal.SIGKILL)


async def recover(service: Service) -> float:
    """Starts the service again. Returns the seconds until it is ready with the demo."""
    began = time.monotonic()
    await asyncio.to_thread(service.start)
    await service.expect(200)
    seconds = time.monotonic() - began
    async with service.open(service.token) as http:
        answer = await http.post("/graphql", json={"query": "{ clients(first: 1) { totalCount } }"})
    assert answer.status_code == 200, (answer.text, service.read_log())
    assert answer.json()["data"]["clients"]["totalCount"] == DEMO, answer.text
    return seconds


async def kill_first_start(moment: Moment, folder: Path) -> float:
    data = folder / moment.__name__
    service = Service({"CLIENTELE_DATA_DIR": str(data)}, folder / f"{moment.__name__}.log")
    try:
        await kill_at(moment, service, data)
        seconds = await recover(service)
        await asyncio.to_thread(service.stop, signal.SIGINT)
        assert service.running.returncode == 0, service.read_log()
        assert "Traceback" not in service.read_log(), service.read_log()
        return seconds
    finally:
        service.end()
        remove_embedded(data)


async def check_first_start(_: Postgres, folder: Path) -> str:
    """Two starts run at the same time."""
    seconds: list[float] = []
    for pair in range(0, len(MOMENTS), AT_ONCE):
        starts = (kill_first_start(moment, folder) for moment in MOMENTS[pair : pair + AT_ONCE])
        seconds += await asyncio.gather(*starts)
    return f"{len(MOMENTS)} first starts were killed; the next start was ready with the demo in at most {max(seconds):.1f} s"
