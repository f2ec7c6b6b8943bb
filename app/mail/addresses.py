"""E-mail addresses: what counts as one, and how one is written for the wire."""

from email_validator import EmailNotValidError, validate_email

from app.errors import Invalid, Misconfigured, Problem

RESERVED = frozenset({"localhost", "local", "test", "invalid"})
"""Top-level names that are never public but are used in private networks and trials; all of them are accepted."""
STAND_IN = ".example.com"


def check_address(text: str) -> str:
    """The address in its normal form (NFC, domain in lower case). Asks no name server.

    International addresses are addresses; one with a display name, a comment, quotes or an IP number is not.
    Raises Invalid with one problem, `format.email` on the field `email`.
    """
    try:
        return _normalize(text)[0]
    except EmailNotValidError as error:
        raise Invalid([Problem("email", "format.email", "is not a valid e-mail address", text)]) from error


def check_sender(text: str) -> str:
    """The address that reminders come from, as CLIENTELE_MAIL_FROM gives it. Raises Misconfigured."""
    try:
        return _normalize(text)[0]
    except EmailNotValidError as error:
        raise Misconfigured(f"CLIENTELE_MAIL_FROM is not a valid e-mail address: {text!r}") from error


def wire_address(text: str) -> str:
    """The address as mail servers take it: in ASCII (IDNA) when its local part allows, else unchanged in Unicode.

    Raises ValueError when it is no address.
    """
    normal, ascii_form = _normalize(text)
    return ascii_form or normal


def _normalize(text: str) -> tuple[str, str | None]:
    reserved = text.rpartition("@")[2].rpartition(".")[2].lower() in RESERVED
    suffix = STAND_IN if reserved else ""
    found = validate_email(text + suffix, check_deliverability=False)
    ascii_form = found.ascii_email.removesuffix(suffix) if found.ascii_email else None
    return found.normalized.removesuffix(suffix), ascii_form
