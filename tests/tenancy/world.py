"""The tenants of the walk, the callers that must not reach one of them, and everything that is stored about it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from sqlalchemy import insert, text

from app.accounts.service import create_account
from app.auth import Environment, Scope
from app.changes.record import write_change_cursor
from app.changes.repository import ChangeRepository
from app.config import Config
from app.graphql.execution.context import split_global_id
from app.ids import new_id
from app.organizations.repository import OrganizationRepository
from app.organizations.service import create_organization, create_token
from app.privacy.deletion import delete_account, delete_organization
from app.query.cursor import write_cursor, write_values
from app.rest.customers.entities import CURSOR_SCOPE
from app.storage.database import Database
from app.storage.tables import metadata, webhook_deliveries
from app.tokens import revoke_account_token
from tests.conftest import CHEAP, Service, opened, running

MONTH = timedelta(days=30)
CANARY = "canary"
"""A word in every text of the owner's live organization. No other caller may ever receive it."""

KINDS = (
    "client",
    "deleted",
    "organization",
    "sandbox",
    "account",
    "token",
    "change",
    "reminder",
    "webhook",
    "delivery",
)
"""The records that a request can name."""


@dataclass(frozen=True)
class Tenant:
    """An account with a live and a sandbox organization, a client of which has a row in every table.

    `ids` has the bare id of each kind of record. `cursors` are those that the lists of the account returned.
    """

    email: str
    token: str
    ids: Mapping[str, str]
    cursors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """Somebody who sends requests. `ids` are the caller's own records. `reaches` are kinds of the owner's records that
    the caller may reach, so that nothing about them is compared. `valid` is false for a token that no API accepts."""

    name: str
    token: str | None
    ids: Mapping[str, str]
    reaches: frozenset[str] = frozenset()
    valid: bool = True


NOWHERE = "5eed00000000000000000000"
STRANGER_IDS = dict.fromkeys(KINDS, NOWHERE)
"""The records of a caller that has none."""


async def make_tenant(service: Service, word: str) -> Tenant:
    """Makes an account and a row of every kind. `word` stands in each text of the live organization."""
    database, email = service.database, f"account-{word[::-1]}@tenant.example"
    account = await create_account(database, email)
    home = await create_organization(
        database, f"{word} live", account_email=email, email=f"office-{word}@tenant.example"
    )
    sandbox = await create_organization(
        database, f"{word[::-1]} sandbox", account_email=email, environment=Environment.SANDBOX
    )
    token = await create_token(database, account_email=email, label=f"{word} label")
    async with service.client(token) as http:
        client, deleted = [await _add_client(http, home, f"{word} {name}", word) for name in ("Ann", "Bea")]
        assert (await http.delete(f"/v1/clients/{deleted}")).json() == {"count": 1}
        for city in (word, f"{word} city"):
            assert (await http.patch(f"/v1/clients/{client}", json={"city": city})).status_code == 200
        for _ in range(2):
            assert (await http.post(f"/v1/clients/{client}/send-reminder", json={})).status_code == 200
        tokens = (await http.get(f"/v1/accounts/{account}/accesstokens")).json()
        written = [await _read_id(http, name) for name in ("history", "reminders")]
        written += await _add_webhook(database, http, home, (client, word))
        ids = dict(zip(KINDS, (client, deleted, home, sandbox, account, tokens[0]["id"], *written), strict=True))
        cursors = await _read_cursors(http)
    async with database.read() as connection:
        position = await ChangeRepository(connection).last_position()
    cursors["changes"] = write_change_cursor(home, position.number, position.epoch)
    cursors["entities"] = write_cursor(CURSOR_SCOPE, write_values([home]))
    await wait_until_sent(database)
    return Tenant(email, token, ids, cursors)


