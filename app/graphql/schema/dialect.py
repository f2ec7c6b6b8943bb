"""The dialect of the GraphQL API: filter inputs as plain objects."""

from collections.abc import Mapping
from typing import Any

from app.query import operators
from app.query.dialects import ORDER, STRICT, Dialect, check_like, check_regex
from app.query.operators import Behaviour, Operator


def _check_pattern(operator: Operator, text: str, field: str) -> tuple[str, bool]:
    """The pattern. It has no flags: `caseSensitive` stands beside it."""
    check = {Behaviour.REGEX: check_regex, Behaviour.LIKE: check_like}.get(operator.behaviour)
    return (check(text, field) if check else text), False


def _ignores_case(modifiers: Mapping[str, Any], _: Operator) -> bool:
    return not modifiers.get("caseSensitive", False)


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
    ignores_case=_ignores_case,
    pattern=_check_pattern,
    dotted_paths=False,
    path_key="path",
)
