"""The OpenAPI documents of a service with default settings, and the responses that they do not document."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import orjson
from openapi_schema_validator import OAS31Validator
from starlette.types import Receive, Scope, Send

from app.config import Config
from app.http.responses import JsonResponse
from app.observability.figures import current_figures
from app.rest.openapi.routes import DESCRIPTIONS, write_document
from app.rest.v1.call import V1Call

Document = dict[str, Any]

JSON = "application/json"
UNDOCUMENTED: list[str] = []
"""The responses and the parameters that the documents lack."""
PRIVATE = frozenset({"cache-control", "x-content-type-options", "content-type", "content-length"})
"""The headers of HTTP itself, which the documents leave out."""


@cache
def read_document(api: str) -> Document:
    document: Document = orjson.loads(write_document(api, Config(), ""))
    return document


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of every operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def resolve(document: Document, part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, or the component that it refers to."""
    if "$ref" not in part:
        return part
    _, section, name = part["$ref"].removeprefix("#/").split("/")
    resolved: dict[str, Any] = document["components"][section][name]
    return resolved


def parameters(document: Document, operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [resolve(document, parameter) for parameter in operation["parameters"]]


def find_errors(document: Document, schema: Mapping[str, Any], value: object) -> list[str]:
    """The errors of a value against a schema of the document."""
    validator = OAS31Validator({**schema, "components": document["components"]})
    return [f"{error.json_path}: {error.message}"[:500] for error in validator.iter_errors(value)]


@cache
def documented(api: str) -> Mapping[str, Mapping[int, frozenset[str]]]:
    """Route -> status -> names of headers."""
    document = read_document(api)
    return {
        f"{method} {path}": {
            int(status): frozenset(name.lower() for name in resolve(document, response).get("headers", ()))
            for status, response in operation["responses"].items()
        }
        for method, path, operation in operations(document)
    }


@cache
def query_names(api: str, route: str) -> frozenset[str]:
    document = read_document(api)
    return frozenset(
        parameter["name"]
        for method, path, operation in operations(document)
        if f"{method} {path}" == route
        for parameter in parameters(document, operation)
        if parameter["in"] == "query"
    )


def listen() -> None:
    """Notes every response of the REST APIs and every parameter that v1 reads, unless the documents tell it."""
    respond, read = JsonResponse.__call__, V1Call.parameters

    async def respond_noted(self: JsonResponse, scope: Scope, receive: Receive, send: Send) -> None:
        note_response(self)
        await respond(self, scope, receive, send)

    def read_noted(self: V1Call, *names: str) -> Any:
        route = current_figures.get().operation
        if route is not None and not query_names("v1", route).issuperset(names):
            UNDOCUMENTED.append(f"{route} reads the parameters {names}")
        return read(self, *names)

    JsonResponse.__call__ = respond_noted  # type: ignore[method-assign]
    V1Call.parameters = read_noted  # type: ignore[method-assign]


def note_response(response: JsonResponse) -> None:
    figures = current_figures.get()
    if figures.operation is None or figures.api not in DESCRIPTIONS:
        return
    answers = documented(figures.api)[figures.operation]
    names = {name.decode() for name, _ in response.headers} - PRIVATE
    if response.status not in answers:
        UNDOCUMENTED.append(f"{figures.operation} answers {response.status}: {response.body[:300]!r}")
    elif not names <= answers[response.status]:
        UNDOCUMENTED.append(f"{figures.operation} answers {response.status} with the headers {names}")
