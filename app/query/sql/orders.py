"""Orders: the order keys of a page, where nulls stand, and the SQL of "beyond this position in the order"."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    collate,
    false,
    func,
    literal_column,
    or_,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.query.face import RELEVANCE, Face, Kind
from app.query.model import Order
from app.query.sql.conditions import CODE, TYPES, once
from app.query.sql.index_keys import index_key
from app.query.sql.render import Columns

Keys: TypeAlias = Sequence[ColumnElement[Any]]
"""The order keys of a statement's rows, the id last."""

Nulls: TypeAlias = tuple[bool, ...]
"""The order values of a cursor, each True where it is null."""


@dataclass(frozen=True, slots=True)
class PageOrder:
    """The complete orders of a page, its direction, and the bounds that it has. Rows without a value come last.

    The names of the parameters of the bounds begin with `prefix`.
    """

    face: Face
    orders: tuple[Order, ...]
    after: Nulls | None
    before: Nulls | None
    backward: bool
    prefix: str = ""

    def nullable(self, index: int) -> bool:
        order = self.orders[index]
        return bool(order.path) or self.face.order_field(order.column).nullable


def is_split(face: Face, orders: Sequence[Order]) -> bool:
    """True if rows with a value and rows without one are read separately.

    That holds for an order of one nullable column and the id, both in the same direction.
    """
    one_way = len({order.descending for order in orders}) == 1
    return face.folds and one_way and len(orders) == 2 and face.order_field(orders[0].column).nullable


def order_key(face: Face, columns: Columns, order: Order, prefix: str = "") -> ColumnElement[Any]:
    """The SQL that a face orders by: the column, the beginning of a folded text, or false for a null that is shown as false.

    A value inside a JSON column is ordered as jsonb: texts, then numbers by size, booleans, lists and objects. A JSON null
    counts as no value.
    """
    name = order.column
    if name == RELEVANCE.column:
        return relevance_key(columns, prefix)
    if order.path:
        inner = columns[name].op("#>", return_type=JSONB())(cast(list(order.path), ARRAY(Text)))
        return func.nullif(inner, literal_column("'null'::jsonb"), type_=JSONB())
    stored, field = _stored_key(face, name), face.columns[name]
    if field.codec.null_is_false:
        return func.coalesce(columns[name], false())
    if not face.folds or field.kind is not Kind.TEXT:
        return columns[name]  # type: ignore[no-any-return]
    return collate(index_key(columns[stored] if stored else func.fold(columns[name])), CODE)


def relevance_key(columns: Columns, prefix: str = "") -> ColumnElement[Any]:
    """How badly a row matches the parameter `term`: 0 for a name or an address that equals it, up to 3000.

    Then come names that begin with it, and then all others. Within these, names with more of the trigrams of the term come
    first. It is a whole number, so that a cursor holds it exactly.
    """
    term = once(func.fold(bindparam(f"{prefix}term", type_=Text()), type_=Text()), prefix)
    name, email = columns["name_folded"], columns["email_folded"]
    begins = name.like(collate(func.like_part(term, type_=Text()) + "%", CODE))
    apart = func.round(literal_column("1000") * (literal_column("1") - func.word_similarity(term, name)))
    step = case(
        (or_(name == term, email == term), literal_column("0")),
        (begins, literal_column("1000") + apart),
        else_=literal_column("2000") + apart,
    )
    return cast(step, Integer)


def _stored_key(face: Face, name: str) -> str | None:
    """The column that holds an order key, or None when it is computed."""
    field = face.columns[name]
    if field.codec.null_is_false:
        return None
    return field.folded if face.folds and field.kind is Kind.TEXT else name


@lru_cache(maxsize=1024)
def is_indexed(table: Table, face: Face, orders: tuple[Order, ...]) -> bool:
    """True if an index holds the rows of an organization in this order, at least in its first step."""
    column = orders[0].column
    if orders[0].path or column == RELEVANCE.column:
        return False
    if face.columns[column].nullable and not is_split(face, orders):
        return False
    indexes = [table.primary_key.columns.keys(), *(index.columns.keys() for index in table.indexes)]
    return _stored_key(face, column) in {names[1] for names in indexes if len(names) > 1}


