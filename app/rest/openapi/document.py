"""The OpenAPI document of one API, made from its description."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus

from app.config import Config
from app.http.paths import split_path
from app.rest.boundary import READS, ExpectedError
from app.rest.openapi.components import Part, Shared
from app.rest.openapi.responses import NAMES, write_answer, write_errors
from app.rest.operations import JSON, ApiDescription, Handler, Operation, Parameter, PathParameter, RequestBody
from app.version import VERSION

OPENAPI = "3.1.0"
FORM = "application/x-www-form-urlencoded"
LICENSE = {"name": "MIT", "identifier": "MIT"}


def build_document(api: ApiDescription[Handler], config: Config, server: str) -> Part:
    """The document as JSON values. `server` is the address of the service, which may be relative to the document."""
    parameters, responses = Shared("parameters"), Shared("responses")
    operations = {route: write_operation(api, route, config) for route in api.operations}
    parameters.count(parameter for operation in operations.values() for parameter in operation["parameters"])
    responses.count(
        response
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if is_error(status)
    )
    paths: dict[str, Part] = {}
    for (method, pattern), operation in operations.items():
        in_path = dict(path_parameters(api, pattern))
        names = {name: parameter.component for name, parameter in in_path.items()}
        paths.setdefault(pattern, {})[method.lower()] = _share(operation, names, parameters, responses)
    return {
        "openapi": OPENAPI,
        "info": {"title": api.title, "version": VERSION, "description": api.description, "license": LICENSE},
        "servers": [{"url": server, "description": "This service"}],
        "tags": [{"name": name, "description": text} for name, text in api.tags.items()],
        "security": [{name: []} for name in api.security],
        "paths": paths,
        "components": {
            "schemas": dict(api.schemas),
            "parameters": parameters.parts,
            "headers": dict(api.headers),
            "responses": responses.parts,
            "securitySchemes": dict(api.security),
        },
    }


def _share(operation: Part, names: Mapping[str, str], parameters: Shared, responses: Shared) -> Part:
    """The operation with references to the parts that others have, too. `names` are those of the components in its path."""
    shared = {
        status: responses.place(NAMES[int(status)], part) if is_error(status) else part
        for status, part in operation["responses"].items()
    }
    placed = [parameters.place(names.get(part["name"], part["name"]), part) for part in operation["parameters"]]
    return {**operation, "parameters": placed, "responses": shared}


def is_error(status: str) -> bool:
    return int(status) >= HTTPStatus.BAD_REQUEST


def write_operation(api: ApiDescription[Handler], route: tuple[str, str], config: Config) -> Part:
    """One operation, without references to shared parts."""
    operation = api.operations[route]
    in_path = dict(path_parameters(api, route[1]))
    parameters = [write_path_parameter(name, parameter) for name, parameter in in_path.items()]
    parameters += map(write_parameter, (*operation.parameters, *api.parameters))
    errors = write_errors(api, route, find_errors(api, route), config)
    answers = {status: write_answer(answer) for status, answer in operation.answers.items()}
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        **({"security": []} if operation.public else {}),
        "parameters": parameters,
        **({"requestBody": write_body(operation.body)} if operation.body else {}),
        "responses": {str(status): part for status, part in {**answers, **errors}.items()},
    }


def path_parameters(api: ApiDescription[Handler], pattern: str) -> Iterator[tuple[str, PathParameter]]:
    """The parameters of a path by their names. Raises KeyError for one that the description does not know."""
    before = ""
    for segment in split_path(pattern):
        if segment.startswith("{"):
            yield segment[1:-1], api.path_parameters[before]
        before = segment


def find_errors(api: ApiDescription[Handler], route: tuple[str, str]) -> Iterator[ExpectedError]:
    """Every error of an operation: its own, and those of its parameters, its body, its path and its token."""
    method, pattern = route
    operation: Operation[Handler] = api.operations[route]
    yield from operation.errors
    for _, in_path in path_parameters(api, pattern):
        yield from in_path.errors
    for parameter in (*operation.parameters, *api.parameters):
        yield from parameter.errors
    if operation.body is not None:
        yield from (*operation.body.errors, *api.errors.body)
    if not operation.public:
        yield from api.errors.authenticated
        yield from () if method in READS else api.errors.writing
    yield from api.errors.all


def write_parameter(parameter: Parameter) -> Part:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        **({"required": True} if parameter.required else {}),
        **({"deprecated": True} if parameter.deprecated else {}),
        "schema": parameter.schema,
        **({} if parameter.example is None else {"example": parameter.example}),
    }


def write_path_parameter(name: str, parameter: PathParameter) -> Part:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": parameter.description,
        "schema": {"type": "string", "minLength": 1},
        "example": parameter.example,
    }


def write_body(body: RequestBody) -> Part:
    example = {} if body.example is None else {"example": body.example}
    form = {FORM: {"schema": body.form}} if body.form is not None else {}
    return {
        **({"description": body.description} if body.description else {}),
        "required": body.required,
        "content": {JSON: {"schema": body.schema, **example}, **form},
    }
