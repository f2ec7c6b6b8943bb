"""Terms: what the search text of every hit of a question contains, so that one index can find its hits.

The search text of a row is all its searched texts, folded, with single spaces between the words and one before the
first. A term may promise less than the question asks, never more: the question's own conditions stay beside it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias
from unicodedata import combining, normalize

from app.query.face import Face
from app.query.model import And, Compare, Predicate, Query
from app.query.operators import EQ, Implied

SHORT = 2
"""A search word of up to this many characters is looked for at the beginnings of words."""
MOST_TERMS = 20

FRAGMENT = re.compile(r"[^\W_]+")
"""Letters and digits in a row: all that trigrams are made of."""
PIECE = re.compile(r"(?:[^%_\\]|\\.)+", re.DOTALL)
"""What a LIKE pattern says between its wildcards."""


@dataclass(frozen=True, slots=True)
class Term:
    """A text as it was given, to be folded. `begins`: a word of the search text begins with it.

    `indexed`: it is looked up in the index, if one is asked; other terms are then only looked for in what that finds.
    """

    text: str
    begins: bool
    indexed: bool = True

    @property
    def shape(self) -> "TermShape":
        return self.begins, self.indexed


TermShape: TypeAlias = tuple[bool, bool]
"""What of a term changes a statement: `begins` and `indexed`."""


def word_terms(words: tuple[str, ...]) -> tuple[Term, ...]:
    """The terms that a search is: each word, short ones at the beginning of a word."""
    return tuple(Term(word, sum(not combining(letter) for letter in word) <= SHORT) for word in words)


def query_terms(query: Query, face: Face) -> tuple[Term, ...]:
    """The words of a search, and the terms that its conditions imply, but for a question that names a key."""
    implied = () if _names_key(query.where, face) else tuple(dict.fromkeys(_implied(query.where, face)))
    return (*word_terms(query.words), *implied[:MOST_TERMS])


def _names_key(where: Predicate, face: Face) -> bool:
    """Whether hits are equal to one value in a column with an order index of its own, which is the better one."""
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
    """Texts that a row's value contains when it meets the condition, and whether the value begins with them."""
    if compare.path and (compare.operator is not EQ or _may_be_no_text(value)):
        return
    match compare.operator.implies:
        case Implied.BEGINNING | Implied.PART as implied:
            yield value, implied is Implied.BEGINNING
        case Implied.LITERALS:
            for piece in PIECE.finditer(value):
                yield re.sub(r"\\(.)", r"\1", piece.group(), flags=re.DOTALL), piece.start() == 0


def _may_be_no_text(value: str) -> bool:
    """Whether a number, a flag or a document inside JSON could be spelled like this: only texts are searched there."""
    try:
        return not isinstance(json.loads(value), str)
    except ValueError:
        return False


def _fragments(text: str, whole: bool) -> Iterator[Term]:
    """The runs of letters and digits that the index can look for: long ones, and any that begin a word."""
    for found in FRAGMENT.finditer(text):
        start = found.start()
        begins = whole if start == 0 else text[start - 1] == " "
        if (begins or len(found.group()) > SHORT) and _folds_alone(found.group()):
            yield Term(found.group(), begins)


def _folds_alone(fragment: str) -> bool:
    """Whether a fragment folds to the same letters wherever it stands.

    Folding drops the marks from U+0300 to U+036F. Others it leaves, and those that follow one another are reordered.
    """
    return not any(combining(letter) and not "\u0300" <= letter <= "\u036f" for letter in normalize("NFKD", fragment))
