"""The dialect of the GraphQL API: filter inputs as plain objects, and the query of a list inside a record."""

from collections.abc import Mapping
from typing import Any

from app.graphql.execution.context import EXCLUDE, make_query, read_id
from app.query import operators
from app.query.dialects import ORDER, STRICT, Dialect, check_like, check_regex, strip_prefix
from app.query.face import Face, Field
from app.query.model import EVERYTHING, Order, Query
from app.query.operators import Behaviour, Operator
from app.query.reader import read_predicate

FOREIGN_IDS = frozenset({"unit_id"})
"""The columns with ids of records that this service does not have."""


def _check_pattern(operator: Operator, text: str, field: str) -> tuple[str, bool]:
    """The pattern. It has no flags: `caseSensitive` stands beside it."""
    check = {Behaviour.REGEX: check_regex, Behaviour.LIKE: check_like}.get(operator.behaviour)
    return (check(text, field) if check else text), False


def _read_id(text: str, field: Field, face: Face) -> str:
    """The stored form of any id of a record. Other text is compared with ids as they are shown."""
    if field.column in FOREIGN_IDS:
        return text
    type_name = "Organization" if field.column == "organization_id" else face.type_name
    return read_id(type_name, text) or strip_prefix(text, field, face)


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
    stored_id=_read_id,
    logic={"and": "and", "or": "or", "not": "not"},
    modifiers=frozenset({"caseSensitive"}),
    ignores_case=_ignores_case,
    pattern=_check_pattern,
    skips_empty=True,
    dotted_paths=False,
    path_key="path",
)


def read_nested_query(face: Face, arguments: Mapping[str, Any]) -> Query:
    """The query of a list inside a record, from the arguments that graphql-core has coerced."""
    orders = (Order(step["field"].value, step["direction"].name == "DESC") for step in arguments.get("orderBy") or ())
    deleted = arguments.get("deleted")
    chosen = arguments.get("filter")
    where = read_predicate(chosen, GRAPHQL, face) if chosen else EVERYTHING
    return make_query(where, arguments.get("search"), tuple(orders), deleted.name if deleted else EXCLUDE)
