"""Search terms: texts that the search text of every matching row contains, so that one index finds the rows.

The search text of a row is all its searched texts, folded, with single spaces between the words and one before the
first. Terms may match more rows than the conditions do, never fewer. A statement has the conditions beside the terms.
Each character folds by itself, so the folded form of a part of a text is a part of the folded text.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias
from unicodedata import category, normalize

from app.query.face import Face
from app.query.model import EVERYTHING, And, Compare, Predicate, Query
from app.query.operators import EQ, Implied

TRIGRAM = 3
"""Letters or digits in a row that the index needs to find a text."""
MOST_TERMS = 20
LONGEST_LOOK = 500
"""The most characters of one condition that are searched for words. A part of a text implies as much as the rest."""

PIECE = re.compile(r"(?:[^%_\\]|\\.)+", re.DOTALL)
"""The literal text between the wildcards of a LIKE pattern."""


@dataclass(frozen=True, slots=True)
class Term:
    """A text, not yet folded, that the search text of every hit contains.

    - `begins`: a word of the search text begins with it.
    - `indexed`: a statement that uses the index looks the term up there. Other terms only filter the rows found so.
    """

    text: str
    begins: bool
    indexed: bool = True

    @property
    def shape(self) -> "TermShape":
        return self.begins, self.indexed


TermShape: TypeAlias = tuple[bool, bool]
"""The parts of a term that change the text of a statement: `begins` and `indexed`."""


def word_terms(words: tuple[str, ...]) -> tuple[Term, ...]:
    """The terms of a search: one for each word, anywhere in a text. The index cannot look up one or two letters."""
    return tuple(Term(word, begins=False, indexed=has_trigram(word)) for word in words)


def query_terms(query: Query, face: Face) -> tuple[Term, ...]:
    """The terms of the search words, one each, then at most 20 terms that the conditions imply.

    Conditions that name a key imply none, because the index of the key is faster.
    """
    if query.where is EVERYTHING:
        return word_terms(query.words)
    implied = () if _names_key(query.where, face) else _first_distinct(_implied(query.where, face))
    return (*word_terms(query.words), *implied)


def _first_distinct(terms: Iterator[Term]) -> tuple[Term, ...]:
    """The first 20 terms that differ."""
    distinct: dict[Term, None] = {}
    for term in terms:
        distinct[term] = None
        if len(distinct) == MOST_TERMS:
            break
    return tuple(distinct)


def _names_key(where: Predicate, face: Face) -> bool:
    """True if every hit equals one value in a column that has an index of its own."""
    if isinstance(where, And):
        return any(_names_key(part, face) for part in where.parts)
    if not isinstance(where, Compare) or where.operator is not EQ or where.path:
        return False
    return where.column == "id" or face.columns[where.column].folded is not None


def _implied(where: Predicate, face: Face) -> Iterator[Term]:
    match where:
        case And(parts):
            for part in parts:
                yield from _implied(part, face)
        case Compare() if face.columns[where.column].searched and isinstance(where.value, str):
            for text, whole in _known_parts(where, where.value, face):
                yield from _fragments(text, whole)


def _known_parts(compare: Compare, value: str, face: Face) -> Iterator[tuple[str, bool]]:
    """(text, True if the value begins with it): the texts that every value contains that meets the condition."""
    if compare.path and (compare.operator is not EQ or _may_be_other_json(value)):
        return
    value = value[:LONGEST_LOOK]
    match compare.operator.implies:
        case Implied.BEGINNING | Implied.PART as implied:
            yield value, implied is Implied.BEGINNING
        case Implied.LITERALS:
            for piece in PIECE.finditer(value):
                yield re.sub(r"\\(.)", r"\1", piece.group(), flags=re.DOTALL), piece.start() == 0


def _may_be_other_json(value: str) -> bool:
    """True if a number, a flag or a document could be spelled like this. The search text holds only the texts in JSON."""
    try:
        return not isinstance(json.loads(value, parse_int=float), str)
    except RecursionError:
        return True
    except ValueError:
        return False


def _fragments(text: str, whole: bool) -> Iterator[Term]:
    """The words and parts of words that the index can look up: long ones, and those that begin a word."""
    for start, fragment in find_words(text):
        begins = whole if start == 0 else text[start - 1] == " "
        if begins or has_trigram(fragment):
            yield Term(fragment, begins)


def find_words(text: str) -> Iterator[tuple[int, str]]:
    """The runs of letters, digits and marks in a text, each with its position."""
    start = 0
    for inside, letters in groupby(text, _is_inside_word):
        run = "".join(letters)
        if inside:
            yield start, run
        start += len(run)


def _is_inside_word(letter: str) -> bool:
    """True for a letter, a digit or a mark."""
    return letter.isalnum() or category(letter).startswith("M")


def has_trigram(text: str) -> bool:
    """True if the folded text probably has three letters or digits in a row."""
    letters = (letter for letter in normalize("NFKD", text) if not category(letter).startswith("M"))
    return any(inside and sum(1 for _ in run) >= TRIGRAM for inside, run in groupby(letters, str.isalnum))
