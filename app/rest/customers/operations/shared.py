"""Parts that many operations of the Customers API share: parameters, bodies and errors."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from app.clients.faces import ENTITY_ID as ENTITY_CODEC
from app.errors import Invalid, KeyTaken, Malformed, NotFound, Problem, StorageFull
from app.http.bodies import MOST_VALUES, TooManyValues, WrongType, parse_json
from app.http.encodings import UnknownCharset, UnknownEncoding, inflate
from app.query.cursor import read_cursor
from app.rest.boundary import ExpectedError
from app.rest.customers.call import CustomersCall, CustomersResponse
from app.rest.customers.operations.samples import CUSTOMER_ID, ENTITY_ID
from app.rest.customers.parameters import (
    DEFAULT_LIMIT,
    HIGHEST_LIMIT,
    read_cursors,
    read_flag,
    read_limit,
    read_single_values,
)
from app.rest.openapi import headers
from app.rest.openapi.headers import IF_MATCH as IF_MATCH
from app.rest.openapi.headers import IF_NONE_MATCH as IF_NONE_MATCH
from app.rest.openapi.headers import TAG_HEADER as TAG_HEADER
from app.rest.openapi.schemas import ID_PATTERN
from app.rest.operations import BOOLEAN, Errors, Operation, Parameter, RequestBody, Schema, raised_by, ref

Handler: TypeAlias = Callable[[CustomersCall], Awaitable[CustomersResponse]]
CustomersOperation: TypeAlias = Operation[Handler]

NO_RECORD = NotFound("There is no such record")
NO_ENTITY = NotFound("There is no such entity")
NO_ENTITY_AT_ALL = NotFound("Your token has no entity.")
TAKEN = KeyTaken("metadata", "number", CUSTOMER_ID, "6595a27b5d35015c3ef0c3fe")
FULL: Errors = (StorageFull(),)
ENTITY_TEXT: Schema = {"type": "string", "pattern": f"^({ENTITY_CODEC.prefix}{ID_PATTERN})?$"}

X_ENTITY_ID = Parameter(
    name="x-entity-id",
    place="header",
    description="The entity of the request. Without it, a new customer and a list belong to the first entity of the token, and "
    "a customer in the path is looked up in all of them.",
    schema=ENTITY_TEXT,
    example=ENTITY_ID,
    errors=(NO_ENTITY, Malformed("The headers x-entity-id and entity_id must name one entity.", "x-entity-id")),
)
ENTITY_HEADER = Parameter(
    name="entity_id",
    place="header",
    description="The same as x-entity-id, under the name of the public document. Some proxies drop headers with an underscore.",
    schema=ENTITY_TEXT,
    deprecated=True,
)
ENTITY_HEADERS = (X_ENTITY_ID, ENTITY_HEADER)
IDEMPOTENCY_KEY = replace(
    headers.IDEMPOTENCY_KEY,
    description=f"{headers.IDEMPOTENCY_KEY.description} Without it, an X-Request-Id of your own is the key.",
    errors=(
        *headers.IDEMPOTENCY_KEY.errors,
        Malformed("The header Idempotency-Key must have one value.", "Idempotency-Key"),
    ),
)

LIMIT = Parameter(
    name="limit",
    description="The most records of the page.",
    schema={"type": "integer", "minimum": 1, "maximum": HIGHEST_LIMIT, "default": DEFAULT_LIMIT},
    example=10,
    errors=(raised_by(lambda: read_limit("0")),),
)
NEXT_CURSOR = Parameter(
    name="next_cursor",
    description="`pagination.next_cursor` of the page before. A cursor belongs to its query, search and order.",
    errors=(raised_by(lambda: read_cursor("", "x", "next_cursor", 1)),),
)
PREV_CURSOR = Parameter(
    name="prev_cursor",
    description="`pagination.prev_cursor` of the page after. It excludes `next_cursor`.",
    errors=(
        raised_by(lambda: read_cursor("", "x", "prev_cursor", 1)),
        raised_by(lambda: read_cursors({"next_cursor": "a", "prev_cursor": "b"})),
    ),
)
INCLUDE_TOTAL_COUNT = Parameter(
    name="include_total_count",
    description="Without the total, `pagination.total` is -1 and a long list is faster.",
    schema={**BOOLEAN, "default": True},
    example=True,
    errors=(raised_by(lambda: read_flag({"include_total_count": "yes"}, "include_total_count", default=True)),),
)
PAGE = (LIMIT, NEXT_CURSOR, PREV_CURSOR, INCLUDE_TOTAL_COUNT)


def unknown_parameters(names: Sequence[str]) -> Errors:
    """The errors of a list with the parameters of these names, for another parameter and for one that comes twice."""
    return (
        raised_by(lambda: read_single_values({"page": ["2"]}, names)),
        raised_by(lambda: read_single_values({"limit": ["1", "2"]}, names)),
    )


BODY_ERRORS: Errors = (
    raised_by(lambda: parse_json(b'{"name":')),
    raised_by(lambda: inflate(b"x", "gzip", 1)),
    raised_by(lambda: parse_json(b"[" * 33 + b"]" * 33)),
    Invalid([Problem("", "type", "Expected object", [])]),
    TooManyValues(f"The body must have at most {MOST_VALUES} JSON values."),
    WrongType("The Content-Type of the body must be application/json; got text/plain."),
    UnknownCharset("iso-8859-1"),
    UnknownEncoding("br"),
)


def make_body(name: str, example: object, *errors: ExpectedError) -> RequestBody:
    """A body of the schema with this name."""
    return RequestBody(schema=ref(name), example=example, errors=(*BODY_ERRORS, *errors))
