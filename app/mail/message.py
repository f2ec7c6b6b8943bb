"""Message: the content and the recipient of a reminder or a notice, composed from the templates."""

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.errors import Invalid
from app.mail.addresses import check_address
from app.mail.names import clean_name, one_line
from app.query.invisible import trim

LANGUAGES = ("en", "de", "fr", "it", "sl", "hr")
"""The languages that have a template."""

TAG = re.compile(r"[A-Za-z]{2}(?:[-_][A-Za-z0-9]{1,8})*")
_loader = FileSystemLoader(Path(__file__).parent / "templates")
_plain = Environment(loader=_loader, undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701 - plain text has no markup
_html = Environment(loader=_loader, undefined=StrictUndefined, trim_blocks=True, autoescape=True)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to one recipient, as plain text and as an HTML document. Each name is a single line."""

    recipient: str
    recipient_name: str
    sender_name: str
    reply_to: str | None
    language: str
    subject: str
    text: str
    html: str


def find_language(tag: str) -> str | None:
    """The language of a tag (RFC 5646) such as `sl`, `EN` or `de_AT`. None if no template has that language."""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES and TAG.fullmatch(tag) else None


def language_for(locale: str | None) -> str:
    """The language of a locale such as `de-AT` or `sl_SI`. English if no template has that language."""
    return find_language(locale or "") or "en"


def compose_reminder(
    *, client_name: str, organization_name: str, organization_email: str | None, recipient: str, language: str
) -> Message:
    """A general, polite reminder of open documents. It contains no amounts.

    The names become clean names. `recipient` must have passed check_address. Raises ValueError if `language` is not in
    LANGUAGES. An invalid address of the organization is left out.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}")
    client, organization, reply_to = (
        clean_name(client_name),
        clean_name(organization_name),
        _usable_address(organization_email),
    )
    values = {"client_name": client, "organization_name": organization, "organization_email": reply_to}
    subject, paragraphs = _render(_plain, "reminder", language, values)
    return Message(
        recipient=recipient,
        recipient_name=client,
        sender_name=organization,
        reply_to=reply_to,
        language=language,
        subject=subject,
        text="\n\n".join(paragraphs) + "\n",
        html=_render_document("reminder", language, values),
    )


def compose_notice(*, organization_name: str, host: str, recipient: str, language: str) -> Message:
    """The notice to an account that a webhook of its organization to `host` is disabled, because its events failed.

    `recipient` must have passed check_address. `language` is one of LANGUAGES.
    """
    organization = clean_name(organization_name)
    values: dict[str, str | None] = {"organization_name": organization, "host": clean_name(host)}
    subject, paragraphs = _render(_plain, "webhook", language, values)
    return Message(
        recipient=recipient,
        recipient_name="",
        sender_name=organization,
        reply_to=None,
        language=language,
        subject=subject,
        text="\n\n".join(paragraphs) + "\n",
        html=_render_document("webhook", language, values),
    )


def _render(
    environment: Environment, template: str, language: str, values: dict[str, str | None]
) -> tuple[str, list[str]]:
    """The subject, which is the first line of the template, and the paragraphs, which empty lines separate."""
    text = environment.get_template(f"{template}.{language}.txt").render(values)
    subject, *paragraphs = text.strip("\n").split("\n\n")
    return one_line(subject), paragraphs


def _render_document(template: str, language: str, values: dict[str, str | None]) -> str:
    subject, paragraphs = _render(_html, template, language, values)
    return _html.get_template("layout.html").render(language=language, subject=subject, paragraphs=paragraphs) + "\n"


def _usable_address(text: str | None) -> str | None:
    try:
        return check_address(trim(text)) if text else None
    except Invalid:
        return None
