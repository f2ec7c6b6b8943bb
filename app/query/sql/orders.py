"""Orders: what a face orders by, which way, and where nulls stand."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from sqlalchemy import ColumnElement, Table, collate, false, func

from app.query.face import Face, Kind
from app.query.model import Order
from app.query.sql.conditions import CODE
from app.query.sql.render import Columns

Keys: TypeAlias = Sequence[ColumnElement[Any]]
"""The order keys of a statement's rows, the id last."""


class Ordered(Protocol):
    """What of a page's shape its order depends on."""

    @property
    def face(self) -> Face: ...
    @property
    def orders(self) -> tuple[Order, ...]: ...
    @property
    def backward(self) -> bool: ...


def splits(face: Face, orders: Sequence[Order]) -> bool:
    """Whether rows with a value and rows without are found apart: the order is one nullable column, and the id its way."""
    one_way = len({order.descending for order in orders}) == 1
    return face.folds and one_way and len(orders) == 2 and face.column(orders[0].column).nullable


def order_key(face: Face, columns: Columns, name: str) -> ColumnElement[Any]:
    """What a face orders by: the column, its folded form for text, or false for a null that the face shows as false."""
    stored, field = _stored_key(face, name), face.column(name)
    if field.codec.null_is_false:
        return func.coalesce(columns[name], false())
    if not face.folds or field.kind is not Kind.TEXT:
        return columns[name]  # type: ignore[no-any-return]
    return collate(columns[stored] if stored else func.fold(columns[name]), CODE)


def _stored_key(face: Face, name: str) -> str | None:
    """The column that holds an order key, or None when it is computed."""
    field = face.column(name)
    if field.codec.null_is_false:
        return None
    return field.folded if face.folds and field.kind is Kind.TEXT else name


def is_walked(table: Table, face: Face, orders: Sequence[Order]) -> bool:
    """Whether an index has a tenant's rows in an order, at least in its first step, so that walking along it is cheap."""
    column = orders[0].column
    if face.column(column).nullable and not splits(face, orders):
        return False
    indexes = [table.primary_key.columns.keys(), *(index.columns.keys() for index in table.indexes)]
    return _stored_key(face, column) in {names[1] for names in indexes if len(names) > 1}


def _directed(shape: Ordered, index: int, key: ColumnElement[Any]) -> ColumnElement[Any]:
    descending = shape.orders[index].descending is not shape.backward
    return key.desc() if descending else key.asc()


def direct_keys(shape: Ordered, keys: Keys) -> list[ColumnElement[Any]]:
    """The order within one branch, where either no value is null or all are."""
    return [_directed(shape, index, key) for index, key in enumerate(keys)]


def order_keys(shape: Ordered, keys: Keys) -> list[ColumnElement[Any]]:
    """A face that folds puts nulls last; v1 leaves them where PostgreSQL does."""
    ordering = []
    for index, key in enumerate(keys):
        directed = _directed(shape, index, key)
        if shape.face.folds and shape.face.column(shape.orders[index].column).nullable:
            directed = directed.nulls_first() if shape.backward else directed.nulls_last()
        ordering.append(directed)
    return ordering
