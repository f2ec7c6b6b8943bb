"""Countries: the name that people write becomes a code."""

import tomllib
from string import ascii_uppercase
from typing import Literal
from unicodedata import normalize

import pytest

from app.countries import NAMES, country_code, find_country, fold_name, is_country_code

LISTED: dict[str, list[str]] = tomllib.loads(NAMES.read_text(encoding="utf-8"))


def test_every_name_and_every_code_means_one_country() -> None:
    assert len(LISTED) == 251
    countries = {fold_name(name): code for code, names in LISTED.items() for name in (code, *names)}
    for code, names in LISTED.items():
        for name in (code, code.lower(), *names, *(name.upper() for name in names)):
            assert countries[fold_name(name)] == code, name
            assert find_country(name) == code, name


def test_no_name_is_listed_twice_and_every_country_has_a_code_of_three_letters() -> None:
    folded = [fold_name(name) for code, names in LISTED.items() for name in (code, *names)]
    assert len(folded) == len(set(folded))
    assert all(
        any(len(name) == 3 and name.isupper() for name in names) for code, names in LISTED.items() if code != "XI"
    )


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_the_normal_form_of_a_name_does_not_matter(form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> None:
    for code, names in LISTED.items():
        for name in names:
            for text in (name.upper(), name.lower(), f"\ufeff {name}\u00a0\u200b"):
                assert find_country(normalize(form, text)) == code, text


SLOVENIA = """
    Slovenia Словения Slovinsko Slovenien Slowenien Σλοβενία Eslovenia Sloveenia Slovénie Slóivéin Slovenija Szlovénia
    Slovėnija Slovēnija Slovenja Słowenia Slovénia Eslovénia Slovenië Slovensko\u200bX
"""
AUSTRIA = """
    Austria Австрия Rakousko Østrig Österreich Oesterreich Αυστρία Itävalta Autriche Ostair Austrija Ausztria Awstrija
    Oostenrijk Rakúsko Avstrija Österrike Áustria Austrija Osterrike
"""


def test_a_member_state_is_known_in_every_official_language() -> None:
    *names, other = SLOVENIA.split()
    assert {country_code(name) for name in names} == {"SI"}
    assert country_code(other) is None
    assert {country_code(name) for name in AUSTRIA.split()} == {"AT"}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("  Bosna  i hercegovina ", "BA"),
        ("Bosnia & Herzegovina", "BA"),
        ("Cote d'Ivoire", "CI"),
        ("Turkiye", "TR"),
        ("Deutschland", "DE"),
        ("Deutschland (DE)", "DE"),
        ("DE - Deutschland", "DE"),
        ("Germany / Deutschland", "DE"),
        ("Belgique/België", "BE"),
        ("Austria / Germany", None),
        ("Ljubljana, Slovenija", None),
        ("Korea, Republic of", "KR"),
        ("Congo, The Democratic Republic of the", "CD"),
        ("O\u0308sterreich", "AT"),
        ("\u00a0ÖSTERREICH\u200b", "AT"),
        ("ΚΎΠΡΟΣ", "CY"),
        ("ΚΥΠΡΟΣ", "CY"),
        ("KIBRIS", "CY"),
        ("Wlochy", "IT"),
        ("Słowenia", "SI"),
        ("Ostrig", "AT"),
        ("the Netherlands", "NL"),
        ("Holland", "NL"),
        ("Česká republika", "CZ"),
        ("Czechia", "CZ"),
        ("Great Britain", "GB"),
        ("U.K.", "GB"),
        ("Severna Irska", "GB"),
        ("United Kingdom (Northern Ireland)", "GB"),
        ("Macedonia", "MK"),
        ("Kosovo", "XK"),
        ("EL", "GR"),
        ("svn", "SI"),
        ("S\u00adlove\u200dnija", "SI"),
        ("Ｓｌｏｖｅｎｉａ", "SI"),
        ("日本", "JP"),
        ("Côte d’Ivoire", "CI"),
        ("Guinea-Bissau", "GW"),
        ("St. Lucia", "LC"),
        ("Atlantis", None),
        ("Sloveni", None),
        ("", None),
        (" ", None),
        ("()", None),
        (None, None),
    ],
)
def test_case_accents_and_blanks_are_ignored(written: str | None, code: str | None) -> None:
    assert country_code(written) == code


def test_only_listed_codes_are_codes() -> None:
    codes = {first + second for first in ascii_uppercase for second in ascii_uppercase}
    known = {code for code in codes if is_country_code(code)}
    assert len(known) == 249 + 3
    assert {"SI", "GR", "EL", "XI", "XK"} <= known
    assert not {"ZZ", "UK", "EU", "AA"} & known
    assert not any(map(is_country_code, ("", "S", "si", "SVN", "Slovenia", "ZZZZ")))
