"""SMTP_URL, and sessions with a real server."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.errors import Misconfigured
from app.mail.mailer import Undeliverable, Undelivered
from app.mail.smtp import SmtpMailer
from tests.mail.conftest import CERTIFICATE, PostOffice, mailbox_of, make_mail

RECIPIENT = "buchhaltung@mueller.example.com"


@pytest.fixture
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


@pytest.mark.parametrize(
    ("url", "mailer"),
    [
        ("smtp://mail.example.com", SmtpMailer(host="mail.example.com", port=587)),
        ("smtp://mail.example.com:25/", SmtpMailer(host="mail.example.com", port=25)),
        ("smtp://[::1]:2525", SmtpMailer(host="::1", port=2525)),
        ("smtp://localhost?tls=none", SmtpMailer(host="localhost", port=587, encryption="none")),
        ("smtp://localhost?tls=required", SmtpMailer(host="localhost", port=587, encryption="required")),
        ("smtps://mail.example.com", SmtpMailer(host="mail.example.com", port=465, encryption="implicit")),
        ("smtps://localhost?tls=required", SmtpMailer(host="localhost", port=465, encryption="implicit")),
        (
            "smtps://anna%40example.com:p%40ss%3Aw%2Frd@mail.example.com:4650",
            SmtpMailer(
                host="mail.example.com",
                port=4650,
                username="anna@example.com",
                password="p@ss:w/rd",
                encryption="implicit",
            ),
        ),
    ],
)
def test_a_url_names_server_credentials_and_encryption(url: str, mailer: SmtpMailer) -> None:
    assert SmtpMailer.from_url(url) == mailer


@pytest.mark.parametrize(
    ("url", "encryption"),
    [
        ("smtp://u:p@mail.example.com", "required"),
        ("smtp://u:p@mail.example.com?tls=none", "none"),
        ("smtp://u:p@127.0.0.1", "offered"),
        ("smtp://u:p@[::1]", "offered"),
        ("smtp://u:p@localhost", "offered"),
    ],
)
def test_a_password_is_sent_encrypted_unless_tls_is_none(url: str, encryption: str) -> None:
    assert SmtpMailer.from_url(url).encryption == encryption


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://:25",
        "smtp://mail.example.com:port",
        "smtp://mail.example.com:70000",
        "smtp://[::1",
        "smtp://mail.example.com/inbox",
        "smtp://user@mail.example.com",
        "smtp://:s3cret@mail.example.com",
        "smtp://user:s3cret#1@mail.example.com",
        "smtp://user:s3cret/1@mail.example.com",
        "smtp://user:s3cret?1@mail.example.com",
        "smtp://mail.example.com?tls=maybe",
        "smtp://mail.example.com?tls",
        "smtp://mail.example.com?timeout=3",
        "smtp://mail.example.com?tls=none&tls=required",
        "smtps://mail.example.com?tls=none",
    ],
)
def test_a_wrong_url_is_a_misconfiguration_without_secrets(url: str) -> None:
    with pytest.raises(Misconfigured, match="SMTP_URL") as caught:
        SmtpMailer.from_url(url)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(SmtpMailer(host="h", port=1, password="s3cret"))


async def test_a_mail_arrives_under_the_envelope_it_names(post_office: PostOffice) -> None:
    await SmtpMailer.from_url(post_office.url).send(make_mail(client_name="Žana Müller"))
    assert post_office.senders == ["reminders@mailer.example.com"]
    assert post_office.recipients == [RECIPIENT]
    (mail,) = post_office.mails
    assert mailbox_of(mail, "To") == ("Žana Müller", RECIPIENT)


@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "553 Not here", "501 Bad address"])
async def test_a_permanently_rejected_recipient_is_undeliverable(post_office: PostOffice, answer: str) -> None:
    post_office.rejections[RECIPIENT] = [answer]
    with pytest.raises(Undeliverable, match=re.escape(answer)):
        await SmtpMailer.from_url(post_office.url).send(make_mail())


@pytest.mark.parametrize("answer", ["450 4.2.1 Try later", "451 Greylisted", "530 5.7.0 Must issue STARTTLS first"])
async def test_a_temporarily_rejected_recipient_is_undelivered(post_office: PostOffice, answer: str) -> None:
    post_office.rejections[RECIPIENT] = [answer]
    mailer = SmtpMailer.from_url(post_office.url)
    with pytest.raises(Undelivered, match=re.escape(answer)):
        await mailer.send(make_mail())
    await mailer.send(make_mail())
    assert len(post_office.mails) == 1


async def test_permanently_rejected_content_is_undeliverable(post_office: PostOffice) -> None:
    post_office.data_answer = "554 5.7.1 Looks like spam"
    with pytest.raises(Undeliverable, match="Looks like spam"):
        await SmtpMailer.from_url(post_office.url).send(make_mail())
    post_office.data_answer = "452 4.3.1 Out of space"
    with pytest.raises(Undelivered, match="452"):
        await SmtpMailer.from_url(post_office.url).send(make_mail())


async def test_a_rejected_sender_is_undelivered(post_office: PostOffice) -> None:
    post_office.sender_answer = "550 5.7.1 Sender not allowed"
    with pytest.raises(Undelivered, match="550"):
        await SmtpMailer.from_url(post_office.url).send(make_mail())


async def test_no_server_is_undelivered() -> None:
    async with PostOffice().opened() as office:
        url = office.url
    with pytest.raises(Undelivered, match=r"127\.0\.0\.1"):
        await SmtpMailer.from_url(url).send(make_mail())


async def test_a_silent_server_is_left_after_the_limit() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(Undelivered, match=r"did not finish within 0\.2 seconds"):
            await SmtpMailer.from_url(url, limit=0.2).send(make_mail())


INTERNATIONAL = "użytkownik@przykład.example.com"
MODES = ["none", "offered", "starttls", "required", "smtps"]
"""`starttls` is a server that offers it; `offered` leaves the choice to a server that does not."""


@asynccontextmanager
async def serving(
    mode: str, login: bool, tls: ssl.SSLContext, office: PostOffice, **options: Any
) -> AsyncIterator[SmtpMailer]:
    """A server and the mailer for it."""
    if login:
        options |= {"authenticator": office.authenticate, "auth_require_tls": False, "auth_required": True}
    if mode in ("starttls", "required"):
        options["tls_context"] = tls
    async with office.opened(ssl_context=tls if mode == "smtps" else None, **options):
        user = "anna%40x:p%40ss%3Aw%2Frd@" if login else ""
        query = {"none": "?tls=none", "required": "?tls=required"}.get(mode, "")
        scheme = "smtps" if mode == "smtps" else "smtp"
        yield SmtpMailer.from_url(f"{scheme}://{user}127.0.0.1:{office.port}{query}")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize("mode", MODES)
async def test_an_international_address_goes_to_a_server_that_takes_it(
    server_tls: ssl.SSLContext, mode: str, login: bool
) -> None:
    office = PostOffice()
    async with serving(mode, login, server_tls, office, enable_SMTPUTF8=True) as mailer:
        await mailer.send(make_mail(recipient=INTERNATIONAL, client_name="Użytkownik"))
    assert office.recipients == [INTERNATIONAL]
    assert office.encrypted == [mode in ("starttls", "required")]
    assert bool(office.users) == login
    assert mailbox_of(office.mails[0], "To") == ("Użytkownik", INTERNATIONAL)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize("mode", MODES)
async def test_an_international_address_is_undeliverable_without_smtputf8(
    server_tls: ssl.SSLContext, mode: str, login: bool
) -> None:
    office = PostOffice()
    async with serving(mode, login, server_tls, office, enable_SMTPUTF8=False) as mailer:
        with pytest.raises(Undeliverable, match="SMTPUTF8"):
            await mailer.send(make_mail(recipient=INTERNATIONAL))
        await mailer.send(make_mail(recipient="uzytkownik@przykład.example.com"))
    assert office.recipients == ["uzytkownik@xn--przykad-rjb.example.com"]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("encrypted", [False, True])
async def test_the_extensions_after_starttls_count(server_tls: ssl.SSLContext, encrypted: bool) -> None:
    office = PostOffice(hidden_extensions={encrypted: "SMTPUTF8"})
    async with serving("required", False, server_tls, office, enable_SMTPUTF8=True) as mailer:
        if encrypted:
            with pytest.raises(Undeliverable, match="SMTPUTF8"):
                await mailer.send(make_mail(recipient=INTERNATIONAL))
        else:
            await mailer.send(make_mail(recipient=INTERNATIONAL))
    assert office.recipients == ([] if encrypted else [INTERNATIONAL])


@pytest.mark.parametrize(("answer", "error"), [("502 Only HELO", Undeliverable), ("421 Too busy", Undelivered)])
async def test_a_server_without_ehlo_takes_no_international_address(answer: str, error: type[Exception]) -> None:
    async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post.example.com\r\n")
        while await reader.readline():
            writer.write(answer.encode() + b"\r\n")
        writer.close()

    async with await asyncio.start_server(answer_all, "127.0.0.1", 0) as server:
        url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?tls=none"
        with pytest.raises(error):
            await SmtpMailer.from_url(url).send(make_mail(recipient=INTERNATIONAL))


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_the_credentials_of_the_url_log_in() -> None:
    office = PostOffice()
    async with office.opened(authenticator=office.authenticate, auth_require_tls=False, auth_required=True):
        await SmtpMailer.from_url(f"smtp://anna%40x:p%40ss%3Aw%2Frd@127.0.0.1:{office.port}").send(make_mail())
        assert office.users == ["anna@x p@ss:w/rd"]
        assert len(office.mails) == 1
        with pytest.raises(Undelivered, match="535") as caught:
            await SmtpMailer.from_url(f"smtp://anna:wrong-s3cret@127.0.0.1:{office.port}").send(make_mail())
        assert "s3cret" not in str(caught.value)


@pytest.mark.usefixtures("trusted")
async def test_starttls_is_used_when_offered(server_tls: ssl.SSLContext) -> None:
    async with PostOffice().opened(tls_context=server_tls) as office:
        await SmtpMailer.from_url(office.url).send(make_mail())
        await SmtpMailer.from_url(office.url + "?tls=none").send(make_mail())
        assert office.encrypted == [True, False]


@pytest.mark.usefixtures("trusted")
async def test_smtps_is_encrypted_from_the_first_byte(server_tls: ssl.SSLContext) -> None:
    async with PostOffice().opened(ssl_context=server_tls) as office:
        await SmtpMailer.from_url(f"smtps://127.0.0.1:{office.port}").send(make_mail())
        assert len(office.mails) == 1


async def test_an_unknown_certificate_is_not_trusted(server_tls: ssl.SSLContext) -> None:
    async with PostOffice().opened(tls_context=server_tls) as office:
        with pytest.raises(Undelivered, match="certificate"):
            await SmtpMailer.from_url(office.url).send(make_mail())
        assert office.mails == []


async def test_required_encryption_is_required(post_office: PostOffice) -> None:
    with pytest.raises(Undelivered, match="STARTTLS"):
        await SmtpMailer.from_url(post_office.url + "?tls=required").send(make_mail())
    assert post_office.mails == []
