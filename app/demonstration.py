"""The demo: on an empty embedded database, an organization of believable clients, and a token to look at them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.accounts.repository import AccountRepository
from app.accounts.service import create_account
from app.auth import Caller, Scope
from app.clients.repository import ClientRepository
from app.demo import demo_clients
from app.errors import Unauthenticated
from app.ids import new_id
from app.organizations.repository import OrganizationRepository
from app.organizations.service import create_organization, create_token
from app.storage.database import Database

EMAIL, NAME, COUNT = "demo@clientele.example", "Demo Studio", 1000


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The demo's organization and a token for it that may write."""

    organization_id: str
    token: str


async def prepare_demo(database: Database, data_dir: Path) -> Demonstration | None:
    """Makes the demo when the database is empty; None when it holds other organizations and never had the demo."""
    async with database.read() as connection:
        empty = not await OrganizationRepository(connection).any_exist()
        account = await AccountRepository(connection).find(EMAIL)
    if empty and account is None:
        await create_account(database, EMAIL)
        organization_id = await create_organization(
            database, NAME, account_email=EMAIL, email="office@demo-studio.example", country="Slovenia"
        )
        await _add_clients(database, organization_id)
    elif account is None:
        return None
    return await _open(database, data_dir / "demo-token")


async def _add_clients(database: Database, organization_id: str) -> None:
    rows = [
        {**client, "id": new_id(), "organization_id": organization_id, "updated_at": client["created_at"]}
        for client in demo_clients(COUNT, now=datetime.now(UTC))
    ]
    async with database.write() as connection:
        await ClientRepository(connection).add(rows, "demo", ())


async def _open(database: Database, kept: Path) -> Demonstration | None:
    """The demo with the token that is kept beside the data, or a new one when that opens nothing any more."""
    token = _read_token(kept)
    try:
        principal = await Caller(token, database).principal()
    except Unauthenticated:
        token = await create_token(database, account_email=EMAIL, scope=Scope.WRITE)
        _keep_token(kept, token)
        principal = await Caller(token, database).principal()
    return Demonstration(principal.organizations[0], token) if principal.organizations else None


def _read_token(kept: Path) -> str:
    return kept.read_text().strip() if kept.exists() else ""


def _keep_token(kept: Path, token: str) -> None:
    kept.touch(mode=0o600)
    kept.write_text(token + "\n")
