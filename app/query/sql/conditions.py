"""Conditions: a predicate becomes SQL with a place for each value, so that one statement serves every value."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Numeric,
    Text,
    and_,
    bindparam,
    case,
    cast,
    collate,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.query.face import Face, Kind
from app.query.model import And, Compare, Not, Operator, Or, Predicate, Scalar
from app.query.search_terms import TermShape
from app.query.sql.render import Columns
from app.storage.tables import TIME

WORDS, CODE = "pg_c_utf8", "C"
TYPES: dict[Kind, Any] = {Kind.DATE: TIME, Kind.BOOLEAN: Boolean(), Kind.NUMBER: Numeric()}

LIST_OPERATORS = frozenset({Operator.IN, Operator.NOT_IN})
DIFFERENT = frozenset({Operator.NE, Operator.NOT_IN})


def parametrize(predicate: Predicate, values: list[Scalar]) -> Predicate:
    """The predicate with its values moved into `values`, in the order in which `condition` names them."""
    match predicate:
        case And(parts):
            return And(tuple(parametrize(part, values) for part in parts))
        case Or(parts):
            return Or(tuple(parametrize(part, values) for part in parts))
        case Not(part):
            return Not(parametrize(part, values))
        case Compare(operator=Operator.IS_NULL):
            return predicate
    if predicate.operator is Operator.BETWEEN and isinstance(predicate.value, tuple):
        values.extend(predicate.value)
        marker: Scalar = _marker(predicate.value[0])
    else:
        values.append(list(predicate.value) if isinstance(predicate.value, tuple) else predicate.value)
        marker = _marker(predicate.value)
    return Compare(
        predicate.column, predicate.operator, marker, predicate.path, predicate.ignore_case, predicate.folded
    )


def _marker(value: Scalar) -> str:
    """What of a value changes the statement: inside JSON, numbers are compared as numbers."""
    one = value[0] if isinstance(value, tuple) and value else value
    return "number" if isinstance(one, int | Decimal) and not isinstance(one, bool) else "text"


class Places:
    """Names the parameters p0, p1, … in the order of `parametrize`."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, type_: Any) -> ColumnElement[Any]:
        self.count += 1
        return bindparam(f"p{self.count - 1}", type_=type_)


def condition(predicate: Predicate, face: Face, columns: Columns, places: Places) -> ColumnElement[bool]:
    """The SQL of a predicate over `columns`, spelled for `face`."""
    match predicate:
        case And(parts):
            return and_(true(), *(condition(part, face, columns, places) for part in parts))
        case Or(parts):
            return or_(false(), *(condition(part, face, columns, places) for part in parts))
        case Not(part):
            return not_(condition(part, face, columns, places))
    return _comparison(predicate, face, columns, places)


def _comparison(compare: Compare, face: Face, columns: Columns, places: Places) -> ColumnElement[bool]:
    field = face.column(compare.column)
    value: ColumnElement[Any] = columns[compare.column]
    if compare.path:
        return _inside_json(compare, value, places)
    if field.codec.null_is_false:
        value = func.coalesce(value, false())
    if compare.operator is Operator.IS_NULL:
        return value.is_(None) if compare.value else value.is_not(None)
    if field.codec.prefix and compare.operator in PATTERNS:
        value = func.textcat(literal(field.codec.prefix, Text()), value)
    if compare.folded:
        folded = columns[field.folded] if field.folded else func.fold(value)
        return _operate(compare.operator, collate(folded, CODE), places, Text(), _fold)
    if compare.operator is Operator.EQ and field.folded:
        given = places.take(Text())
        return and_(value == given, collate(columns[field.folded], CODE) == func.fold(given))
    return _apply(compare, value, places, TYPES.get(field.kind, Text()))


