"""Facts: one statement that finds a page of rows and tells what lies around it."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, false, literal_column, null, select, true

from app.query.request import ListRequest
from app.query.sql.page_rows import Shape, find_page
from app.query.sql.pages import NO_SEARCH, build_page, make_parameters, make_shape, page_parameters
from app.storage.kept import keep_statements


def facts_statement(
    table: Table, request: ListRequest, total: Select[Any] | None
) -> tuple[Select[Any], dict[str, Any]]:
    """As `page_statement` for a request without search terms, with the facts that the request wants in each row.

    The rows are (JSON text, JSON list of order values, True if rows lie at `page.after` or earlier, True if rows lie at
    `page.before` or later, total). A page without rows is one row without JSON.
    """
    parameters = make_parameters(request, NO_SEARCH)
    shapes: list[Shape | None] = []
    for prefix, outside in (("earlier_", request.row_up_to_start()), ("later_", request.row_from_end())):
        if outside is None or not request.wanted.beyond:
            shapes.append(None)
            continue
        shapes.append(make_shape(table, outside, NO_SEARCH, prefix))
        parameters |= page_parameters(outside.page, prefix)
    return build_facts(make_shape(table, request, NO_SEARCH), (shapes[0], shapes[1]), total), parameters


@keep_statements
def build_facts(shape: Shape, outside: tuple[Shape | None, Shape | None], total: Select[Any] | None) -> Select[Any]:
    """The statement of a shape with the facts around its page. PostgreSQL finds each fact once."""
    page = build_page(shape).subquery("page")
    earlier, later = [false() if each is None else _has_rows(each) for each in outside]
    counted = null() if total is None else total.scalar_subquery()
    facts = select(earlier.label("earlier"), later.label("later"), counted.label("total")).subquery("facts")
    return select(*page.c, *facts.c).select_from(facts.outerjoin(page, true()))


def _has_rows(shape: Shape) -> ColumnElement[bool]:
    return select(literal_column("1")).select_from(find_page(shape, ())).exists()
