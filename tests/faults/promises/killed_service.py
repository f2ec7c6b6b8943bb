"""The service is killed in the middle of 2,000 writes through three APIs. Each acknowledged write is there once."""

import asyncio
import signal
from pathlib import Path

from tests.faults.processes import Postgres, Service, make_tenant, serving
from tests.faults.promises.writes import UNLIMITED, Writers, check_writes

WRITES, KILLS = 2000, 2


async def kill_and_start(writers: Writers, service: Service) -> None:
    """Kills the service after each quarter of the writes, and starts it again."""
    for kill in range(1, KILLS + 1):
        await writers.reach(WRITES * kill // (KILLS + 1))
        await asyncio.to_thread(service.stop, signal.SIGKILL)
        await asyncio.to_thread(service.start)


async def check_killed_service(postgres: Postgres, folder: Path) -> str:
    tenant = await make_tenant(await postgres.make_database())
    async with serving(folder, DATABASE_URL=tenant.url, **UNLIMITED) as service:
        await service.expect(200)
        writers = Writers(tenant, [service], WRITES)
        async with asyncio.TaskGroup() as group:
            group.create_task(writers.run())
            group.create_task(kill_and_start(writers, service))
        await check_writes(writers, service)
    lost = len(writers.sent) - len(writers.changed)
    return f"{writers.acknowledged} writes acknowledged, {KILLS} kills, {lost} changes without an answer, nothing lost"
