"""Spans: the span of a request, which OpenTelemetry's automatic instrumentation makes, gets its route or its operation."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

from app.observability.figures import Figures

URLS = ("http.url", "url.full", "http.target", "url.query")
"""The attributes that may hold a query string, and so personal data."""

DescribeSpan: TypeAlias = Callable[[Figures], None]
"""Describes the current span by the figures of its request, before the response begins."""


def find_tracing() -> DescribeSpan | None:
    """Returns None if OpenTelemetry is not installed."""
    try:
        return partial(describe_span, import_module("opentelemetry.trace").get_current_span)
    except ImportError:
        return None


def describe_span(get_span: Callable[[], Any], figures: Figures) -> None:
    """Without a traceparent of the caller, the line of the request in the log gets the ids of the span."""
    span = get_span()
    context = span.get_span_context()
    if not figures.traceparent and context.is_valid:
        figures.traceparent = b"00-%032x-%016x-01" % (context.trace_id, context.span_id)
    if not span.is_recording():
        return
    if figures.operation is not None:
        span.update_name(f"{figures.api} {figures.operation}")
        if figures.api == "graphql":
            kind, _, name = figures.operation.partition(" ")
            span.set_attributes({"graphql.operation.type": kind, "graphql.operation.name": name})
    for name in URLS:
        url = (span.attributes or {}).get(name)
        if url is not None:
            span.set_attribute(name, "" if name == "url.query" else str(url).partition("?")[0])
