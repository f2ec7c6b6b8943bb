"""Countries: the name that people write becomes a code."""

import tomllib

import pytest

from app.countries import NAMES, country_code

LISTED: dict[str, list[str]] = tomllib.loads(NAMES.read_text(encoding="utf-8"))


def test_every_name_and_every_code_means_one_country() -> None:
    assert len(LISTED) == 249
    for code, names in LISTED.items():
        for name in (code, code.lower(), *names, *(name.upper() for name in names)):
            assert country_code(name) == code, name


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("  Bosna  i hercegovina ", "BA"),
        ("Bosnia & Herzegovina", "BA"),
        ("Cote d'Ivoire", "CI"),
        ("Turkiye", "TR"),
        ("Deutschland", "DE"),
        ("Atlantis", None),
        ("Sloveni", None),
        ("", None),
        (" ", None),
        (None, None),
    ],
)
def test_case_accents_and_blanks_are_ignored(written: str | None, code: str | None) -> None:
    assert country_code(written) == code
