"""Search terms: texts that the search text of every matching row contains, so that one index finds the rows.

The search text of a row is all its searched texts, folded, with single spaces between the words and one before the
first. Terms may match more rows than the conditions do, never fewer. A statement has the conditions beside the terms.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias
from unicodedata import combining, normalize

from app.query.face import Face
from app.query.model import EVERYTHING, And, Compare, Predicate, Query
from app.query.operators import EQ, Implied

SHORT = 2
"""A search word of up to this many characters only matches the beginnings of words."""
MOST_TERMS = 20

FRAGMENT = re.compile(r"[^\W_]+")
"""Letters and digits in a row: all that trigrams are made of."""
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
    """The terms of a search: one for each word. Short words match at the beginning of a word."""
    return tuple(Term(word, sum(not combining(letter) for letter in word) <= SHORT) for word in words)


def query_terms(query: Query, face: Face) -> tuple[Term, ...]:
    """The terms of the search words, one each, then at most 20 terms that the conditions imply.

    Conditions that name a key imply none, because the index of the key is faster.
    """
    if query.where is EVERYTHING:
        return word_terms(query.words)
    implied = () if _names_key(query.where, face) else tuple(dict.fromkeys(_implied(query.where, face)))
    return (*word_terms(query.words), *implied[:MOST_TERMS])


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
    match compare.operator.implies:
        case Implied.BEGINNING | Implied.PART as implied:
            yield value, implied is Implied.BEGINNING
        case Implied.LITERALS:
            for piece in PIECE.finditer(value):
                yield re.sub(r"\\(.)", r"\1", piece.group(), flags=re.DOTALL), piece.start() == 0


def _may_be_other_json(value: str) -> bool:
    """True if a number, a flag or a document could be spelled like this. The search text holds only the texts in JSON."""
    try:
        return not isinstance(json.loads(value), str)
    except ValueError:
        return False


def _fragments(text: str, whole: bool) -> Iterator[Term]:
    """The runs of letters and digits that the index can look up: long ones, and those that begin a word."""
    for match in FRAGMENT.finditer(text):
        start, fragment = match.start(), match.group()
        begins = whole if start == 0 else text[start - 1] == " "
        if (begins or len(fragment) > SHORT) and _folds_alone(fragment):
            yield Term(fragment, begins)


def _folds_alone(fragment: str) -> bool:
    """True if a fragment folds to the same letters in every text.

    Folding drops the combining marks from U+0300 to U+036F. Other marks stay, and neighbouring ones are reordered.
    """
    return not any(combining(letter) and not "\u0300" <= letter <= "\u036f" for letter in normalize("NFKD", fragment))
