"""Pages: one statement that finds a page of rows by key, in any order, without losing a null, and renders them."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    collate,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from app.query.face import Face, Kind
from app.query.model import Order, Page, Predicate, Query, Scalar
from app.query.sql.conditions import CODE, TYPES, Places, condition, parametrize, search_condition
from app.query.sql.render import Columns, Selection, needed_columns, render_row

SHORT = 2
"""A search word of up to this many characters is looked for at the beginnings of words."""

Nulls = tuple[bool, ...]
"""Which order values of a cursor are null."""


@dataclass(frozen=True, slots=True)
class Shape:
    """All that changes the text of a page's statement; values are apart from it.

    The limit is in the text: as a parameter it would make PostgreSQL plan the statement anew at each execution.
    """

    table: Table
    face: Face
    selection: Selection
    where: Predicate
    short_words: tuple[bool, ...]
    orders: tuple[Order, ...]
    deleted_too: bool
    after: Nulls | None
    before: Nulls | None
    backward: bool
    limit: int
    skip: bool
    keys: bool


def page_statement(
    table: Table, face: Face, selection: Selection, query: Query, page: Page, *, keys: bool
) -> tuple[Select[str, str], dict[str, Any]]:
    """The statement of a page and its parameters, but for those of `scope_clause`.

    Its rows are (JSON text, JSON list of order values); the second is null unless `keys`.
    """
    values: list[Scalar] = []
    orders = complete_orders(query.orders)
    shape = Shape(
        table,
        face,
        selection,
        parametrize(query.where, values),
        tuple(len(word) <= SHORT for word in query.words),
        orders,
        query.deleted_too,
        _nulls(page.after),
        _nulls(page.before),
        page.backward,
        page.limit,
        page.skip > 0,
        keys,
    )
    parameters: dict[str, Any] = {f"p{index}": value for index, value in enumerate(values)}
    parameters |= {f"w{index}": word for index, word in enumerate(query.words)}
    for name, position in (("a", page.after), ("b", page.before)):
        parameters |= {f"{name}{index}": value for index, value in enumerate(position or ()) if value is not None}
    if page.skip:
        parameters["skip"] = page.skip
    return build_page(shape), parameters


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
    where = where_clause(shape.table, shape.face, shape.where, shape.short_words, shape.deleted_too)
    found = _branches(shape, names, where) if _splits(shape) else _straight(shape, names, where)
    text, row = render_row(shape.selection, found)
    keys = [found.c[f"k{index}"] for index in range(len(shape.orders))]
    values = cast(func.json_build_array(*keys), Text) if shape.keys else literal(None, Text)
    return select(text, values).select_from(found.join(row, true()))


def where_clause(
    table: Table, face: Face, where: Predicate, short_words: tuple[bool, ...], deleted_too: bool
) -> ColumnElement[bool]:
    """The conditions on a table's rows: the organization first, always."""
    parts = [scope_clause(table)]
    if not deleted_too and "deleted_at" in table.c:
        parts.append(table.c.deleted_at.is_(None))
    parts.append(condition(where, face, table.c, Places()))
    if short_words:
        parts.append(search_condition(short_words, table.c))
    return and_(*parts)


def scope_clause(table: Table) -> ColumnElement[bool]:
    """The rows of `organization`; where the rows are organizations themselves, those of `organizations`."""
    if "organization_id" in table.c:
        return table.c.organization_id == bindparam("organization", type_=Text())
    return table.c.id == func.any(bindparam("organizations", type_=ARRAY(Text)))


def _straight(shape: Shape, names: Sequence[str], where: ColumnElement[bool]) -> Any:
    """One ordered SELECT: the order has no nullable column, or there are several and the general bounds are used."""
    keys = [order_key(shape.face, shape.table.c, order.column) for order in shape.orders]
    bounds = [_bound(shape, keys, side) for side in ("a", "b")]
    return _limited(
        _source(shape, names, keys).where(where, *bounds).order_by(*_ordering(shape, keys)), shape
    ).subquery("c")


def _splits(shape: Shape) -> bool:
    one_way = len({order.descending for order in shape.orders}) == 1
    return (
        shape.face.folds and one_way and len(shape.orders) == 2 and shape.face.column(shape.orders[0].column).nullable
    )


def _branches(shape: Shape, names: Sequence[str], where: ColumnElement[bool]) -> Any:
    """The rows with a value and those without, each walked along the index by itself, one after the other."""
    column, by_id = (order_key(shape.face, shape.table.c, order.column) for order in shape.orders)
    selects = []
    for place, present in ((0, True), (1, False)):
        bounds = [_branch_bound(shape, column, by_id, side, present) for side in ("a", "b")]
        source = _source(shape, names, [column, by_id]).add_columns(literal(place, Integer).label("place"))
        chosen = source.where(where, column.is_not(None) if present else column.is_(None), *bounds)
        ordered = chosen.order_by(_directed(shape, 0, column), _directed(shape, 1, by_id))
        selects.append(ordered.limit(_rows_needed(shape)).subquery(f"part{place}").select())
    both = union_all(*selects).subquery("u")
    part = both.c.place.desc() if shape.backward else both.c.place.asc()
    return _limited(
        both.select().order_by(part, _directed(shape, 0, both.c.k0), _directed(shape, 1, both.c.k1)), shape
    ).subquery("c")


