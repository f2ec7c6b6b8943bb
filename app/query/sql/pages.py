"""Pages: one statement that finds a page of rows by key, in any order, without losing a null, and renders them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)

from app.query.face import Face
from app.query.model import Order, Page, Predicate, Query, Scalar
from app.query.search_terms import Term, TermShape
from app.query.sql.bounds import Nulls, bound, branch_bound
from app.query.sql.conditions import Places, condition, parametrize, search_condition
from app.query.sql.orders import Keys, direct_keys, order_key, order_keys, splits
from app.query.sql.render import Columns, Selection, needed_columns, render_row

Ordering = Callable[[Any, Keys], list[ColumnElement[Any]]]


class Way(StrEnum):
    """How the rows of a page are found.

    PLAIN leaves it to the planner. WALK looks only at the first rows in the order, a window of them, and so finds
    frequent hits at once and misses rare ones. GATHER finds every hit, by the index over the search text where it can,
    and sorts them: rare ones at once, while frequent ones take their time.
    """

    PLAIN = "plain"
    WALK = "walk"
    GATHER = "gather"


@dataclass(frozen=True, slots=True)
class Search:
    """What a search adds to a page: its terms and its way; the window of a WALK; whether a GATHER is `wide`.

    A wide one looks terms up without regard to the organization, whose rows it picks afterwards: faster where they are
    a good part of the table, because the index then need not read through the list of all of them.
    """

    terms: tuple[Term, ...] = ()
    way: Way = Way.PLAIN
    window: int = 0
    wide: bool = False


NO_SEARCH = Search()


@dataclass(frozen=True, slots=True)
class Shape:
    """All that changes the text of a page's statement; values are apart from it.

    The limit is in the text: as a parameter it would make PostgreSQL plan the statement anew at each execution.
    """

    table: Table
    face: Face
    selection: Selection
    where: Predicate
    terms: tuple[TermShape, ...]
    orders: tuple[Order, ...]
    deleted_too: bool
    after: Nulls | None
    before: Nulls | None
    backward: bool
    limit: int
    skip: bool
    keys: bool
    way: Way
    window: int
    wide: bool


def page_statement(
    table: Table,
    face: Face,
    selection: Selection,
    query: Query,
    page: Page,
    *,
    keys: bool,
    search: Search = NO_SEARCH,
) -> tuple[Select[str, str], dict[str, Any]]:
    """The statement of a page and its parameters, but for those of `scope`. The words of the query are in `search`.

    Its rows are (JSON text, JSON list of order values); the second is null unless `keys`.
    """
    values: list[Scalar] = []
    shape = Shape(
        table,
        face,
        selection,
        parametrize(query.where, values),
        tuple(term.shape for term in search.terms),
        complete_orders(query.orders),
        query.deleted_too,
        _nulls(page.after),
        _nulls(page.before),
        page.backward,
        page.limit,
        page.skip > 0,
        keys,
        search.way,
        search.window,
        search.wide,
    )
    parameters = condition_parameters(values, search.terms)
    for name, position in (("a", page.after), ("b", page.before)):
        parameters |= {f"{name}{index}": value for index, value in enumerate(position or ()) if value is not None}
    if page.skip:
        parameters["skip"] = page.skip
    return build_page(shape), parameters


def condition_parameters(values: Sequence[Scalar], terms: Sequence[Term]) -> dict[str, Any]:
    """The parameters that the conditions and the terms of a statement name."""
    parameters: dict[str, Any] = {f"p{index}": value for index, value in enumerate(values)}
    return parameters | {f"w{index}": term.text for index, term in enumerate(terms)}


def complete_orders(orders: Sequence[Order]) -> tuple[Order, ...]:
    """The orders up to id, which makes them total; id goes the way of the last one."""
    kept: list[Order] = []
    for order in orders:
        if all(order.column != earlier.column for earlier in kept):
            kept.append(order)
        if order.column == "id":
            return tuple(kept)
    return (*kept, Order("id", kept[-1].descending if kept else False))


def _nulls(position: tuple[Scalar, ...] | None) -> Nulls | None:
    return None if position is None else tuple(value is None for value in position)


@lru_cache(maxsize=2048)
def build_page(shape: Shape) -> Select[str, str]:
    """The statement of a shape, built once."""
    names = needed_columns(shape.selection)
    found = (
        _branches(shape, names)
        if splits(shape.face, shape.orders) and shape.way is not Way.GATHER
        else _straight(shape, names)
    )
    text, row = render_row(shape.selection, found)
    keys = [found.c[f"k{index}"] for index in range(len(shape.orders))]
    values = cast(func.json_build_array(*keys), Text) if shape.keys else literal(None, Text)
    return select(text, values).select_from(found.join(row, true()))


def scope(table: Table, deleted_too: bool, *, wide: bool = False) -> ColumnElement[bool]:
    """The rows of the parameter `organization`, always; live ones, unless deleted ones are listed, too.

    Where the rows are organizations themselves, those of `organizations`. `wide` keeps the organization from being
    looked up in an index.
    """
    if "organization_id" not in table.c:
        return table.c.id == func.any(bindparam("organizations", type_=ARRAY(Text)))
    given = bindparam("organization", type_=Text())
    tenant: ColumnElement[str] = table.c.organization_id
    own = (func.textcat(tenant, literal_column("''"), type_=Text()) if wide else tenant) == given
    return own if deleted_too else and_(own, table.c.deleted_at.is_(None))


def meets(face: Face, where: Predicate, terms: Sequence[TermShape], columns: Columns) -> ColumnElement[bool]:
    """Whether a row meets the conditions and has every term in its search text."""
    met = condition(where, face, columns, Places())
    return and_(met, search_condition(terms, columns)) if terms else met


def _straight(shape: Shape, names: Sequence[str]) -> Any:
    """One ordered SELECT: the order has no nullable column, or there are several and the general bounds are used."""
    keys: Keys = [order_key(shape.face, shape.table.c, order.column) for order in shape.orders]
    bounds = [bound(shape, keys, side) for side in ("a", "b")]
    found, keys = _found(
        shape, names, keys, and_(scope(shape.table, shape.deleted_too, wide=shape.wide), *bounds), order_keys
    )
    return _limited(found.order_by(*order_keys(shape, keys)), shape).subquery("c")


def _found(
    shape: Shape, names: Sequence[str], keys: Keys, where: ColumnElement[bool], order: Ordering
) -> tuple[Select[Any], Keys]:
    """The rows that meet the question, found in the way of the shape and not yet in order, and their order keys."""
    if shape.way is Way.WALK:
        rows = _source(shape.table.c, keys).where(where).order_by(*order(shape, keys))
        seen = rows.limit(literal_column(str(shape.window))).subquery()
        met = meets(shape.face, shape.where, shape.terms, seen.c)
        named = [seen.c[f"k{index}"] for index in range(len(keys))]
        return select(*(seen.c[name] for name in names), *named).where(met), named
    source = _source([shape.table.c[name] for name in names], keys).where(where)
    source = source.where(meets(shape.face, shape.where, shape.terms, shape.table.c))
    if shape.way is Way.PLAIN:
        return source, keys
    hits = source.offset(literal_column("0")).subquery()
    return hits.select(), [hits.c[f"k{index}"] for index in range(len(keys))]


def _branches(shape: Shape, names: Sequence[str]) -> Any:
    """The rows with a value and those without, each walked along the index by itself, one after the other."""
    keys = [order_key(shape.face, shape.table.c, order.column) for order in shape.orders]
    selects: list[Any] = []
    for place in (1, 0) if shape.backward else (0, 1):
        where = _branch_scope(shape, keys, present=place == 0)
        if selects and shape.way is Way.WALK:
            where = and_(where, _ends_within(shape, keys, _branch_scope(shape, keys, present=place == 1)))
        found, own = _found(shape, names, keys, where, direct_keys)
        ordered = found.add_columns(literal(place, Integer).label("place")).order_by(*direct_keys(shape, own))
        selects.append(ordered.limit(_rows_needed(shape)).subquery(f"part{place}").select())
    both = union_all(*selects).subquery("u")
    part = both.c.place.desc() if shape.backward else both.c.place.asc()
    return _limited(both.select().order_by(part, *direct_keys(shape, [both.c.k0, both.c.k1])), shape).subquery("c")


def _branch_scope(shape: Shape, keys: Keys, *, present: bool) -> ColumnElement[bool]:
    """The rows of one branch between the bounds: those with a value in the column, or those without."""
    own = keys[0].is_not(None) if present else keys[0].is_(None)
    bounds = [branch_bound(shape, keys[0], keys[1], side, present) for side in ("a", "b")]
    return and_(scope(shape.table, shape.deleted_too), own, *bounds)


def _ends_within(shape: Shape, keys: Keys, branch: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a window shows a branch to its end: what comes after the branch is looked at only then."""
    rows: Select[Any] = select(literal_column("1")).select_from(shape.table).where(branch)
    seen = rows.order_by(*direct_keys(shape, keys)).limit(literal_column(str(shape.window)))
    counted = select(func.count()).select_from(seen.subquery()).scalar_subquery()
    return counted < literal_column(str(shape.window))


def _rows_needed(shape: Shape) -> ColumnElement[int]:
    limit: ColumnElement[int] = literal_column(str(shape.limit))
    return limit + bindparam("skip", type_=Integer()) if shape.skip else limit


def _limited(statement: Select[Any], shape: Shape) -> Select[Any]:
    limited = statement.limit(literal_column(str(shape.limit)))
    return limited.offset(bindparam("skip", type_=Integer())) if shape.skip else limited


def _source(columns: Iterable[ColumnElement[Any]], keys: Keys) -> Select[Any]:
    return select(*columns, *(key.label(f"k{index}") for index, key in enumerate(keys)))
