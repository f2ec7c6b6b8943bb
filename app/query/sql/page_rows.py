"""Page rows: the SELECT that finds the rows of a page by their order values, in any order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
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
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from app.query.face import Face
from app.query.model import EVERYTHING, Predicate
from app.query.search_terms import TermShape
from app.query.sql.conditions import ParameterNames, condition, search_condition
from app.query.sql.orders import Keys, PageOrder, bound, branch_bound, direct_keys, is_split, order_key, order_keys
from app.query.sql.render import Columns, Selection

Ordering = Callable[[PageOrder, Keys], list[ColumnElement[Any]]]


class Way(StrEnum):
    """The method by which PostgreSQL finds the rows of a page.

    - PLAIN: the planner chooses.
    - SCAN_WINDOW: only the first rows in the order, a window of them, are looked at. That finds frequent hits at once
      and misses rare ones.
    - USE_INDEX: every hit is found, by the index over the search text where possible, and then sorted. That finds rare
      hits at once, and takes its time for frequent ones.
    """

    PLAIN = "plain"
    SCAN_WINDOW = "scan window"
    USE_INDEX = "use index"


OWNER: ColumnElement[Any] = bindparam("organization", type_=Text())


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The place of a page in its statement.

    - `organization`: the organization of its rows, in SQL.
    - `prefix`: the beginning of the names of the values in its conditions.
    - `name`: the name of the page as a table.
    """

    organization: ColumnElement[Any] = OWNER
    prefix: str = ""
    name: str = "c"


ROOT = Place()


@dataclass(frozen=True, slots=True)
class Shape:
    """All that changes the text of a page's statement. Values are parameters.

    The limit is in the text: as a parameter it would make PostgreSQL plan the statement anew at each execution.
    """

    table: Table
    selection: Selection
    order: PageOrder
    where: Predicate
    terms: tuple[TermShape, ...]
    deleted_too: bool
    limit: int
    skip: bool
    cursors: bool
    way: Way
    window: int
    skip_tenant_key: bool


def find_page(shape: Shape, names: Sequence[str], place: Place = ROOT) -> Any:
    branched = is_split(shape.order.face, shape.order.orders) and shape.way is not Way.USE_INDEX
    return _read_branches(shape, names, place) if branched else _read_rows(shape, names, place)


def name_keys(order: PageOrder, columns: Columns) -> list[ColumnElement[Any]]:
    """The order values among the columns of what `find_page` gives."""
    return [columns[f"k{index}"] for index in range(len(order.orders))]


def list_sort_keys(order: PageOrder, rows: Any) -> list[ColumnElement[Any]]:
    """The order of what `find_page` gives, over its columns."""
    keys = name_keys(order, rows.c)
    if "branch" not in rows.c:
        return order_keys(order, keys)
    return [rows.c.branch.desc() if order.backward else rows.c.branch.asc(), *direct_keys(order, keys)]


def scope(
    table: Table, deleted_too: bool, *, skip_tenant_key: bool = False, organization: ColumnElement[Any] = OWNER
) -> ColumnElement[bool]:
    """The rows of one organization, by default the parameter, always: the live ones, or with `deleted_too` all.

    Where the rows are organizations themselves: those of the parameter `organizations`. `skip_tenant_key` keeps indexes
    from looking up the organization, by a comparison that no index has and that costs less than a look at a text.
    """
    if "organization_id" not in table.c:
        return table.c.id == func.any(bindparam("organizations", type_=ARRAY(Text)))
    tenant: ColumnElement[str] = table.c.organization_id
    own = tenant.is_not_distinct_from(organization) if skip_tenant_key else tenant == organization
    return own if deleted_too or "deleted_at" not in table.c else and_(own, table.c.deleted_at.is_(None))


def meets(
    face: Face, where: Predicate, terms: Sequence[TermShape], columns: Columns, prefix: str = ""
) -> ColumnElement[bool]:
    """True for a row that meets the conditions and has every term in its search text."""
    met = condition(where, face, columns, ParameterNames(prefix))
    return and_(met, search_condition(terms, columns, prefix)) if terms else met


def _read_rows(shape: Shape, names: Sequence[str], place: Place) -> Any:
    """One ordered SELECT, for an order without a nullable column or with several of them."""
    keys = _order_keys(shape, place)
    bounds = [bound(shape.order, keys, side) for side in ("a", "b")]
    owned = scope(
        shape.table, shape.deleted_too, skip_tenant_key=shape.skip_tenant_key, organization=place.organization
    )
    rows, keys = _find_rows(shape, names, keys, and_(owned, *bounds), order_keys, place)
    return _limited(rows.order_by(*order_keys(shape.order, keys)), shape).subquery(place.name)


