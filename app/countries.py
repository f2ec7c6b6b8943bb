"""Countries: the ISO 3166 code for a country's name as people write it in an address."""

import re
import tomllib
from functools import cache
from pathlib import Path
from unicodedata import category, normalize

NAMES = Path(__file__).with_name("countries.toml")

NORTHERN_IRELAND = "XI"
"""Its tax numbers have a prefix of their own. In ISO 3166 it is a part of GB."""
GREECE = "EL"
"""The code of Greece in tax numbers. In ISO 3166 it is GR."""

LONGEST = 500
"""The most characters of a country's name, in several spellings; a longer text is unknown."""
SEPARATORS = re.compile(r"[()\[\]/,;|]|\s[-–—]\s")
"""The separator between two spellings of one country, as in `Deutschland (DE)`."""
DROPPED = dict.fromkeys(map(ord, ".'`´‘’ʻʼ"))
LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
    | {"ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي"}
)
"""Letters that Unicode does not decompose, and the letters that people write for them."""


def country_code(text: str | None) -> str | None:
    """The code in ISO 3166-1, or XK, for a country's name or its code of two or three letters. None if unknown.

    Names are those in `countries.toml`: in every official language of the European Union and in the country's own.
    """
    code = find_country(text)
    return "GB" if code == NORTHERN_IRELAND else code


def find_country(text: str | None) -> str | None:
    """As `country_code`, but XI for Northern Ireland.

    A text with several spellings, such as `Deutschland (DE)`, is a country if all of them mean it.
    """
    text = text or ""
    if len(text) > LONGEST:
        return None
    codes, name = _codes(), fold_name(text)
    if name in codes:
        return codes[name]
    parts = {codes.get(fold_name(part)) for part in SEPARATORS.split(text) if fold_name(part)}
    return parts.pop() if len(parts) == 1 else None


def is_country_code(code: str) -> bool:
    """True for a code in ISO 3166-1, in upper case, and for EL, XI and XK."""
    return code in _listed_codes()


@cache
def _listed_codes() -> frozenset[str]:
    return frozenset(_codes().values()) | {GREECE}


@cache
def listed_codes() -> tuple[str, ...]:
    """The codes that `is_country_code` accepts, in the order of the alphabet."""
    return tuple(sorted(_listed_codes()))


@cache
def _codes() -> dict[str, str]:
    names_by_code: dict[str, list[str]] = tomllib.loads(NAMES.read_text(encoding="utf-8"))
    return {fold_name(name): code for code, names in names_by_code.items() for name in (code, *names)}


def fold_name(text: str) -> str:
    """The text without case, accents, variants of letters, invisible characters, punctuation and a leading `the`."""
    letters = normalize("NFKD", text.translate(DROPPED).replace("&", " and ")).casefold()
    words = "".join(map(_fold_character, normalize("NFKD", letters).translate(LETTERS))).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)


def _fold_character(character: str) -> str:
    kind = category(character)
    if kind in ("Mn", "Me", "Cf"):
        return ""
    return character if kind[0] in "LN" or kind == "Mc" else " "
