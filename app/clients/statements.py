"""The statements that read clients outside of pages, built once per shape."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    collate,
    func,
    literal,
    select,
    true,
    union,
)

from app.query.face import Face
from app.query.model import Predicate
from app.query.sql.conditions import CODE, search_condition
from app.query.sql.pages import where_clause
from app.query.sql.render import Selection, needed_columns, render_row
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
def count_statement(face: Face, where: Predicate, short_words: tuple[bool, ...], deleted_too: bool) -> Select[Any]:
    """How many records of `organization` meet the conditions."""
    return select(func.count()).select_from(clients).where(where_clause(clients, face, where, short_words, deleted_too))


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

TOTAL = select(func.coalesce(func.sum(client_totals.c.n), 0).cast(BigInteger)).where(
    client_totals.c.organization_id == bindparam("organization", type_=Text())
)
"""How many live clients an organization has: the sum of its slots, whatever its size."""


@lru_cache(maxsize=256)
def rank_statement(selection: Selection, short_words: tuple[bool, ...], typed: bool) -> Select[Any]:
    """(JSON) of the best matches of a search: names equal to `term`, then names that begin with it, then by similarity.

    Beyond 1,000 hits the similar ones are the best of the first 1,000 by id.
    """
    term = func.fold(bindparam("term", type_=Text()))
    name = clients.c.name_folded
    scope = [clients.c.organization_id == bindparam("organization", type_=Text()), clients.c.deleted_at.is_(None)]
    scope.append(search_condition(short_words, clients.c))
    if typed:
        scope.append(clients.c.type == func.any(bindparam("types", type_=ARRAY(Text))))
    begins = name.like(collate(func.like_part(term, type_=Text()) + "%", CODE))
    equal = select(clients.c.id).where(name == term, *scope).order_by(clients.c.id).limit(MOST_HITS)
    prefixed = select(clients.c.id).where(begins, *scope).order_by(name, clients.c.id).limit(MOST_HITS)
    contains = select(clients.c.id).where(*scope).order_by(clients.c.id).limit(MOST_CANDIDATES)
    ids = union(*(part.subquery().select() for part in (equal, prefixed, contains))).subquery("ids")
    rank = case((name == term, literal(0)), (begins, literal(1)), else_=literal(2))
    names = dict.fromkeys((*needed_columns(selection), "id", "name_folded"))
    best = select(*(clients.c[column] for column in names), rank.label("place")).join(ids, ids.c.id == clients.c.id)
    ordered = best.where(clients.c.organization_id == bindparam("organization", type_=Text())).order_by(
        rank, func.similarity(name, term).desc(), name, clients.c.id
    )
    found = ordered.limit(MOST_HITS).subquery("c")
    json, row = render_row(selection, found)
    return select(json).select_from(found.join(row, true()))
