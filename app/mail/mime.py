"""Writes a message of the outbox as the bytes of an Internet message (RFC 5322, 2045-2047, 3834, 6532)."""

from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from app.mail.addresses import wire_address
from app.mail.mailer import OutgoingMail
from app.mail.message import Message
from app.mail.names import one_line

LINE = 78
LONGEST_QUOTED = 50
"""A longer name is written in encoded words, because they can be folded anywhere."""


def write_mail(message: Message, *, id: str, created_at: datetime, sender: str) -> OutgoingMail:  # noqa: A002
    """The mail of one outbox row. The same row always gives the same bytes and the same Message-ID.

    `sender` is the address in From and on the envelope. Its domain stands behind the name in From, so that no organization
    can pose as the operator. Raises ValueError for an invalid address.
    """
    sender, recipient = wire_address(sender), wire_address(message.recipient)
    reply_to = wire_address(message.reply_to) if message.reply_to else None
    headers = {
        "From": _mailbox("From", f"{message.sender_name} via {sender.rpartition('@')[2]}", sender),
        "To": _mailbox("To", message.recipient_name, recipient),
        **({"Reply-To": reply_to} if reply_to else {}),
        "Subject": _words("Subject", message.subject),
        "Date": format_datetime(created_at),
        "Message-ID": f"<{id}.reminder@{sender.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": message.language,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return OutgoingMail(
        id=id,
        created_at=created_at,
        sender=sender,
        recipient=recipient,
        content=head.encode() + _body(message, boundary=f"=_{id}"),
        international=not (sender + recipient + (reply_to or "")).isascii(),
    )


def _body(message: Message, boundary: str) -> bytes:
    """Both parts with their MIME headers, in 7-bit ASCII. The boundary contains `=_`, which quoted-printable never does."""
    body = EmailMessage(policy=SMTP)
    body.set_content(message.text, cte="quoted-printable")
    body.add_alternative(message.html, subtype="html", cte="quoted-printable")
    body.set_boundary(boundary)
    return body.as_bytes()


def _mailbox(header: str, name: str, address: str) -> str:
    """A display name and an address, folded onto two lines if one line would be too long."""
    words = _phrase(header, name)
    if not words:
        return address
    last = len(words.rpartition("\n")[2]) + (0 if "\n" in words else len(header) + 2)
    fold = " " if last + len(address) + 3 <= LINE else "\r\n "
    return f"{words}{fold}<{address}>"


def _phrase(header: str, name: str) -> str:
    """A display name that every mail program decodes alike: quoted if it is short and ASCII, else in encoded words."""
    name = one_line(name)
    if name and name.isascii() and len(name) <= LONGEST_QUOTED and "=?" not in name:
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _words(header, name, plain=False)


def _words(header: str, text: str, plain: bool = True) -> str:
    """Text for a header: unchanged if it is short and ASCII, else in folded encoded words."""
    text = one_line(text)
    if plain and text.isascii() and len(text) + len(header) + 2 <= LINE and "=?" not in text:
        return text
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n") if text else ""
