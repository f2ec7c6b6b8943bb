"""Parts that many operations of the v1 API share: parameters, bodies, answers and errors."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from app.errors import StorageFull
from app.http.bodies import DEEPEST, MOST_VALUES, TooLarge, TooManyValues, WrongType, parse_json
from app.http.encodings import inflate
from app.query.dialects import LONGEST_REGEX
from app.rest.boundary import ExpectedError
from app.rest.openapi.headers import IDEMPOTENCY_KEY as IDEMPOTENCY_KEY
from app.rest.openapi.headers import IF_MATCH as IF_MATCH
from app.rest.openapi.headers import IF_NONE_MATCH as IF_NONE_MATCH
from app.rest.openapi.headers import TAG_HEADER as TAG_HEADER
from app.rest.operations import (
    Answer,
    Errors,
    Operation,
    Parameter,
    RequestBody,
    Schema,
    json_text,
    list_of,
    raised_by,
    ref,
)
from app.rest.v1.answers import V1Response
from app.rest.v1.bodies import TOO_LARGE, Body
from app.rest.v1.call import DEEPEST_QUERY, V1Call, object_argument
from app.rest.v1.errors import too_deep
from app.rest.v1.filters import read_count, read_filter, read_record_filter
from app.rest.v1.models import CLIENT, Model

Handler: TypeAlias = Callable[[V1Call], Awaitable[V1Response]]
V1Operation: TypeAlias = Operation[Handler]


CLIENT_FILTER = '{"where":{"city":"Ljubljana"},"order":"name ASC","limit":10}'


def filter_parameter(model: Model, example: str = CLIENT_FILTER) -> Parameter:
    """LoopBack's filter of a list."""
    name = model.name
    return Parameter(
        name="filter",
        description=f"LoopBack's filter as JSON text: `{name}Filter` in the schemas. The brackets of a query string are read, "
        "too: `filter[where][city]=Ljubljana&filter[limit]=10`. A filter has at most "
        f"{DEEPEST_QUERY} levels, and a regular expression at most {LONGEST_REGEX} characters.",
        schema=json_text(f"{name}Filter"),
        example=example,
        errors=(
            NOT_AN_OBJECT,
            raised_by(lambda: read_filter({"limit": "abc"}, model)),
            raised_by(lambda: read_filter({"skip": -1}, model)),
            raised_by(lambda: read_filter({"order": "name sideways"}, model)),
            raised_by(lambda: read_filter({"where": {"colour": "red"}}, model)),
            raised_by(lambda: read_filter({"where": {"name": {"inq": "x"}}}, model)),
            raised_by(lambda: read_filter({"where": {"name": {"$gt": "x"}}}, model)),
            raised_by(lambda: read_filter({"include": "colour"}, model)),
            too_deep(DEEPEST_QUERY),
        ),
    )


def record_filter_parameter(model: Model) -> Parameter:
    """LoopBack's filter on one record."""
    members = "fields and include" if model.relations else "fields"
    example = {"fields": ["id", "organizationId" if model is CLIENT else "createdAt"]}
    return Parameter(
        name="filter",
        description=f"A filter with {members} as JSON text, or in brackets. Other members are ignored.",
        schema=json_text(f"{model.name}RecordFilter"),
        example=str(example).replace("'", '"'),
        errors=(NOT_AN_OBJECT, raised_by(lambda: read_record_filter({"include": "colour"}, model))),
    )


def where_parameter(model: Model, example: str = '{"city":"Ljubljana"}') -> Parameter:
    """The conditions of a count."""
    return Parameter(
        name="where",
        description=f"Conditions as JSON text: `{model.name}Where` in the schemas. The brackets of a query string are read, too: "
        "`where[city]=Ljubljana`.",
        schema=json_text(f"{model.name}Where"),
        example=example,
        errors=(
            raised_by(lambda: object_argument({"where": "[]"}, "where")),
            raised_by(lambda: read_count({"colour": "red"}, model)),
            too_deep(DEEPEST_QUERY),
        ),
    )


NOT_AN_OBJECT = raised_by(lambda: object_argument({"filter": "[]"}, "filter"))

BODY_ERRORS: Errors = (
    raised_by(lambda: parse_json(b'{"name":')),
    raised_by(lambda: Body([], empty=False).object()),
    too_deep(DEEPEST),
    raised_by(lambda: inflate(b"x", "gzip", 1)),
    TooLarge(TOO_LARGE),
    TooManyValues(f"The body must have at most {MOST_VALUES} JSON values."),
    WrongType('unsupported charset "ISO-8859-1"'),
    WrongType('unsupported content encoding "br"'),
)
TYPE_NEEDED = raised_by(lambda: Body(None, empty=False, unread=True).require_type())
FULL: Errors = (StorageFull(),)


def make_body(
    name: str, example: object, *errors: ExpectedError, form: bool = True, schema: Schema | None = None
) -> RequestBody:
    """A body of the schema with this name, in JSON, or with `form` as a form, too."""
    return RequestBody(
        schema=schema or ref(name),
        example=example,
        form=ref(f"{name}Form") if form else None,
        errors=(*BODY_ERRORS, *errors),
    )


COUNT = Answer(description="The number of records.", schema=ref("Count"), example={"count": 42})
DELETED = Answer(description="1, or 0 if there was no such record.", schema=ref("Count"), example={"count": 1})
NOT_MODIFIED = Answer(description="The record still has the version of If-None-Match.", headers=TAG_HEADER)


def list_answer(model: Model, records: str, example: object) -> Answer:
    """A page of records. `records` is the word for them."""
    return Answer(
        description=f"The {records}. X-Total-Count tells how many there are on all pages.",
        schema=list_of(ref(f"Partial{model.name}")),
        headers=("X-Total-Count",),
        example=[example],
    )


def existence_answer(record: str) -> Answer:
    """The answer whether a record exists. `record` is the word for it."""
    return Answer(
        description=f"True if the {record} exists and is not deleted.",
        schema=ref("Existence"),
        example={"exists": True},
    )


def replace_by_post(operation: V1Operation) -> V1Operation:
    """The operation that does by POST what `operation` does by PUT."""
    return replace(
        operation,
        id=f"{operation.id}ByPost",
        summary=f"{operation.summary} by POST",
        description="The same as PUT, for callers that cannot send it.",
    )
