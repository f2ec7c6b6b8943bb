"""What a predicate means, evaluated in Python over raw rows: the tests' own opinion, which knows no SQL.

True, False, or None where a null leaves it undecided.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from app.query import operators
from app.query.face import Face
from app.query.model import And, Compare, Not, Or, Predicate
from app.query.operators import Operator
from tests.seeding import fold

Row = Mapping[str, Any]

ANOTHER = object()
"""A value inside JSON that is no number, where numbers are compared."""

COMPARISONS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    operators.EQ: lambda value, given: bool(value == given),
    operators.NE: lambda value, given: bool(value != given),
    operators.LT: lambda value, given: bool(value < given),
    operators.LTE: lambda value, given: bool(value <= given),
    operators.GT: lambda value, given: bool(value > given),
    operators.GTE: lambda value, given: bool(value >= given),
    operators.IN: lambda value, given: value in given,
    operators.NOT_IN: lambda value, given: value not in given,
    operators.BETWEEN: lambda value, given: bool(given[0] <= value <= given[1]),
}

PATTERNS: Mapping[Operator, Callable[[str, str], bool]] = {
    operators.CONTAINS: lambda value, given: given in value,
    operators.STARTS_WITH: lambda value, given: value.startswith(given),
    operators.ENDS_WITH: lambda value, given: value.endswith(given),
    operators.LIKE: lambda value, given: like(value, given),
}


def holds(tree: Predicate, row: Row, face: Face) -> bool | None:
    match tree:
        case And(parts):
            return _all([holds(part, row, face) for part in parts])
        case Or(parts):
            return _not(_all([_not(holds(part, row, face)) for part in parts]))
        case Not(part):
            return _not(holds(part, row, face))
    return _compare(tree, row, face)


def _not(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _all(truths: list[bool | None]) -> bool | None:
    return False if False in truths else None if None in truths else True


def _compare(compare: Compare, row: Row, face: Face) -> bool | None:
    operator, given = compare.operator, compare.value
    value = _value(compare, row, face)
    if operator is operators.IS_NULL:
        return (value is None) is given
    if given == () and operator in (operators.IN, operators.NOT_IN):
        return operator is operators.NOT_IN
    if value is ANOTHER:
        return True if operator in (operators.NE, operators.NOT_IN) else None
    if value is None:
        return None
    if operator is operators.REGEX:
        return re.search(str(given), value, re.IGNORECASE if compare.ignore_case else 0) is not None
    if operator in PATTERNS:
        blind: Callable[[str], str] = fold if compare.ignore_case else str
        return PATTERNS[operator](blind(value), blind(str(given)))
    if compare.folded:
        value, given = fold(value), tuple(map(fold, given)) if isinstance(given, tuple) else fold(str(given))
    return COMPARISONS[operator](value, given)


def _value(compare: Compare, row: Row, face: Face) -> Any:
    codec = face.columns[compare.column].codec
    value = row[compare.column]
    if compare.path:
        return _inside(value, compare)
    if codec.null_is_false and value is None:
        return False
    patterned = compare.operator in PATTERNS or compare.operator is operators.REGEX
    return codec.prefix + value if codec.prefix and patterned and value is not None else value


def _inside(document: Any, compare: Compare) -> Any:
    for key in compare.path:
        document = _step(document, key)
    given = compare.value[0] if isinstance(compare.value, tuple) and compare.value else compare.value
    if isinstance(given, int | Decimal) and not isinstance(given, bool):
        number = isinstance(document, int | float) and not isinstance(document, bool)
        return Decimal(repr(document)) if number else None if document is None else ANOTHER
    if document is None or isinstance(document, str):
        return document
    return json.dumps(document, ensure_ascii=False)


def _step(document: Any, key: str) -> Any:
    if isinstance(document, list) and re.fullmatch(r"-?\d+", key):
        return document[int(key)] if -len(document) <= int(key) < len(document) else None
    return document.get(key) if isinstance(document, dict) else None


def like(value: str, pattern: str) -> bool:
    """SQL's LIKE over the whole value; a backslash makes the next character stand for itself."""
    expression, letters = "", iter(pattern)
    for letter in letters:
        if letter == "\\":
            expression += re.escape(next(letters))
        else:
            expression += {"%": ".*", "_": "."}.get(letter) or re.escape(letter)
    return re.fullmatch(expression, value, re.DOTALL) is not None
