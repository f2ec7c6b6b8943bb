"""Conditions: a predicate becomes SQL with a parameter for each value, so that one statement serves every value."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from unicodedata import normalize

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
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.query.face import Face, Kind
from app.query.model import EVERYTHING, And, Compare, Not, Or, Predicate, Scalar
from app.query.operators import EQ, Behaviour, Operator, Shape
from app.query.search_terms import TermShape
from app.query.sql.index_keys import index_key
from app.query.sql.render import Columns
from app.storage.columns import TIME

WORDS, CODE = "pg_c_utf8", "C"
ESCAPED = re.compile(r"\\(.)|[^\x00-\x7f]", re.DOTALL)
TYPES: dict[Kind, Any] = {Kind.DATE: TIME, Kind.BOOLEAN: Boolean(), Kind.NUMBER: Numeric()}


def parametrize(predicate: Predicate, values: list[Scalar]) -> Predicate:
    """The predicate with its values moved into `values`, in the order of the parameters of `condition`.

    A LIKE pattern that ignores case becomes one that can be folded.
    """
    if predicate is EVERYTHING:
        return predicate
    match predicate:
        case And(parts):
            return And(tuple(parametrize(part, values) for part in parts))
        case Or(parts):
            return Or(tuple(parametrize(part, values) for part in parts))
        case Not(part):
            return Not(parametrize(part, values))
        case Compare(operator=operator) if operator.behaviour is Behaviour.NULL:
            return predicate
    if predicate.operator.takes is Shape.PAIR and isinstance(predicate.value, tuple):
        values.extend(predicate.value)
        marker: Scalar = _marker(predicate.value[0])
    else:
        values.append(_parameter(predicate))
        marker = _marker(predicate.value)
    return Compare(
        predicate.column, predicate.operator, marker, predicate.path, predicate.ignore_case, predicate.folded
    )


def _parameter(compare: Compare) -> Scalar:
    if isinstance(compare.value, tuple):
        return list(compare.value)
    if compare.operator.behaviour is Behaviour.LIKE and compare.ignore_case:
        return foldable_pattern(str(compare.value))
    return compare.value


def foldable_pattern(pattern: str) -> str:
    """A LIKE pattern that keeps its meaning when it is folded.

    Wide forms of %, _ and the backslash fold to these, so they are escaped. No other character keeps its backslash,
    because it may fold to several characters or to none.
    """
    return ESCAPED.sub(_escape_again, pattern)


def _escape_again(character: re.Match[str]) -> str:
    letter = character.group(1) or character.group()
    folds_to_wildcard = any(wildcard in normalize("NFKD", letter) for wildcard in "%_\\")
    return f"\\{letter}" if folds_to_wildcard else letter


def _marker(value: Scalar) -> str:
    """The type of a value. Inside JSON the statement depends on it: numbers are compared as numbers."""
    first = value[0] if isinstance(value, tuple) and value else value
    return "number" if isinstance(first, int | Decimal) and not isinstance(first, bool) else "text"


class ParameterNames:
    """Names the parameters p0, p1, … in the order of `parametrize`. All names begin with `prefix`."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix, self.count = prefix, 0

    def take(self, type_: Any) -> ColumnElement[Any]:
        self.count += 1
        return bindparam(f"{self.prefix}p{self.count - 1}", type_=type_)


def condition(predicate: Predicate, face: Face, columns: Columns, names: ParameterNames) -> ColumnElement[bool]:
    """The SQL of a predicate over `columns`, with the nulls, prefixes and folded texts of `face`."""
    match predicate:
        case And(parts):
            return and_(true(), *(condition(part, face, columns, names) for part in parts))
        case Or(parts):
            return or_(false(), *(condition(part, face, columns, names) for part in parts))
        case Not(part):
            return not_(condition(part, face, columns, names))
    return _comparison(predicate, face, columns, names)


def _comparison(compare: Compare, face: Face, columns: Columns, names: ParameterNames) -> ColumnElement[bool]:
    field = face.columns[compare.column]
    value: ColumnElement[Any] = columns[compare.column]
    if compare.path:
        return _inside_json(compare, value, names)
    if field.codec.null_is_false:
        value = func.coalesce(value, false())
    if compare.operator.behaviour is Behaviour.NULL:
        return value.is_(None) if compare.value else value.is_not(None)
    if field.is_list:
        return _match_members(compare.operator, value, names)
    if field.codec.prefix and compare.operator.takes is Shape.TEXT:
        value = func.textcat(literal(field.codec.prefix, Text()), value)
    if _folds(compare):
        return _compare_folded(compare, columns[field.folded] if field.folded else func.fold(value), names)
    if compare.operator is EQ and field.folded:
        text = names.take(Text())
        return and_(value == text, collate(index_key(columns[field.folded]), CODE) == _folded_key(text))
    return _compare(compare, value, names, TYPES.get(field.kind, Text()))


def _match_members(operator: Operator, texts: ColumnElement[Any], names: ParameterNames) -> ColumnElement[bool]:
    """True if a list of texts has a member. A row without a list meets no condition but "different from nothing"."""
    if operator.behaviour is Behaviour.EQUALITY:
        found = texts.op("?", is_comparison=True)(names.take(Text()))
        return not_(found) if operator.differs else found
    members = names.take(ARRAY(Text))
    found = texts.op("?|", is_comparison=True)(members)
    return or_(func.cardinality(members) == literal_column("0"), not_(found)) if operator.differs else found


