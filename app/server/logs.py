"""The log: one line per record on stderr, without tokens, in every process.

Requests have their own lines, which `app.observability.request_log` writes to the same place.
"""

import logging
import re
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from app.config import Config
from app.http.redaction import HIDDEN, hide_tokens
from app.observability.figures import current_figures
from app.observability.lines import LOG
from app.observability.request_log import is_text, show_id

VALUES = re.compile(
    r"^(DETAIL: |HINT: |CONTEXT: |asyncpg\.[\w.]+: invalid input for query argument |asyncpg\.[\w.]+: invalid input syntax )"
    r".*(?:\n(?!\w+: |Traceback|The above|During|\s*$).*)*",
    re.MULTILINE,
)
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def hide_values(traceback: str) -> str:
    """The traceback without the values of rows that PostgreSQL and asyncpg quote in their errors."""
    return VALUES.sub(f"\\1{HIDDEN}", traceback)


class TokenFormatter(logging.Formatter):
    """Hides the tokens in messages, their arguments and tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return hide_tokens(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name of logging
        return hide_values(super().formatException(ei))


class JsonFormatter(OrjsonFormatter):
    """One JSON object per record, with the same names as the line of a request. It hides tokens, too."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp="time",
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Adds the id of the request during which the record was made. A lone surrogate, which JSON cannot hold, becomes ?."""
        request_id = current_figures.get().request_id
        if request_id:
            log_data["request_id"] = show_id(request_id)
        log_data.pop("color_message", None)
        log_data["level"] = log_data["level"].lower()
        texts = {
            name: text.encode("utf-8", "replace").decode() for name, text in log_data.items() if isinstance(text, str)
        }
        return log_data | texts

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name of logging
        return hide_values(str(super().formatException(ei)))

    def format(self, record: logging.LogRecord) -> str:
        return hide_tokens(super().format(record))


class LineHandler(logging.Handler):
    """Writes records between the lines of requests."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            LOG.write(f"{self.format(record)}\n".encode("utf-8", "backslashreplace"))
        except Exception:
            self.handleError(record)


class HideSockets(logging.Filter):
    """Hides opened and closed WebSockets in the log. They have lines of their own, as requests do."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        return not (record.name == "uvicorn.error" and ("WebSocket %s" in text or text.startswith("connection ")))


def log_config(config: Config) -> dict[str, object]:
    """The configuration of the log. Libraries log from `warning` on, and from `info` on if the level is `debug`."""
    level = config.log_level.upper()
    formatter = {"()": TokenFormatter, "format": TEXT} if is_text(config) else {"()": JsonFormatter}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"sockets": {"()": HideSockets}},
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"()": LineHandler, "formatter": "line", "filters": ["sockets"]}},
        "root": {"level": {"DEBUG": "INFO", "INFO": "WARNING"}.get(level, level), "handlers": ["stderr"]},
        "loggers": {name: {"level": level} for name in ("clientele", "app", "uvicorn")},
    }
