"""Operations: a route with its handler and all that a caller can see of it. The router and the OpenAPI documents use them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from app.errors import DomainError
from app.http.errors import HttpError
from app.rest.boundary import ErrorTable, ExpectedError
from app.rest.router import Routes

Handler = TypeVar("Handler")

Schema: TypeAlias = Mapping[str, Any]
"""A JSON Schema of the draft 2020-12, as OpenAPI 3.1 uses it."""

Errors: TypeAlias = tuple[ExpectedError, ...]

TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
JSON = "application/json"


def ref(name: str) -> Schema:
    """The schema of this name in the components of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def object_of(**properties: Schema) -> Schema:
    """An object that has all of these properties."""
    return {"type": "object", "required": list(properties), "properties": properties}


def json_text(name: str) -> Schema:
    """A text that holds JSON of the schema with this name."""
    return {"type": "string", "contentMediaType": JSON, "contentSchema": ref(name)}


def raised_by(call: Callable[[], object]) -> ExpectedError:
    """The expected error that a call raises, such as a reader of parameters on a wrong value."""
    try:
        call()
    except (DomainError, HttpError) as error:
        return error
    raise AssertionError("The call must raise an expected error.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Parameter:
    """A query parameter or a header of a request. `errors` are those of a wrong value."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: TEXT)
    place: Literal["query", "header"] = "query"
    required: bool = False
    deprecated: bool = False
    example: object = None
    errors: Errors = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RequestBody:
    """The body of a request. `form` is the schema of a form, if the operation also reads forms."""

    schema: Schema
    example: object = None
    description: str = ""
    required: bool = True
    form: Schema | None = None
    errors: Errors = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Answer:
    """A successful response. `headers` are names of headers of the API. Without a schema it has no body."""

    description: str
    schema: Schema | None = None
    headers: tuple[str, ...] = ()
    example: object = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation(Generic[Handler]):
    """One route. `id` is unique in its API. `errors` has the errors that not every operation of the API has.

    A `public` operation needs no token.
    """

    handler: Handler
    id: str
    tag: str
    summary: str
    description: str = ""
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    body: RequestBody | None = None
    errors: Errors = ()
    public: bool = False


Operations: TypeAlias = Mapping[tuple[str, str], Operation[Handler]]
"""Method and pattern -> operation."""


def find_handlers(operations: Operations[Handler]) -> Routes[Handler]:
    """The routes of the operations, for the router."""
    return {route: operation.handler for route, operation in operations.items()}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PathParameter:
    """A parameter in a path. The segment before it identifies it. `component` is its name in the components."""

    component: str
    description: str
    example: str
    errors: Errors = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CommonErrors:
    """The errors of many operations: of all, and of those that need a token, a token that may write, or a body."""

    all: Errors
    authenticated: Errors
    writing: Errors = ()
    body: Errors = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ApiDescription(Generic[Handler]):
    """All that the OpenAPI document of one API is made of.

    `path_parameters` are by the segment before them, `headers` and `schemas` by their names in the components. `error` is
    the schema of every error in JSON. `security` has the ways to authenticate; each of them is enough.
    """

    title: str
    description: str
    tags: Mapping[str, str]
    operations: Operations[Handler]
    path_parameters: Mapping[str, PathParameter]
    parameters: tuple[Parameter, ...]
    headers: Mapping[str, Schema]
    schemas: Mapping[str, Schema]
    security: Mapping[str, Schema]
    table: ErrorTable
    error: Schema
    errors: CommonErrors
