"""The demo: an organization with 1,000 invented clients in an empty embedded database, and a token for it.

The clients are the lines of demo.jsonl.gz; `scripts/generate-demo` makes that file.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from app.accounts.repository import AccountRepository
from app.accounts.service import add_account
from app.auth import Caller, Scope
from app.clients.repository import ClientRepository
from app.errors import Unauthenticated
from app.ids import new_id
from app.mail.files import MailFiles
from app.organizations.repository import OrganizationRepository
from app.organizations.service import create_token
from app.privacy.deletion import delete_account
from app.privacy.purge import Batches, purge_due
from app.storage.database import Database

EMAIL = "demo@clientele.example"
TOKEN, REMOVED = "demo-token", "demo-removed"
"""The files in the data directory with the demo's token, and with the memory that the demo was removed."""
ORGANIZATION = {
    "name": "Demo Studio",
    "email": "office@demo-studio.example",
    "country": "Slovenia",
    "country_alpha2_code": "SI",
    "tax_subject": False,
    "custom": {},
}
WRITTEN_AT = datetime(2026, 11, 1, tzinfo=UTC)
"""The moment that the dates in demo.jsonl.gz are relative to: every client was created before it."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The demo's organization and a token that may write to it."""

    organization_id: str
    token: str


async def prepare_demo(database: Database, data_dir: Path) -> Demonstration | None:
    """Creates the demo in an empty database, unless it was removed there. Returns None for a database without the demo."""
    async with database.read() as connection:
        accounts = AccountRepository(connection)
        empty = not (await OrganizationRepository(connection).any_exist() or await accounts.any_exist())
        account = await accounts.find(EMAIL)
    if empty and not (data_dir / REMOVED).exists():
        await _create_demo(database)
    elif account is None:
        return None
    return await _open(database, data_dir / TOKEN)


async def remove_demo(database: Database, data_dir: Path) -> None:
    """Deletes the demo's account and organization permanently, and keeps the demo away. Raises NotFound without a demo."""
    await delete_account(database, EMAIL, timedelta())
    await purge_due(Batches(database, 0, waits=True), MailFiles(data_dir / "mail"))
    (data_dir / TOKEN).unlink(missing_ok=True)
    (data_dir / REMOVED).touch(mode=0o600)


def forget_demo(data_dir: Path) -> None:
    """Deletes the files of the demo, so that a new database gets a new one."""
    for name in (TOKEN, REMOVED):
        (data_dir / name).unlink(missing_ok=True)


def load_clients(now: datetime) -> Iterator[dict[str, Any]]:
    """Yields the column values of the demo's clients, oldest first, created in the three years before `now`.

    `organization_id` and `id` are left to the caller. The moments are whole milliseconds.
    """
    shift = now.replace(microsecond=now.microsecond // 1000 * 1000) - WRITTEN_AT
    for line in gzip.decompress(files("app").joinpath("demo.jsonl.gz").read_bytes()).splitlines():
        client = orjson.loads(line)
        created_at = datetime.fromisoformat(client["created_at"]) + shift
        yield {**client, "created_at": created_at, "updated_at": created_at}


async def _create_demo(database: Database) -> None:
    """Adds the account, the organization and its clients in one transaction, so that a killed start leaves no part."""
    async with database.write() as connection:
        account_id, organization_id = await add_account(connection, EMAIL), new_id()
        repository = OrganizationRepository(connection)
        await repository.add({**ORGANIZATION, "id": organization_id})
        await repository.join(account_id, organization_id)
        rows = [
            {**client, "id": new_id(), "organization_id": organization_id} for client in load_clients(datetime.now(UTC))
        ]
        await ClientRepository(connection).add(rows, "demo", ())


async def _open(database: Database, token_file: Path) -> Demonstration | None:
    """Returns the demo with the token in `token_file`, or with a new token when that one is no longer valid."""
    token = _read_token(token_file)
    try:
        principal = await Caller((token,), database).principal()
    except Unauthenticated:
        token = await create_token(database, account_email=EMAIL, scope=Scope.WRITE)
        _keep_token(token_file, token)
        principal = await Caller((token,), database).principal()
    return Demonstration(principal.organizations[0], token) if principal.organizations else None


def _read_token(token_file: Path) -> str:
    return token_file.read_text().strip() if token_file.exists() else ""


def _keep_token(token_file: Path, token: str) -> None:
    token_file.touch(mode=0o600)
    token_file.write_text(token + "\n")
