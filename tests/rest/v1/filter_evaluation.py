"""What a v1 filter means, read from its raw JSON over raw JSON rows: an opinion of its own, which imports nothing of the service.

A condition is True, False, or None where a null leaves it undecided, as in SQL.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

Row = Mapping[str, Any]
Truth = bool | None

TRUE, FALSE = (True, 1, "true", "1"), (False, 0, "false", "0", "")
BOOLEANS, DATES = ("taxSubject", "isEndCustomer", "_isDeleted"), ("createdAt", "updatedAt", "deletedAt")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, given: bool(value > given),
    "gte": lambda value, given: bool(value >= given),
    "lt": lambda value, given: bool(value < given),
    "lte": lambda value, given: bool(value <= given),
}
PATTERNS = ("like", "nlike", "ilike", "nilike", "regexp")


class Refused(Exception):
    """The filter has no meaning: the service is to answer 400."""


def matching(where: Any, rows: Sequence[Row]) -> list[str]:
    """The ids of the rows that meet a where."""
    return [row["id"] for row in rows if meets(where, row) is True]


def meets(where: Any, row: Row) -> Truth:
    if not isinstance(where, dict):
        raise Refused(where)
    return all_of([_member(key, value, row) for key, value in where.items()])


def all_of(truths: Sequence[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def negate(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _member(key: str, value: Any, row: Row) -> Truth:
    if key in ("and", "or"):
        truths = [meets(one, row) for one in _list(value)]
        if key == "or" and not truths:
            raise Refused(value)
        return all_of(truths) if key == "and" else negate(all_of([negate(truth) for truth in truths]))
    operators = {name: given for name, given in value.items() if name != "options"} if isinstance(value, dict) else None
    if operators == {}:
        raise Refused(value)
    ignoring = isinstance(value, dict) and "i" in value.get("options", "")
    clauses = operators or {"eq": value}
    return all_of([_clause(key, operator, given, ignoring, row) for operator, given in clauses.items()])


def _list(value: Any) -> list[Any]:
    if isinstance(value, dict) and value and set(value) == {str(index) for index in range(len(value))}:
        return [value[str(index)] for index in range(len(value))]
    if not isinstance(value, list):
        raise Refused(value)
    return value


def _clause(key: str, operator: str, given: Any, ignoring: bool, row: Row) -> Truth:
    if operator in PATTERNS:
        return _pattern(key, operator, given, ignoring, row)
    if operator in ("inq", "nin"):
        return _among(key, operator, _list(given), row)
    if operator == "between":
        return _between(key, _list(given), row)
    if operator not in ("eq", "neq", *ORDERED):
        raise Refused(operator)
    if given is None:
        return False if operator in ORDERED else (_text(key, row) is None) is (operator == "eq")
    value, wanted = _pair(key, given, row)
    if value is None or wanted is None:
        return None
    if operator in ORDERED:
        return None if value is OTHER else ORDERED[operator](value, wanted)
    return (value == wanted) is (operator == "eq") if value is not OTHER or operator == "neq" else None


def _among(key: str, operator: str, members: list[Any], row: Row) -> Truth:
    wanted = [_pair(key, member, row) for member in members if member is not None]
    if not members:
        return operator == "nin"
    if _text(key, row) is None:
        return False if len(wanted) < len(members) or operator == "inq" else None
    return any(value == one for value, one in wanted) is (operator == "inq")


def _between(key: str, bounds: list[Any], row: Row) -> Truth:
    if len(bounds) != 2:
        raise Refused(bounds)
    if None in bounds:
        return False
    (value, low), (_, high) = (_pair(key, bound, row) for bound in bounds)
    if isinstance(low, str) is not isinstance(high, str):
        raise Refused(bounds)
    return None if value is None or value is OTHER else bool(low <= value <= high)


OTHER = object()
"""A value inside custom that is no number, where numbers are compared."""


def _pair(key: str, given: Any, row: Row) -> tuple[Any, Any]:
    """The value of a row and the given one, in the type in which the two are compared."""
    if key in BOOLEANS:
        if isinstance(given, list | dict) or given not in (*TRUE, *FALSE):
            raise Refused(given)
        return row[key], given in TRUE
    if key in DATES:
        return None if row[key] is None else moment(row[key]), moment(given)
    if isinstance(given, list | dict):
        raise Refused(given)
    if key.startswith("custom.") and isinstance(given, int | float) and not isinstance(given, bool):
        found = _inside(key, row)
        number = isinstance(found, int | float) and not isinstance(found, bool)
        return found if number or found is None else OTHER, given
    return _text(key, row), _written(given)


def moment(given: Any) -> datetime:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return EPOCH + timedelta(milliseconds=given)
    try:
        read = datetime.fromisoformat(given.replace("Z", "+00:00"))
    except (AttributeError, ValueError) as error:
        raise Refused(given) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _inside(key: str, row: Row) -> Any:
    found = row["custom"]
    for step in key.split(".")[1:]:
        if isinstance(found, list):
            found = found[int(step)] if step.isdigit() and int(step) < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def _text(key: str, row: Row) -> str | None:
    found = _inside(key, row) if key.startswith("custom.") else row[key]
    return None if found is None else _written(found)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pattern(key: str, operator: str, given: Any, ignoring: bool, row: Row) -> Truth:
    if key in (*BOOLEANS, *DATES) or not isinstance(given, str):
        raise Refused(given)
    value = _text(key, row)
    blind = ignoring or operator in ("ilike", "nilike")
    if operator == "regexp":
        return _searched(given, value)
    expression = re.compile(_like(_fold(given) if blind else given), re.DOTALL)
    if value is None:
        return None
    return (expression.fullmatch(_fold(value) if blind else value) is not None) is not operator.startswith("n")


def _fold(text: str) -> str:
    """A text without case, accents and compatibility forms. It is correct for the letters of the drawn rows."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


def _searched(given: str, value: str | None) -> Truth:
    literal = re.fullmatch(r"/(.*)/([a-z]*)", given, re.DOTALL)
    source, flags = literal.groups() if literal else (given, "")
    if not set(flags) <= set("igm"):
        raise Refused(given)
    expression = re.compile(source.replace("$", r"\Z"), re.DOTALL | (re.IGNORECASE if "i" in flags else 0))
    return None if value is None else expression.search(value) is not None


@cache
def _like(pattern: str) -> str:
    expression, letters = "", iter(pattern)
    for letter in letters:
        following = next(letters, None) if letter == "\\" else letter
        if following is None:
            raise Refused(pattern)
        plain = letter == "\\" or letter not in "%_"
        expression += re.escape(following) if plain else {"%": ".*", "_": "."}[letter]
    return expression


def ordered(rows: Sequence[Row], order: Any) -> list[str]:
    """The ids of rows in an order: by code point, nulls last, or first where it descends; equal ones the latest first."""
    found = sorted(rows, key=lambda row: row["id"], reverse=bool(order))
    for text in reversed(_orders(order)):
        name, *words = text.split()
        backward = bool(words) and words[0].upper() == "DESC"
        found.sort(key=lambda row: (row[name] is None, row[name] if row[name] is not None else 0), reverse=backward)
    return [row["id"] for row in found]


def _orders(order: Any) -> list[str]:
    texts = [order] if isinstance(order, str) else order or []
    return [one for text in texts for one in re.split(r"\s*,\s*", text) if one]
