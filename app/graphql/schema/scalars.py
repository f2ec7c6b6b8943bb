"""The scalars: JSON values as they are, and moments as text that the database has already written."""

from typing import Any, NewType

import strawberry
from graphql import GraphQLError

from app.query.values import parse_moment


def _read_moment(value: object) -> str:
    if isinstance(value, str) and parse_moment(value) is not None:
        return value
    raise GraphQLError(f"DateTime needs an ISO 8601 text, not {value!r}")


Json = NewType("Json", object)
DateTime = NewType("DateTime", str)

SCALARS: dict[object, Any] = {
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC with milliseconds, such as `2026-04-20T10:10:30.000Z`. As an input, any ISO 8601 "
        "date or date-time; without an offset it is taken as UTC, and a date alone as its midnight.",
        serialize=lambda value: value,
        parse_value=_read_moment,
    ),
}
