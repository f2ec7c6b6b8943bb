"""Operators: one row each. The reader, the SQL compiler, the search terms and the GraphQL inputs follow this table.

A dialect maps its spellings to rows. An operator that behaves like an existing one is a new row here, and one spelling
in every dialect that has it.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any


class Behaviour(Enum):
    """The kind of decision that an operator makes. `query.sql.conditions` holds the SQL of each behaviour."""

    EQUALITY = auto()
    ORDER = auto()
    RANGE = auto()
    MEMBERSHIP = auto()
    PART = auto()
    LIKE = auto()
    REGEX = auto()
    NULL = auto()


class Shape(Enum):
    """The shape of the value that an operator takes. A text is always a pattern, or a part of one."""

    ONE = auto()
    LIST = auto()
    PAIR = auto()
    TEXT = auto()
    BOOLEAN = auto()


class Implied(Enum):
    """The text that a matching value certainly contains. Search terms are made of it."""

    NOTHING = auto()
    BEGINNING = auto()
    PART = auto()
    LITERALS = auto()
    """Each text between the wildcards of a LIKE pattern."""


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One operator. Two operators are equal when they are the same row. Its text is the name: cursors are bound to it.

    - `compare` compares a value with the operand, or with each member of a list; `differs`: it is "!=".
    - `template` places a part in a LIKE pattern.
    - `folds`: texts are compared by their folded form where the face folds.
    - `variant_of` is the row that a predicate holds in place of this one. The reader adds what differs: the negation
      (`negated`) around the comparison, and the case (`ignore_case`) in it.
    """

    name: str
    behaviour: Behaviour = field(repr=False)
    takes: Shape = field(repr=False)
    description: str = field(repr=False)
    compare: Callable[[Any, Any], Any] = field(default=operator.eq, repr=False)
    template: str = field(default="{}", repr=False)
    folds: bool = field(default=False, repr=False)
    implies: Implied = field(default=Implied.NOTHING, repr=False)
    negated: bool = field(default=False, repr=False)
    ignore_case: bool = field(default=False, repr=False)
    variant_of: "Operator | None" = field(default=None, repr=False)
    differs: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "differs", self.compare is operator.ne)


def _negate(positive: Operator, description: str) -> Operator:
    """The negation. A row without a value meets neither an operator nor its negation."""
    return replace(
        positive, name=f"not {positive.name}", description=description, negated=True, variant_of=_plain(positive)
    )


def _ignore_case(sensitive: Operator, description: str) -> Operator:
    return replace(
        sensitive,
        name=f"{sensitive.name} ignoring case",
        description=description,
        ignore_case=True,
        variant_of=_plain(sensitive),
    )


def _plain(variant: Operator) -> Operator:
    return variant.variant_of or variant


EQ = Operator(
    "=",
    Behaviour.EQUALITY,
    Shape.ONE,
    "Equal to this value. Null matches rows without a value.",
    implies=Implied.BEGINNING,
)
NE = Operator(
    "!=",
    Behaviour.EQUALITY,
    Shape.ONE,
    "Different from this value. Rows without a value do not match. Null matches rows with a value.",
    compare=operator.ne,
)
IN = Operator("in", Behaviour.MEMBERSHIP, Shape.LIST, "Equal to one of these values.")
NOT_IN = Operator(
    "not in",
    Behaviour.MEMBERSHIP,
    Shape.LIST,
    "Different from all of these values. Rows without a value do not match.",
    compare=operator.ne,
)
IS_NULL = Operator("is null", Behaviour.NULL, Shape.BOOLEAN, "True matches rows without a value, false rows with one.")
GT = Operator(">", Behaviour.ORDER, Shape.ONE, "Sorts after this value.", compare=operator.gt, folds=True)
GTE = Operator(
    ">=",
    Behaviour.ORDER,
    Shape.ONE,
    "Sorts after this value, or is equal to it.",
    compare=operator.ge,
    folds=True,
)
LT = Operator("<", Behaviour.ORDER, Shape.ONE, "Sorts before this value.", compare=operator.lt, folds=True)
LTE = Operator(
    "<=",
    Behaviour.ORDER,
    Shape.ONE,
    "Sorts before this value, or is equal to it.",
    compare=operator.le,
    folds=True,
)
BETWEEN = Operator(
    "between", Behaviour.RANGE, Shape.PAIR, "From the first value to the second, both included.", folds=True
)
CONTAINS = Operator(
    "contains", Behaviour.PART, Shape.TEXT, "Contains this text.", template="%{}%", implies=Implied.PART
)
STARTS_WITH = Operator(
    "starts with", Behaviour.PART, Shape.TEXT, "Starts with this text.", template="{}%", implies=Implied.BEGINNING
)
ENDS_WITH = Operator(
    "ends with", Behaviour.PART, Shape.TEXT, "Ends with this text.", template="%{}", implies=Implied.PART
)
NOT_CONTAINS = _negate(CONTAINS, "Does not contain this text. Rows without a value do not match.")
NOT_STARTS_WITH = _negate(STARTS_WITH, "Does not start with this text. Rows without a value do not match.")
NOT_ENDS_WITH = _negate(ENDS_WITH, "Does not end with this text. Rows without a value do not match.")
LIKE = Operator(
    "like",
    Behaviour.LIKE,
    Shape.TEXT,
    "Matches this SQL pattern as a whole: % stands for any text, _ for one character.",
    implies=Implied.LITERALS,
)
NOT_LIKE = _negate(LIKE, "Does not match this SQL pattern. Rows without a value do not match.")
ILIKE = _ignore_case(LIKE, "Matches this SQL pattern in upper or lower case.")
NOT_ILIKE = _negate(
    ILIKE, "Does not match this SQL pattern, in upper or lower case. Rows without a value do not match."
)
REGEX = Operator(
    "regex",
    Behaviour.REGEX,
    Shape.TEXT,
    "Contains a match of this POSIX regular expression of at most 256 characters.",
)
