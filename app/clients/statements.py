"""The statements that read clients outside of pages, built once per shape."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    cast,
    collate,
    desc,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
    union,
)

from app.query.face import Face
from app.query.model import Predicate
from app.query.search_terms import TermShape
from app.query.sql.conditions import CODE, has_term, search_condition
from app.query.sql.pages import Way, meets, scope
from app.query.sql.render import Columns, Selection, needed_columns, render_row
from app.storage.tables import client_totals, clients, organizations

MOST_HITS, MOST_CANDIDATES = 100, 1000


def of_organizations(*, deleted: bool | None = False) -> ColumnElement[bool]:
    """The records of the parameter `organizations`: live ones, deleted ones, or with None both.

    The list stands in a subquery, so that its length changes no plan: PostgreSQL would plan anew at each execution
    (some 90 µs) for lists that are shorter than it takes for granted.
    """
    listed = select(bindparam("organizations", type_=ARRAY(Text))).scalar_subquery()
    scope = clients.c.organization_id == func.any(cast(listed, ARRAY(Text)))
    if deleted is None:
        return scope
    return and_(scope, clients.c.deleted_at.is_not(None) if deleted else clients.c.deleted_at.is_(None))


@lru_cache(maxsize=1024)
def get_statement(selection: Selection) -> Select[Any]:
    """(JSON, version, organization) of the live record `record` in `organizations`."""
    names = dict.fromkeys((*needed_columns(selection), "version", "organization_id"))
    where = and_(clients.c.id == bindparam("record", type_=Text()), of_organizations())
    found = select(*(clients.c[name] for name in names)).where(where).subquery("c")
    json, row = render_row(selection, found)
    return select(json, found.c.version, found.c.organization_id).select_from(found.join(row, true()))


@lru_cache(maxsize=1024)
def get_many_statement(selection: Selection, deleted_too: bool = True) -> Select[Any]:
    """(id, JSON) of the records `ids` in `organizations`."""
    names = dict.fromkeys((*needed_columns(selection), "id"))
    scope = of_organizations(deleted=None if deleted_too else False)
    where = and_(clients.c.id == func.any(bindparam("ids", type_=ARRAY(Text))), scope)
    found = select(*(clients.c[name] for name in names)).where(where).subquery("c")
    json, row = render_row(selection, found)
    return select(found.c.id, json).select_from(found.join(row, true()))


@lru_cache(maxsize=1024)
def count_statement(
    face: Face, where: Predicate, terms: tuple[TermShape, ...], deleted_too: bool, wide: bool = False
) -> Select[Any]:
    """How many records of `organization` meet the conditions and have every term."""
    counted = select(func.count()).select_from(clients)
    return counted.where(scope(clients, deleted_too, wide=wide), meets(face, where, terms, clients.c))


ADDRESSEE = (
    select(
        clients.c.organization_id,
        clients.c.name,
        clients.c.email,
        organizations.c.name,
        organizations.c.email,
        organizations.c.locale,
    )
    .join(organizations, organizations.c.id == clients.c.organization_id)
    .where(clients.c.id == bindparam("record", type_=Text()), of_organizations())
    .with_for_update(key_share=True, read=True, of=clients)
)
"""Whom a reminder to the live record `record` in `organizations` goes to, and from whom.

