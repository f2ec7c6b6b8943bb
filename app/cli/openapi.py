"""`openapi`: prints the OpenAPI document of a REST API."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.output import stdout
from app.config import Config


class RestApi(StrEnum):
    """The REST APIs."""

    V1 = "v1"
    CUSTOMERS = "customers"


def openapi_command(api: Annotated[RestApi, typer.Argument(help="The REST API.", show_default=False)]) -> None:
    """Print the OpenAPI document of a REST API, as the service shows it at /openapi/v1.json or /openapi/customers.json."""
    from app.rest.openapi.routes import write_document

    config = Config.from_environment()
    output = stdout()
    output.write(write_document(api.value, config, config.root_path))
    output.flush()
