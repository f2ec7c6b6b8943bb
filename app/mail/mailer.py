"""Mailer: the interface that delivers a mail, and its two errors."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class OutgoingMail:
    """One mail, ready to send: the two addresses of the envelope, and the content with CRLF line ends.

    `international` is true if an address is not ASCII; then only a server with SMTPUTF8 can take the mail.
    `id` and `created_at` come from the outbox, and are the same at each attempt.
    """

    id: str
    created_at: datetime
    sender: str
    recipient: str
    content: bytes
    international: bool


class Undelivered(Exception):
    """Delivery failed for now; a later attempt may succeed. The text is shown to the operator."""


class Undeliverable(Exception):
    """Delivery failed permanently; another attempt would fail too. The text is shown to the operator."""


class Mailer(Protocol):
    async def send(self, mail: OutgoingMail) -> None:
        """Hands the mail over to a server or a file. Raises Undelivered or Undeliverable."""
