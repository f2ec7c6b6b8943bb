"""A server process is killed after its response and before the mail server took the reminders; another sends them."""

import asyncio
import signal
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import update

from app.mail.repository import Delivery, list_messages
from app.organizations.service import create_organization, create_token
from app.storage.columns import NOW
from app.storage.database import Database
from app.storage.tables import outbox
from tests.mail.conftest import PostOffice, eventually, wait_until
from tests.test_cli import serving


@dataclass
class SlowPostOffice(PostOffice):
    """Reads mails, and accepts none until it is `open`."""

    reading: asyncio.Event = field(default_factory=asyncio.Event)
    open: bool = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.reading.set()
        if not self.open:
            await asyncio.Event().wait()
        return await super().handle_DATA(server, session, envelope)


async def send(http: httpx.AsyncClient, client: str, email: str) -> None:
    answer = await http.post(f"/v1/clients/{client}/send-reminder", json={"email": email})
    assert (answer.status_code, answer.json()) == (200, {"success": True})


async def deliveries(database: Database) -> list[Delivery]:
    async with database.snapshot() as connection:
        return [delivery async for delivery in list_messages(connection)]


async def test_no_reminder_is_lost_when_the_process_is_killed(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    organization = await create_organization(database, "Studio Example")
    token = await create_token(database, organization_id=organization)
    office = SlowPostOffice()
    async with office.opened():
        settings = {"DATABASE_URL": database_url, "SMTP_URL": office.url, "CLIENTELE_DATA_DIR": str(tmp_path)}
        async with (
            serving(**settings) as served,
            httpx.AsyncClient(base_url=served.address, headers={"Authorization": token}) as http,
        ):
            made = await http.post(f"/v1/organizations/{organization}/clients", json={"name": "Ana"})
            await send(http, made.json()["id"], "first@one.example")
            await asyncio.wait_for(office.reading.wait(), 60)
            await send(http, made.json()["id"], "second@one.example")
            assert await served.stop(signal.SIGKILL) == -signal.SIGKILL
        assert office.mails == []
        second, first = await deliveries(database)
        assert (first.recipient, first.state) == ("first@one.example", "sending")
        assert (second.recipient, second.state in ("waiting", "sending")) == ("second@one.example", True)
        office.open = True
        async with database.write() as connection:
            await connection.execute(update(outbox).values(next_attempt_at=NOW))
        async with serving(**settings):
            await wait_until(partial(office.has_taken, 2), seconds=60)
            await eventually(
                partial(deliveries, database), lambda listed: {delivery.state for delivery in listed} == {"sent"}
            )
    assert sorted(office.recipients) == ["first@one.example", "second@one.example"]
