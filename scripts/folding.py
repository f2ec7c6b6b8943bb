"""Prints the character tables of the SQL function `fold`, as constants for a migration.

usage: python -m scripts.folding [MODULE]. MODULE is `unicodedata`, or `unicodedata2` from PyPI for a newer Unicode. The
marks of both versions count: a few characters of rare scripts have been marks in one version and letters in another.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable
from importlib import import_module
from typing import Any

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
IOTA_SUBSCRIPT = "\u0345"
"""A mark of category Mn that case folding turns into a letter."""
CASE = {IOTA_SUBSCRIPT: "ι", "ς": "σ"} | dict(zip("ᲀᲁᲂᲃᲄᲅᲆᲇᲈ", "вдосттъѣꙋ", strict=True))
"""Case folding beyond lower case, of single letters that have no decomposition."""
LATIN = dict(zip("łøđħŧıð", "lodhtid", strict=True))
ARABIC = dict(zip("ىیےةہھەۃکٱٲٳ", "يييهههههكااا", strict=True))
SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u055a\u05f3\ua78c"
DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u301d\u301e\u301f\u05f4"
TATWEEL = "\u0640"
"""Arabic writing stretches words with it. It is no part of them."""
ACUTE = "\u00b4\u1ffd"
"""The accent that stands alone, which people type for an apostrophe. It decomposes to a space and a mark."""
PAIRS = ("ß", "æ", "œ", "þ")
"""Letters that fold to two."""
COMMON = "łøđħŧıðςͅ‘’‚“”„–—"
"""The characters of the first, short table. Long texts with one of the others cost more."""


def is_mark(unicode: Any, character: str) -> bool:
    """Tells whether folding drops a character: a mark, or one that normal forms move among marks."""
    categories = {unicode.category(character), unicodedata.category(character)}
    return ("Mn" in categories or unicode.combining(character) > 0) and character != IOTA_SUBSCRIPT


def make_variants(unicode: Any) -> dict[str, str]:
    """Each character that folds to another single one, beyond decomposition and lower case."""
    dashes = [c for c in CHARACTERS if unicode.category(c) == "Pd" and unicode.normalize("NFKD", c) == c and c != "-"]
    quotes = dict.fromkeys(SINGLE_QUOTES, "'") | dict.fromkeys(DOUBLE_QUOTES, '"')
    return CASE | LATIN | ARABIC | quotes | dict.fromkeys([*dashes, "\u2212"], "-")


def write_class(characters: Iterable[str]) -> str:
    """The content of a bracket expression that matches the characters."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, characters)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(_escape(low) if low == high else f"{_escape(low)}-{_escape(high)}" for low, high in ranges)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def main(name: str = "unicodedata") -> None:
    unicode = import_module(name)
    variants = make_variants(unicode)
    marks = {c for c in CHARACTERS if is_mark(unicode, c)}
    rare = (*(c for c in variants if c not in COMMON), TATWEEL)
    special = {*variants, *PAIRS, TATWEEL}
    parts = {c: {p.lower() for p in unicode.normalize("NFKD", c)} for c in CHARACTERS}
    versions = dict.fromkeys((unicode.unidata_version, unicodedata.unidata_version))
    print(f"# Made by scripts/folding.py from Unicode {' and '.join(versions)}.")
    for constant, text in {
        "MARKS": write_class(marks),
        "SPECIAL": write_class([*(c for c in CHARACTERS if parts[c] & special), *ACUTE]),
        "RARE": write_class(c for c in CHARACTERS if parts[c] & set(rare)),
        "COMMON_FROM": "".join(_python(c) for c in COMMON),
        "COMMON_TO": "".join(variants[c] for c in COMMON),
        "RARE_FROM": "".join(_python(c) for c in rare),
        "RARE_TO": "".join(variants[c] for c in rare[:-1]),
    }.items():
        raw = "r" if constant in ("MARKS", "SPECIAL", "RARE") else ""
        print(f"{constant} = (", *(f"    {raw}'{_quote(line)}'" for line in _lines(text)), ")", sep="\n")


def _lines(text: str) -> list[str]:
    """The text in lines of about 100 characters that split no escape."""
    lines = [""]
    for token in re.findall(r"\\u.{4}|\\U.{8}|.", text):
        if len(lines[-1]) > 95:
            lines.append("")
        lines[-1] += token
    return lines


def _python(character: str) -> str:
    return _escape(ord(character))


def _quote(text: str) -> str:
    return text.replace("'", "\\'")


if __name__ == "__main__":
    main(*sys.argv[1:])
