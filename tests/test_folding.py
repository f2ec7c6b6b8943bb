"""The SQL function `fold`, over every character that both Python and the server know.

Expectations come from Python's `unicodedata` alone.
"""

import sys
import unicodedata
from collections.abc import Iterable
from typing import Literal

import pytest

from app.storage.database import Database

CHARACTERS = [chr(n) for n in range(1, sys.maxunicode) if unicodedata.category(chr(n)) not in ("Cn", "Cs", "Co")]
IOTA_SUBSCRIPT = "\u0345"
FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
DIFFERENT = """
SELECT one, other, fold(one), fold(other) FROM unnest($1::text[], $2::text[]) AS pairs (one, other)
WHERE fold(one) IS DISTINCT FROM fold(other) AND unicode_assigned(one || other)
"""


async def differing(database: Database, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The pairs of texts that fold to different texts, with these."""
    async with database.read() as connection:
        rows = await connection.driver.fetch(DIFFERENT, *map(list, zip(*pairs, strict=True)))
    return [tuple(row) for row in rows]


async def test_cases_of_a_character_fold_alike(database: Database) -> None:
    """Full mappings count: ß is SS, ŉ is ʼN, ᾳ is ΑΙ, և is ԵՒ."""
    cases = ((c, case(c)) for c in CHARACTERS for case in (str.upper, str.lower, str.title, str.casefold))
    assert await differing(database, ((one, other) for one, other in cases if one != other)) == []


async def test_normal_forms_of_a_character_fold_alike(database: Database) -> None:
    """The acute accent that stands alone is the exception: it is an apostrophe, and its decomposition is a space."""
    forms = ((c, unicodedata.normalize(form, c)) for c in CHARACTERS for form in FORMS if c not in "\u00b4\u1ffd")
    assert await differing(database, ((one, other) for one, other in forms if one != other)) == []


async def test_marks_are_dropped(database: Database) -> None:
    marks = [c for c in CHARACTERS if unicodedata.category(c) == "Mn" and c != IOTA_SUBSCRIPT]
    assert len(marks) > 1800
    assert await differing(database, ((f"k{mark}a{mark}", "ka") for mark in marks)) == []


@pytest.mark.parametrize("neighbour", ["a", "\u0301", "\u0345", "ى", "\u1b44", "\u11a8"])
async def test_each_character_folds_by_itself(database: Database, neighbour: str) -> None:
    """So the folded part of a text is part of the folded text, next to every other character."""
    query = """
    SELECT c FROM unnest($1::text[]) AS c CROSS JOIN (SELECT fold($2) AS folded) AS neighbour
    WHERE fold(c || $2) <> fold(c) || folded OR fold($2 || c) <> folded || fold(c)
    """
    for start in range(0, len(CHARACTERS), 50_000):
        async with database.read() as connection:
            assert await connection.driver.fetch(query, CHARACTERS[start : start + 50_000], neighbour) == []


async def test_folding_again_changes_nothing(database: Database) -> None:
    query = "SELECT c FROM unnest($1::text[]) AS c WHERE fold(fold(c)) <> fold(c)"
    async with database.read() as connection:
        assert await connection.driver.fetch(query, CHARACTERS) == []


ALIKE = [
    ("أحمد إبراهيم", "احمد ابراهيم"),
    ("أَحْمَد", "احمد"),
    ("آمنة ٱلله", "امنه الله"),
    ("مصطفى", "مصطفي"),
    ("کریم", "كريم"),
    ("محـــمد", "محمد"),
    ("ﷺ", "صلى الله عليه وسلم"),
    ("מַיִם", "מים"),
    ("ガラス", "カラス"),
    ("ｶﾞﾗｽ", "ガラス"),
    ("हिन्दी", "हिनदी"),
    ("ที่อยู่", "ทอย"),
    ("각", "\u1100\u1161\u11a8"),
    ("ΓΙΏΡΓΟΣ", "γιωργος"),
    ("ᾠδή", "ωιδη"),
    ("ᲗᲑᲘᲚᲘᲡᲘ", "თბილისი"),
    ("ᏣᎳᎩ", "ꮳꮃꭹ"),
    ("ᲀолна", "волна"),
    ("Łódź Ørsted Đuro Ħal Ŧ ısı", "lodz orsted duro hal t isi"),
    ("Ægir Œuvre Þór Ðe Straße ẞ", "aegir oeuvre thor de strasse ss"),
    ("O’Neill", "o'neill"),
    ("O‘Neill Oʼ Oʹ O′ O‛ O´ ‹a›", "o'neill o' o' o' o' o' 'a'"),
    ("“a” „b‟ «c»", '"a" "b" "c"'),
    ("a‐b‑c‒d–e—f―g−h﹣i－j", "a-b-c-d-e-f-g-h-i-j"),
    ("Ｗｉｄｅ１２", "wide12"),
    ("ﬁn ﬆ ŉ ǰ", "fin st 'n j"),
    ("❤️", "❤"),
]


@pytest.mark.parametrize(("text", "plain"), ALIKE)
async def test_spellings_of_a_word_fold_alike(database: Database, text: str, plain: str) -> None:
    assert await differing(database, [(text, plain)]) == []


async def test_different_letters_stay_different(database: Database) -> None:
    letters = [
        "a",
        "e",
        "o",
        "s",
        "б",
        "в",
        "и",
        "і",
        "α",
        "ο",
        "ω",
        "א",
        "ב",
        "ا",
        "ب",
        "ه",
        "ي",
        "ー",
        "ア",
        "あ",
        "北",
        "京",
    ]
    pairs = [(one, other) for one in letters for other in letters if one < other]
    assert len(await differing(database, pairs)) == len(pairs)
