"""E-mail addresses: valid and invalid ones, and their form for SMTP."""

import pytest

from app.errors import Invalid, Misconfigured, Problem
from app.mail.addresses import check_address, check_sender, wire_address


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("anna@example.com", "anna@example.com"),
        ("Anna.Novak+bills@Example.COM", "Anna.Novak+bills@example.com"),
        ("reminders@localhost", "reminders@localhost"),
        ("anna@mail.test", "anna@mail.test"),
        ("anna@printer.local", "anna@printer.local"),
        ("žiga@čebelica.example.com", "žiga@čebelica.example.com"),
        ("anna@xn--bcher-kva.example.com", "anna@bücher.example.com"),
    ],
)
def test_an_address_is_put_into_its_normal_form(text: str, normal: str) -> None:
    assert check_address(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "@example.com",
        "anna@",
        "anna@intranet",
        "anna@@example.com",
        "anna@localhost@localhost",
        "anna@.localhost",
        "anna novak@example.com",
        "anna@example.com\r\nBcc: all@example.com",
        "anna@example.com\n",
        "Anna <anna@example.com>",
        "anna@example.com, ben@example.com",
        '"anna novak"@example.com',
        "anna@[127.0.0.1]",
        "anna\x00@example.com",
        "anna@" + "a" * 250 + ".com",
        "\ud800@example.com",
    ],
)
def test_invalid_text_is_one_problem_with_the_email(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_address(text)
    assert caught.value.problems == (Problem("email", "format.email", "is not a valid e-mail address", text),)


def test_an_invalid_sender_is_a_misconfiguration() -> None:
    assert check_sender("reminders@localhost") == "reminders@localhost"
    with pytest.raises(Misconfigured, match="CLIENTELE_MAIL_FROM"):
        check_sender("reminders")


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("anna@example.com", "anna@example.com"),
        ("anna@bücher.example.com", "anna@xn--bcher-kva.example.com"),
        ("anna@bücher.test", "anna@xn--bcher-kva.test"),
        ("žiga@bücher.example.com", "žiga@bücher.example.com"),
    ],
)
def test_only_a_local_part_beyond_ascii_needs_an_international_server(text: str, wire: str) -> None:
    assert wire_address(text) == wire
