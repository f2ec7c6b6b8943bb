"""PostgreSQL is killed under load, with followers at two services. Nothing acknowledged is lost, and followers miss nothing."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
import httpx
from websockets.exceptions import WebSocketException

from app.changes.record import LARGEST_NUMBER, Position, read_change_cursor, write_change_cursor
from tests.faults.followers import Changes, StreamEnded, Subscription, over_events, over_socket, read_epoch
from tests.faults.processes import Postgres, Service, Tenant, await_true, make_tenant, postgres, services
from tests.faults.promises.writes import UNLIMITED, Writers, check_writes

WRITES, KILLS, OUTAGE = 800, 2, 1.0
RECOVERY = 15.0
"""Seconds after the return of PostgreSQL in which the service must be ready, and must acknowledge a write."""
LOST = (OSError, WebSocketException, httpx.HTTPError, StreamEnded)


@dataclass
class Follower:
    """A follower that reconnects with its last cursor. `numbers` are those of the changes, in the order of arrival."""

    service: Service
    tenant: Tenant
    over: Callable[[Subscription], AbstractAsyncContextManager[Changes]]
    epoch: str
    numbers: list[int] = field(default_factory=list)
    connections: int = 0

    async def follow(self) -> None:
        """Follows until it is cancelled."""
        after = write_change_cursor(self.tenant.organization, 0, self.epoch)
        while True:
            self.connections += 1
            with suppress(*LOST):
                async with self.over(Subscription(self.service.address, self.tenant.token, after)) as changes:
                    async for change in changes:
                        after = change["cursor"]
                        self.numbers.append(self._number(after))
            await asyncio.sleep(0.1)

    def has_reached(self, number: int) -> bool:
        return bool(self.numbers) and self.numbers[-1] >= number

    def _number(self, cursor: str) -> int:
        return read_change_cursor(self.tenant.organization, cursor, Position(LARGEST_NUMBER, self.epoch))


async def kill_and_return(server: Postgres, writers: Writers) -> list[float]:
    """Kills PostgreSQL in the middle of the writes. Returns the seconds from each return to full service."""
    recoveries = []
    for kill in range(1, KILLS + 1):
        await writers.reach(WRITES * kill // (KILLS + 1))
        server.signal(signal.SIGKILL)
        await writers.services[0].expect(503)
        await asyncio.sleep(OUTAGE)
        await asyncio.to_thread(server.start_again)
        recoveries.append(await await_service(writers))
    return recoveries


async def await_service(writers: Writers) -> float:
    """The seconds until every service is ready and a further write is acknowledged."""
    began, before = time.monotonic(), writers.acknowledged
    async with asyncio.timeout(RECOVERY):
        for service in writers.services:
            await service.expect(200)
        await writers.reach(before + 1)
    return time.monotonic() - began


async def list_numbers(tenant: Tenant) -> list[int]:
    connection = await asyncpg.connect(tenant.url)
    query = "SELECT id FROM client_changes WHERE organization_id = $1 ORDER BY id"
    rows = await connection.fetch(query, tenant.organization)
    await connection.close()
    return [row[0] for row in rows]


async def await_followers(followers: list[Follower], expected: list[int]) -> None:
    """Waits until each follower has the last change, and compares all that it received."""
    for follower in followers:
        await await_true(partial(follower.has_reached, expected[-1]), 30)
        missed, twice = set(expected) - set(follower.numbers), len(follower.numbers) - len(set(follower.numbers))
        assert follower.numbers == expected, (follower.over.__name__, sorted(missed)[:10], twice)


async def check_killed_database(_: Postgres, folder: Path) -> str:
    with postgres(folder / "server") as server:
        return await run_outages(server, folder)


async def run_outages(server: Postgres, folder: Path) -> str:
    tenant = await make_tenant(await server.make_database())
    epoch = await read_epoch(tenant.url)
    with services(folder, 2, DATABASE_URL=tenant.url, **UNLIMITED) as both:
        followers = [Follower(service, tenant, over, epoch) for service in both for over in (over_socket, over_events)]
        following = [asyncio.create_task(follower.follow()) for follower in followers]
        writers = Writers(tenant, both, WRITES)
        try:
            async with asyncio.TaskGroup() as group:
                killing = group.create_task(kill_and_return(server, writers))
                group.create_task(writers.run())
            recoveries = killing.result()
            expected = await list_numbers(tenant)
            await await_followers(followers, expected)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
        await check_writes(writers, both[1])
        assert not any("Traceback" in service.read_log() for service in both), folder
    connections = max(follower.connections for follower in followers)
    return (
        f"{writers.acknowledged} writes acknowledged, {KILLS} kills, full service {max(recoveries):.1f} s after the return; "
        f"{len(followers)} followers received {len(expected)} changes once each, over at most {connections} connections"
    )