Locked against erasing until the message is in the outbox, where erasing finds it.
"""

TAXED = ("tax_number", "country_alpha2_code", "country")
"""What a check of the tax number is about."""

TAXPAYER = select(clients.c.version, *(clients.c[name] for name in TAXED)).where(
    clients.c.id == bindparam("record", type_=Text()), of_organizations()
)
"""(version, tax number, country code, country) of the live record `record` in `organizations`."""

TOTAL = select(func.coalesce(func.sum(client_totals.c.n), 0).cast(BigInteger)).where(
    client_totals.c.organization_id == bindparam("organization", type_=Text())
)
"""How many live clients an organization has: the sum of its slots, whatever its size."""


BIG_SHARE = 0.3
"""An organization with this part of all clients is found faster without its key in the index over the search text."""


@lru_cache(maxsize=256)
def survey_statement(terms: tuple[TermShape, ...], deleted_too: bool, window: int) -> Select[Any]:
    """What is to be known to choose the way of a search: (whether the organization is a big share of all, how many rows
    the window of its first ones has, how many of these have each term, how many have all of them).
    """
    live = TOTAL.scalar_subquery()
    every: Select[Any] = select(literal_column("reltuples")).select_from(
        text("pg_class WHERE oid = 'clients'::regclass")
    )
    seen = select(clients.c.id, clients.c.search_text).where(scope(clients, deleted_too)).order_by(clients.c.id)
    first = seen.limit(literal_column(str(window))).subquery("seen")
    text_of = {"search_text": first.c.search_text}
    each = [func.count().filter(has_term(index, mark, text_of)) for index, mark in enumerate(terms)]
    counts = [func.count(), *each, func.count().filter(search_condition(terms, text_of))] if terms else [func.count()]
    found: Any = select(live >= every.scalar_subquery() * BIG_SHARE, *counts)
    return found.select_from(first)  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def rank_statement(
    selection: Selection, terms: tuple[TermShape, ...], typed: bool, way: Way, window: int, wide: bool = False
) -> Select[Any]:
    """(JSON, candidates) of the best matches of a search: names equal to `term`, then names that begin with it, then by
    similarity.

    Candidates are the hits that were compared beside those by name: at most 1,000, the first by id of a WALK's window,
    or in no certain order of all (GATHER).
    """
    term = func.fold(bindparam("term", type_=Text()))
    name = clients.c.name_folded
    prefixed = name.like(collate(func.like_part(term, type_=Text()) + "%", CODE))
    found = and_(scope(clients, deleted_too=False), _ranked(tuple((begins, False) for begins, _ in terms), typed))
    named = select(clients.c.id, name)
    equal = named.where(found, name == term).order_by(clients.c.id).limit(MOST_HITS)
    begun = named.where(found, prefixed).order_by(name, clients.c.id).limit(MOST_HITS)
    contains = _candidates(terms, typed, way, window, wide).cte("candidates")
    hits = union(*(part.subquery().select() for part in (equal, begun)), contains.select()).subquery("hits")
    begins = hits.c.name_folded.like(collate(func.like_part(term, type_=Text()) + "%", CODE))
    rank = case((hits.c.name_folded == term, literal(0)), (begins, literal(1)), else_=literal(2))
    closeness = func.similarity(hits.c.name_folded, term)
    places = [rank.label("place"), closeness.label("closeness"), hits.c.name_folded, hits.c.id]
    best = select(*places).order_by("place", desc("closeness"), "name_folded", "id").limit(MOST_HITS).subquery("best")
    return _show_ranked(selection, best, select(func.count()).select_from(contains).scalar_subquery())


def _show_ranked(selection: Selection, best: Subquery, candidates: ColumnElement[int]) -> Select[Any]:
    """The rows of the best hits, rendered in their order."""
    names = (name for name in needed_columns(selection) if name not in best.c)
    columns = [*best.c, *(clients.c[name] for name in names)]
    same = and_(clients.c.organization_id == bindparam("organization", type_=Text()), clients.c.id == best.c.id)
    ordered = select(*columns).join_from(best, clients, same)
    rows = ordered.order_by(best.c.place, best.c.closeness.desc(), best.c.name_folded, best.c.id).subquery("c")
    json, row = render_row(selection, rows)
    shown: Any = select(json, candidates)
    return shown.select_from(rows.join(row, true()))  # type: ignore[no-any-return]


def _candidates(terms: tuple[TermShape, ...], typed: bool, way: Way, window: int, wide: bool) -> Select[Any]:
    own = scope(clients, deleted_too=False, wide=wide)
    if way is Way.GATHER:
        hits = select(clients.c.id, clients.c.name_folded).where(own, _ranked(terms, typed))
        return hits.limit(MOST_CANDIDATES)
    columns = (clients.c.id, clients.c.name_folded, clients.c.type, clients.c.search_text)
    seen = select(*columns).where(own).order_by(clients.c.id)
    first = seen.limit(literal_column(str(window))).subquery("seen")
    hits = select(first.c.id, first.c.name_folded).where(_ranked(terms, typed, first.c))
    return hits.order_by(first.c.id).limit(MOST_CANDIDATES)


def _ranked(terms: tuple[TermShape, ...], typed: bool, columns: Columns = clients.c) -> ColumnElement[bool]:
    """Whether a row has every term, and one of the parameter `types` where they are given."""
    found = search_condition(terms, columns)
    return and_(found, columns["type"] == func.any(bindparam("types", type_=ARRAY(Text)))) if typed else found
