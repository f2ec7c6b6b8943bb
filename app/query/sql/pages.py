"""Pages: one statement that finds a page of rows by their order values, in any order, and renders them."""

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
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)

from app.query.face import Face
from app.query.model import Page, Predicate, Scalar
from app.query.request import ListRequest
from app.query.search_terms import Term, TermShape
from app.query.sql.conditions import ParameterNames, condition, search_condition
from app.query.sql.connections import CURSOR, write_cursor
from app.query.sql.orders import (
    Keys,
    Nulls,
    PageOrder,
    bound,
    branch_bound,
    direct_keys,
    is_split,
    order_key,
    order_keys,
)
from app.query.sql.render import BoundSelection, Columns, Selection, needed_columns, render_row
from app.storage.kept import keep_statements

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


@dataclass(frozen=True, slots=True)
class Search:
    """The search terms of a statement, and the way to find their hits. `window` is the number of rows of SCAN_WINDOW.

    `skip_tenant_key` makes USE_INDEX look terms up in all organizations and pick the rows of one afterwards. That is
    faster for an organization with a good part of the table, because the index need not read the list of all its rows.
    """

    terms: tuple[Term, ...] = ()
    way: Way = Way.PLAIN
    window: int = 0
    skip_tenant_key: bool = False

    @property
    def shapes(self) -> tuple[TermShape, ...]:
        return tuple(term.shape for term in self.terms)


NO_SEARCH = Search()
OWNER: ColumnElement[Any] = bindparam("organization", type_=Text())
LIST: ColumnElement[Any] = bindparam("list", type_=Text())
"""The fingerprint of a list, which its cursors begin with."""


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


def page_statement(
    table: Table, request: ListRequest, search: Search = NO_SEARCH
) -> tuple[Select[str, str], dict[str, Any]]:
    """The statement of a page and its parameters, without those of `scope`. Only the terms in `search` are searched.

    Its rows are (JSON text, JSON list of order values). The second is null unless the request wants cursors.
    """
    return build_page(make_shape(table, request, search)), make_parameters(request, search)


def make_shape(table: Table, request: ListRequest, search: Search, prefix: str = "") -> Shape:
    page = request.page
    bounds = _nulls(page.after), _nulls(page.before)
    return Shape(
        table,
        request.selection,
        PageOrder(request.face, request.orders, *bounds, page.backward, prefix),
        request.where,
        search.shapes,
        request.deleted_too,
        page.limit,
        page.skip > 0,
        request.wanted.cursors,
        search.way,
        search.window,
        search.skip_tenant_key,
    )


def make_parameters(request: ListRequest, search: Search) -> dict[str, Any]:
    parameters = condition_parameters(request.values, search.terms) | page_parameters(request.page)
    if isinstance(request.selection, BoundSelection):
        parameters |= request.selection.parameters
    if request.wanted.edges:
        parameters["list"] = request.fingerprint
    if request.by_relevance:
        parameters["term"] = " ".join(request.words)
    return parameters


def condition_parameters(values: Sequence[Scalar], terms: Sequence[Term], prefix: str = "") -> dict[str, Any]:
    """The parameters of the conditions (p0, p1, …) and of the search terms (w0, w1, …) of a statement."""
    parameters: dict[str, Any] = {f"{prefix}p{index}": value for index, value in enumerate(values)}
    return parameters | {f"{prefix}w{index}": term.text for index, term in enumerate(terms)}


def page_parameters(page: Page, prefix: str = "") -> dict[str, Any]:
    """The parameters of the bounds (a0, a1, … and b0, b1, …) and of the rows to skip."""
    parameters: dict[str, Any] = {"skip": page.skip} if page.skip else {}
    for name, position in (("a", page.after), ("b", page.before)):
        values = enumerate(position or ())
        parameters |= {f"{prefix}{name}{index}": value for index, value in values if value is not None}
    return parameters


def _nulls(position: tuple[Scalar, ...] | None) -> Nulls | None:
    return None if position is None else tuple(value is None for value in position)


