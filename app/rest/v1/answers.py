"""Responses of the v1 API: records, lists and small objects, with LoopBack's headers."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.http.responses import Headers, JsonResponse
from app.records.repository import Listing
from app.rest.preconditions import etag


class V1Response(JsonResponse):
    content_type = (b"content-type", b"application/json; charset=utf-8")


def show_record(json: str, version: int) -> V1Response:
    """One rendered record with its entity tag."""
    return V1Response(json.encode(), 200, etag(version))


def not_modified(version: int) -> V1Response:
    return V1Response(b"", 304, etag(version))


def no_content() -> V1Response:
    return V1Response(b"", 204)


def join_rows(rows: Sequence[str]) -> bytes:
    return f"[{','.join(rows)}]".encode()


def show_rows(rows: Sequence[str], total: int | None = None) -> V1Response:
    """A bare list; a total goes into a header."""
    return V1Response(join_rows(rows), 200, _show_total(total))


def show_listing(listing: Listing) -> V1Response:
    """As `show_rows`, for a page whose rows are joined."""
    return V1Response(b"[%b]" % listing.json, 200, _show_total(listing.total))


def _show_total(total: int | None) -> Headers:
    return () if total is None else ((b"x-total-count", b"%d" % total),)


def show(value: Mapping[str, Any] | Sequence[Any]) -> V1Response:
    return V1Response(orjson.dumps(value))
