"""LoopBack's dialect: `filter` and `where` of the v1 API."""

import re
from collections.abc import Mapping
from typing import Any

from app.errors import Malformed
from app.query import operators
from app.query.dialects import ORDER, Dialect, check_like, check_regex
from app.query.face import Kind
from app.query.js_dates import lax_date
from app.query.operators import Behaviour, Operator
from app.query.values import lax_boolean, lax_text, number
from app.rest.v1.messages import LOOPBACK_MESSAGES

REGEX_LITERAL = re.compile(r"/(?P<source>.*)/(?P<flags>[A-Za-z]*)", re.DOTALL)


def _check_pattern(operator: Operator, text: str, field: str) -> tuple[str, bool]:
    """The pattern, and whether it ignores case. A regexp may be written /source/flags; of the flags i, g and m only i counts."""
    if operator.behaviour is not Behaviour.REGEX:
        return check_like(text, field), False
    literal = REGEX_LITERAL.fullmatch(text)
    if literal is None:
        return check_regex(text, field), False
    unknown = [flag for flag in literal["flags"] if flag not in "igm"]
    if unknown:
        raise Malformed(f"Invalid regex flags: {','.join(unknown)}", field)
    return check_regex(literal["source"], field), "i" in literal["flags"]


def _ignores_case(modifiers: Mapping[str, Any], operator: Operator) -> bool:
    is_like = operator.behaviour is Behaviour.LIKE
    return operator.ignore_case or (is_like and "i" in str(modifiers.get("options", "")))


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
    ignores_case=_ignores_case,
    pattern=_check_pattern,
    null_orders_nothing=True,
    numbered_lists=True,
    nested_paths=False,
    messages=LOOPBACK_MESSAGES,
)
