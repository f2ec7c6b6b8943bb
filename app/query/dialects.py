"""The three dialects: LoopBack's where, the Customers query, and the GraphQL filter inputs."""

import re
from collections.abc import Mapping
from typing import Any

from app.errors import Malformed
from app.query.face import Kind
from app.query.js_dates import lax_date
from app.query.messages import LOOPBACK_WORDING, Wording
from app.query.model import Operator
from app.query.reader import Dialect, Spelling
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


def _spell(**operators: Operator) -> dict[str, Spelling]:
    return {name.rstrip("_"): Spelling(operator) for name, operator in operators.items()}


COMMON = _spell(gt=Operator.GT, gte=Operator.GTE, lt=Operator.LT, lte=Operator.LTE, between=Operator.BETWEEN)


def check_regex(source: str, field: str) -> str:
    """A pattern for PostgreSQL. Raises Malformed for one that is too long or may take unbounded time."""
    if len(source) > LONGEST_REGEX:
        raise Malformed(f"The pattern on {field} is longer than {LONGEST_REGEX} characters", field)
    if BACK_REFERENCE.search(source):
        raise Malformed(f"The pattern on {field} has a back-reference, which is not allowed", field)
    return source


def check_like(pattern: str, field: str) -> str:
    """A LIKE pattern. Raises Malformed when it ends with a backslash that escapes nothing."""
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise Malformed(f"The pattern on {field} ends with a backslash that escapes nothing", field)
    return pattern


def loopback_pattern(operator: Operator, text: str, field: str) -> tuple[str, bool]:
    """LIKE as it is; a regexp may be written /source/flags with the flags i, g and m, of which i counts."""
    if operator is not Operator.REGEX:
        return check_like(text, field), False
    literal = REGEX_LITERAL.fullmatch(text)
    if literal is None:
        return check_regex(text, field), False
    unknown = [flag for flag in literal["flags"] if flag not in "igm"]
    if unknown:
        raise Malformed(f"Invalid regex flags: {','.join(unknown)}", field)
    return check_regex(literal["source"], field), "i" in literal["flags"]


def plain_pattern(operator: Operator, text: str, field: str) -> tuple[str, bool]:
    check = {Operator.REGEX: check_regex, Operator.LIKE: check_like}.get(operator)
    return (check(text, field) if check else text), False


def _loopback_ignores_case(beside: Mapping[str, Any], spelling: Spelling) -> bool:
    return spelling.ignore_case or (spelling.operator is Operator.LIKE and "i" in str(beside.get("options", "")))


def _graphql_ignores_case(beside: Mapping[str, Any], _: Spelling) -> bool:
    return not beside.get("caseSensitive", False)


LOOPBACK = Dialect(
    name="LoopBack",
    operators=COMMON
    | _spell(eq=Operator.EQ, neq=Operator.NE, inq=Operator.IN, nin=Operator.NOT_IN, regexp=Operator.REGEX)
    | {
        "like": Spelling(Operator.LIKE),
        "nlike": Spelling(Operator.LIKE, negated=True),
        "ilike": Spelling(Operator.LIKE, ignore_case=True),
        "nilike": Spelling(Operator.LIKE, negated=True, ignore_case=True),
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

_MONGO = (
    COMMON
    | _spell(equals=Operator.EQ, not_=Operator.NE, in_=Operator.IN, notIn=Operator.NOT_IN)
    | {
        "contains": Spelling(Operator.CONTAINS, ignore_case=True),
        "startsWith": Spelling(Operator.STARTS_WITH, ignore_case=True),
        "endsWith": Spelling(Operator.ENDS_WITH, ignore_case=True),
    }
)

MONGO = Dialect(
    name="Customers",
    operators=_MONGO | {f"${name}": spelling for name, spelling in _MONGO.items()},
    coerce=STRICT,
    deep_paths=False,
    wording=Wording(not_an_object=lambda _: "The query must be a JSON object"),
)

GRAPHQL = Dialect(
    name="GraphQL",
    operators=COMMON
    | _spell(
        eq=Operator.EQ,
        ne=Operator.NE,
        in_=Operator.IN,
        notIn=Operator.NOT_IN,
        contains=Operator.CONTAINS,
        startsWith=Operator.STARTS_WITH,
        endsWith=Operator.ENDS_WITH,
        like=Operator.LIKE,
        regex=Operator.REGEX,
        isNull=Operator.IS_NULL,
    ),
    coerce=STRICT,
    logic={"and": "and", "or": "or", "not": "not"},
    modifiers=frozenset({"caseSensitive"}),
    ignores_case=_graphql_ignores_case,
    pattern=plain_pattern,
    dotted_paths=False,
    path_key="path",
)
