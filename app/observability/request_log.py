"""RequestLog: the line of each request in the log, as JSON or for people."""

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

import orjson

from app.config import Config
from app.observability.figures import Figures
from app.observability.lines import LOG, LineWriter
from app.observability.traceparents import read_traceparent

LOGGER = "clientele.requests"
PLAIN_ID = re.compile(r"[0-9A-Za-z._:-]{1,128}")
STRING, QUOTED = re.compile(r"'(?:[^']|'')*'"), re.compile(r'"(?:[^"]|"")*"')
LABEL = re.compile(r"\bAS \w+", re.IGNORECASE)
BLANKS = re.compile(r"\s+")
LONGEST_STATEMENT = 2000

Fields: TypeAlias = Mapping[str, object]


class RequestLog:
    """Writes a line for each request, or only for those that take `slow` seconds or longer.

    A slow request has the level `warning`, and the shape of its slowest statement. `text` writes for people.
    """

    def __init__(self, *, every: bool, slow: float, text: bool, writer: LineWriter = LOG) -> None:
        self.every, self.slow, self.writer = every, slow, writer
        self.render: Callable[[Fields], bytes] = render_text if text else render_json

    @classmethod
    def of(cls, config: Config) -> "RequestLog":
        """The log of a worker process."""
        every = config.access_log and config.log_level in ("debug", "info")
        return cls(every=every, slow=config.slow_request, text=is_text(config))

    def note(self, figures: Figures, seconds: float) -> None:
        """Writes the line of a request that took so many seconds."""
        is_slow = seconds >= self.slow and not figures.streams
        if self.every or is_slow:
            self.writer.write_soon(self.render(describe(figures, seconds, is_slow=is_slow)))


def is_text(config: Config) -> bool:
    """True if the log is for people."""
    return config.log_format == "text" or (config.log_format == "auto" and sys.stderr.isatty())


def describe(figures: Figures, seconds: float, *, is_slow: bool) -> dict[str, object]:
    """The fields of a line. docs/operating.md explains each of them."""
    fields: dict[str, object] = {
        "time": datetime.now(UTC),
        "level": "warning" if is_slow else "info",
        "logger": LOGGER,
        "message": "request",
        "request_id": show_id(figures.request_id),
        "api": figures.api,
        "method": figures.method,
        "operation": figures.operation,
        "status": figures.status,
        "duration_ms": int(seconds * 1e6) / 1000,
        "sql_ms": int(figures.sql_seconds * 1e6) / 1000,
        "wait_ms": int(figures.wait_seconds * 1e6) / 1000,
        "statements": figures.statements,
        "rows": figures.rows,
        "bytes": figures.size,
        "cost": figures.cost,
        "organization_id": figures.organization_id,
        "account_id": figures.account_id,
        "token_id": figures.token_id,
    }
    if figures.limit is not None:
        fields["limit"] = figures.limit
    if figures.traceparent and (trace := read_traceparent(figures.traceparent)) is not None:
        fields["trace_id"], fields["parent_id"] = trace
    if is_slow and figures.statement:
        fields["slowest_statement"] = shape_statement(figures.statement)
        fields["slowest_statement_ms"] = round(figures.slowest * 1000, 3)
    return fields


def render_json(fields: Fields) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def render_text(fields: Fields) -> bytes:
    """The line for a terminal. It leaves out fields without a value."""
    moment = datetime.now().strftime("%H:%M:%S")
    head = f"{moment} {fields['status']} {fields['api']} {fields['operation'] or fields['method']}"
    figures = (
        f"{fields['duration_ms']:.1f} ms, SQL {fields['sql_ms']:.1f} ms, {fields['rows']} rows, {fields['bytes']} bytes"
    )
    rest = " ".join(f"{name}={fields[name]}" for name in SHOWN if fields.get(name) is not None)
    return f"{head}  {figures}  {rest}\n".encode()


SHOWN = (
    "cost",
    "limit",
    "organization_id",
    "token_id",
    "request_id",
    "trace_id",
    "slowest_statement_ms",
    "slowest_statement",
)
"""The fields that stand at the end of a line for people."""


def show_id(request_id: str) -> str:
    """The id of a request for the log. A caller's id with other characters, such as an e-mail address, becomes its hash."""
    if PLAIN_ID.fullmatch(request_id):
        return request_id
    return "sha256:" + hashlib.sha256(request_id.encode()).hexdigest()[:16]


def shape_statement(sql: str) -> str:
    """The SQL without texts, names of the caller's own, and superfluous spaces, up to 2,000 characters."""
    sql = QUOTED.sub('"?"', STRING.sub("'?'", sql))
    return BLANKS.sub(" ", LABEL.sub("AS ?", sql)).strip()[:LONGEST_STATEMENT]
