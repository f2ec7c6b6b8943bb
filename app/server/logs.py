"""The log: one line per record on stderr, without tokens, in every process."""

import logging

from app.http.redaction import hide_tokens


class TokenFormatter(logging.Formatter):
    """Hides the tokens in messages, their arguments and tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return hide_tokens(super().format(record))


class HideSockets(logging.Filter):
    """Hides opened and closed WebSockets in the log. They are logged only with the access log, as requests are."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        return not (record.name == "uvicorn.error" and ("WebSocket %s" in text or text.startswith("connection ")))


def log_config(*, sockets: bool = False) -> dict[str, object]:
    """The configuration of the log."""
    line = {"()": "app.server.logs.TokenFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    handler = {
        "class": "logging.StreamHandler",
        "stream": "ext://sys.stderr",
        "formatter": "line",
        "filters": [] if sockets else ["sockets"],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"sockets": {"()": "app.server.logs.HideSockets"}},
        "formatters": {"line": line},
        "handlers": {"stderr": handler},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "uvicorn": {"level": "INFO"},
            "uvicorn.access": {"level": "INFO"},
            "clientele": {"level": "INFO"},
        },
    }
