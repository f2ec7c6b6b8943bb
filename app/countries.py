"""Countries: the code that belongs to what people write as the country of an address."""

import tomllib
import unicodedata
from functools import cache
from pathlib import Path

NAMES = Path(__file__).with_name("countries.toml")


def country_code(text: str | None) -> str | None:
    """The two-letter code of a country's name, or of the code itself, whatever the case and the accents; None if unknown."""
    return _codes().get(_folded(text)) if text else None


@cache
def _codes() -> dict[str, str]:
    listed: dict[str, list[str]] = tomllib.loads(NAMES.read_text(encoding="utf-8"))
    return {_folded(name): code for code, names in listed.items() for name in (code, *names)}


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.replace("&", " and ")).casefold()
    return " ".join("".join(one for one in letters if not unicodedata.combining(one)).split())
