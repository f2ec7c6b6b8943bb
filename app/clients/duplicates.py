"""Duplicates: other records of an organization that may be the same client, found by lookups of bounded length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Float,
    Numeric,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    collate,
    func,
    literal_column,
    select,
    true,
    union,
)

from app.auth import Access
from app.query.search_terms import find_words, has_trigram
from app.query.sql.conditions import CODE, WORDS
from app.query.sql.index_keys import index_key
from app.query.sql.render import Selection, needed_columns, render_row
from app.storage.connection import Connection
from app.storage.kept import keep_statements
from app.storage.tables import clients

MOST_DUPLICATES = 20
MOST_EQUAL, NEIGHBOURS, MOST_ALIKE = 100, 200, 100
WINDOW, MOST_FREQUENT = 2500, 10
SIMILAR = 0.5
WEIGHTS = {"tax_number": 0.95, "email": 0.8, "name": 0.7}
"""The certainty of each sign by itself; that of a name is multiplied by its similarity. Together: 1 - (1 - a)(1 - b)(1 - c)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A record whose duplicates are requested."""

    organization_id: str
    id: str
    name: str
    email: str | None
    tax_number: str | None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A rendered record with its certainty, above 0 and up to 1, and the signs for it."""

    json: str
    score: float
    same_tax_number: bool
    same_email: bool
    similar_name: bool


async def find_duplicates(
    access: Access, subjects: Sequence[Subject], selection: Selection, most: int
) -> list[list[Duplicate]]:
    """For each of the subjects at most `most` live records of its organization, the most certain first.

    Raises NotFound for an organization that is not accessible to the caller.
    """
    for subject in subjects:
        access.require(subject.organization_id)
    async with access.database.read() as connection:
        return [await _find(connection, subject, selection, most) for subject in subjects]


async def _find(connection: Connection, subject: Subject, selection: Selection, most: int) -> list[Duplicate]:
    words = telling_words(subject.name)
    parameters = {
        "organization": subject.organization_id,
        "record": subject.id,
        "name": subject.name,
        "email": subject.email,
        "tax_number": subject.tax_number,
        **{f"w{index}": word for index, word in enumerate(words)},
    }
    rows = await connection.execute(duplicates_statement(selection, len(words), most), parameters)
    return [Duplicate(*row) for row in rows]


def telling_words(name: str) -> list[str]:
    """The two longest words of a name, of at least three letters or digits. Variants of the name most likely keep them."""
    words = dict.fromkeys(word for _, word in find_words(name) if has_trigram(word))
    return sorted(words, key=len, reverse=True)[:2]


_name = func.fold(bindparam("name", type_=Text()))
_tax_number = func.tax_key(bindparam("tax_number", type_=Text()))
_similarity = cast(func.similarity(clients.c.name_folded, _name), Float)
_live = and_(
    clients.c.organization_id == bindparam("organization", type_=Text()),
    clients.c.deleted_at.is_(None),
)
_ID, _NAME = clients.c.id, index_key(clients.c.name_folded)


def _address(email: ColumnElement[str]) -> ColumnElement[str]:
    """An e-mail address as it is compared: two addresses are the same if they differ in nothing but case."""
    composed: ColumnElement[str] = func.normalize(email, literal_column("NFC"), type_=Text())
    return func.lower(collate(composed, WORDS), type_=Text())


def _same_email() -> ColumnElement[bool]:
    """Addresses that are the same fold alike, so the index over folded addresses finds them."""
    email = bindparam("email", type_=Text())
    folds_alike = and_(_has_key(clients.c.email_folded, func.fold(email)), clients.c.email_folded != "")
    return and_(folds_alike, _address(clients.c.email) == _address(email))


