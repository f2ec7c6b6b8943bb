"""SmtpMailer: sends each mail in its own session with the server in SMTP_URL."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from app.errors import Misconfigured
from app.mail.mailer import OutgoingMail, Undeliverable, Undelivered

Encryption = Literal["implicit", "required", "offered", "none"]

PORTS = {"smtp": 587, "smtps": 465}
CHOICES: dict[str, Encryption] = {"required": "required", "none": "none"}
START_TLS: dict[Encryption, bool | None] = {"implicit": False, "required": True, "offered": None, "none": False}
UNAUTHORIZED = frozenset({530, 534, 535, 538})
"""The server asks for a login, another login, or encryption. The operator must correct this; the recipient is valid."""
QUIT_TIMEOUT = 5.0


@dataclass(frozen=True, kw_only=True)
class SmtpMailer:
    """Sends through one SMTP server. `limit` is the longest time for one mail, in seconds.

    `encryption` is "implicit" (TLS from the first byte), "required" (STARTTLS always), "offered" (STARTTLS if the server
    offers it) or "none". Certificates are always verified.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    encryption: Encryption = "offered"
    limit: float = 60.0

    @classmethod
    def from_url(cls, url: str, *, limit: float = 60.0) -> "SmtpMailer":
        """Reads `smtp://user:password@host:port?tls=required|none` or `smtps://…`; user and password percent-encoded.

        The default port is 587 (submission) for smtp and 465 for smtps. Without `tls`, STARTTLS is used if the server
        offers it. With a password, and without `tls=none`, STARTTLS is required unless the server is on this machine.
        Raises Misconfigured with a message that does not repeat the URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _misconfigured(
                "must be a URL with a valid host and port, such as smtp://mail.example.com:587"
            ) from error
        _check_parts(parts)
        username, password = _credentials(parts)
        return cls(
            host=parts.hostname or "",
            port=PORTS[parts.scheme] if port is None else port,
            username=username,
            password=password,
            encryption=_encryption(parts, secret=password is not None),
            limit=limit,
        )

    async def send(self, mail: OutgoingMail) -> None:
        """Raises Undeliverable for a 5xx reply about the recipient or the content, Undelivered for every other failure."""
        try:
            await self._send_in_session(mail)
        except TimeoutError as error:
            raise Undelivered(f"the mail server did not finish within {self.limit:g} seconds") from error
        except SMTPRecipientsRefused as error:
            raise _failure(error.recipients[0]) from error
        except SMTPDataError as error:
            raise _failure(error) from error
        except SMTPResponseException as error:
            raise Undelivered(_reply(error)) from error
        except (SMTPException, OSError) as error:
            raise Undelivered(str(error) or type(error).__name__) from error

    async def _send_in_session(self, mail: OutgoingMail) -> None:
        client = self._client()
        try:
            async with asyncio.timeout(self.limit):
                await client.connect()
                await self._hand_over(client, mail)
        except (TimeoutError, asyncio.CancelledError):
            client.close()
            raise
        finally:
            await _quit(client)

    def _client(self) -> SMTP:
        return SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.encryption == "implicit",
            start_tls=START_TLS[self.encryption],
            timeout=self.limit,
        )

    async def _hand_over(self, client: SMTP, mail: OutgoingMail) -> None:
        if mail.international and not await _supports_international(client):
            raise Undeliverable("the mail server does not support international addresses (SMTPUTF8)")
        options = ["SMTPUTF8"] if mail.international else []
        try:
            await client.sendmail(mail.sender, [mail.recipient], mail.content, mail_options=options)
        except ValueError as error:
            raise Undeliverable("the address cannot be written in SMTP") from error


async def _supports_international(client: SMTP) -> bool:
    """Asks for the extensions unless the server has named them since the connection was opened or encrypted.

    Without STARTTLS and login, aiosmtplib has not asked yet; after STARTTLS it forgets the answer, as RFC 3207 says.
    """
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError as error:
            if error.code < 500:
                raise
    return client.supports_extension("smtputf8")


async def _quit(client: SMTP) -> None:
    """Ends the session. Errors are ignored, because the outcome of the mail is already known."""
    with suppress(SMTPException, OSError):
        if client.is_connected:
            await client.quit(timeout=QUIT_TIMEOUT)
    client.close()


def _failure(error: SMTPResponseException) -> Undelivered | Undeliverable:
    permanent = error.code >= 500 and error.code not in UNAUTHORIZED
    return (Undeliverable if permanent else Undelivered)(_reply(error))


def _reply(error: SMTPResponseException) -> str:
    return f"{error.code} {error.message}"


def _check_parts(parts: SplitResult) -> None:
    if parts.scheme not in PORTS:
        raise _misconfigured("must begin with smtp:// or smtps://")
    if not parts.hostname:
        raise _misconfigured("must contain a host, such as smtp://mail.example.com")
    if parts.path not in ("", "/") or parts.fragment:
        raise _misconfigured("must end after the host and port; percent-encode /, ? and # in user and password")


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    if not parts.username and not parts.password:
        return None, None
    if not parts.username or parts.password is None:
        raise _misconfigured("must contain both user and password, or neither")
    return unquote(parts.username), unquote(parts.password)


def _encryption(parts: SplitResult, secret: bool) -> Encryption:
    options = parse_qsl(parts.query, keep_blank_values=True)
    choices = [CHOICES.get(value) for name, value in options if name == "tls"]
    if len(options) > 1 or len(choices) != len(options) or None in choices:
        raise _misconfigured("may have one option: tls=required or tls=none")
    if parts.scheme == "smtps":
        if choices == ["none"]:
            raise _misconfigured("must not combine smtps:// with tls=none; use smtp:// for a connection without TLS")
        return "implicit"
    if choices and choices[0]:
        return choices[0]
    return "required" if secret and not _is_loopback(parts.hostname) else "offered"


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _misconfigured(problem: str) -> Misconfigured:
    return Misconfigured(f"SMTP_URL {problem}", "SMTP_URL")
