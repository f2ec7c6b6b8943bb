"""The three dialects: LoopBack's where, the Customers query, and the GraphQL filter inputs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import Malformed
from app.query import operators
from app.query.face import Kind
from app.query.js_dates import lax_date
from app.query.messages import LOOPBACK_WORDING, Wording
from app.query.model import Scalar
from app.query.operators import Behaviour, Operator
from app.query.values import (
    lax_boolean,
    lax_text,
    number,
    strict_boolean,
    strict_date,
    strict_text,
)

LONGEST_REGEX = 256
REGEX_LITERAL = re.compile(r"/(?P<source>.*)/(?P<flags>[A-Za-z]*)", re.DOTALL)
BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")


Coerce = Callable[[object, str], Scalar]


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one API writes filters, as data.

    - `operators` maps spellings to operators, `logic` spellings to "and", "or" and "not".
    - `coerce` turns a value into the type of a kind of field.
    - `modifiers` are keys that stand beside operators and change them; `ignores_case` reads them.
    - `pattern` checks the text of a pattern, and says whether a flag inside it ignores case.
    - `null_orders_nothing`: an order comparison with null matches no row. Without it, it is an error.
    - `numbered_lists`: an object with the keys 0 to n-1 is a list.
    - `dotted_paths`: a dot in a name leads into a JSON field. `deep_paths`: each dot leads one level deeper; without it
      only the first dot does, and the others are part of the key.
    - `nested_paths`: an object without operators leads into a JSON field.
    - `path_key`: conditions inside a JSON field are a list of objects, each with its path under this key.
    - `wording` makes the messages of errors.
    """

    name: str
    operators: Mapping[str, Operator]
    coerce: Mapping[Kind, Coerce]
    logic: Mapping[str, str] = field(default_factory=dict)
    modifiers: frozenset[str] = frozenset()
    ignores_case: Callable[[Mapping[str, Any], Operator], bool] = lambda _, operator: operator.ignore_case
    pattern: Callable[[Operator, str, str], tuple[str, bool]] = lambda _, text, __: (text, False)
    null_orders_nothing: bool = False
    numbered_lists: bool = False
    dotted_paths: bool = True
    nested_paths: bool = True
    deep_paths: bool = True
    path_key: str | None = None
    wording: Wording = field(default_factory=Wording)


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


def loopback_pattern(operator: Operator, text: str, field: str) -> tuple[str, bool]:
    """LIKE as it is; a regexp may be written /source/flags with the flags i, g and m, of which i counts."""
    if operator.behaviour is not Behaviour.REGEX:
        return check_like(text, field), False
    literal = REGEX_LITERAL.fullmatch(text)
    if literal is None:
        return check_regex(text, field), False
    unknown = [flag for flag in literal["flags"] if flag not in "igm"]
    if unknown:
        raise Malformed(f"Invalid regex flags: {','.join(unknown)}", field)
    return check_regex(literal["source"], field), "i" in literal["flags"]


def plain_pattern(operator: Operator, text: str, field: str) -> tuple[str, bool]:
    """A pattern in which no flag is written."""
    check = {Behaviour.REGEX: check_regex, Behaviour.LIKE: check_like}.get(operator.behaviour)
    return (check(text, field) if check else text), False


def _loopback_ignores_case(modifiers: Mapping[str, Any], operator: Operator) -> bool:
    is_like = operator.behaviour is Behaviour.LIKE
    return operator.ignore_case or (is_like and "i" in str(modifiers.get("options", "")))


def _graphql_ignores_case(modifiers: Mapping[str, Any], _: Operator) -> bool:
    return not modifiers.get("caseSensitive", False)


LOOPBACK = Dialect(
    name="LoopBack",
    operators={
        "eq": operators.EQ,
        "neq": operators.NE,
        "inq": operators.IN,
        "nin": operators.NOT_IN,
        **ORDER,
        "like": operators.LIKE,
        "nlike": operators.NOT_LIKE,
        "ilike": operators.ILIKE,
        "nilike": operators.NOT_ILIKE,
        "regexp": operators.REGEX,
    },
    coerce={
        Kind.TEXT: lax_text,
        Kind.ID: lax_text,
        Kind.BOOLEAN: lax_boolean,
        Kind.DATE: lax_date,
        Kind.NUMBER: number,
    },
    logic={"and": "and", "or": "or"},
    modifiers=frozenset({"options"}),
    ignores_case=_loopback_ignores_case,
    pattern=loopback_pattern,
    null_orders_nothing=True,
    numbered_lists=True,
    nested_paths=False,
    wording=LOOPBACK_WORDING,
)

STRICT = {
    Kind.TEXT: strict_text,
    Kind.ID: strict_text,
    Kind.BOOLEAN: strict_boolean,
    Kind.DATE: strict_date,
    Kind.NUMBER: number,
}

_MONGO = {
    "equals": operators.EQ,
    "not": operators.NE,
    "in": operators.IN,
    "notIn": operators.NOT_IN,
    **ORDER,
    "contains": operators.CONTAINS,
    "startsWith": operators.STARTS_WITH,
    "endsWith": operators.ENDS_WITH,
}

MONGO = Dialect(
    name="Customers",
    operators=_MONGO | {f"${name}": operator for name, operator in _MONGO.items()},
    ignores_case=lambda *_: True,
    coerce=STRICT,
    deep_paths=False,
    wording=Wording(not_an_object=lambda _: "The query must be a JSON object."),
)

GRAPHQL = Dialect(
    name="GraphQL",
    operators={
        "eq": operators.EQ,
        "ne": operators.NE,
        "in": operators.IN,
        "notIn": operators.NOT_IN,
        "isNull": operators.IS_NULL,
        **ORDER,
        "contains": operators.CONTAINS,
        "startsWith": operators.STARTS_WITH,
        "endsWith": operators.ENDS_WITH,
        "notContains": operators.NOT_CONTAINS,
        "notStartsWith": operators.NOT_STARTS_WITH,
        "notEndsWith": operators.NOT_ENDS_WITH,
        "like": operators.LIKE,
        "regex": operators.REGEX,
    },
    coerce=STRICT,
    logic={"and": "and", "or": "or", "not": "not"},
    modifiers=frozenset({"caseSensitive"}),
    ignores_case=_graphql_ignores_case,
    pattern=plain_pattern,
    dotted_paths=False,
    path_key="path",
)
