"""SmtpMailer: each mail in a session of its own with the server that SMTP_URL names."""

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
"""The server wants a login, another one, or encryption: the operator's to mend, and not the recipient's fault."""
FAREWELL = 5.0


@dataclass(frozen=True, kw_only=True)
class SmtpMailer:
    """Sends through one SMTP server. `limit` is the longest that one mail may take, in seconds.

    `encryption`: TLS from the first byte, by STARTTLS always, by STARTTLS when the server offers it, or never.
    Certificates are verified whenever TLS is used.
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

        The port is 587 (submission) for smtp and 465 for smtps unless given. Without `tls`, STARTTLS is used when
        offered; but a password leaves this machine encrypted or not at all, unless `tls=none` says otherwise.
        Raises Misconfigured, in words that do not repeat the URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _misconfigured("is not a URL with a valid host and port") from error
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
        """A 5xx answer about the recipient or the content is for good; all other trouble may pass."""
        try:
            await self._converse(mail)
        except TimeoutError as error:
            raise Undelivered(f"the mail server did not finish in {self.limit:g} seconds") from error
        except SMTPRecipientsRefused as error:
            raise _refusal(error.recipients[0]) from error
        except SMTPDataError as error:
            raise _refusal(error) from error
        except SMTPResponseException as error:
            raise Undelivered(_answer(error)) from error
        except (SMTPException, OSError) as error:
            raise Undelivered(str(error) or type(error).__name__) from error

    async def _converse(self, mail: OutgoingMail) -> None:
        client = self._client()
        try:
            async with asyncio.timeout(self.limit):
                await client.connect()
                await self._hand_over(client, mail)
        except (TimeoutError, asyncio.CancelledError):
            client.close()
            raise
        finally:
            await _take_leave(client)

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
        if mail.international and not client.supports_extension("smtputf8"):
            raise Undeliverable("the mail server takes no international addresses (SMTPUTF8)")
        options = ["SMTPUTF8"] if mail.international else []
        try:
            await client.sendmail(mail.sender, [mail.recipient], mail.content, mail_options=options)
        except ValueError as error:
            raise Undeliverable("the address cannot be written in SMTP") from error


async def _take_leave(client: SMTP) -> None:
    """The mail's fate is settled by now, so nothing that goes wrong here matters."""
    with suppress(SMTPException, OSError):
        if client.is_connected:
            await client.quit(timeout=FAREWELL)
    client.close()


def _refusal(error: SMTPResponseException) -> Undelivered | Undeliverable:
    for_good = error.code >= 500 and error.code not in UNAUTHORIZED
    return (Undeliverable if for_good else Undelivered)(_answer(error))


def _answer(error: SMTPResponseException) -> str:
    return f"{error.code} {error.message}"


def _check_parts(parts: SplitResult) -> None:
    if parts.scheme not in PORTS:
        raise _misconfigured("must begin with smtp:// or smtps://")
    if not parts.hostname:
        raise _misconfigured("names no host")
    if parts.path not in ("", "/") or parts.fragment:
        raise _misconfigured("has something behind the host; percent-encode /, ? and # in user and password")


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    if not parts.username and not parts.password:
        return None, None
    if not parts.username or parts.password is None:
        raise _misconfigured("must name both user and password, or neither")
    return unquote(parts.username), unquote(parts.password)


def _encryption(parts: SplitResult, secret: bool) -> Encryption:
    options = parse_qsl(parts.query, keep_blank_values=True)
    chosen = [CHOICES.get(value) for name, value in options if name == "tls"]
    if len(options) > 1 or len(chosen) != len(options) or None in chosen:
        raise _misconfigured("may have one option: tls=required or tls=none")
    if parts.scheme == "smtps":
        if chosen == ["none"]:
            raise _misconfigured("cannot be smtps:// with tls=none")
        return "implicit"
    return chosen[0] if chosen and chosen[0] else "required" if secret and not _is_here(parts.hostname) else "offered"


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _misconfigured(what: str) -> Misconfigured:
    return Misconfigured(f"SMTP_URL {what}", "SMTP_URL")
