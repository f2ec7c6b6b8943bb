"""The statements that read clients outside of pages. Each is built once per shape."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Label,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
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

from app.query.search_terms import TermShape
from app.query.sql.conditions import CODE, has_term, search_condition
from app.query.sql.index_keys import index_key
from app.query.sql.page_rows import Way, scope
from app.query.sql.render import Columns, Selection, needed_columns, render_object
from app.records.statements import of_organizations
from app.storage.kept import keep_statements
from app.storage.tables import account_organizations, accounts, client_changes, client_totals, clients, organizations

MOST_HITS, MOST_CANDIDATES = 100, 1000
PLACE: Label[Any] = literal_column("clients.ctid").label("place")
"""The place of a row in its table, by which the same statement finds it again at once."""


_verified = (
    select(func.coalesce(func.bool_or(and_(accounts.c.email_verified, accounts.c.purge_at.is_(None))), true()))
    .join(account_organizations, account_organizations.c.account_id == accounts.c.id)
    .where(account_organizations.c.organization_id == clients.c.organization_id)
    .scalar_subquery()
)
"""True for an organization with a verified account, and for one without accounts, which only the operator makes.

A deleted account verifies nothing until it is restored.
"""

ADDRESSEE = (
    select(
        clients.c.organization_id,
        clients.c.name,
        clients.c.email,
        organizations.c.name,
        organizations.c.email,
        organizations.c.locale,
        _verified,
    )
    .join(organizations, organizations.c.id == clients.c.organization_id)
    .where(clients.c.id == bindparam("record", type_=Text()), of_organizations(clients))
    .with_for_update(key_share=True, read=True, of=clients)
)
"""The recipient and the sender of a reminder to the live record `record` in `organizations`.

