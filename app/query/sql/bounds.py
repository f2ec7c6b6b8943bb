"""Bounds: the SQL of "beyond this position in the order", nulls last, as a row comparison where it can be one."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Text, and_, bindparam, false, or_, true, tuple_

from app.query.face import Face
from app.query.model import Order
from app.query.sql.conditions import TYPES

Nulls = tuple[bool, ...]
"""Which order values of a cursor are null."""


class Bounded(Protocol):
    """What of a page's shape its bounds depend on."""

    @property
    def face(self) -> Face: ...
    @property
    def orders(self) -> tuple[Order, ...]: ...
    @property
    def after(self) -> Nulls | None: ...
    @property
    def before(self) -> Nulls | None: ...


def _value(shape: Bounded, side: str, index: int) -> ColumnElement[Any]:
    kind = shape.face.column(shape.orders[index].column).kind
    return bindparam(f"{side}{index}", type_=TYPES.get(kind, Text()))


def _later(shape: Bounded, side: str, index: int) -> bool:
    """Whether rows beyond the bound have greater values: after an ascending position, or before a descending one."""
    return (side == "a") is not shape.orders[index].descending


def _beyond(shape: Bounded, side: str, index: int, key: ColumnElement[Any]) -> ColumnElement[bool]:
    given = _value(shape, side, index)
    return key > given if _later(shape, side, index) else key < given


def bound(shape: Bounded, keys: Sequence[ColumnElement[Any]], side: str) -> ColumnElement[bool]:
    """Beyond a position, nulls last: (k0 beyond) or (k0 same and k1 beyond) or …, as one row comparison where it can be."""
    nulls = shape.after if side == "a" else shape.before
    if nulls is None:
        return true()
    directions = {_later(shape, side, index) for index in range(len(keys))}
    if len(directions) == 1 and not any(shape.face.column(order.column).nullable for order in shape.orders):
        row, given = tuple_(*keys), tuple_(*(_value(shape, side, index) for index in range(len(keys))))
        return row > given if directions.pop() else row < given
    return _general_bound(shape, keys, side, nulls)


def _general_bound(shape: Bounded, keys: Sequence[ColumnElement[Any]], side: str, nulls: Nulls) -> ColumnElement[bool]:
    choices: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for index, key in enumerate(keys):
        choices.append(and_(*same, _beyond_or_null(shape, side, index, key, nulls[index])))
        same.append(key.is_(None) if nulls[index] else key == _value(shape, side, index))
    return or_(*choices)


def _beyond_or_null(shape: Bounded, side: str, index: int, key: ColumnElement[Any], null: bool) -> ColumnElement[bool]:
    if null:
        return false() if side == "a" else key.is_not(None)
    beyond = _beyond(shape, side, index, key)
    nullable = shape.face.column(shape.orders[index].column).nullable
    return or_(beyond, key.is_(None)) if nullable and side == "a" else beyond


def branch_bound(
    shape: Bounded, column: ColumnElement[Any], by_id: ColumnElement[Any], side: str, present: bool
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