async def _add_client(http: httpx.AsyncClient, organization: str, name: str, word: str) -> str:
    body = {"name": name, "email": f"{word}@client.example", "taxNumber": f"SI{word}", "note": word}
    answer = await http.post(f"/v1/organizations/{organization}/clients", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _add_webhook(
    database: Database, http: httpx.AsyncClient, organization: str, texts: tuple[str, str]
) -> list[str]:
    """The ids of a disabled webhook and of a delivery, which stay as they are."""
    client, word = texts
    body = {"url": f"https://{word}.example/", "events": ["*"], "enabled": False, "description": word}
    made = await http.post(f"/v1/organizations/{organization}/webhooks", json=body)
    assert made.status_code == 200, made.text
    row = {
        "organization_id": organization,
        "id": new_id(),
        "webhook_id": made.json()["id"],
        "client_id": client,
        "event": "client/update",
        "event_id": word,
        "state": "sent",
        "response_body": word,
    }
    async with database.write() as connection:
        await connection.execute(insert(webhook_deliveries), row)
    return [row["webhook_id"], row["id"]]


async def _read_id(http: httpx.AsyncClient, connection: str) -> str:
    """The bare id of the newest change or reminder of the first client."""
    query = f"{{ clients(first: 1) {{ nodes {{ {connection}(first: 1) {{ nodes {{ id }} }} }} }} }}"
    (client,) = (await http.post("/graphql", json={"query": query})).json()["data"]["clients"]["nodes"]
    _, bare = split_global_id(client[connection]["nodes"][0]["id"]) or ("", "")
    return bare


CURSORS = """{
  clients(first: 1) { pageInfo { endCursor } nodes {
    history(first: 1) { pageInfo { endCursor } } reminders(first: 1) { pageInfo { endCursor } }
  } }
  customers(first: 1) { pageInfo { endCursor } nodes { history(first: 1) { pageInfo { endCursor } } } }
  organization { webhooks(first: 1) { pageInfo { endCursor } nodes { deliveries(first: 1) { pageInfo { endCursor } } } } }
}"""


async def _read_cursors(http: httpx.AsyncClient) -> dict[str, str]:
    data = (await http.post("/graphql", json={"query": CURSORS})).json()["data"]
    cursors: dict[str, str] = {}
    data |= data.pop("organization")
    for name, connection in data.items():
        cursors[name] = connection["pageInfo"]["endCursor"]
        for below in ("history", "reminders", "deliveries"):
            if below in connection["nodes"][0]:
                cursors[f"{name}.{below}"] = connection["nodes"][0][below]["pageInfo"]["endCursor"]
    return cursors


async def wait_until_sent(database: Database) -> None:
    """Waits until every reminder is sent, after which the lists of reminders stay as they are."""
    async with database.read() as connection, asyncio.timeout(20):
        while await connection.scalar(text("SELECT count(*) FROM outbox WHERE state <> 'sent'")):
            await connection.scalar(text("SELECT pg_sleep(0.01)"))


async def join(database: Database, account: str, organization: str) -> None:
    async with database.write() as connection:
        await OrganizationRepository(connection).join(account, organization)


@dataclass(frozen=True)
class World:
    """The owner, another tenant, and former members of the owner's organization."""

    service: Service
    owner: Tenant
    other: Tenant
    lost: Tenant
    ended: Mapping[str, str]

    @classmethod
    async def make(cls, service: Service) -> "World":
        owner, other, lost = [await make_tenant(service, word) for word in (CANARY, "other", "lost")]
        database, home = service.database, owner.ids["organization"]
        ended = {"token of a deleted account": await cls._delete_member(database, home)}
        gone = await create_organization(database, "Gone", account_email=owner.email)
        ended["token of a deleted organization"] = await create_token(database, organization_id=gone)
        await delete_organization(database, gone, MONTH)
        await join(database, lost.ids["account"], home)
        async with database.write() as connection:
            await connection.execute(
                text("DELETE FROM account_organizations WHERE account_id = :account AND organization_id = :home"),
                {"account": lost.ids["account"], "home": home},
            )
        ended["revoked token"] = await create_token(database, account_email=owner.email, label="revoked")
        async with database.write() as connection:
            assert await revoke_account_token(
                connection, owner.ids["account"], Environment.LIVE, ended["revoked token"]
            )
        past = datetime.now(UTC) - timedelta(seconds=1)
        ended["expired token"] = await create_token(database, account_email=owner.email, expires_at=past)
        ended["misspelt token"] = owner.token[:-1] + ("A" if owner.token[-1] != "A" else "B")
        return cls(service, owner, other, lost, ended)

    @staticmethod
    async def _delete_member(database: Database, organization: str) -> str:
        account = await create_account(database, "deleted@tenant.example")
        await join(database, account, organization)
        token = await create_token(database, account_email="deleted@tenant.example")
        await delete_account(database, "deleted@tenant.example", MONTH)
        return token

    async def foreign_callers(self) -> list[Caller]:
        """The callers that must learn nothing about the owner's live records, with new tokens."""
        database, owner, other, lost = self.service.database, self.owner, self.other, self.lost
        sandbox = Environment.SANDBOX
        in_sandbox = {
            **owner.ids,
            "organization": owner.ids["sandbox"],
            "client": NOWHERE,
            "change": NOWHERE,
            "reminder": NOWHERE,
            "webhook": NOWHERE,
            "delivery": NOWHERE,
        }
        own = frozenset({"account", "sandbox"})
        return [
            Caller("no token", None, STRANGER_IDS, valid=False),
            *(Caller(name, token, STRANGER_IDS, valid=False) for name, token in self.ended.items()),
            Caller("account of another tenant", await create_token(database, account_email=other.email), other.ids),
            Caller(
                "organization of another tenant",
                await create_token(database, organization_id=other.ids["organization"]),
                other.ids,
            ),
            Caller(
                "read-only account of another tenant",
                await create_token(database, account_email=other.email, scope=Scope.READ),
                other.ids,
            ),
            Caller(
                "account that lost the organization", await create_token(database, account_email=lost.email), lost.ids
            ),
            Caller(
                "owner's account in the sandbox",
                await create_token(database, account_email=owner.email, environment=sandbox),
                in_sandbox,
                own,
            ),
            Caller(
                "owner's organization in the sandbox",
                await create_token(database, organization_id=owner.ids["sandbox"]),
                in_sandbox,
                frozenset({"sandbox"}),
            ),
        ]

    async def reader(self) -> Caller:
        """The owner with a token that may only read. It must change nothing."""
        token = await create_token(self.service.database, account_email=self.owner.email, scope=Scope.READ)
        return Caller("read-only token of the owner", token, self.owner.ids, frozenset(KINDS))

    async def stored(self) -> Mapping[str, str]:
        """A digest of the rows of the owner and of its live organization in each table, without the tokens of the walk."""
        await wait_until_sent(self.service.database)
        tenants = [self.owner.ids["account"], self.owner.ids["organization"]]
        return await read_rows(str(self.service.config.database_url), tenants)


SHARED: Mapping[str, str] = {
    "access_revision": "one random value for all tenants",
    "login_failures": "counts failed logins by a hash of the address",
    "limit_counts": "counts acts by hashes of addresses and sources",
    "erasures": "notes that the worker has to refresh statistics",
}
"""The tables without rows of a tenant, with their content."""

OWNERS = ("organization_id", "account_id", "owner")


def _condition(table: str, columns: set[str]) -> str:
    """The condition on the rows of the tenants with the ids of $1. Raises LookupError for a new kind of table."""
    if table in ("accounts", "organizations"):
        return "t.id = ANY($1)"
    if table == "account_organizations":
        return "t.organization_id = ANY($1)"
    owners = [f"t.{name} = ANY($1)" for name in OWNERS if name in columns]
    if not owners:
        raise LookupError(f"{table} has no column that names its tenant. Say in SHARED what it holds.")
    tokens = " AND t.label IS NOT NULL" if table == "access_tokens" else ""
    return f"({' OR '.join(owners)}){tokens}"


async def read_rows(url: str, tenants: list[str]) -> dict[str, str]:
    """The number and the digest of the rows of accounts and organizations, by table. Tokens without a label are left out."""
    rows: dict[str, str] = {}
    connection = await asyncpg.connect(url)
    try:
        for table in metadata.sorted_tables:
            if table.name in SHARED:
                continue
            condition = _condition(table.name, {column.name for column in table.columns})
            rows[table.name] = await connection.fetchval(
                "SELECT count(*) || ' ' || coalesce(md5(string_agg(shown, ',' ORDER BY shown)), '') FROM (SELECT"
                f" (to_jsonb(t) - 'last_used_at')::text AS shown FROM {table.name} AS t WHERE {condition}) AS rows",
                tenants,
            )
    finally:
        await connection.close()
    return rows


LIMITS = (
    "token_requests token_writes token_bytes account_requests account_writes account_bytes source_requests logins "
    "email_logins source_logins sign_ups source_sign_ups reminders_per_hour reminders_per_day reminders_per_recipient"
)
"""The settings of limits that requests of the walk would meet."""


@asynccontextmanager
async def make_world(url: str, folder: Path) -> AsyncIterator[World]:
    """The world in the empty database of a URL, and a running application without limits of requests and acts."""
    config = Config(database_url=url, data_dir=folder, password_memory=CHEAP, sign_up=True)
    unlimited: dict[str, Any] = dict.fromkeys(LIMITS.split(), 0)
    config = replace(config, operation_timeout=120.0, cost_limit=1_000_000, **unlimited)
    async with opened(url) as database, running(config, database) as service:
        yield await World.make(service)
