"""Pages: one statement that finds a page of rows by their order values, in any order, and renders them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, Text, bindparam, cast, func, literal, select, true

from app.query.model import Page, Scalar
from app.query.request import ListRequest
from app.query.search_terms import Term, TermShape
from app.query.sql.connections import CURSOR, write_cursor
from app.query.sql.orders import Nulls, PageOrder
from app.query.sql.page_rows import OWNER, Shape, Way, find_page
from app.query.sql.render import BoundSelection, needed_columns, render_row
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
    rows = find_page(shape, [name for name in needed_columns(shape.selection) if name != CURSOR])
    keys = [rows.c[f"k{index}"] for index in range(len(shape.order.orders))]
    values = cast(func.json_build_array(*keys), Text)
    known: dict[str, Any] = {CURSOR: write_cursor(LIST, values)}
    if "organization_id" in shape.table.c:
        known["organization_id"] = OWNER
    text, row = render_row(shape.selection, rows, known)
    shown = values if shape.cursors else literal(None, Text)
    return select(text.label("json"), shown.label("keys")).select_from(rows.join(row, true()))
