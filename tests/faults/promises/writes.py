"""Writers that use all three APIs, and the check that each acknowledged write is stored once."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from tests.faults.processes import Service, Tenant, await_true

PAUSE = 0.05
"""Seconds before a writer repeats a request that was not acknowledged."""
UNLIMITED = {
    "CLIENTELE_TOKEN_REQUESTS": "off",
    "CLIENTELE_TOKEN_WRITES": "off",
    "CLIENTELE_ACCOUNT_REQUESTS": "off",
    "CLIENTELE_ACCOUNT_WRITES": "off",
}
CREATE = """mutation ($name: String!, $key: String) {
  createClient(input: {name: $name}, idempotencyKey: $key) { client { id } userErrors { message } }
}"""
CHANGE = """mutation ($id: ID!, $note: String) {
  updateClient(id: $id, input: {note: $note}) { client { id } userErrors { message } }
}"""


class NotAcknowledged(Exception):
    """The service did not confirm a write: the connection ended, or the answer is 503."""


async def send(http: httpx.AsyncClient, method: str, path: str, body: object, key: str | None = None) -> dict[str, Any]:
    """The body of a successful answer. Raises NotAcknowledged, and AssertionError for any other answer."""
    try:
        answer = await http.request(method, path, json=body, headers={"Idempotency-Key": key} if key else {})
    except httpx.TransportError as error:
        raise NotAcknowledged(type(error).__name__) from error
    if answer.status_code == 503:
        assert "retry-after" in answer.headers, answer.text
        raise NotAcknowledged("503")
    assert answer.status_code in (200, 201), (answer.status_code, answer.text)
    content: dict[str, Any] = answer.json()
    return content


@dataclass
class V1:
    http: httpx.AsyncClient
    organization: str

    async def create(self, name: str, key: str) -> str:
        path = f"/v1/organizations/{self.organization}/clients"
        return str((await send(self.http, "POST", path, {"name": name}, key))["id"])

    async def change(self, client: str, note: str) -> None:
        await send(self.http, "PATCH", f"/v1/clients/{client}", {"note": note})


@dataclass
class Customers:
    http: httpx.AsyncClient
    organization: str

    async def create(self, name: str, key: str) -> str:
        return str((await send(self.http, "POST", "/customers", {"name": name}, key))["id"])

    async def change(self, client: str, note: str) -> None:
        await send(self.http, "PATCH", f"/customers/{client}", {"metadata": {"note": note}})


@dataclass
class GraphQL:
    http: httpx.AsyncClient
    organization: str

    async def create(self, name: str, key: str) -> str:
        return str((await self._run(CREATE, "createClient", name=name, key=key))["id"])

    async def change(self, client: str, note: str) -> None:
        await self._run(CHANGE, "updateClient", id=client, note=note)

    async def _run(self, query: str, field_name: str, **variables: str) -> dict[str, Any]:
        answer = await send(self.http, "POST", "/graphql", {"query": query, "variables": variables})
        assert "errors" not in answer, answer
        payload = answer["data"][field_name]
        assert payload["userErrors"] == [], payload
        client: dict[str, Any] = payload["client"]
        return client


APIS = (V1, Customers, GraphQL)


@dataclass
class Writers:
    """Half of `total` writes create a client, with an idempotency key and repeats until the acknowledgement.

    The other half changes each client once, without a repeat. `unavailable` counts the writes that were not acknowledged.
    """

    tenant: Tenant
    services: list[Service]
    total: int
    created: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    unavailable: Counter[str] = field(default_factory=Counter)

    @property
    def acknowledged(self) -> int:
        return len(self.created) + len(self.changed)

    async def run(self, number: int = 24) -> None:
        await asyncio.gather(*(self._work(writer, number) for writer in range(number)))

    async def reach(self, acknowledged: int) -> None:
        """Waits until so many writes are acknowledged."""
        await await_true(lambda: self.acknowledged >= acknowledged)

    async def _work(self, writer: int, step: int) -> None:
        service = self.services[writer % len(self.services)]
        async with service.open(self.tenant.token) as http:
            for index in range(writer, self.total // 2, step):
                await self._write(APIS[index % len(APIS)](http, self.tenant.organization), index)

    async def _write(self, api: V1 | Customers | GraphQL, index: int) -> None:
        client = await self._create(api, f"Client {index}", f"key {index}")
        self.created.add(f"Client {index}")
        note = f"note {index}"
        self.sent.add(note)
        try:
            await api.change(client, note)
        except NotAcknowledged as error:
            self.unavailable[str(error)] += 1
        else:
            self.changed.add(note)

    async def _create(self, api: V1 | Customers | GraphQL, name: str, key: str) -> str:
        while True:
            try:
                return await api.create(name, key)
            except NotAcknowledged as error:
                self.unavailable[str(error)] += 1
                await asyncio.sleep(PAUSE)


CLIENTS = "SELECT name, coalesce(note, metadata ->> 'note') AS note, version FROM clients WHERE organization_id = $1"
CHANGES = """
SELECT clients.name, change.version, change.action, change.before, change.after
FROM client_changes AS change JOIN clients ON (clients.organization_id, clients.id) = (change.organization_id, client_id)
WHERE change.organization_id = $1 ORDER BY change.id
"""
TOTAL = "SELECT sum(n)::bigint FROM client_totals WHERE organization_id = $1"


async def check_writes(writers: Writers, service: Service) -> None:
    """Raises AssertionError unless each write is there once, with its history, and every total is right."""
    connection = await asyncpg.connect(writers.tenant.url)
    organization = writers.tenant.organization
    clients = await connection.fetch(CLIENTS, organization)
    changes = await connection.fetch(CHANGES, organization)
    total = await connection.fetchval(TOTAL, organization)
    await connection.close()
    names = Counter(client["name"] for client in clients)
    assert names == Counter(writers.created), names - Counter(writers.created)
    notes = {client["note"] for client in clients} - {None}
    assert writers.changed <= notes <= writers.sent, (writers.changed - notes, notes - writers.sent)
    versions: dict[str, list[int]] = {}
    for change in changes:
        versions.setdefault(change["name"], []).append(change["version"])
        assert change["action"] == ("created" if change["version"] == 1 else "updated"), change
        assert change["after"] is not None, change
    assert versions == {client["name"]: list(range(1, client["version"] + 1)) for client in clients}
    assert all(client["version"] == (1 if client["note"] is None else 2) for client in clients)
    assert total == len(clients), (total, len(clients))
    assert await count_everywhere(writers.tenant, service) == [len(clients)] * 2


async def count_everywhere(tenant: Tenant, service: Service) -> list[int]:
    """The number of clients by v1 and by GraphQL."""
    async with service.open(tenant.token) as http:
        v1 = await send(http, "GET", f"/v1/organizations/{tenant.organization}/clients/count", None)
        graphql = await send(http, "POST", "/graphql", {"query": "{ clients(first: 1) { totalCount } }"})
    return [v1["count"], graphql["data"]["clients"]["totalCount"]]
