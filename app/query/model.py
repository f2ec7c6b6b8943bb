"""The neutral question: predicates, orders and pages over columns and typed values, for every table and every API."""

from dataclasses import dataclass
from typing import TypeAlias

from app.query.operators import Operator

Scalar: TypeAlias = object
"""str, bool, int, float, datetime or None; or a tuple of these for IN, NOT_IN and BETWEEN."""


@dataclass(frozen=True, slots=True)
class Compare:
    """One condition. `path` leads into a JSON column. `ignore_case` is for patterns, `folded` for order comparisons of text.

    As in SQL, a row whose value is null meets only IS_NULL, and NOT_IN of an empty list, which all rows meet.
    """

    column: str
    operator: Operator
    value: Scalar
    path: tuple[str, ...] = ()
    ignore_case: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts; true when there are none."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the parts; false when there are none."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """As in SQL, a null leaves a condition undecided. Its negation is then undecided too and does not match."""

    part: "Predicate"


Predicate: TypeAlias = Compare | And | Or | Not
EVERYTHING = And(())


@dataclass(frozen=True, slots=True)
class Order:
    """One step of an order. `path` leads into a JSON column."""

    column: str
    descending: bool = False
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` rows, past the first `skip`, strictly between the rows whose order values are `after` and `before`.

    A `backward` page takes the last of these rows, the very last one first.
    """

    limit: int
    skip: int = 0
    after: tuple[Scalar, ...] | None = None
    before: tuple[Scalar, ...] | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The conditions, search words and orders that an API reads from its arguments; a ListRequest completes them.

    With `deleted_too`, deleted records match as well.
    """

    where: Predicate = EVERYTHING
    words: tuple[str, ...] = ()
    orders: tuple[Order, ...] = ()
    deleted_too: bool = False


NO_CONDITIONS = Query()
