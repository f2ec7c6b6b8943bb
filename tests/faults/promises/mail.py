"""The mail server fails in every way. Each reminder arrives at least once, or has failed with its reason."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import asyncpg
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.faults.processes import Postgres, Service, Tenant, free_port, make_tenant, services, serving
from tests.faults.promises.writes import UNLIMITED, send
from tests.mail.conftest import CERTIFICATE, PostOffice

REMINDERS, SERVICES = 300, 3
LIMIT = 110.0
"""Seconds until every mail has its outcome. A silent mail server costs 60 of them."""
SETTINGS = {
    **UNLIMITED,
    "CLIENTELE_REMINDERS_PER_HOUR": "off",
    "CLIENTELE_REMINDERS_PER_DAY": "off",
    "CLIENTELE_REMINDERS_PER_RECIPIENT": "off",
}
UNKNOWN, LATER = "550 5.1.1 no such mailbox", "450 4.2.1 try again later"
BUSY, REJECTED = "451 4.3.0 busy", "554 5.6.0 rejected"
CUT, CUT_AFTER, SILENCE = "cut", "cut after the mail was taken", "silence"


@dataclass
class FaultyPostOffice(PostOffice):
    """Answers the mails to some recipients with faults, each once, in the order of the list."""

    faults: dict[str, list[str]] = field(default_factory=dict)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        faults = self.faults.get(envelope.rcpt_tos[0], [])
        fault = faults.pop(0) if faults else ""
        if fault == SILENCE:
            await asyncio.Event().wait()
        if fault in (BUSY, REJECTED):
            return fault
        answer = "" if fault == CUT else await super().handle_DATA(server, session, envelope)
        if fault in (CUT, CUT_AFTER):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return answer


class Message(NamedTuple):
    state: str
    error: str


Messages = dict[str, Message]
"""The messages of an outbox by their recipient."""


@dataclass
class Deliveries:
    """The outbox of a tenant, seen from outside."""

    tenant: Tenant

    async def read(self) -> Messages:
        connection = await asyncpg.connect(self.tenant.url)
        rows = await connection.fetch("SELECT recipient, state, coalesce(last_error, '') FROM outbox")
        await connection.close()
        return {recipient: Message(state, error) for recipient, state, error in rows}

    async def make_due(self) -> None:
        """Ends the delays, which are 30 seconds and longer."""
        connection = await asyncpg.connect(self.tenant.url)
        await connection.execute("UPDATE outbox SET next_attempt_at = now() WHERE state = 'waiting'")
        await connection.close()

    async def reach(self, holds: Callable[[Messages], bool], *, retry: bool = False) -> Messages:
        """Waits until the messages meet the condition. With `retry` no message waits for its delay."""
        messages = await self.read()
        try:
            async with asyncio.timeout(LIMIT):
                while not holds(messages):
                    if retry:
                        await self.make_due()
                    await asyncio.sleep(0.3)
                    messages = await self.read()
        except TimeoutError:
            raise AssertionError(messages) from None
        return messages


async def remind(service: Service, tenant: Tenant, recipients: list[str]) -> None:
    """Sends a reminder to each recipient, 10 at the same time."""
    async with service.open(tenant.token) as http:
        path = f"/v1/organizations/{tenant.organization}/clients"
        client = (await send(http, "POST", path, {"name": "Ann"}))["id"]
        places = asyncio.Semaphore(10)

        async def send_one(recipient: str) -> None:
            async with places:
                await send(http, "POST", f"/v1/clients/{client}/send-reminder", {"email": recipient})

        await asyncio.gather(*map(send_one, recipients))


def states(messages: Messages) -> set[str]:
    return {message.state for message in messages.values()}


def are_settled(messages: Messages) -> bool:
    return states(messages) <= {"sent", "failed"}


def have_errors(messages: Messages) -> bool:
    return all(message.error for message in messages.values())


async def check_mail_faults(postgres: Postgres, folder: Path) -> str:
    """A mail server that is away, answers 4xx and 5xx, is silent, and cuts the connection before and after it took a mail."""
    tenant = await make_tenant(await postgres.make_database())
    office = FaultyPostOffice(port=free_port())
    office.faults = {"busy@one.example": [BUSY], "rejected@one.example": [REJECTED], "cut@one.example": [CUT]}
    office.faults |= {"twice@one.example": [CUT_AFTER], "silent@one.example": [SILENCE]}
    office.rejections = {"unknown@one.example": [UNKNOWN], "later@one.example": [LATER, LATER]}
    recipients = ["fine@one.example", *office.faults, *office.rejections]
    deliveries = Deliveries(tenant)
    async with serving(folder, DATABASE_URL=tenant.url, SMTP_URL=office.url, **SETTINGS) as service:
        await service.expect(200)
        await remind(service, tenant, recipients)
        messages = await deliveries.reach(have_errors)
        assert states(messages) == {"waiting"}, messages
        async with office.opened():
            messages = await deliveries.reach(are_settled, retry=True)
        assert "Traceback" not in service.read_log(), service.read_log()
    failed = {recipient: message.error for recipient, message in messages.items() if message.state == "failed"}
    assert failed == {"unknown@one.example": UNKNOWN, "rejected@one.example": REJECTED}, failed
    arrived = Counter(office.recipients)
    expected = {recipient: 2 if recipient == "twice@one.example" else 1 for recipient in recipients}
    assert arrived == {recipient: number for recipient, number in expected.items() if recipient not in failed}, arrived
    assert "60 seconds" in messages["silent@one.example"].error, messages
    return f"{len(arrived)} of {len(recipients)} mails arrived and {len(failed)} failed with the reason"


async def check_mail_encryption(postgres: Postgres, folder: Path) -> str:
    """A certificate that cannot be verified keeps the mail in the outbox; with a valid one it is sent encrypted."""
    tenant = await make_tenant(await postgres.make_database())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    deliveries, office = Deliveries(tenant), PostOffice()
    async with office.opened(tls_context=context, require_starttls=True):
        settings = {**SETTINGS, "DATABASE_URL": tenant.url, "SMTP_URL": f"smtp://localhost:{office.port}"}
        async with serving(folder, **settings) as service:
            await remind(service, tenant, ["secret@one.example"])
            messages = await deliveries.reach(have_errors)
        state, error = messages["secret@one.example"]
        assert (state, office.mails) == ("waiting", []), messages
        assert "certificate" in error.lower(), error
        async with serving(folder, **settings, SSL_CERT_FILE=str(CERTIFICATE)):
            await deliveries.reach(are_settled, retry=True)
    assert (office.recipients, office.encrypted) == (["secret@one.example"], [True])
    return f"waited with {error!r}, then sent encrypted"


async def check_mail_of_three_services(postgres: Postgres, folder: Path) -> str:
    """Three services send 300 reminders from one outbox."""
    tenant = await make_tenant(await postgres.make_database())
    office = PostOffice()
    recipients = [f"r{number}@one.example" for number in range(REMINDERS)]
    async with office.opened():
        settings = {**SETTINGS, "DATABASE_URL": tenant.url, "SMTP_URL": office.url}
        with services(folder, SERVICES, **settings) as all_services:
            for service in all_services:
                await service.expect(200)
            parts = [remind(service, tenant, recipients[i::SERVICES]) for i, service in enumerate(all_services)]
            await asyncio.gather(*parts)
            messages = await Deliveries(tenant).reach(are_settled)
    assert states(messages) == {"sent"}, messages
    assert Counter(office.recipients) == Counter(recipients)
    return f"{REMINDERS} reminders of {SERVICES} services arrived once each"
