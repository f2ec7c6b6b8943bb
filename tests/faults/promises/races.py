"""Two processes receive rival requests at the same moment, 200 times. One of each pair wins, and the other one learns why."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from tests.faults.processes import Postgres, Tenant, make_tenant, services
from tests.faults.promises.writes import UNLIMITED, send

SETTINGS = {
    **UNLIMITED,
    "CLIENTELE_SIGN_UP": "true",
    "CLIENTELE_SIGN_UPS": "off",
    "CLIENTELE_SOURCE_SIGN_UPS": "off",
    "CLIENTELE_SOURCE_REQUESTS": "off",
    "CLIENTELE_REMINDERS_PER_HOUR": "2",
    "CLIENTELE_REMINDERS_PER_RECIPIENT": "1",
}
CHANGE = """mutation ($id: ID!, $note: String) {
  updateClient(id: $id, expectedVersion: 1, input: {note: $note}) { userErrors { code } }
}"""
REMIND = """mutation ($id: ID!, $email: EmailAddress) {
  sendClientReminder(id: $id, email: $email) { userErrors { code } }
}"""
AT_ONCE = 5
"""Races that run at the same time."""


@dataclass
class Rivals:
    """Clients of two services with one database, with the token of a tenant."""

    tenant: Tenant
    one: httpx.AsyncClient
    two: httpx.AsyncClient

    async def make_client(self, organization: str = "") -> str:
        """The id of a new client."""
        path = f"/v1/organizations/{organization or self.tenant.organization}/clients"
        return str((await send(self.one, "POST", path, {"name": "Ann"}))["id"])

    async def make_organization(self) -> str:
        """The id of a new organization that both services know. The other service learns of it within a second."""
        account = (await send(self.one, "GET", "/v1/accounts/authorized", None))["id"]
        body = {"name": "Racing Club", "email": "club@example.com", "country": "Slovenia"}
        organization = str((await send(self.one, "POST", f"/v1/accounts/{account}/organizations", body))["id"])
        async with asyncio.timeout(10):
            while (await self.two.get(f"/v1/organizations/{organization}/clients/count")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return organization

    async def query(self, statement: str, *parameters: str) -> int:
        connection = await asyncpg.connect(self.tenant.url)
        try:
            return int(await connection.fetchval(statement, *parameters))
        finally:
            await connection.close()


def outcome(answer: httpx.Response) -> str:
    """The status of an answer, or the code of the first user error."""
    body = answer.json() if answer.content else {}
    if isinstance(body, dict) and "data" in body:
        (payload,) = body["data"].values()
        return payload["userErrors"][0]["code"] if payload["userErrors"] else "200"
    return str(answer.status_code)


async def race(*requests: Awaitable[httpx.Response]) -> list[str]:
    return sorted(outcome(answer) for answer in await asyncio.gather(*requests))


async def race_for_version(rivals: Rivals, index: int) -> None:
    """Two changes of the same version of a client, through two of the three APIs."""
    client = await rivals.make_client()
    match = {"If-Match": '"1"'}

    def change(http: httpx.AsyncClient, api: int) -> Awaitable[httpx.Response]:
        if api == 0:
            return http.patch(f"/v1/clients/{client}", json={"note": f"v1 {index}"}, headers=match)
        if api == 1:
            return http.patch(f"/customers/cust_{client}", json={"metadata": {"note": "x"}}, headers=match)
        return http.post("/graphql", json={"query": CHANGE, "variables": {"id": client, "note": "graphql"}})

    outcomes = await race(change(rivals.one, index % 3), change(rivals.two, (index + 1) % 3))
    assert outcomes in (["200", "412"], ["200", "STALE_VERSION"]), outcomes
    assert await rivals.query("SELECT version FROM clients WHERE id = $1", client) == 2
    assert await rivals.query("SELECT count(*) FROM client_changes WHERE client_id = $1", client) == 2


async def race_for_key(rivals: Rivals, index: int) -> None:
    """The same request with the same idempotency key."""
    key, path = {"Idempotency-Key": f"key {index}"}, "/customers"
    if index % 2:
        path = f"/v1/organizations/{rivals.tenant.organization}/clients"
    body = {"name": f"Key {index}"}
    answers = await asyncio.gather(*(http.post(path, json=body, headers=key) for http in (rivals.one, rivals.two)))
    assert answers[0].content == answers[1].content, [answer.text for answer in answers]
    assert {answer.status_code for answer in answers} <= {200, 201}, answers
    assert await rivals.query("SELECT count(*) FROM clients WHERE name = $1", body["name"]) == 1


async def race_for_address(rivals: Rivals, index: int) -> None:
    """Two sign-ups with one e-mail address."""
    body = {"email": f"racer-{index}@example.com", "password": f"a long password {index}"}
    outcomes = await race(*(http.post("/v1/accounts", json=body) for http in (rivals.one, rivals.two)))
    assert outcomes == ["200", "422"], outcomes
    assert await rivals.query("SELECT count(*) FROM accounts WHERE email = $1", body["email"]) == 1


async def race_for_recipient(rivals: Rivals, index: int) -> None:
    """Two reminders to one recipient, who may get one a day."""
    organization = await rivals.make_organization()
    client = await rivals.make_client(organization)
    body = {"email": f"recipient-{index}@example.com"}
    outcomes = await race(
        rivals.one.post(f"/v1/clients/{client}/send-reminder", json=body),
        rivals.two.post("/graphql", json={"query": REMIND, "variables": {"id": client, **body}}),
    )
    assert outcomes in (["200", "429"], ["200", "RATE_LIMITED"]), outcomes
    assert await rivals.query("SELECT count(*) FROM outbox WHERE organization_id = $1", organization) == 1


async def race_for_quota(rivals: Rivals, index: int) -> None:
    """Two reminders of one organization, which may send one more in this hour."""
    organization = await rivals.make_organization()
    client = await rivals.make_client(organization)
    path = f"/v1/clients/{client}/send-reminder"
    (await rivals.one.post(path, json={"email": f"first-{index}@example.com"})).raise_for_status()
    outcomes = await race(
        rivals.one.post(path, json={"email": f"second-{index}@example.com"}),
        rivals.two.post(path, json={"email": f"third-{index}@example.com"}),
    )
    assert outcomes == ["200", "429"], outcomes
    assert await rivals.query("SELECT count(*) FROM outbox WHERE organization_id = $1", organization) == 2


async def race_for_reminder(rivals: Rivals, index: int) -> None:
    """The same reminder with the same idempotency key."""
    organization = await rivals.make_organization()
    client = await rivals.make_client(organization)
    key, body = {"Idempotency-Key": f"reminder {index}"}, {"email": f"key-{index}@example.com"}
    path = f"/v1/clients/{client}/send-reminder"
    outcomes = await race(*(http.post(path, json=body, headers=key) for http in (rivals.one, rivals.two)))
    assert outcomes == ["200", "200"], outcomes
    assert await rivals.query("SELECT count(*) FROM outbox WHERE organization_id = $1", organization) == 1


RACES: dict[Callable[[Rivals, int], Awaitable[None]], int] = {
    race_for_version: 60,
    race_for_key: 50,
    race_for_address: 20,
    race_for_recipient: 25,
    race_for_quota: 25,
    race_for_reminder: 20,
}


async def run_races(rivals: Rivals, run: Callable[[Rivals, int], Awaitable[None]], number: int) -> None:
    for first in range(0, number, AT_ONCE):
        await asyncio.gather(*(run(rivals, index) for index in range(first, min(first + AT_ONCE, number))))


async def check_races(postgres: Postgres, folder: Path) -> str:
    tenant = await make_tenant(await postgres.make_database())
    with services(folder, 2, DATABASE_URL=tenant.url, **SETTINGS) as (one, two):
        await one.expect(200)
        await two.expect(200)
        async with one.open(tenant.token) as http_one, two.open(tenant.token) as http_two:
            rivals = Rivals(tenant, http_one, http_two)
            for run, number in RACES.items():
                await run_races(rivals, run, number)
        assert not any("Traceback" in service.read_log() for service in (one, two))
    return f"{sum(RACES.values())} races of {len(RACES)} kinds had one winner each"
