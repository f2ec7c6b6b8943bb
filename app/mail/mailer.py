"""Mailer: what carries a mail away, and the two ways in which it may fail to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class OutgoingMail:
    """One mail, ready for the wire: the envelope's two addresses, and the content with its lines ended by CRLF.

    `international` tells that an address is not ASCII, so that only servers with SMTPUTF8 may be given the mail.
    `id` and `created_at` are the outbox's, and the same at each attempt.
    """

    id: str
    created_at: datetime
    sender: str
    recipient: str
    content: bytes
    international: bool


class Undelivered(Exception):
    """The mail was not taken this time; a later attempt may succeed. The text is fit for the operator to read."""


class Undeliverable(Exception):
    """The mail was refused for good: another attempt would be refused as well."""


class Mailer(Protocol):
    async def send(self, mail: OutgoingMail) -> None:
        """Hands the mail over; when it returns, somebody else answers for it. Raises Undelivered or Undeliverable."""
