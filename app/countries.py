"""Countries: the ISO 3166 code for a country's name as people write it in an address."""

import tomllib
import unicodedata
from functools import cache
from pathlib import Path

NAMES = Path(__file__).with_name("countries.toml")


def country_code(text: str | None) -> str | None:
    """The two-letter code for a country's name or code, in any case and with or without accents. None if unknown."""
    return _codes().get(_fold(text)) if text else None


@cache
def _codes() -> dict[str, str]:
    names_by_code: dict[str, list[str]] = tomllib.loads(NAMES.read_text(encoding="utf-8"))
    return {_fold(name): code for code, names in names_by_code.items() for name in (code, *names)}


def _fold(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.replace("&", " and ")).casefold()
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())
