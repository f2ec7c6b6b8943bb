"""/openapi/v1.json and /openapi/customers.json: the documents of both REST APIs, made once and kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.config import Config
from app.http.kept import KeptDocument
from app.http.root_path import find_root_path
from app.observability.figures import current_figures
from app.rest.customers.operations.description import describe_customers
from app.rest.openapi.document import build_document
from app.rest.operations import JSON, ApiDescription
from app.rest.v1.operations.description import describe_v1

DESCRIPTIONS: Mapping[str, Callable[[Config], ApiDescription[Any]]] = {
    "v1": describe_v1,
    "customers": describe_customers,
}
"""The functions that describe the REST APIs, by the names of the APIs."""


def write_document(api: str, config: Config, root_path: str) -> bytes:
    """The document of an API as JSON. Its server is relative: the root of the service that sends the document."""
    document = build_document(DESCRIPTIONS[api](config), config, root_path or "/")
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@dataclass(slots=True)
class DocumentRoute:
    """The document of one API. It is made at the first request, and kept for each root path of the service."""

    api: str
    config: Config
    documents: dict[str, KeptDocument] = field(default_factory=dict)

    async def serve(self, request: Request) -> Response:
        figures = current_figures.get()
        figures.api, figures.operation, figures.known = "openapi", f"GET {document_path(self.api)}", True
        root_path = find_root_path(request.scope)
        if root_path not in self.documents:
            self.documents[root_path] = KeptDocument.of(write_document(self.api, self.config, root_path), JSON)
        return self.documents[root_path].respond(request)


def document_path(api: str) -> str:
    return f"/openapi/{api}.json"


def openapi_routes(config: Config) -> list[BaseRoute]:
    """The routes of the documents. They need no token."""
    return [Route(document_path(api), DocumentRoute(api, config).serve, methods=["GET"]) for api in DESCRIPTIONS]
