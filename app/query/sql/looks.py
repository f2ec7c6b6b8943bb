"""Looks: one SELECT that finds the rows of a page with search terms, in the way that the first rows of the list suggest.

It is for lists inside a record. A root list decides in Python, by the statements that it has run so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func, literal_column, select, true, union_all

from app.query.sql.page_rows import Place, Shape, Way, find_page, scope

WINDOW: ColumnElement[int] = literal_column("1")
ALL_ORGANIZATIONS: ColumnElement[int] = literal_column("2")
INDEX: ColumnElement[int] = literal_column("3")
"""The ways to the rows: the window, the index without the key of the organization, and the index with it."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The rows of a page: `hits` finds them in any case. `window` finds frequent ones among the first rows of the list.

    `window` is None without search terms, and where no index has the order.
    """

    hits: Shape
    window: Shape | None = None


def find_rows(looks: Looks, names: Sequence[str], place: Place, is_big: ColumnElement[bool]) -> FromClause:
    """The rows of a page with the columns `names` and their keys. `is_big`: the organization has a good part of the table.

    PostgreSQL chooses the way first, and executes only the part of the UNION that is chosen.
    """
    hits = looks.hits
    if hits.way is Way.PLAIN:
        page: FromClause = find_page(hits, names, place)
        return page
    shapes = [(ALL_ORGANIZATIONS, replace(hits, skip_tenant_key=True)), (INDEX, hits)]
    if looks.window is not None:
        shapes.insert(0, (WINDOW, looks.window))
    columns = (*names, *(f"k{index}" for index in range(len(hits.order.orders))))
    way = select(_choose_way(looks, place, is_big).label("way")).offset(literal_column("0")).subquery("chosen")
    parts = []
    for number, shape in shapes:
        page = find_page(shape, names, place)
        shown = select(*(page.c[name] for name in columns)).select_from(page)
        parts.append(shown.where(way.c.way == number).correlate_except(page))
    rows = union_all(*parts).lateral("looked")
    return select(*rows.c).select_from(way.join(rows, true())).correlate_except(way, rows).subquery(place.name)


def _choose_way(looks: Looks, place: Place, is_big: ColumnElement[bool]) -> ColumnElement[int]:
    by_index = (is_big, ALL_ORGANIZATIONS)
    if looks.window is None:
        return case(by_index, else_=INDEX)
    shape = looks.window
    hits = _count(find_page(shape, (), place))
    owned = scope(shape.table, shape.deleted_too, organization=place.organization)
    rows: Any = select(literal_column("1")).select_from(shape.table).where(owned).order_by(shape.table.c.id)
    size: ColumnElement[int] = literal_column(str(shape.window))
    is_whole = _count(rows.correlate_except(shape.table).limit(size).subquery("rows")) < size
    return case((hits >= literal_column(str(shape.limit)), WINDOW), (is_whole, WINDOW), by_index, else_=INDEX)


def _count(rows: FromClause) -> ColumnElement[int]:
    return select(func.count()).select_from(rows).correlate_except(rows).scalar_subquery()
