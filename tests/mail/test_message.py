"""Reminders as texts: six languages, every name in its position, and names that could break the format."""

import re
from html.parser import HTMLParser

import pytest
from jinja2 import Environment, UndefinedError

from app.mail import message
from app.mail.message import LANGUAGES, language_for
from tests.mail.conftest import make_message


class Words(HTMLParser):
    """The text that a reader of the HTML part sees in its body."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.tags: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.seen.append(data)

    @property
    def body(self) -> str:
        return " ".join("".join(self.seen).split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reminder_names_client_and_organization_and_no_amount(language: str) -> None:
    made = make_message(language=language)
    assert "Müller & Söhne GmbH" in made.text
    assert made.text.count("Čebelica d.o.o.") == 2
    assert "Čebelica d.o.o." in made.subject
    assert "office@cebelica.example.com" in made.text
    assert not re.search(r"\d|€|EUR|\{|\}|None", made.subject + made.text)
    assert made.text.endswith("\nČebelica d.o.o.\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("email", ["office@cebelica.example.com", None])
def test_both_parts_of_a_reminder_say_the_same(language: str, email: str | None) -> None:
    made = make_message(language=language, organization_email=email)
    assert Words(made.html).body == " ".join(f"{made.subject} {made.text}".split())
    assert f'<html lang="{language}">' in made.html


def test_each_language_has_its_own_words() -> None:
    made = [make_message(language=language) for language in LANGUAGES]
    assert LANGUAGES == ("en", "de", "fr", "it", "sl", "hr")
    assert len({message.subject for message in made}) == len({message.text for message in made}) == 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_typography_is_that_of_the_language(language: str) -> None:
    made = make_message(language=language)
    own = made.subject + made.text
    assert "'" not in own
    assert '"' not in own
    assert " - " not in own
    assert "  " not in own
    assert not re.search(r" [:;!?]", own)
    assert not re.search(r"\.\.", own)
    colons = re.findall(r"(.):", own)
    assert all(before == "\N{NO-BREAK SPACE}" for before in colons) == (language == "fr" or not colons)


def test_an_organization_without_an_address_offers_no_reply() -> None:
    made = make_message(organization_email=None, language="en")
    assert made.reply_to is None
    assert "reply" not in made.text
    assert "get in touch" in made.text


@pytest.mark.parametrize("email", ["", "nobody", "office@example.com\r\nBcc: all@example.com"])
def test_an_invalid_organization_address_is_left_out(email: str) -> None:
    assert make_message(organization_email=email) == make_message(organization_email=None)


def test_markup_in_names_stays_text() -> None:
    name = '<script>alert("1")</script> & {{ 7 * 7 }} {% raw %}'
    made = make_message(client_name=name, organization_name=name, language="en")
    assert name in made.text
    assert name in Words(made.html).body
    assert "script" not in Words(made.html).tags


def test_names_become_single_lines() -> None:
    made = make_message(client_name="Anna\r\nNovak", organization_name=" Two\x00\x1b  Words\u2028\ud800 ")
    assert (made.recipient_name, made.sender_name) == ("Anna Novak", "Two Words")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reminder_repeats_no_link_and_no_address_of_a_name(language: str) -> None:
    lure = "Visit https://pay.evil.example/now or www.evil.example, billing@evil.example"
    made = make_message(client_name=lure, organization_name=lure, language=language)
    for shown in (made.subject, made.text, made.html, made.sender_name, made.recipient_name):
        assert "://" not in shown
        assert "www." not in shown
        assert "billing@evil.example" not in shown
    assert "office@cebelica.example.com" in made.text


@pytest.mark.parametrize("language", ["", "EN", "pt", "../layout", "en.txt"])
def test_a_language_without_a_template_is_an_error_of_the_caller(language: str) -> None:
    with pytest.raises(ValueError, match="language must be one of"):
        make_message(language=language)


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de-AT", "de"), ("sl_SI", "sl"), ("HR", "hr"), ("pt-BR", "en"), ("", "en"), (None, "en"), ("english", "en")],
)
def test_a_locale_gives_its_language_or_english(locale: str | None, language: str) -> None:
    assert language_for(locale) == language


@pytest.mark.parametrize("environment", [message._plain, message._html])
def test_a_template_that_lacks_a_value_fails_aloud(environment: Environment) -> None:
    with pytest.raises(UndefinedError):
        environment.get_template("reminder.en.txt").render(client_name="Anna")