@keep_statements
def build_page(shape: Shape) -> Select[str, str]:
    """The statement of a shape, built once."""
    rows = find_page(shape, [name for name in needed_columns(shape.selection) if name != CURSOR])
    keys = [rows.c[f"k{index}"] for index in range(len(shape.order.orders))]
    values = cast(func.json_build_array(*keys), Text)
    known: dict[str, Any] = {CURSOR: write_cursor(LIST, values)}
    if "organization_id" in shape.table.c:
        known["organization_id"] = OWNER
    text, row = render_row(shape.selection, rows, known)
    shown = values if shape.cursors else literal(None, Text)
    return select(text.label("json"), shown.label("keys")).select_from(rows.join(row, true()))


def find_page(shape: Shape, names: Sequence[str], place: Place = ROOT) -> Any:
    branched = is_split(shape.order.face, shape.order.orders) and shape.way is not Way.USE_INDEX
    return _read_branches(shape, names, place) if branched else _read_rows(shape, names, place)


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
    return and_(met, search_condition(terms, columns)) if terms else met


def _read_rows(shape: Shape, names: Sequence[str], place: Place) -> Any:
    """One ordered SELECT, for an order without a nullable column or with several of them."""
    keys: Keys = [order_key(shape.order.face, shape.table.c, order) for order in shape.order.orders]
    bounds = [bound(shape.order, keys, side) for side in ("a", "b")]
    owned = scope(
        shape.table, shape.deleted_too, skip_tenant_key=shape.skip_tenant_key, organization=place.organization
    )
    rows, keys = _find_rows(shape, names, keys, and_(owned, *bounds), order_keys, place)
    return _limited(rows.order_by(*order_keys(shape.order, keys)), shape).subquery(place.name)


def _find_rows(
    shape: Shape, names: Sequence[str], keys: Keys, where: ColumnElement[bool], order: Ordering, place: Place
) -> tuple[Select[Any], Keys]:
    """The rows that meet the conditions, found in the way of the shape but not yet sorted, and their order keys."""
    if shape.way is Way.SCAN_WINDOW:
        rows = _source(shape.table, shape.table.c, keys).where(where).order_by(*order(shape.order, keys))
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
    keys = [order_key(shape.order.face, shape.table.c, order) for order in shape.order.orders]
    selects: list[Any] = []
    for branch in (1, 0) if shape.order.backward else (0, 1):
        where = _branch_scope(shape, keys, place, present=branch == 0)
        if selects and shape.way is Way.SCAN_WINDOW:
            where = and_(where, _ends_within(shape, keys, _branch_scope(shape, keys, place, present=branch == 1)))
        rows, own = _find_rows(shape, names, keys, where, direct_keys, place)
        sorted_ = rows.add_columns(literal(branch, Integer).label("branch")).order_by(*direct_keys(shape.order, own))
        selects.append(sorted_.limit(_rows_needed(shape)).subquery(f"part{branch}").select())
    both = union_all(*selects).subquery("u")
    part = both.c.branch.desc() if shape.order.backward else both.c.branch.asc()
    ordered = both.select().order_by(part, *direct_keys(shape.order, [both.c.k0, both.c.k1]))
    return _limited(ordered, shape).subquery(place.name)


def _branch_scope(shape: Shape, keys: Keys, place: Place, *, present: bool) -> ColumnElement[bool]:
    """The rows of one branch between the bounds: those with a value in the column, or those without."""
    own = keys[0].is_not(None) if present else keys[0].is_(None)
    bounds = [branch_bound(shape.order, keys[0], keys[1], side, present) for side in ("a", "b")]
    return and_(scope(shape.table, shape.deleted_too, organization=place.organization), own, *bounds)


def _ends_within(shape: Shape, keys: Keys, branch: ColumnElement[bool]) -> ColumnElement[bool]:
    """True if a window holds a branch to its end. The branch after it is read only then."""
    rows: Select[Any] = select(literal_column("1")).select_from(shape.table).where(branch)
    seen = rows.order_by(*direct_keys(shape.order, keys)).limit(literal_column(str(shape.window)))
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
