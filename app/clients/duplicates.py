"""Duplicates: other records of an organization that may be the same client, found by lookups of bounded length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Float,
    Numeric,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    collate,
    column,
    func,
    literal_column,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import array

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.query.face import Codec, Face, Field, Kind, Link
from app.query.sql.conditions import CODE, WORDS
from app.query.sql.index_keys import index_key
from app.query.sql.render import Columns, Selection, needed_columns, render_list, render_object
from app.storage.tables import clients

MOST_DUPLICATES = 20
MOST_EQUAL, NEIGHBOURS, MOST_ALIKE = 100, 200, 100
WINDOW, MOST_FREQUENT = 2500, 10
SIMILAR = 0.5
WEIGHTS = {"tax_number": 0.95, "email": 0.8, "name": 0.7}
"""The certainty of each sign by itself; that of a name is multiplied by its similarity. Together: 1 - (1 - a)(1 - b)(1 - c)."""


SCORE, REASONS = "a score", "some reasons"
"""The columns of a duplicate beside those of its row. They have a space, so that they differ from all columns."""
SIGNS = ("SAME_TAX_NUMBER", "SAME_EMAIL", "SIMILAR_NAME")
"""The signs that two records are the same, as words of GraphQL's enum."""


def _make_face(record: Face) -> Face:
    """The field table of a duplicate: a record under a face, with its score and its reasons."""
    name, row = record.type_name.lower(), Codec(document=record, link=Link.SAME_ROW)
    fields = (
        Field(name, "", codec=row, writable=False, filterable=False, sortable=False, nullable=False),
        Field("score", SCORE, Kind.NUMBER, writable=False, nullable=False),
        Field("reasons", REASONS, writable=False, nullable=False, is_list=True),
    )
    type_name = f"{record.type_name}Duplicate"
    return Face(f"duplicates of {record.name}", type_name, {field.name: field for field in fields}, folds=True)


DUPLICATE_FACES: Mapping[str, Face] = {face.name: _make_face(face) for face in (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)}
"""The field tables of duplicates by the name of their record's face."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The record whose duplicates are requested, as SQL. PostgreSQL computes each of its values once."""

    organization_id: ColumnElement[str]
    id: ColumnElement[str]
    name: ColumnElement[str]
    email: ColumnElement[str]
    address: ColumnElement[str]
    tax_number: ColumnElement[str]
    words: Sequence[ColumnElement[str]]

    @classmethod
    def of(cls, owner: Columns) -> Self:
        return cls(
            organization_id=owner["organization_id"],
            id=owner["id"],
            name=_compute(collate(func.fold(owner["name"], type_=Text()), CODE)),
            email=_compute(collate(func.fold(owner["email"], type_=Text()), CODE)),
            address=_compute(address_key(owner["email"])),
            tax_number=_compute(func.tax_key(owner["tax_number"], type_=Text())),
            words=telling_words(func.fold(owner["name"], type_=Text())),
        )