def _inside_json(compare: Compare, document: ColumnElement[Any], places: Places) -> ColumnElement[bool]:
    path = cast(list(compare.path), ARRAY(Text))
    text = collate(document.op("#>>", return_type=Text())(path), WORDS)
    if compare.operator is Operator.IS_NULL:
        return text.is_(None) if compare.value else text.is_not(None)
    if compare.value == "number":
        found = document.op("#>", return_type=JSONB())(path)
        return _numeric(compare, found, text, places)
    if compare.folded:
        return _operate(compare.operator, collate(func.fold(text), CODE), places, Text(), _fold)
    return _apply(compare, text, places, Text())


def _numeric(
    compare: Compare, found: ColumnElement[Any], text: ColumnElement[Any], places: Places
) -> ColumnElement[bool]:
    """Numbers by their size. Whatever else is there is in no order with a number, but it is another value than one."""
    number = case((func.jsonb_typeof(found) == "number", cast(cast(found, Text), Numeric)))
    compared = _apply(compare, number, places, Numeric())
    if compare.operator not in DIFFERENT:
        return compared
    return case((number.is_not(None), compared), (text.is_not(None), true()))


def _apply(compare: Compare, value: ColumnElement[Any], places: Places, type_: Any) -> ColumnElement[bool]:
    if compare.operator in PATTERNS and compare.ignore_case and compare.operator is not Operator.REGEX:
        return _operate(compare.operator, func.lower(collate(value, WORDS)), places, type_, _lower)
    if compare.operator is Operator.REGEX:
        return value.op("~*" if compare.ignore_case else "~", is_comparison=True)(places.take(Text()))
    return _operate(compare.operator, value, places, type_, lambda given: given)


def _fold(given: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.fold(given)


def _lower(given: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.lower(collate(given, WORDS))


Shaping = Callable[[ColumnElement[Any]], ColumnElement[Any]]


def _operate(
    operator: Operator, value: ColumnElement[Any], places: Places, type_: Any, shape: Shaping
) -> ColumnElement[bool]:
    if operator in LIST_OPERATORS:
        members = places.take(ARRAY(type_))
        return value == func.any(members) if operator is Operator.IN else value != func.all(members)
    if operator is Operator.BETWEEN:
        return and_(value >= shape(places.take(type_)), value <= shape(places.take(type_)))
    given = shape(places.take(type_))
    if operator in PATTERNS:
        return value.like(PATTERNS[operator](given))
    return COMPARISONS[operator](value, given)


def _part(given: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.like_part(given)


COMPARISONS: dict[Operator, Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[bool]]] = {
    Operator.EQ: lambda value, given: value == given,
    Operator.NE: lambda value, given: value != given,
    Operator.LT: lambda value, given: value < given,
    Operator.LTE: lambda value, given: value <= given,
    Operator.GT: lambda value, given: value > given,
    Operator.GTE: lambda value, given: value >= given,
}

PATTERNS: dict[Operator, Shaping] = {
    Operator.CONTAINS: lambda given: func.concat("%", _part(given), "%"),
    Operator.STARTS_WITH: lambda given: func.concat(_part(given), "%"),
    Operator.ENDS_WITH: lambda given: func.concat("%", _part(given)),
    Operator.LIKE: lambda given: given,
    Operator.REGEX: lambda given: given,
}


def search_condition(terms: Sequence[TermShape], columns: Columns) -> ColumnElement[bool]:
    """Every term is part of the search text, or where it says so begins a word there. Terms are w0, w1, …

    Those that are not to be looked up in the index are sought by strpos, which is faster than LIKE, and means the same.
    """
    return and_(true(), *(has_term(index, mark, columns) for index, mark in enumerate(terms)))


def has_term(index: int, mark: TermShape, columns: Columns) -> ColumnElement[bool]:
    begins, indexed = mark
    text: ColumnElement[Any] = columns["search_text"]
    term = func.squeeze(func.fold(bindparam(f"w{index}", type_=Text())), type_=Text())
    if not indexed:
        sought = func.textcat(literal(" ", Text()), term, type_=Text()) if begins else term
        return func.strpos(text, collate(sought, CODE)) > literal_column("0")
    pattern = ("% " if begins else "%") + func.like_part(term, type_=Text()) + "%"
    return text.like(collate(pattern, CODE))
