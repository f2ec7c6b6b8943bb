"""The recorded cases, and the database that each of them starts from."""

import asyncio
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from app.auth import Scope, hash_token
from app.cli import cli
from app.ids import new_id
from app.storage.database import Database
from app.storage.tables import access_tokens, accounts, clients

HERE = Path(__file__).parent
TOKEN, EMAIL = "TESTTOKEN", "golden@example.com"
STORED = ", ".join(column.name for column in clients.c if column.computed is None)

Case = Mapping[str, Any]


def read_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


@cache
def seed() -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads((HERE / "golden-v1-seed.json").read_text(encoding="utf-8"))
    return recorded


async def plant(url: str, database: Database, folder: Path) -> None:
    """Creates the organizations and clients of the seed with the command, and an account with the recorded token."""
    await command(url, "account", "create", EMAIL)
    for organization in seed()["organizations"]:
        home = organization["id"]
        await command(url, "organization", "create", organization["name"], "--id", home, "--account", EMAIL)
        recorded = [client for client in seed()["clients"] if client["organizationId"] == home]
        file = folder / f"{home}.json"
        file.write_text(json.dumps(recorded), encoding="utf-8")
        await command(url, "import", str(file), "--organization", home)
    async with database.write() as connection:
        account = await connection.scalar(select(accounts.c.id))
        token = {"id": new_id(), "hash": hash_token(TOKEN), "account_id": account, "scope": Scope.WRITE}
        await connection.execute(insert(access_tokens).values(token))
        await connection.driver.execute(f"CREATE TABLE seed_clients AS SELECT {STORED} FROM clients")


async def command(url: str, *arguments: str) -> None:
    """Runs `clientele` with these arguments, in a thread because it has its own event loop."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABASE_URL", url)
        await asyncio.to_thread(cli, arguments, standalone_mode=False)


TOTALS = "INSERT INTO client_totals SELECT organization_id, 0, count(*) FROM clients GROUP BY organization_id"


async def restore(database: Database) -> None:
    """Replaces all clients with those of the seed."""
    async with database.write() as connection:
        for table in ("clients", "client_changes", "client_totals", "outbox", "idempotency_keys"):
            await connection.driver.execute(f"DELETE FROM {table}")
        await connection.driver.execute(f"INSERT INTO clients ({STORED}) SELECT {STORED} FROM seed_clients")
        await connection.driver.execute(TOTALS)
