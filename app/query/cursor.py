"""Cursors: the order values of a row as one opaque text. A cursor is bound to the list that it was made for."""

import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

import orjson

from app.errors import Malformed
from app.query.face import Face, Field, Kind
from app.query.model import NO_CONDITIONS, Order, Query, Scalar
from app.query.values import number, parse_moment

VERSION = 1
LONGEST_CURSOR = 200_000
"""Characters. A text in a cursor has at most 500, so no cursor of the service is longer."""
VISIBLE = re.compile(r"[ -~]*")
URL_SAFE = bytes.maketrans(b"+/", b"-_")


def make_fingerprint(face: str, query: Query) -> str:
    """The digest that binds a cursor to its question: the face, the conditions, the words and the order."""
    return _digest_everything(face) if query is NO_CONDITIONS else _digest(face, query)


@cache
def _digest_everything(face: str) -> str:
    """The digest of the most usual question, which is made once for each face: its text takes longer than all else here."""
    return _digest(face, NO_CONDITIONS)


def _digest(face: str, query: Query) -> str:
    return blake2b(repr((VERSION, face, query)).encode(), digest_size=8).hexdigest()


def write_cursor(scope: str, values: str) -> str:
    """The cursor of a row. `scope` names the list that it belongs to, for a ListRequest by its fingerprint.

    `values` is the JSON list of the order values of the row, as the database wrote it.
    """
    text = b2a_base64(f'["{scope}",{values[1:]}'.encode(), newline=False)
    return text.translate(URL_SAFE).rstrip(b"=").decode()


def write_values(values: Sequence[object]) -> str:
    """Order values as the JSON list that a cursor holds."""
    return orjson.dumps(values).decode()


def read_cursor(scope: str, text: str, field: str, count: int) -> tuple[Scalar, ...]:
    """The `count` order values in a cursor. Raises Malformed, naming `field`, for a broken cursor or another scope."""
    values = _decode(text, field)
    if values[0] != scope or len(values) != count + 1:
        raise Malformed(
            "The cursor belongs to another list: pass it with the filter, the search and the order that it was returned for",
            field,
        )
    return tuple(values[1:])


def read_scope(text: str, field: str) -> str:
    """The scope of a cursor. Raises Malformed, naming `field`, for a broken cursor."""
    return str(_decode(text, field)[0])


def _decode(text: str, field: str) -> list[Any]:
    """The scope and the order values in a cursor."""
    if len(text) > LONGEST_CURSOR:
        raise Malformed(f"A cursor has at most {LONGEST_CURSOR} characters; got {len(text)}.", field)
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        values = orjson.loads(urlsafe_b64decode(padded))
    except ValueError:
        values = None
    if not isinstance(values, list) or not values or not isinstance(values[0], str):
        raise Malformed("Invalid cursor: pass a cursor that this API returned.", field)
    return values


def positions(
    face: Face, orders: Sequence[Order], values: Sequence[object], field: str = "cursor"
) -> tuple[Scalar, ...]:
    """The order values of a cursor as the database compares them: dates are parsed, other values have their column's type.

    `orders` are the complete ones. Raises Malformed, naming `field`, for values of other types.
    """
    try:
        typed = tuple(
            _position(face.order_field(order.column), value) for order, value in zip(orders, values, strict=True)
        )
        if not VISIBLE.fullmatch(str(typed[-1])):
            raise ValueError(typed[-1])
    except (ValueError, Malformed) as error:
        raise Malformed("Invalid cursor: pass a cursor that this API returned.", field) from error
    return typed


def _position(field: Field, value: object) -> Scalar:
    if value is None and field.nullable:
        return None
    if field.kind is Kind.NUMBER:
        return number(value, field.name)
    if field.kind is Kind.BOOLEAN and isinstance(value, bool):
        return value
    if field.kind not in (Kind.NUMBER, Kind.BOOLEAN) and isinstance(value, str) and "\x00" not in value:
        return _moment(value) if field.kind is Kind.DATE else value
    raise ValueError(field.name)


def _moment(text: str) -> Scalar:
    moment = parse_moment(text)
    if moment is None:
        raise ValueError(text)
    return moment


def step_past(orders: Sequence[Order], values: Sequence[object]) -> tuple[object, ...]:
    """The position between a row and the rows that follow it. A page backward from there begins with the row."""
    return _beside(values, greater=not orders[-1].descending)


def step_before(orders: Sequence[Order], values: Sequence[object]) -> tuple[object, ...]:
    """The position between a row and the rows that precede it. A page forward from there begins with the row."""
    return _beside(values, greater=orders[-1].descending)


def _beside(values: Sequence[object], *, greater: bool) -> tuple[object, ...]:
    """The values with a text next to the id in its place. All ids have one length, so no id lies between the two."""
    row = str(values[-1])
    return (*values[:-1], f"{row}!" if greater else f"{row[:-1]}{chr(ord(row[-1]) - 1)}~" if row else row)