def _order_keys(shape: Shape, place: Place) -> Keys:
    return [order_key(shape.order.face, shape.table.c, order, place.prefix) for order in shape.order.orders]


def _find_rows(
    shape: Shape, names: Sequence[str], keys: Keys, where: ColumnElement[bool], order: Ordering, place: Place
) -> tuple[Select[Any], Keys]:
    """The rows that meet the conditions, found in the way of the shape but not yet sorted, and their order keys."""
    if shape.way is Way.SCAN_WINDOW:
        shown = (*names, "search_text") if shape.where == EVERYTHING else shape.table.c.keys()
        columns = [shape.table.c[name] for name in dict.fromkeys(shown)]
        rows = _source(shape.table, columns, keys).where(where).order_by(*order(shape.order, keys))
        seen = rows.limit(literal_column(str(shape.window))).subquery()
        met = meets(shape.order.face, shape.where, shape.terms, seen.c, place.prefix)
        named = [seen.c[f"k{index}"] for index in range(len(keys))]
        return select(*(seen.c[name] for name in names), *named).where(met), named
    source = _source(shape.table, [shape.table.c[name] for name in names], keys).where(where)
    source = source.where(meets(shape.order.face, shape.where, shape.terms, shape.table.c, place.prefix))
    if shape.way is Way.PLAIN:
        return source, keys
    hits = source.offset(literal_column("0")).subquery()
    return hits.select(), [hits.c[f"k{index}"] for index in range(len(keys))]


def _read_branches(shape: Shape, names: Sequence[str], place: Place) -> Any:
    """The rows with a value and those without one: each branch is read along the index, one after the other."""
    keys = _order_keys(shape, place)
    selects: list[Any] = []
    for branch in (1, 0) if shape.order.backward else (0, 1):
        where = _branch_scope(shape, keys, place, present=branch == 0)
        if selects and shape.way is Way.SCAN_WINDOW:
            where = and_(where, _ends_within(shape, keys, _branch_scope(shape, keys, place, present=branch == 1)))
        rows, own = _find_rows(shape, names, keys, where, direct_keys, place)
        sorted_ = rows.add_columns(literal(branch, Integer).label("branch")).order_by(*direct_keys(shape.order, own))
        selects.append(sorted_.limit(_rows_needed(shape)).subquery(f"part{branch}").select())
    both = union_all(*selects).subquery("u")
    ordered = both.select().order_by(*list_sort_keys(shape.order, both))
    return _limited(ordered, shape).subquery(place.name)


def _branch_scope(shape: Shape, keys: Keys, place: Place, *, present: bool) -> ColumnElement[bool]:
    """The rows of one branch between the bounds: those with a value in the column, or those without."""
    own = keys[0].is_not(None) if present else keys[0].is_(None)
    bounds = [branch_bound(shape.order, keys[0], keys[1], side, present) for side in ("a", "b")]
    return and_(scope(shape.table, shape.deleted_too, organization=place.organization), own, *bounds)


def _ends_within(shape: Shape, keys: Keys, branch: ColumnElement[bool]) -> ColumnElement[bool]:
    """True if a window holds a branch to its end. The branch after it is read only then."""
    rows: Select[Any] = select(literal_column("1")).select_from(shape.table).where(branch)
    seen = (
        rows.correlate_except(shape.table)
        .order_by(*direct_keys(shape.order, keys))
        .limit(literal_column(str(shape.window)))
    )
    counted = select(func.count()).select_from(seen.subquery()).scalar_subquery()
    return counted < literal_column(str(shape.window))


def _rows_needed(shape: Shape) -> ColumnElement[int]:
    limit: ColumnElement[int] = literal_column(str(shape.limit))
    return limit + bindparam("skip", type_=Integer()) if shape.skip else limit


def _limited(statement: Select[Any], shape: Shape) -> Select[Any]:
    limited = statement.limit(literal_column(str(shape.limit)))
    return limited.offset(bindparam("skip", type_=Integer())) if shape.skip else limited


def _source(table: Table, columns: Iterable[ColumnElement[Any]], keys: Keys) -> Select[Any]:
    """The columns and keys of a table. Conditions may name columns of the statements around it."""
    named = select(*columns, *(key.label(f"k{index}") for index, key in enumerate(keys)))
    return named.correlate_except(table)
