"""Messages as bytes: a mail program reads back the same text."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.mail.message import LANGUAGES
from app.mail.names import clean_name
from tests.mail.conftest import mailbox_of, make_mail, make_message, parse_mail

HEADERS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Language",
    "Content-Type",
    "MIME-Version",
]
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=200)


def part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_carries_both_parts_and_its_headers(language: str) -> None:
    mail, message = parse_mail(make_mail(language=language).content), make_message(language=language)
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert (part(mail, "plain"), part(mail, "html")) == (message.text, message.html)
    assert mail["Subject"] == message.subject
    assert mail["Content-Language"] == language
    assert mail["Auto-Submitted"] == "auto-generated"


def test_the_organization_sends_and_the_client_receives() -> None:
    mail = parse_mail(make_mail().content)
    assert [(address.display_name, address.addr_spec) for address in mail["From"].addresses] == [
        ("Čebelica d.o.o. via mailer.example.com", "reminders@mailer.example.com")
    ]
    assert [(address.display_name, address.addr_spec) for address in mail["To"].addresses] == [
        ("Müller & Söhne GmbH", "buchhaltung@mueller.example.com")
    ]
    assert mail["Reply-To"] == "office@cebelica.example.com"


def test_without_an_organization_address_there_is_no_reply_to() -> None:
    assert "Reply-To" not in parse_mail(make_mail(organization_email=None).content)


def test_each_attempt_writes_the_same_bytes() -> None:
    first, second = make_mail(), make_mail()
    assert first == second
    mail = parse_mail(first.content)
    assert mail["Message-ID"] == "<65f0000000000000000000aa.reminder@mailer.example.com>"
    assert mail["Date"].datetime == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@given(client=ANY_TEXT, organization=ANY_TEXT)
@example(client="=?utf-8?q?hidden?=", organization="=?utf-8?q?hidden?=")
@example(client='"', organization="\\")
@example(client="Anna, Ben <ben@example.com>; x", organization="Čebelica, d.o.o. <office@example.com>")
@example(client="a" * 200, organization="ab " * 60)
@example(client="ß, " * 60, organization="漢字" * 90)
@example(client="--=_65f0000000000000000000aa--", organization="👩‍🚀" * 60)
def test_any_names_come_back_as_they_were_cleaned(client: str, organization: str) -> None:
    mail = parse_mail(make_mail(client_name=client, organization_name=organization, language="en").content)
    message = make_message(client_name=client, organization_name=organization, language="en")
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert mailbox_of(mail, "To") == (clean_name(client), "buchhaltung@mueller.example.com")
    sender = f"{clean_name(organization)} via mailer.example.com"
    assert mailbox_of(mail, "From") == (sender, "reminders@mailer.example.com")
    assert [address.addr_spec for address in mail["To"].addresses] == ["buchhaltung@mueller.example.com"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["reminders@mailer.example.com"]
    assert mail["Subject"] == message.subject
    assert (part(mail, "plain"), part(mail, "html")) == (message.text, message.html)


@given(name=ANY_TEXT)
def test_no_line_is_longer_than_mail_allows_and_none_is_beyond_ascii(name: str) -> None:
    content = make_mail(client_name=name, organization_name=name, language="hr").content
    assert content.isascii()
    assert all(len(line) <= 78 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "end", ["\n", "\r\n", "\r", "\r\n ", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\n\n", "\x00\n"]
)
def test_a_name_cannot_add_a_header(end: str) -> None:
    name = f"Anna{end}Bcc: everybody{end}{end}<p>body</p>"
    mail = parse_mail(make_mail(client_name=name, organization_name=name).content)
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert mail["To"].addresses[0].display_name == "Anna Bcc: everybody <p>body</p>"


@pytest.mark.parametrize("recipient", ["a@example.com\r\nBcc: all@example.com", "a@example.com>, <b@example.com", ""])
def test_an_invalid_recipient_is_never_written(recipient: str) -> None:
    with pytest.raises(ValueError):
        make_mail(recipient=recipient)


def test_an_international_address_is_kept_and_marked() -> None:
    mail = make_mail(recipient="žiga@čebelica.example.com")
    assert (mail.recipient, mail.international) == ("žiga@čebelica.example.com", True)
    assert "<žiga@čebelica.example.com>".encode() in mail.content
    assert not make_mail(recipient="ziga@čebelica.example.com").international
