"""Responses of the v1 API: records, lists and small objects, with LoopBack's headers."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from app.rest.preconditions import etag

NOSNIFF = {"x-content-type-options": "nosniff"}


class V1Response(Response):
    """A JSON body that is already rendered."""

    media_type = "application/json; charset=utf-8"

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        Response.init_headers(self, NOSNIFF if headers is None else {**headers, **NOSNIFF})


def show_record(json: str, version: int) -> Response:
    """One rendered record with its entity tag."""
    return V1Response(json.encode(), headers=etag(version))


def not_modified(version: int) -> Response:
    return Response(status_code=304, headers={**etag(version), **NOSNIFF})


def no_content() -> Response:
    return Response(status_code=204, headers=NOSNIFF)


def join_rows(rows: Sequence[str]) -> bytes:
    return f"[{','.join(rows)}]".encode()


def show_rows(rows: Sequence[str], total: int | None = None) -> Response:
    """A bare list; a total goes into a header."""
    return V1Response(join_rows(rows), headers=None if total is None else {"x-total-count": str(total)})


def show(value: Mapping[str, Any] | Sequence[Any]) -> Response:
    return V1Response(orjson.dumps(value))