@keep_statements
def duplicates_statement(selection: Selection, words: int, most: int) -> Select[Any]:
    """(JSON, score, same tax number, same e-mail, similar name) of the duplicates of `record`, the most certain first.

    Candidates are the records with the same tax number or e-mail, the neighbours of the name in the order of names, and
    the records whose texts contain its `words` longest words, unless these are frequent. OFFSET 0 makes PostgreSQL score
    each candidate once.
    """
    lookups = [*_equal(), *_neighbours(), *([_alike(words)] if words else [])]
    candidates = union(*(ids.limit(limit).subquery().select() for ids, limit in lookups)).subquery("candidates")
    signs = _signs()
    names = dict.fromkeys((*needed_columns(selection), "id"))
    wanted = cast(select(func.array_agg(candidates.c.id)).scalar_subquery(), ARRAY(Text))
    scored = select(*(clients.c[name] for name in names), *signs).where(
        _live, clients.c.id == func.any(wanted), bindparam("record", type_=Text()) != _ID
    )
    best = scored.offset(literal_column("0")).subquery("scored")
    chosen = select(best).where(best.c["a score"] > 0).order_by(best.c["a score"].desc(), best.c.id)
    duplicates = chosen.limit(literal_column(str(most))).subquery("c")
    json, row = render_row(selection, duplicates)
    shown = [duplicates.c[sign.name] for sign in signs]
    ordered = select(json, *shown).select_from(duplicates.join(row, true()))
    return ordered.order_by(duplicates.c["a score"].desc(), duplicates.c.id)


Lookup = tuple[Select[Any], int]
"""The ids that one lookup gives, and the number of them that count."""


def _equal() -> list[Lookup]:
    """The same e-mail address, and the same tax number, each by its index."""
    email = select(_ID).where(_live, _same_email())
    tax_number = select(_ID).where(_live, _has_key(func.tax_key(clients.c.tax_number), _tax_number))
    return [(email.order_by(_ID), MOST_EQUAL), (tax_number.order_by(_ID), MOST_EQUAL)]


def _has_key(text: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
    """True for an equal text, found by the index over its beginning."""
    return and_(index_key(text) == index_key(value), text == value)


def _neighbours() -> list[Lookup]:
    """The neighbours of the name in the order of names, which begin alike."""
    name = index_key(_name)
    behind = select(_ID).where(_live, name <= _NAME).order_by(_NAME, _ID)
    before = select(_ID).where(_live, name > _NAME).order_by(_NAME.desc(), _ID.desc())
    return [(behind, NEIGHBOURS), (before, NEIGHBOURS)]


def _alike(words: int) -> Lookup:
    """The most similar names among the records that contain the words.

    Words that many of the oldest or newest records contain are left out: they would make the trigram index slow.
    """
    hits = union(*(_hits(order, words) for order in (_ID.asc(), _ID.desc()))).subquery("hits")
    frequency = select(func.count()).select_from(hits).scalar_subquery()
    where = and_(_live, _contains(clients.c.search_text, words), frequency <= MOST_FREQUENT)
    return select(_ID).where(where).order_by(_similarity.desc(), _ID), MOST_ALIKE


def _hits(order: ColumnElement[Any], words: int) -> Select[Any]:
    """The records with the words at one end of the order, at most one more than allowed."""
    window = select(_ID, clients.c.search_text).where(_live).order_by(order).limit(literal_column(str(WINDOW)))
    end = window.subquery()
    hits = select(end.c.id).where(_contains(end.c.search_text, words))
    return hits.limit(literal_column(str(MOST_FREQUENT + 1))).subquery().select()


def _contains(text: ColumnElement[Any], words: int) -> ColumnElement[bool]:
    folded = [func.fold(bindparam(f"w{index}", type_=Text())) for index in range(words)]
    return and_(*(text.like(collate("%" + func.like_part(word, type_=Text()) + "%", CODE)) for word in folded))


def _signs() -> list[Any]:
    """The score and its parts. The labels have a space, so that no GraphQL alias equals them."""
    tax_number = func.coalesce(func.tax_key(clients.c.tax_number) == _tax_number, False)
    email = func.coalesce(_same_email(), False)
    similar = _similarity >= SIMILAR
    doubts = (
        case((tax_number, 1 - WEIGHTS["tax_number"]), else_=1.0)
        * case((email, 1 - WEIGHTS["email"]), else_=1.0)
        * case((similar, 1 - WEIGHTS["name"] * _similarity), else_=1.0)
    )
    score = cast(func.round(cast(1 - doubts, Numeric), 3), Float)
    return [
        score.label("a score"),
        tax_number.label("a tax number"),
        email.label("an email"),
        similar.label("a name"),
    ]
