"""Services are killed again and again between changes and their deliveries. Every event arrives, and in the order of its client.

Two service processes share a database and deliver to one receiver, while writers change clients through both of them. Each kill
is a SIGKILL at any moment. Run by .ci/run.
"""

import asyncio
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx

from app.auth import Access
from app.auth.principals import Principal, Scope
from app.storage.database import Database
from app.webhooks.events import CUSTOMER_EVENTS
from app.webhooks.faces import V1_WEBHOOK_FIELDS
from app.webhooks.service import create_webhook
from tests.faults.processes import Service, Tenant, make_tenant, open_folder, postgres, services
from tests.faults.promises.writes import UNLIMITED
from tests.webhooks.conftest import Receiver

CLIENTS, CHANGES, KILLS = 10, 20, 3
LIMIT = 240.0
"""Seconds for the whole run on a busy machine."""
SETTINGS = {**UNLIMITED, "CLIENTELE_WEBHOOK_HTTP": "true", "CLIENTELE_WEBHOOK_PRIVATE": "true"}
RETRIED = (httpx.TransportError, AssertionError)


async def subscribe(tenant: Tenant, receiver: Receiver) -> None:
    """Adds a webhook for each form of the events."""
    database = Database(tenant.url)
    access = Access.of(database, Principal("", None, (tenant.organization,), Scope.WRITE))
    for path, events in (("/v1", ["*"]), ("/customers", list(CUSTOMER_EVENTS))):
        values = {"url": receiver.url(path), "events": events, "enabled": True}
        await create_webhook(access, tenant.organization, values, V1_WEBHOOK_FIELDS)
    await database.close()


async def write(started: list[Service], tenant: Tenant, client: str, name: str) -> None:
    """Gives a client a name, through any service, until one has acknowledged it. The same name twice is one change."""
    while True:
        with suppress(*RETRIED):
            async with random.choice(started).open(tenant.token, timeout=10) as http:
                answer = await http.patch(f"/v1/clients/{client}", json={"name": name})
                assert answer.status_code == 200, answer.text
                return
        await asyncio.sleep(0.05)


async def write_all(started: list[Service], tenant: Tenant, client: str) -> None:
    for number in range(1, CHANGES + 1):
        await write(started, tenant, client, str(number))
        await asyncio.sleep(0.1)


async def kill_again_and_again(started: list[Service]) -> None:
    for kill in range(KILLS):
        await asyncio.sleep(random.uniform(0.5, 1.5))
        service = started[kill % len(started)]
        service.stop(signal.SIGKILL)
        await asyncio.to_thread(service.start)


async def end_leases(tenant: Tenant) -> None:
    """Makes the deliveries of dead processes due, which would happen a minute after their attempts."""
    connection = await asyncpg.connect(tenant.url)
    await connection.execute("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE state = 'sending'")
    await connection.close()


def first_arrivals(receiver: Receiver) -> dict[tuple[str, str], list[str]]:
    """The names of each client in the order in which each webhook got them first, and no event twice."""
    arrived: dict[tuple[str, str], list[str]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for request in receiver.received:
        key, data = (request.path, request.headers["webhook-id"]), request.event["data"]
        if key not in seen:
            seen.add(key)
            arrived[request.path, data["id"].removeprefix("cust_")].append(data["name"])
    return arrived


async def make_clients(service: Service, tenant: Tenant) -> list[str]:
    async with service.open(tenant.token) as http:
        url = f"/v1/organizations/{tenant.organization}/clients"
        made = await http.post(url, json=[{"name": "0"}] * CLIENTS)
        assert made.status_code == 200, made.text
        return [client["id"] for client in made.json()]


async def await_events(receiver: Receiver, tenant: Tenant, clients: Iterable[str]) -> None:
    expected = {(path, client): [*map(str, range(CHANGES + 1))] for path in ("/v1", "/customers") for client in clients}
    while (arrived := first_arrivals(receiver)) != expected:
        for key, names in arrived.items():
            assert names == expected[key][: len(names)], (key, names)
        await end_leases(tenant)
        await asyncio.sleep(0.5)


async def check(url: str, folder: Path) -> str:
    tenant = await make_tenant(url)
    async with Receiver().opened() as receiver:
        with services(folder, 2, DATABASE_URL=url, **SETTINGS) as started:
            await subscribe(tenant, receiver)
            clients = await make_clients(started[0], tenant)
            async with asyncio.TaskGroup() as group:
                for client in clients:
                    group.create_task(write_all(started, tenant, client))
                group.create_task(kill_again_and_again(started))
            for service in started:
                service.stop(signal.SIGKILL)
            for service in started:
                service.launch()
            for service in started:
                await asyncio.to_thread(service.read_start)
            await await_events(receiver, tenant, clients)
        events, requests = 2 * CLIENTS * (CHANGES + 1), len(receiver.received)
    return f"{events} events, {requests - events} of them a second time, {KILLS + 2} kills"


async def run() -> None:
    with open_folder("webhooks") as folder, postgres(folder / "server") as server:
        began = time.monotonic()
        async with asyncio.timeout(LIMIT):
            result = await check(await server.make_database(), folder)
        print(f"{result} ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    asyncio.run(run())
