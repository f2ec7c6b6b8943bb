"""A post office (a real SMTP server on a free loopback port), an organization, and messages for its outbox."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import insert, update

from app.mail.mailer import OutgoingMail
from app.mail.message import Message, compose_reminder
from app.mail.mime import write_mail
from app.mail.outbox import put_message
from app.mail.repository import Delivery, list_messages
from app.storage.database import Database
from app.storage.tables import organizations, outbox

T = TypeVar("T")

ORGANIZATION = "65f000000000000000000001"
CLIENT = "65f0000000000000000000c1"
SENDER = "reminders@mailer.example.com"
CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Certificate and key of a server that exists in these tests only."""


def parse_mail(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def mailbox_of(mail: EmailMessage, header: str) -> tuple[str, str]:
    """Display name and address of a header's one mailbox.

    Read by RFC 2047's rule for neighbouring encoded words, which `addresses` follows only in newer versions of Python.
    """
    (raw,) = [str(value) for name, value in mail.raw_items() if name == header]
    words, address = parseaddr(raw)
    return str(make_header(decode_header(words))), address.encode("utf-8", "surrogateescape").decode()


def make_message(
    *,
    client_name: str = "Müller & Söhne GmbH",
    organization_name: str = "Čebelica d.o.o.",
    organization_email: str | None = "office@cebelica.example.com",
    recipient: str = "buchhaltung@mueller.example.com",
    language: str = "de",
) -> Message:
    return compose_reminder(
        client_name=client_name,
        organization_name=organization_name,
        organization_email=organization_email,
        recipient=recipient,
        language=language,
    )


def make_mail(**values: Any) -> OutgoingMail:
    created = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)
    return write_mail(make_message(**values), id="65f0000000000000000000aa", created_at=created, sender=SENDER)


async def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Polls until the condition holds, for a condition that has no event to wait for."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)


async def eventually(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], seconds: float = 60) -> T:
    """Polls until the condition holds for the result of `look`, and returns that result."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if holds(seen):
            return seen
        assert asyncio.get_running_loop().time() < deadline, seen
        await asyncio.sleep(0.05)


@dataclass
class PostOffice:
    """The mails that the server accepted, and its error replies: to RCPT by address, each once, or to every DATA."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    rejections: dict[str, list[str]] = field(default_factory=dict)
    sender_answer: str = ""
    data_answer: str = ""
    hidden_extensions: dict[bool, str] = field(default_factory=dict)
    """An extension that EHLO does not name, by whether the session is encrypted."""

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        hidden = self.hidden_extensions.get(session.ssl is not None)
        return [response for response in responses if response != f"250-{hidden}"]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_answer:
            return self.sender_answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answers := self.rejections.get(address):
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_answer:
            return self.data_answer
        assert isinstance(envelope.content, bytes)
        self.mails.append(parse_mail(envelope.content))
        self.recipients += envelope.rcpt_tos
        self.senders.append(envelope.mail_from or "")
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.users.append(f"{data.login.decode()} {data.password.decode()}")
        return AuthResult(success=data.password == b"p@ss:w/rd", handled=False)

    def has_taken(self, mails: int) -> bool:
        return len(self.mails) == mails

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def opened(self, *, ssl_context: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator["PostOffice"]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(self, loop=loop, hostname="post.example.com", **options),
            "127.0.0.1",
            self.port,
            ssl=ssl_context,
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


@pytest.fixture
async def post_office() -> AsyncIterator[PostOffice]:
    async with PostOffice().opened(enable_SMTPUTF8=True) as office:
        yield office


@dataclass
class Outbox:
    """The outbox of one organization in a database of the test's own."""

    database: Database

    async def put(self, message: Message | None = None) -> str:
        async with self.database.write() as connection:
            return await put_message(connection, ORGANIZATION, CLIENT, message or make_message())

    async def deliveries(self) -> list[Delivery]:
        async with self.database.snapshot() as connection:
            return [delivery async for delivery in list_messages(connection, ORGANIZATION)]

    async def only(self) -> Delivery:
        (delivery,) = await self.deliveries()
        return delivery

    async def make_due(self) -> None:
        """Ends every delay and every lease."""
        async with self.database.write() as connection:
            past = datetime.now(UTC) - timedelta(hours=1)
            await connection.execute(update(outbox).values(next_attempt_at=past))

    async def move_attempts_back(self) -> None:
        """Moves the last attempt of every message an hour into the past."""
        async with self.database.write() as connection:
            earlier = outbox.c.last_attempt_at - timedelta(hours=1)
            await connection.execute(update(outbox).values(last_attempt_at=earlier))

    async def set_attempts(self, attempts: int) -> None:
        async with self.database.write() as connection:
            await connection.execute(update(outbox).values(attempts=attempts))


@pytest.fixture
async def box(database: Database) -> Outbox:
    async with database.write() as connection:
        await connection.execute(insert(organizations).values(id=ORGANIZATION, name="Čebelica d.o.o."))
    return Outbox(database)
