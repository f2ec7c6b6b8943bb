"""Pages: one statement that finds a page of rows by their order values, in any order, and renders them.

The rows come one by one, or joined: as one text, with what lies around the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    false,
    func,
    literal,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.query.model import Page, Scalar
from app.query.request import ListRequest
from app.query.search_terms import Term, TermShape
from app.query.sql.connections import CURSOR, write_cursor, write_id_cursor
from app.query.sql.orders import Nulls, PageOrder
from app.query.sql.page_rows import OWNER, Shape, Way, find_page, list_sort_keys, name_keys
from app.query.sql.render import BoundSelection, Columns, needed_columns, render_object
from app.storage.kept import keep_statements


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
SEPARATOR = b"\x1e"
"""The character between joined rows. It can occur in no JSON."""
LIST: ColumnElement[Any] = bindparam("list", type_=Text())
"""The fingerprint of a list, which its cursors begin with."""


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
    rows = _find_rows(shape)
    shown = _show_keys(*name_keys(shape.order, rows.c)) if shape.cursors else literal(None, Text)
    return select(_render(shape, rows).label("json"), shown.label("keys")).select_from(rows)


def _find_rows(shape: Shape) -> Any:
    return find_page(shape, [name for name in needed_columns(shape.selection) if name != CURSOR])


def _render(shape: Shape, rows: Any) -> ColumnElement[Any]:
    columns: dict[str, Any] = {**dict(rows.c.items()), CURSOR: write_row_cursor(LIST, shape.order, rows.c)}
    if "organization_id" in shape.table.c:
        columns["organization_id"] = OWNER
    return render_object(shape.selection, columns)


def write_row_cursor(scope: ColumnElement[Any], order: PageOrder, columns: Columns) -> ColumnElement[str]:
    """The cursor of each row that `find_page` gives."""
    first, *others = name_keys(order, columns)
    return write_cursor(scope, _show_keys(first, *others)) if others else write_id_cursor(scope, first)


def _show_keys(*keys: ColumnElement[Any]) -> ColumnElement[str]:
    return cast(func.json_build_array(*keys), Text)


def joined_statement(
    table: Table, request: ListRequest, total: Select[Any] | None
) -> tuple[Select[Any], dict[str, Any]]:
    """The statement of a joined page, for a request without search terms, and its parameters without those of `scope`.

    Its only row: the rendered rows that were found, as UTF-8, with SEPARATOR between them, or null; their number, at most
    one more than the limit; the JSON lists of the order values of the first and the last row, if the request wants
    cursors and there are rows; True if rows lie at `page.after` or earlier; True if rows lie at `page.before` or later; the total.
    """
    parameters = make_parameters(request, NO_SEARCH)
    shapes: list[Shape | None] = []
    for prefix, outside in (("earlier_", request.row_up_to_start()), ("later_", request.row_from_end())):
        if outside is None or not request.wanted.beyond:
            shapes.append(None)
            continue
        shapes.append(make_shape(table, outside, NO_SEARCH, prefix))
        parameters |= page_parameters(outside.page, prefix)
    shape = make_shape(table, request.with_one_more(), NO_SEARCH)
    return build_joined(shape, (shapes[0], shapes[1]), total), parameters


@keep_statements
def build_joined(shape: Shape, outside: tuple[Shape | None, Shape | None], total: Select[Any] | None) -> Select[Any]:
    """The statement of a shape that finds one row more than its page has.

    PostgreSQL sees that the rows are sorted, so the order of the aggregates costs nothing, except for a backward page.
    Python cuts off the row beyond the page: in SQL it would take a window function, or copies of the whole text.
    """
    rows = _find_rows(shape)
    text = _render(shape, rows)
    order, count = list_sort_keys(replace(shape.order, backward=False), rows), func.count(type_=Integer())
    start, end = _find_ends(shape, count)
    joined = func.string_agg(text, aggregate_order_by(literal_column(f"E'\\x{ord(SEPARATOR):02x}'"), *order))
    keys = [_collect(key, order) for key in name_keys(shape.order, rows.c)] if shape.cursors else []
    first, last = [_show_keys(*(key[place] for key in keys)) for place in (start, end)]
    earlier, later = [false() if each is None else _has_rows(each) for each in outside]
    return select(
        func.convert_to(joined, literal_column("'UTF8'")).label("json"),
        count.label("found"),
        (first if keys else null()).label("first"),
        (last if keys else null()).label("last"),
        earlier.label("earlier"),
        later.label("later"),
        (null() if total is None else total.scalar_subquery()).label("total"),
    ).select_from(rows)


def _find_ends(shape: Shape, count: ColumnElement[int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The places of the first and the last row of the page among the rows that are found, in the order of the list."""
    one, limit = literal_column("1", Integer()), literal_column(str(shape.limit - 1), Integer())
    if shape.order.backward:
        return func.greatest(count - limit + one, one, type_=Integer()), count
    return one, func.least(count, limit, type_=Integer())


def _collect(value: ColumnElement[Any], order: Sequence[ColumnElement[Any]]) -> Any:
    return func.array_agg(aggregate_order_by(value, *order), type_=ARRAY(value.type))


def _has_rows(shape: Shape) -> ColumnElement[bool]:
    return select(literal_column("1")).select_from(find_page(shape, ())).exists()