def _directed(order: PageOrder, index: int, key: ColumnElement[Any]) -> ColumnElement[Any]:
    descending = order.orders[index].descending is not order.backward
    return key.desc() if descending else key.asc()


def direct_keys(order: PageOrder, keys: Keys) -> list[ColumnElement[Any]]:
    """The order within one branch, where either no value is null or all are."""
    return [_directed(order, index, key) for index, key in enumerate(keys)]


def order_keys(order: PageOrder, keys: Keys) -> list[ColumnElement[Any]]:
    """The order over all rows. A face that folds puts nulls last; v1 leaves them where PostgreSQL puts them."""
    ordering = []
    for index, key in enumerate(keys):
        directed = _directed(order, index, key)
        if order.face.folds and order.nullable(index):
            directed = directed.nulls_first() if order.backward else directed.nulls_last()
        ordering.append(directed)
    return ordering


def _value(order: PageOrder, side: str, index: int) -> ColumnElement[Any]:
    kind = order.face.order_field(order.orders[index].column).kind
    return bindparam(f"{order.prefix}{side}{index}", type_=TYPES.get(kind, Text()))


def _later(order: PageOrder, side: str, index: int) -> bool:
    """True if rows beyond the bound have greater values: after an ascending position, or before a descending one."""
    return (side == "a") is not order.orders[index].descending


def _beyond(order: PageOrder, side: str, index: int, key: ColumnElement[Any]) -> ColumnElement[bool]:
    value = _value(order, side, index)
    return key > value if _later(order, side, index) else key < value


def bound(order: PageOrder, keys: Sequence[ColumnElement[Any]], side: str) -> ColumnElement[bool]:
    """The rows beyond a position, nulls last: (k0 beyond) or (k0 same and k1 beyond) or …

    One row comparison replaces this where all keys have one direction and no key is nullable.
    """
    nulls = order.after if side == "a" else order.before
    if nulls is None:
        return true()
    directions = {_later(order, side, index) for index in range(len(keys))}
    if len(directions) == 1 and not any(order.nullable(index) for index in range(len(keys))):
        row, position = tuple_(*keys), tuple_(*(_value(order, side, index) for index in range(len(keys))))
        return row > position if directions.pop() else row < position
    return _general_bound(order, keys, side, nulls)


def _general_bound(
    order: PageOrder, keys: Sequence[ColumnElement[Any]], side: str, nulls: Nulls
) -> ColumnElement[bool]:
    choices: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for index, key in enumerate(keys):
        choices.append(and_(*same, _beyond_or_null(order, side, index, key, nulls[index])))
        same.append(key.is_(None) if nulls[index] else key == _value(order, side, index))
    return or_(*choices)


def _beyond_or_null(
    order: PageOrder, side: str, index: int, key: ColumnElement[Any], null: bool
) -> ColumnElement[bool]:
    if null:
        return false() if side == "a" else key.is_not(None)
    beyond = _beyond(order, side, index, key)
    return or_(beyond, key.is_(None)) if order.nullable(index) and side == "a" else beyond


def branch_bound(
    order: PageOrder, column: ColumnElement[Any], by_id: ColumnElement[Any], side: str, present: bool
) -> ColumnElement[bool]:
    """The bound inside one branch: all rows, no rows, or the rows beyond a position that lies in this branch."""
    nulls = order.after if side == "a" else order.before
    if nulls is None:
        return true()
    at_null = nulls[0]
    if at_null is not present:
        if not present:
            return _beyond(order, side, 1, by_id)
        row = tuple_(column, by_id)
        position = tuple_(_value(order, side, 0), _value(order, side, 1))
        return row > position if _later(order, side, 0) else row < position
    return true() if (side == "a") is not present else false()
