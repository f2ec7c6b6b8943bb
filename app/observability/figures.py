"""Figures: what one request did and used. Every layer adds its part, and the end of the request logs and counts it."""

from contextvars import ContextVar

from app.observability.totals import REJECTED


class Figures:
    """The figures of one request, or of one operation over a WebSocket. Times are in seconds.

    They are class attributes, because a request sets only some of them. Every value is safe to log: a route is a
    pattern, an operation has the name of its definition, and callers and organizations are ids.
    """

    began: float = 0.0
    """The start, on the clock of time.perf_counter."""
    request_id: str = ""
    traceparent: bytes = b""
    api: str = "none"
    """`graphql`, `v1`, `customers`, `openapi`, `pages`, `health` or `none`."""
    method: str = ""
    operation: str | None = None
    """The pattern of the route, or the name of the GraphQL operation."""
    known: bool = False
    """True if the operation is a route or is in a trusted document. Only then metrics name it."""
    status: int = 0
    streams: bool = False
    """True for an event stream or a WebSocket, which lasts as long as its client wants."""
    sql_seconds: float = 0.0
    wait_seconds: float = 0.0
    """The time in which the request waited for database connections."""
    statements: int = 0
    rows: int = 0
    slowest: float = 0.0
    statement: str = ""
    """The SQL of the slowest statement. Its values are parameters."""
    cost: int | None = None
    organization_id: str | None = None
    account_id: str | None = None
    token_id: str | None = None
    limit: str | None = None
    """The limit that rejected the request."""
    size: int = 0
    """The bytes of the response's body as they were sent."""


BACKGROUND = Figures()
"""The figures of work that belongs to no request, such as the delivery of mail."""

current_figures: ContextVar[Figures] = ContextVar("current_figures", default=BACKGROUND)
"""The figures of the request to which the current task belongs."""


def note_limit(name: str) -> None:
    """Notes that a limit rejects the current request or a connection."""
    REJECTED[name] += 1
    current_figures.get().limit = name
