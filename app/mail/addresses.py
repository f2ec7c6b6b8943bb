"""E-mail addresses: validation, normal form, and the form for SMTP."""

from email_validator import EmailNotValidError, validate_email

from app.errors import Invalid, Misconfigured, Problem

RESERVED = frozenset({"localhost", "local", "test", "invalid"})
"""Top-level names that are never public. Private networks and tests use them, so all of them are accepted."""
STAND_IN = ".example.com"


def check_address(text: str) -> str:
    """The address in its normal form: NFC, with the domain in lower case. Makes no DNS query.

    International addresses are valid. An address with a display name, a comment, quotes or an IP number is invalid.
    Raises Invalid with one problem, `format.email` on the field `email`.
    """
    try:
        return _normalize(text)[0]
    except EmailNotValidError as error:
        raise Invalid([Problem("email", "format.email", "is not a valid e-mail address", text)]) from error


def check_sender(text: str) -> str:
    """The normal form of CLIENTELE_MAIL_FROM, the sender of reminders. Raises Misconfigured."""
    try:
        return _normalize(text)[0]
    except EmailNotValidError as error:
        raise Misconfigured(
            f"CLIENTELE_MAIL_FROM must be an e-mail address such as reminders@example.com; got {text!r}"
        ) from error


def wire_address(text: str) -> str:
    """The address for SMTP: in ASCII (IDNA) if the local part allows it, else unchanged in Unicode.

    Raises ValueError for invalid text.
    """
    normal, ascii_form = _normalize(text)
    return ascii_form or normal


def _normalize(text: str) -> tuple[str, str | None]:
    reserved = text.rpartition("@")[2].rpartition(".")[2].lower() in RESERVED
    suffix = STAND_IN if reserved else ""
    address = validate_email(text + suffix, check_deliverability=False)
    ascii_form = address.ascii_email.removesuffix(suffix) if address.ascii_email else None
    return address.normalized.removesuffix(suffix), ascii_form
