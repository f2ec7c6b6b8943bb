"""The OpenAPI documents: valid, complete and served."""

from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette

from app.cli.openapi import RestApi, openapi_command
from app.config import Config
from app.main import create_app
from app.rest.boundary import Boundary
from app.rest.customers import entities, parameters
from app.rest.openapi.routes import DESCRIPTIONS, write_document
from tests.conftest import Service
from tests.openapi_documents import JSON, find_errors, operations, read_document, resolve
from tests.openapi_documents import parameters as parameters_of
from tests.tenancy.rest import read_header_names

APIS = tuple(DESCRIPTIONS)
FROM_HTTP = {"content-type"}
"""The headers that every HTTP client sends by itself."""


@pytest.mark.parametrize("api", APIS)
def test_a_document_is_valid(api: str) -> None:
    OpenAPIV31SpecValidator(read_document(api)).validate()


def routes_of(app: Starlette, api: str) -> set[str]:
    """The routes that the application mounts for an API."""
    options: list[dict[str, Any]] = [each.kwargs for each in app.user_middleware if "segments" in each.kwargs]
    boundaries = [app for each in options for app in each["segments"].values() if isinstance(app, Boundary)]
    serve: Any = next(boundary.serve for boundary in boundaries if boundary.api == api)
    router = serve.__globals__["ROUTER"]
    return {
        text
        for shapes in router.shapes.values()
        for shape in shapes
        for methods in shape.patterns.values()
        for _, _, text in methods.values()
    }


@pytest.mark.parametrize("api", APIS)
def test_every_route_of_the_application_is_described(shared_service: Service, api: str) -> None:
    described = {f"{method} {path}" for method, path, _ in operations(read_document(api))}
    assert described == routes_of(shared_service.app, api)


@pytest.mark.parametrize("api", APIS)
def test_every_operation_has_its_own_id_a_tag_and_a_summary(api: str) -> None:
    document = read_document(api)
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    tags = {tag["name"] for tag in document["tags"]}
    for _, _, operation in operations(document):
        assert operation["summary"]
        assert set(operation["tags"]) <= tags


@pytest.mark.parametrize("api", APIS)
def test_every_example_fits_its_schema(api: str) -> None:
    document = read_document(api)
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        for parameter in parameters_of(document, operation):
            assert find_errors(document, parameter["schema"], parameter.get("example", "")) == [] or (
                "example" not in parameter
            ), (where, parameter["name"])
            if "contentSchema" in parameter["schema"]:
                value = orjson.loads(parameter["example"])
                assert find_errors(document, parameter["schema"]["contentSchema"], value) == [], where
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for part in (*bodies, *(resolve(document, response) for response in operation["responses"].values())):
            media = part.get("content", {}).get(JSON, {})
            examples = [media["example"]] if "example" in media else []
            examples += [example["value"] for example in media.get("examples", {}).values()]
            for example in examples:
                assert find_errors(document, media["schema"], example) == [], where


def test_the_parameters_of_the_customers_lists_are_described() -> None:
    document = read_document("customers")
    described = {
        operation["operationId"]: {
            parameter["name"] for parameter in parameters_of(document, operation) if parameter["in"] == "query"
        }
        for _, _, operation in operations(document)
    }
    assert described["listCustomers"] == set(parameters.NAMES)
    assert described["listEntities"] == set(entities.NAMES)


def test_every_header_that_the_apis_read_is_described() -> None:
    described = {
        parameter["name"].lower()
        for api in APIS
        for _, _, operation in operations(read_document(api))
        for parameter in parameters_of(read_document(api), operation)
        if parameter["in"] == "header"
    }
    assert described == read_header_names() - FROM_HTTP


async def fetch(app: Starlette, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize("api", APIS)
async def test_a_document_is_served_without_a_token_and_kept_by_its_tag(shared_service: Service, api: str) -> None:
    path = f"/openapi/{api}.json"
    first = await fetch(shared_service.app, path, **{"accept-encoding": "identity"})
    assert (first.status_code, first.headers["content-type"]) == (200, JSON)
    assert first.content == write_document(api, shared_service.config, "")
    again = await fetch(shared_service.app, path, **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    packed = await fetch(shared_service.app, path, **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == first.content
    head = await shared_service.client(None).head(path)
    assert (head.status_code, head.content) == (200, b"")


async def test_the_server_of_a_document_is_the_root_of_the_service(service: Service) -> None:
    app = create_app(replace(service.config, root_path="/erp"), service.database)
    document = (await fetch(app, "/erp/openapi/v1.json")).json()
    assert document["servers"][0]["url"] == "/erp"
    assert read_document("v1")["servers"][0]["url"] == "/"


def test_limits_of_the_settings_are_told() -> None:
    config = Config(page_cap=77, body_cap=123_456, url_cap=9_999)
    text = write_document("v1", config, "").decode()
    assert "77 records" in text
    assert "123,456 bytes" in text
    assert "The URL must have at most 9999 bytes." in text
    assert "requests a second" in text
    assert "requests a second" not in write_document("v1", Config(token_requests=0), "").decode()


@pytest.mark.parametrize("api", APIS)
def test_the_command_prints_the_document(api: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    openapi_command(RestApi(api))
    assert capfdbinary.readouterr().out == write_document(api, Config(), "")