def _inside_json(compare: Compare, document: ColumnElement[Any], names: ParameterNames) -> ColumnElement[bool]:
    path = cast(list(compare.path), ARRAY(Text))
    text = collate(document.op("#>>", return_type=Text())(path), WORDS)
    if compare.operator.behaviour is Behaviour.NULL:
        return text.is_(None) if compare.value else text.is_not(None)
    if compare.value == "number":
        inner = document.op("#>", return_type=JSONB())(path)
        return _compare_numbers(compare, inner, text, names)
    if _folds(compare):
        return _compare_folded(compare, func.fold(text), names)
    return _compare(compare, text, names, Text())


def _folds(compare: Compare) -> bool:
    """True for a comparison of folded texts: an order that folds, or a pattern that ignores case."""
    ignores_case = compare.ignore_case and compare.operator.behaviour in (Behaviour.PART, Behaviour.LIKE)
    return compare.folded or ignores_case


def _compare_folded(compare: Compare, folded: ColumnElement[Any], names: ParameterNames) -> ColumnElement[bool]:
    if compare.folded:
        return _apply(compare.operator, _Operand(collate(index_key(folded), CODE), Text(), _folded_key), names)
    return _apply(compare.operator, _Operand(collate(folded, CODE), Text(), func.fold), names)


def _compare_numbers(
    compare: Compare, inner: ColumnElement[Any], text: ColumnElement[Any], names: ParameterNames
) -> ColumnElement[bool]:
    """Numbers by their size. Any other value is in no order with a number, but it is different from every number."""
    number = case((func.jsonb_typeof(inner) == "number", cast(cast(inner, Text), Numeric)))
    compared = _compare(compare, number, names, Numeric())
    if not compare.operator.differs:
        return compared
    return case((number.is_not(None), compared), (text.is_not(None), true()))


def _compare(compare: Compare, value: ColumnElement[Any], names: ParameterNames, type_: Any) -> ColumnElement[bool]:
    operator = compare.operator
    if operator.behaviour is Behaviour.REGEX:
        return value.op("~*" if compare.ignore_case else "~", is_comparison=True)(names.take(Text()))
    return _apply(operator, _Operand(value, type_), names)


def _folded_key(text: ColumnElement[Any]) -> ColumnElement[str]:
    return index_key(func.fold(text))


Transform = Callable[[ColumnElement[Any]], ColumnElement[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class _Operand:
    """The left side of a comparison. `prepare` does to each parameter what was done to `value`."""

    value: ColumnElement[Any]
    type_: Any
    prepare: Transform = lambda parameter: parameter

    def take(self, names: ParameterNames) -> ColumnElement[Any]:
        return self.prepare(names.take(self.type_))


def _apply(operator: Operator, operand: _Operand, names: ParameterNames) -> ColumnElement[bool]:
    return COMPILERS[operator.behaviour](operator, operand, names)


def _compile_one(operator: Operator, operand: _Operand, names: ParameterNames) -> Any:
    return operator.compare(operand.value, operand.take(names))


def _compile_members(operator: Operator, operand: _Operand, names: ParameterNames) -> Any:
    """Different from a list means different from all members."""
    members = names.take(ARRAY(operand.type_))
    return operator.compare(operand.value, func.all(members) if operator.differs else func.any(members))


def _compile_range(_: Operator, operand: _Operand, names: ParameterNames) -> ColumnElement[bool]:
    return and_(operand.value >= operand.take(names), operand.value <= operand.take(names))


def _compile_part(operator: Operator, operand: _Operand, names: ParameterNames) -> ColumnElement[bool]:
    before, _, after = operator.template.partition("{}")
    part = func.like_part(operand.take(names))
    return operand.value.like(func.concat(*filter(None, (before,)), part, *filter(None, (after,))))


def _compile_like(_: Operator, operand: _Operand, names: ParameterNames) -> ColumnElement[bool]:
    return operand.value.like(operand.take(names))


Compiler = Callable[[Operator, _Operand, ParameterNames], ColumnElement[bool]]
COMPILERS: dict[Behaviour, Compiler] = {
    Behaviour.EQUALITY: _compile_one,
    Behaviour.ORDER: _compile_one,
    Behaviour.MEMBERSHIP: _compile_members,
    Behaviour.RANGE: _compile_range,
    Behaviour.PART: _compile_part,
    Behaviour.LIKE: _compile_like,
}
"""All but NULL, which has no parameter, and REGEX, which has an SQL operator for each case."""


def search_condition(terms: Sequence[TermShape], columns: Columns, prefix: str = "") -> ColumnElement[bool]:
    """The search text has every term: anywhere, or at the beginning of a word. The parameters are w0, w1, …

    A term that the index does not look up is found by strpos, which is faster than LIKE and means the same.
    """
    return and_(true(), *(has_term(index, shape, columns, prefix) for index, shape in enumerate(terms)))


def has_term(index: int, shape: TermShape, columns: Columns, prefix: str = "") -> ColumnElement[bool]:
    begins, indexed = shape
    text: ColumnElement[Any] = columns["search_text"]
    term = func.squeeze(func.fold(bindparam(f"{prefix}w{index}", type_=Text())), type_=Text())
    if not indexed:
        wanted = func.textcat(literal(" ", Text()), term, type_=Text()) if begins else term
        return func.strpos(text, collate(once(wanted, prefix), CODE)) > literal_column("0")
    pattern = ("% " if begins else "%") + func.like_part(term, type_=Text()) + "%"
    return text.like(collate(once(pattern, prefix), CODE))


def once(value: ColumnElement[Any], prefix: str) -> ColumnElement[Any]:
    """The value of a parameter in a list inside a record, computed once for a statement that is planned without its values."""
    return select(value).scalar_subquery() if prefix else value
