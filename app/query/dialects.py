"""Dialects: how each API writes filters. The dialects themselves stand beside their APIs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import Malformed
from app.query import operators
from app.query.face import Face, Field, Kind
from app.query.model import Scalar
from app.query.operators import Operator
from app.query.values import number, strict_boolean, strict_date, strict_text

LONGEST_REGEX = 256
BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")


def strip_prefix(text: str, field: Field, _: Face) -> str:
    """The stored form of an id. One without the field's prefix maps to a value that sorts before or after every real id."""
    prefix = field.codec.prefix
    if text.startswith(prefix):
        return text[len(prefix) :]
    return f"!{text}" if text < prefix else f"~{text}"


Coerce = Callable[[object, str], Scalar]

Clause = Mapping[str, Any]
"""The object of operators that a message is about, as the caller wrote it."""


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """Messages about mistakes in a filter, made of what the caller wrote.

    `foreign_operators` makes the error for operators that begin with a dollar sign, where that differs from the error for
    other unknown operators.
    """

    not_an_object: Callable[[object], str] = lambda _: "The filter must be an object."
    not_conditions: Callable[[str, object], str] = lambda key, _: f"The `{key}` operator needs a list of conditions."
    not_a_list: Callable[[str, Clause, object], str] = lambda name, *_: (
        f"This operator on `{name}` needs a list of values."
    )
    not_two: Callable[[str, Clause, int], str] = lambda name, _, count: (
        f"`between` on `{name}` needs exactly two values; got {count}."
    )
    not_a_pattern: Callable[[Operator, str, Clause], str] = lambda _, name, __: (
        f"Pattern operators on `{name}` need a string."
    )
    foreign_operators: Callable[[str, Sequence[str], Clause], Malformed] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """The spelling of filters in one API, as data.

    - `operators` maps spellings to operators, `logic` spellings to "and", "or" and "not".
    - `coerce` turns a value into the type of a kind of field.
    - `stored_id` makes the stored form of an id of a field.
    - `modifiers` are keys that stand beside operators and change them; `ignores_case` reads them.
    - `pattern` checks the text of a pattern, and says whether a flag inside it ignores case.
    - `null_orders_nothing`: an order comparison with null matches no row. Without it, it is an error.
    - `skips_empty`: a field or a logical operator with null is no condition, and neither is an empty object. The negation of
      no condition is none, too.
    - `numbered_lists`: an object with the keys 0 to n-1 is a list.
    - `dotted_paths`: a dot in a name leads into a JSON field. `deep_paths`: each dot leads one level deeper; without it
      only the first dot does, and the others are part of the key.
    - `nested_paths`: an object without operators leads into a JSON field.
    - `path_key`: conditions inside a JSON field are a list of objects, each with its path under this key.
    - `messages` makes the messages about mistakes.
    """

    name: str
    operators: Mapping[str, Operator]
    coerce: Mapping[Kind, Coerce]
    stored_id: Callable[[str, Field, Face], str] = strip_prefix
    logic: Mapping[str, str] = field(default_factory=dict)
    modifiers: frozenset[str] = frozenset()
    ignores_case: Callable[[Mapping[str, Any], Operator], bool] = lambda _, operator: operator.ignore_case
    pattern: Callable[[Operator, str, str], tuple[str, bool]] = lambda _, text, __: (text, False)
    null_orders_nothing: bool = False
    skips_empty: bool = False
    numbered_lists: bool = False
    dotted_paths: bool = True
    nested_paths: bool = True
    deep_paths: bool = True
    path_key: str | None = None
    messages: Messages = field(default_factory=Messages)


STRICT: Mapping[Kind, Coerce] = {
    Kind.TEXT: strict_text,
    Kind.ID: strict_text,
    Kind.BOOLEAN: strict_boolean,
    Kind.DATE: strict_date,
    Kind.NUMBER: number,
}

ORDER: Mapping[str, Operator] = {
    "gt": operators.GT,
    "gte": operators.GTE,
    "lt": operators.LT,
    "lte": operators.LTE,
    "between": operators.BETWEEN,
}


def check_regex(source: str, field: str) -> str:
    """The pattern itself. Raises Malformed for over 256 characters, and for back-references, which take unbounded time."""
    if len(source) > LONGEST_REGEX:
        raise Malformed(
            f"The pattern for `{field}` may have at most {LONGEST_REGEX} characters; got {len(source)}.", field
        )
    if BACK_REFERENCE.search(source):
        raise Malformed(f"The pattern for `{field}` contains a back-reference, which is not allowed.", field)
    return source


def check_like(pattern: str, field: str) -> str:
    """The LIKE pattern itself. Raises Malformed for a backslash at its end that escapes no character."""
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise Malformed(
            f"The pattern for `{field}` ends with a single backslash. Write two to match one backslash.", field
        )
    return pattern
