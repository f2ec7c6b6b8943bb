"""The span of a request is described before the response begins."""

import sys
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.observability.observer import Observer
from app.observability.request_log import RequestLog
from tests.conftest import Service
from tests.observability.test_request_log import Lines

TRACE_ID, SPAN_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7


class Span:
    """A span as that of OpenTelemetry's SDK."""

    def __init__(self) -> None:
        self.name = ""
        self.attributes: dict[str, Any] = {"http.url": "http://service/customers?search=Ana", "url.query": "search=Ana"}

    def get_span_context(self) -> SimpleNamespace:
        return SimpleNamespace(is_valid=True, trace_id=TRACE_ID, span_id=SPAN_ID)

    def is_recording(self) -> bool:
        return True

    def update_name(self, name: str) -> None:
        self.name = name

    def set_attribute(self, name: str, value: str) -> None:
        self.attributes[name] = value

    def set_attributes(self, attributes: dict[str, str]) -> None:
        self.attributes |= attributes


@pytest.mark.parametrize(
    ("method", "path", "options", "name"),
    [
        ("GET", "/customers?search=Ana", {}, "customers GET /customers"),
        ("POST", "/graphql", {"json": {"query": "query Names { clients { totalCount } }"}}, "graphql query Names"),
    ],
)
async def test_a_span_has_the_route_or_the_operation_and_no_query_string(
    service: Service, monkeypatch: pytest.MonkeyPatch, method: str, path: str, options: Any, name: str
) -> None:
    span, lines = Span(), Lines()
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", SimpleNamespace(get_current_span=lambda: span))
    log = RequestLog(every=True, slow=60.0, text=False, writer=lines)
    app = create_app(service.config, service.database, Observer(log))
    headers = {"Authorization": f"Bearer {service.token}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://service", headers=headers
    ) as http:
        assert (await http.request(method, path, **options)).status_code == 200
    assert span.name == name
    assert span.attributes["http.url"] == "http://service/customers"
    assert span.attributes["url.query"] == ""
    assert span.attributes.get("graphql.operation.name") == ("Names" if path == "/graphql" else None)
    (line,) = lines.read()
    assert (line["trace_id"], line["parent_id"]) == (f"{TRACE_ID:032x}", f"{SPAN_ID:016x}")
