"""A receiver of webhooks on loopback, and a service whose workers run only when a test wants it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text

from app.auth import Access
from app.auth.principals import Principal, Scope
from app.config import Config
from app.deliveries.addresses import Destinations
from app.deliveries.sender import Sender
from app.storage.database import Database
from app.webhooks.faces import SECRET, V1_DELIVERY_FIELDS, V1_WEBHOOK, V1_WEBHOOK_FIELDS
from app.webhooks.reader import EventReader
from app.webhooks.record import V1_RULES, read_new_webhook
from app.webhooks.service import WebhookDesk, create_webhook, get_delivery, get_webhook
from app.webhooks.worker import DeliveryWorker
from tests.conftest import Service, running

LOOPBACK = Destinations(http=True, private=True)


@dataclass(frozen=True)
class Received:
    """A request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


Answer = Callable[[Received], Awaitable[bytes]]


def answer(status: int, body: str = "", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} Any", f"content-length: {len(body.encode())}", *headers]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


@dataclass
class Receiver:
    """A real HTTP server. `status` answers every request; `answers` replaces it by path."""

    status: int = 204
    answers: dict[str, Answer] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    port: int = 0
    connections: "set[asyncio.Task[None]]" = field(default_factory=set)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self) -> list[Received]:
        """What was received since the last call."""
        taken, self.received = self.received, []
        return taken

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: Any = asyncio.current_task()
        self.connections.add(connection)
        try:
            while request := await self._read(reader):
                self.received.append(request)
                chosen = self.answers.get(request.path)
                writer.write(
                    await chosen(request) if chosen else answer(self.status, "" if self.status == 204 else "no")
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.connections.discard(connection)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Received | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except asyncio.IncompleteReadError:
            return None
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Received(head[0].split(" ")[1], headers, body)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Receiver"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for connection in (connections := tuple(self.connections)):
                connection.cancel()
            await asyncio.gather(*connections)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().opened() as receiver:
        yield receiver


@dataclass
class Hooks:
    """The webhooks of a service. Its own workers rest; `deliver` runs others until nothing is due."""

    service: Service
    access: Access
    reader: EventReader
    worker: DeliveryWorker

    @property
    def desk(self) -> WebhookDesk:
        return WebhookDesk(LOOPBACK, self.worker.wake)

    async def add(self, url: str, *events: str) -> tuple[str, str]:
        """The id and the secret of a new webhook."""
        values = read_new_webhook(V1_WEBHOOK, {"url": url, "events": list(events) or ["*"]}, V1_RULES, LOOPBACK)
        selection = (*V1_WEBHOOK_FIELDS, ("secret", SECRET))
        record = await create_webhook(self.access, self.service.organization, values, selection)
        shown = json.loads(record.json)
        return shown["id"], shown["secret"]

    async def show(self, webhook_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads((await get_webhook(self.access, webhook_id, V1_WEBHOOK_FIELDS)).json)
        return shown

    async def show_delivery(self, delivery_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(await get_delivery(self.access, delivery_id, V1_DELIVERY_FIELDS))
        return shown

    async def deliver(self) -> None:
        await self.reader.read()
        await self.worker.deliver_due()

    async def deliveries(self, *columns: str) -> list[Any]:
        """The columns of each delivery in the order of the changes."""
        listed = ", ".join(columns or ("state",))
        statement = f"SELECT {listed} FROM webhook_deliveries ORDER BY webhook_id, change_number, id"
        async with self.service.database.read() as connection:
            rows = await connection.execute(text(statement))
        return [row[0] if len(columns) < 2 else tuple(row) for row in rows]

    async def execute(self, statement: str, **parameters: Any) -> None:
        async with self.service.database.write() as connection:
            await connection.execute(text(statement), parameters)

    async def pass_time(self, interval: str) -> None:
        """Moves everything that has a time into the past."""
        past = f"- interval '{interval}'"
        await self.execute(
            f"UPDATE webhook_deliveries SET next_attempt_at = next_attempt_at {past}, created_at = created_at {past}"
        )
        await self.execute(
            f"UPDATE webhooks SET failing_since = failing_since {past}, paused_until = paused_until {past}, "
            f"previous_secret_until = previous_secret_until {past}"
        )

    async def make_client(self, name: str = "Ana", **fields: Any) -> str:
        body = {"name": name, **fields}
        made = await self.service.http.post(f"/v1/organizations/{self.service.organization}/clients", json=body)
        assert made.status_code == 200, made.text
        return str(made.json()["id"])

    async def change_client(self, client_id: str, **fields: Any) -> None:
        assert (await self.service.http.patch(f"/v1/clients/{client_id}", json=fields)).status_code == 200


def make_worker(database: Database, *, timeout: float = 10.0) -> DeliveryWorker:
    return DeliveryWorker(database, Sender(LOOPBACK, timeout=timeout))


def make_access(service: Service, organizations: Sequence[str] = (), scope: Scope = Scope.WRITE) -> Access:
    principal = Principal("", "65f000000000000000000009", tuple(organizations or (service.organization,)), scope)
    return Access.of(service.database, principal)


async def rest(_: object) -> None:
    """Runs no worker."""
    await asyncio.Event().wait()


@pytest.fixture
async def hooks(config: Config, database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hooks]:
    for worker_class in (EventReader, DeliveryWorker):
        monkeypatch.setattr(worker_class, "run", rest)
    async with running(config, database) as service:
        worker = make_worker(database)
        yield Hooks(service, make_access(service), EventReader(database, lambda: None), worker)
        await worker.sender.close()
