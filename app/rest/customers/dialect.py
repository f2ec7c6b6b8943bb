"""The dialect of the Customers API: `query`, with or without a dollar sign before each operator."""

from app.query import operators
from app.query.dialects import ORDER, STRICT, Dialect, Messages

OPERATORS = {
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
    operators=OPERATORS | {f"${name}": operator for name, operator in OPERATORS.items()},
    ignores_case=lambda *_: True,
    coerce=STRICT,
    deep_paths=False,
    messages=Messages(not_an_object=lambda _: "The query must be a JSON object."),
)