def _compute(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value as a subquery, which does not depend on the rows that it is compared with."""
    return select(value).correlate_except().scalar_subquery()


def telling_words(folded: ColumnElement[str]) -> Sequence[ColumnElement[str]]:
    """The two longest words of a folded name, of at least three letters or digits; null if there are none.

    Variants of the name most likely keep them.
    """
    split = func.regexp_split_to_table(collate(folded, WORDS), literal_column("'[^[:alnum:]]+'"))
    words = split.table_valued(column("word", Text()), with_ordinality="place").render_derived(name="words")
    length = func.length(words.c.word)
    longest = select(words.c.word).where(length >= literal_column("3")).group_by(words.c.word)
    ordered = (
        longest.order_by(length.desc(), func.min(words.c.place)).limit(literal_column("1")).correlate_except(words)
    )
    return [ordered.offset(literal_column(str(number))).scalar_subquery() for number in range(2)]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """At most `most` live records of a record's organization that may be the same, the most certain first.

    Candidates are the records with the same tax number or e-mail, the neighbours of the name in the order of names, and
    the records whose texts contain its longest words, unless these are frequent. OFFSET 0 makes PostgreSQL score each
    candidate once.
    """

    most: int
    columns: Sequence[str] = ("organization_id", "id", "name", "email", "tax_number")

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        chosen = self._choose(Subject.of(owner), members)
        listed = render_list(render_object(members, chosen.c), chosen.c[SCORE].desc(), chosen.c.id)
        return select(listed).select_from(chosen).correlate_except(chosen).scalar_subquery()

    def _choose(self, subject: Subject, members: Selection) -> Subquery:
        candidates = union(
            *(ids.limit(limit).subquery().select() for ids, limit in _find_candidates(subject))
        ).subquery()
        wanted = cast(select(func.array_agg(candidates.c.id)).scalar_subquery(), ARRAY(Text))
        names = [name for name in dict.fromkeys((*needed_columns(members), "id")) if name in clients.c]
        scored = select(*(clients.c[name] for name in names), *_rate(subject)).where(
            _live(subject), clients.c.id == func.any(wanted), subject.id != _ID
        )
        best = scored.correlate_except(clients).offset(literal_column("0")).subquery()
        chosen = select(best).where(best.c[SCORE] > 0).order_by(best.c[SCORE].desc(), best.c.id)
        return chosen.limit(literal_column(str(self.most))).subquery()


_ID, _NAME = clients.c.id, index_key(clients.c.name_folded)


def _live(subject: Subject) -> ColumnElement[bool]:
    return and_(clients.c.organization_id == subject.organization_id, clients.c.deleted_at.is_(None))


def _similarity(subject: Subject) -> ColumnElement[float]:
    return cast(func.similarity(clients.c.name_folded, subject.name), Float)


def address_key(email: ColumnElement[str]) -> ColumnElement[str]:
    """An e-mail address as it is compared: two addresses are the same if they differ in nothing but case."""
    composed: ColumnElement[str] = func.normalize(email, literal_column("NFC"), type_=Text())
    return func.lower(collate(composed, WORDS), type_=Text())


def _same_email(subject: Subject) -> ColumnElement[bool]:
    """Addresses that are the same fold alike, so the index over folded addresses finds them."""
    folds_alike = and_(_has_key(clients.c.email_folded, subject.email), clients.c.email_folded != "")
    return and_(folds_alike, address_key(clients.c.email) == subject.address)


Lookup = tuple[Select[Any], int]
"""The ids that one lookup gives, and the number of them that count."""


def _find_candidates(subject: Subject) -> list[Lookup]:
    return [*_equal(subject), *_neighbours(subject), _alike(subject)]


def _select_ids(subject: Subject, *where: ColumnElement[bool]) -> Select[Any]:
    return select(_ID).where(_live(subject), *where).correlate_except(clients)


def _equal(subject: Subject) -> list[Lookup]:
    """The same e-mail address, and the same tax number, each by its index."""
    email = _select_ids(subject, _same_email(subject))
    tax_number = _select_ids(subject, _has_key(func.tax_key(clients.c.tax_number), subject.tax_number))
    return [(email.order_by(_ID), MOST_EQUAL), (tax_number.order_by(_ID), MOST_EQUAL)]


def _has_key(text: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
    """True for an equal text, found by the index over its beginning."""
    return and_(index_key(text) == index_key(value), text == value)


def _neighbours(subject: Subject) -> list[Lookup]:
    """The neighbours of the name in the order of names, which begin alike."""
    name = index_key(subject.name)
    behind = _select_ids(subject, name <= _NAME).order_by(_NAME, _ID)
    before = _select_ids(subject, name > _NAME).order_by(_NAME.desc(), _ID.desc())
    return [(behind, NEIGHBOURS), (before, NEIGHBOURS)]


def _alike(subject: Subject) -> Lookup:
    """The most similar names among the records that contain the words.

    Words that many of the oldest or newest records contain are left out: they would make the trigram index slow.
    """
    hits = union(*(_hits(order, subject) for order in (_ID.asc(), _ID.desc()))).subquery("hits")
    frequency = select(func.count()).select_from(hits).scalar_subquery()
    alike = _select_ids(subject, _contains(clients.c.search_text, subject), frequency <= MOST_FREQUENT)
    return alike.order_by(_similarity(subject).desc(), _ID), MOST_ALIKE


def _hits(order: ColumnElement[Any], subject: Subject) -> Select[Any]:
    """The records with the words at one end of the order, at most one more than allowed."""
    window = select(_ID, clients.c.search_text).where(_live(subject)).correlate_except(clients).order_by(order)
    end = window.limit(literal_column(str(WINDOW))).subquery()
    hits = select(end.c.id).where(_contains(end.c.search_text, subject)).correlate_except(end)
    return hits.limit(literal_column(str(MOST_FREQUENT + 1))).subquery().select()


def _contains(text: ColumnElement[Any], subject: Subject) -> ColumnElement[bool]:
    """True for a text with both words. A name without words is in no text, and a missing second word in every text."""
    first, second = [func.concat("%", func.like_part(word), "%", type_=Text()) for word in subject.words]
    has_second = case((subject.words[1].is_(None), literal_column("'%'")), else_=second)
    has_first = case((subject.words[0].is_not(None), first))
    return and_(text.like(collate(has_first, CODE)), text.like(collate(has_second, CODE)))


def _rate(subject: Subject) -> list[Any]:
    """The score, and the reasons as a JSON list of words."""
    tax_number = func.coalesce(func.tax_key(clients.c.tax_number) == subject.tax_number, False)
    email = func.coalesce(_same_email(subject), False)
    similarity = _similarity(subject)
    similar = similarity >= SIMILAR
    doubts = (
        case((tax_number, 1 - WEIGHTS["tax_number"]), else_=1.0)
        * case((email, 1 - WEIGHTS["email"]), else_=1.0)
        * case((similar, 1 - WEIGHTS["name"] * similarity), else_=1.0)
    )
    score = cast(func.round(cast(1 - doubts, Numeric), 3), Float)
    signs = zip(SIGNS, (tax_number, email, similar), strict=True)
    words = [case((holds, literal_column(f"'{sign}'", Text()))) for sign, holds in signs]
    reasons = func.array_to_json(func.array_remove(array(words), literal_column("NULL")))
    return [score.label(SCORE), reasons.label(REASONS)]