The row is locked against erasing until the message is in the outbox, where erasing finds it.
"""

TAXED = ("tax_number", "country_alpha2_code", "country")
"""The columns that a check of the tax number depends on."""

TAXPAYER = select(clients.c.version, *(clients.c[name] for name in TAXED)).where(
    clients.c.id == bindparam("record", type_=Text()), of_organizations(clients)
)
"""(version, tax number, country code, country) of the live record `record` in `organizations`."""

TOTAL = select(func.coalesce(func.sum(client_totals.c.n), 0).cast(BigInteger)).where(
    client_totals.c.organization_id == bindparam("organization", type_=Text())
)
"""The number of live clients of an organization: the sum of its slots, at the same cost for every size."""


GROWTH_AT_ONCE = 20_000
_new = (
    select(client_changes.c.id, client_changes.c.before, client_changes.c.after)
    .where(
        client_changes.c.organization_id == bindparam("organization", type_=Text()),
        client_changes.c.id > bindparam("after", type_=BigInteger()),
    )
    .order_by(client_changes.c.id)
    .limit(literal_column(str(GROWTH_AT_ONCE)))
    .subquery("new")
)
_images: list[Any] = [func.coalesce(func.pg_column_size(image), 0) for image in (_new.c.before, _new.c.after)]
GROWTH = select(
    TOTAL.scalar_subquery(),
    func.count(),
    func.coalesce(func.max(_new.c.id), bindparam("after", type_=BigInteger())),
    func.coalesce(func.sum(_images[0] + _images[1]), 0).cast(BigInteger),
).select_from(_new)
"""(live records, changes, last change, bytes of their images as stored) of the changes after a number, in their order."""

BIG_SHARE = 0.3
"""With this part of all clients, an organization is searched faster if the index skips its key."""


def has_big_share(live: ColumnElement[int]) -> ColumnElement[bool]:
    """True if this number of rows is a big share of all clients."""
    every: Select[Any] = select(literal_column("reltuples")).select_from(
        text("pg_class WHERE oid = 'clients'::regclass")
    )
    big: ColumnElement[bool] = live >= every.scalar_subquery() * BIG_SHARE
    return big


@keep_statements
def sample_statement(terms: tuple[TermShape, ...], deleted_too: bool, window: int) -> Select[Any]:
    """(is the organization a big share of all clients, rows in the window, rows with each term…, rows with all terms).

    The window holds the first rows of the organization by id. Searcher chooses the way of a search by these numbers.
    """
    live = TOTAL.scalar_subquery()
    found = [has_term(index, shape, clients.c).label(f"has_w{index}") for index, shape in enumerate(terms)]
    sample = select(clients.c.id, *found).where(scope(clients, deleted_too)).order_by(clients.c.id)
    first = sample.limit(literal_column(str(window))).subquery("sample")
    has = [first.c[each.name] for each in found]
    hits = [*has, and_(*has)] if has else []
    counts = [func.count(), *(func.count().filter(each) for each in hits)]
    counted: Any = select(has_big_share(live), *counts)
    return counted.select_from(first)  # type: ignore[no-any-return]


@keep_statements
def rank_statement(
    selection: Selection,
    terms: tuple[TermShape, ...],
    typed: bool,
    way: Way,
    window: int,
    skip_tenant_key: bool = False,
) -> Select[Any]:
    """(JSON, candidates) of the best matches: names equal to `term`, then names that begin with it, then similar names.

    Candidates is the number of hits that were compared beside those by name, at most 1,000. SCAN_WINDOW takes the first
    of its window by id; USE_INDEX takes any of all hits.
    """
    term = func.fold(bindparam("term", type_=Text()))
    name = clients.c.name_folded
    prefixed = and_(*(_begins(text, part) for text, part in ((index_key(name), index_key(term)), (name, term))))
    matched = and_(scope(clients, deleted_too=False), _ranked(tuple((begins, False) for begins, _ in terms), typed))
    named = select(clients.c.id, name, PLACE)
    equal = (
        named.where(matched, index_key(name) == index_key(term), name == term).order_by(clients.c.id).limit(MOST_HITS)
    )
    begun = named.where(matched, prefixed).order_by(index_key(name), clients.c.id).limit(MOST_HITS)
    contains = _candidates(terms, typed, way, window, skip_tenant_key).cte("candidates")
    hits = union(*(part.subquery().select() for part in (equal, begun)), contains.select()).subquery("hits")
    begins = _begins(hits.c.name_folded, term)
    rank = case((hits.c.name_folded == term, literal(0)), (begins, literal(1)), else_=literal(2))
    closeness = func.similarity(hits.c.name_folded, term)
    sort_keys = [rank.label("rank"), closeness.label("closeness"), hits.c.name_folded, hits.c.id, hits.c.place]
    best = select(*sort_keys).order_by("rank", desc("closeness"), "name_folded", "id").limit(MOST_HITS).subquery("best")
    return _show_ranked(selection, best, select(func.count()).select_from(contains).scalar_subquery())


def _begins(text: ColumnElement[str], part: ColumnElement[str]) -> ColumnElement[bool]:
    return text.like(collate(func.like_part(part, type_=Text()) + "%", CODE))


def _show_ranked(selection: Selection, best: Subquery, candidates: ColumnElement[int]) -> Select[Any]:
    """The rows of the best hits, rendered in their order."""
    names = (name for name in needed_columns(selection) if name not in best.c)
    columns = [*best.c, *(clients.c[name] for name in names)]
    same = and_(clients.c.organization_id == bindparam("organization", type_=Text()), PLACE.element == best.c.place)
    ordered = select(*columns).join_from(best, clients, same)
    rows = ordered.order_by(best.c.rank, best.c.closeness.desc(), best.c.name_folded, best.c.id).subquery("c")
    return select(render_object(selection, rows.c), candidates).select_from(rows)


def _candidates(terms: tuple[TermShape, ...], typed: bool, way: Way, window: int, skip_tenant_key: bool) -> Select[Any]:
    own = scope(clients, deleted_too=False, skip_tenant_key=skip_tenant_key)
    if way is Way.USE_INDEX:
        hits = select(clients.c.id, clients.c.name_folded, PLACE).where(own, _ranked(terms, typed))
        return hits.limit(MOST_CANDIDATES)
    columns = (clients.c.id, clients.c.name_folded, clients.c.type, clients.c.search_text, PLACE)
    seen = select(*columns).where(own).order_by(clients.c.id)
    first = seen.limit(literal_column(str(window))).subquery("seen")
    hits = select(first.c.id, first.c.name_folded, first.c.place).where(_ranked(terms, typed, first.c))
    return hits.order_by(first.c.id).limit(MOST_CANDIDATES)


def _ranked(terms: tuple[TermShape, ...], typed: bool, columns: Columns = clients.c) -> ColumnElement[bool]:
    """True for a row that has every term and, if `typed`, one of the parameter `types`."""
    matched = search_condition(terms, columns)
    return and_(matched, columns["type"] == func.any(bindparam("types", type_=ARRAY(Text)))) if typed else matched