def _rows_needed(shape: Shape) -> ColumnElement[int]:
    limit: ColumnElement[int] = literal_column(str(shape.limit))
    return limit + bindparam("skip", type_=Integer()) if shape.skip else limit


def _limited(statement: Select[Any], shape: Shape) -> Select[Any]:
    limited = statement.limit(literal_column(str(shape.limit)))
    return limited.offset(bindparam("skip", type_=Integer())) if shape.skip else limited


def _source(shape: Shape, names: Sequence[str], keys: Sequence[ColumnElement[Any]]) -> Select[Any]:
    return select(*(shape.table.c[name] for name in names), *(key.label(f"k{index}") for index, key in enumerate(keys)))


def order_key(face: Face, columns: Columns, name: str) -> ColumnElement[Any]:
    """What a face orders by: the column, its folded form for text, or false for a null that the face shows as false."""
    field, value = face.column(name), columns[name]
    if field.codec.null_is_false:
        return func.coalesce(value, false())
    if not face.folds or field.kind is not Kind.TEXT:
        return value  # type: ignore[no-any-return]
    return collate(columns[field.folded] if field.folded else func.fold(value), CODE)


def _directed(shape: Shape, index: int, key: ColumnElement[Any]) -> ColumnElement[Any]:
    descending = shape.orders[index].descending is not shape.backward
    return key.desc() if descending else key.asc()


def _ordering(shape: Shape, keys: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """A face that folds puts nulls last; v1 leaves them where PostgreSQL does."""
    ordering = []
    for index, key in enumerate(keys):
        directed = _directed(shape, index, key)
        if shape.face.folds and shape.face.column(shape.orders[index].column).nullable:
            directed = directed.nulls_first() if shape.backward else directed.nulls_last()
        ordering.append(directed)
    return ordering


def _value(shape: Shape, side: str, index: int) -> ColumnElement[Any]:
    kind = shape.face.column(shape.orders[index].column).kind
    return bindparam(f"{side}{index}", type_=TYPES.get(kind, Text()))


def _later(shape: Shape, side: str, index: int) -> bool:
    """Whether rows beyond the bound have greater values: after an ascending position, or before a descending one."""
    return (side == "a") is not shape.orders[index].descending


def _beyond(shape: Shape, side: str, index: int, key: ColumnElement[Any]) -> ColumnElement[bool]:
    given = _value(shape, side, index)
    return key > given if _later(shape, side, index) else key < given


def _bound(shape: Shape, keys: Sequence[ColumnElement[Any]], side: str) -> ColumnElement[bool]:
    """Beyond a position, nulls last: (k0 beyond) or (k0 same and k1 beyond) or …, as one row comparison where it can be."""
    nulls = shape.after if side == "a" else shape.before
    if nulls is None:
        return true()
    directions = {_later(shape, side, index) for index in range(len(keys))}
    if len(directions) == 1 and not any(shape.face.column(order.column).nullable for order in shape.orders):
        row, given = tuple_(*keys), tuple_(*(_value(shape, side, index) for index in range(len(keys))))
        return row > given if directions.pop() else row < given
    return _general_bound(shape, keys, side, nulls)


def _general_bound(shape: Shape, keys: Sequence[ColumnElement[Any]], side: str, nulls: Nulls) -> ColumnElement[bool]:
    choices: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for index, key in enumerate(keys):
        choices.append(and_(*same, _beyond_or_null(shape, side, index, key, nulls[index])))
        same.append(key.is_(None) if nulls[index] else key == _value(shape, side, index))
    return or_(*choices)


def _beyond_or_null(shape: Shape, side: str, index: int, key: ColumnElement[Any], null: bool) -> ColumnElement[bool]:
    if null:
        return false() if side == "a" else key.is_not(None)
    beyond = _beyond(shape, side, index, key)
    nullable = shape.face.column(shape.orders[index].column).nullable
    return or_(beyond, key.is_(None)) if nullable and side == "a" else beyond


def _branch_bound(
    shape: Shape, column: ColumnElement[Any], by_id: ColumnElement[Any], side: str, present: bool
) -> ColumnElement[bool]:
    """The bound inside one branch: everything, nothing, or beyond the position in the branch where it lies."""
    nulls = shape.after if side == "a" else shape.before
    if nulls is None:
        return true()
    at_null = nulls[0]
    if at_null is not present:
        if not present:
            return _beyond(shape, side, 1, by_id)
        row = tuple_(column, by_id)
        given = tuple_(_value(shape, side, 0), _value(shape, side, 1))
        return row > given if _later(shape, side, 0) else row < given
    return true() if (side == "a") is not present else false()
