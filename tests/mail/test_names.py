"""Names for mails: what is left of links, addresses, invisible characters and long texts."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.mail.names import LONGEST_NAME, NAMELESS, clean_name, one_line
from app.query.invisible import has_visible_character

ADDRESS = re.compile(r"[^\s@]@[^\s@]*\w\.\w")
PIECES = st.sampled_from(
    [
        "http",
        "s",
        "://",
        ":",
        "/",
        "www",
        ".",
        "WWW.",
        "a@b.com",
        "@",
        "evil.com",
        " ",
        "\u200b",
        "\u202e",
        "e\u0301",
        "：／／",
        "＠",
    ]
)
NAMES = st.text(st.characters(exclude_categories=[]), max_size=200) | st.lists(PIECES, max_size=30).map("".join)


@pytest.mark.parametrize(
    "name",
    [
        "Booking.com",
        "A/S Foo d/b/a Bar",
        "M@nu",
        "Čebelica d.o.o.",
        "50/50 :: Bar",
        "AT&T",
        "@home",
        "شرکت\u200cها",
        "👩\u200d🚀",
    ],
)
def test_names_of_people_and_companies_stay(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("https://evil.example/login?x=1 Ltd", "evil.example Ltd"),
        ("HTTPS://EVIL.EXAMPLE\\\\x", "EVIL.EXAMPLE"),
        ("see(http://evil.example)", "see( evil.example)"),
        ("Pay at WWW.evil.example/a", "Pay at evil.example"),
        ("wwwww.w.evil.example", "ww w.evil.example"),
        ("ht\u200btp:\u2060//evil.example", "evil.example"),
        ("w\u200dww.evil.example", "evil.example"),
        ("https：／／evil.example", "evil.example"),
        ("http://", NAMELESS),
        ("Ana <ana@studio.example>", "Ana"),
        ("Ana mailto:ana@studio.example", "Ana"),
        ("ana＠studio.example Ltd", "Ltd"),
        ("a@b@studio.example Ltd", "Ltd"),
        ("ana@:studio.example Ltd", ":studio.example Ltd"),
        ("ana@[192.0.2.1] Ltd", "Ltd"),
        ("ana@studio.example,bo@studio.example; Ltd", ", ; Ltd"),
    ],
)
def test_links_and_addresses_go(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


def test_a_name_that_is_an_address_becomes_its_beginning() -> None:
    assert clean_name("ana.novak@studio.example") == "ana.novak"
    for nothing in ("", " ", "\u200b\u3164", "@studio.example"):
        assert clean_name(nothing) == NAMELESS


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Anna\r\nBcc: x", "Anna Bcc: x"),
        ("in\u202evoice.\u2066exe", "invoice.exe"),
        ("Two\u00a0\u2003Words\u2028\ud800", "Two Words"),
        ("soft\u00adhyphen\ufeff", "softhyphen"),
        ("cafe\u0301", "café"),
    ],
)
def test_characters_that_show_nothing_go(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


def test_a_single_line_keeps_joined_emoji() -> None:
    assert one_line("zwj 👩‍🚀 stays, \x85 and \t do not") == "zwj 👩‍🚀 stays, and do not"


def test_a_long_name_is_cut_between_letters() -> None:
    assert clean_name("x" * LONGEST_NAME) == "x" * LONGEST_NAME
    assert clean_name("x" * 10_000) == "x" * (LONGEST_NAME - 1) + "…"
    assert clean_name("word " * 100).endswith("word…")
    assert re.fullmatch("(q\u0301)+…", clean_name("q\u0301" * 100))
    assert re.fullmatch("(👩\u200d🚀)+…", clean_name("👩\u200d🚀" * 100))


@given(NAMES)
@example("x@://y.com")
@example("://www.@.a.b")
@example("0@:0.0")
def test_no_name_leads_anywhere(name: str) -> None:
    cleaned = clean_name(name)
    assert "://" not in cleaned
    assert "www." not in cleaned.lower()
    assert not ADDRESS.search(cleaned)
    assert has_visible_character(cleaned)
    assert len(cleaned) <= LONGEST_NAME
    assert cleaned == one_line(cleaned)
