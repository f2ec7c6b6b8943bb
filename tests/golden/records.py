"""The recorded cases, and the rows that each of them starts from."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from app.auth import Scope, hash_token
from app.clients.faces import V1
from app.ids import new_id
from app.query.face import Kind
from app.query.values import parse_moment
from app.storage.connection import Connection
from app.storage.database import Database
from app.storage.tables import access_tokens, account_organizations, accounts, organizations

HERE = Path(__file__).parent
TOKEN = "TESTTOKEN"

Case = Mapping[str, Any]


def read_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


@cache
def seed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / "golden-v1-seed.json").read_text(encoding="utf-8"))
    return found


def row(client: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded client as a row of the table."""
    values = {field.column: client.get(name) for name, field in V1.fields.items() if field.column != "is_deleted"}
    for field in V1.fields.values():
        if field.kind is Kind.DATE and values[field.column]:
            values[field.column] = parse_moment(str(values[field.column]))
    return values


async def plant(database: Database) -> None:
    """The seed's organizations and clients, and an account that may use them all with the recorded token."""
    account = new_id()
    token = {"id": new_id(), "hash": hash_token(TOKEN), "account_id": account, "scope": Scope.WRITE}
    async with database.write() as connection:
        await connection.execute(insert(accounts).values(id=account, email="golden@example.com"))
        for organization in seed()["organizations"]:
            await connection.execute(insert(organizations).values(organization))
            joined = {"account_id": account, "organization_id": organization["id"]}
            await connection.execute(insert(account_organizations).values(joined))
        await connection.execute(insert(access_tokens).values(token))
        await _fill(connection)


async def _fill(connection: Connection) -> None:
    rows = [row(client) for client in seed()["clients"]]
    names = list(rows[0])
    places = ", ".join(f"${index + 1}" for index in range(len(names)))
    statement = f"INSERT INTO clients ({', '.join(names)}) VALUES ({places})"
    await connection.driver.executemany(statement, [[one[name] for name in names] for one in rows])
    await connection.driver.execute(f"CREATE TABLE seed_clients AS SELECT {', '.join(names)} FROM clients")
    await connection.driver.execute(TOTALS)


TOTALS = "INSERT INTO client_totals SELECT organization_id, 0, count(*) FROM clients GROUP BY organization_id"


async def restore(database: Database) -> None:
    """Makes the clients those of the seed again."""
    names = ", ".join(row(seed()["clients"][0]))
    async with database.write() as connection:
        for table in ("clients", "client_changes", "client_totals", "outbox", "idempotency_keys"):
            await connection.driver.execute(f"DELETE FROM {table}")
        await connection.driver.execute(f"INSERT INTO clients ({names}) SELECT {names} FROM seed_clients")
        await connection.driver.execute(TOTALS)
