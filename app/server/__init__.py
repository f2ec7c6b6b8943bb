"""The server: one socket, the worker processes, the log, and the text that is printed at the start."""

import logging
import os
import re
import socket
import sys
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote_plus

import uvicorn
from uvicorn.supervisors import Multiprocess

from app.config import Config
from app.demo import Demonstration
from app.errors import Misconfigured
from app.http.protocol.http import HttpProtocol
from app.http.protocol.websocket import WebSocketProtocol

PARAMETER = re.compile(r"(?<=[?&])([^=?&\s]*)=([^&\s]*)")
REVOKED = re.compile(r"(?<=/accesstokens/)[^/?\s]+", re.IGNORECASE)
SECRETS = frozenset({"access_token", "token"})


class HideTokens(logging.Filter):
    """Hides the tokens in query strings and paths in the access log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_hide_in_argument, record.args))
        return True


class HideSockets(logging.Filter):
    """Hides opened and closed WebSockets in the log. They are logged only with the access log, as requests are."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        return not (record.name == "uvicorn.error" and ("WebSocket %s" in text or text.startswith("connection ")))


def hide_tokens(text: str) -> str:
    """The text with `…` instead of the tokens in URLs. Names of parameters may be percent-encoded and in any case."""
    return REVOKED.sub("…", PARAMETER.sub(_hide_parameter, text))


def _hide_parameter(parameter: re.Match[str]) -> str:
    return f"{parameter[1]}=…" if unquote_plus(parameter[1]).lower() in SECRETS else parameter[0]


def _hide_in_argument(argument: object) -> object:
    return hide_tokens(argument) if isinstance(argument, str) else argument


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Misconfigured if the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(1024)
    except OSError as error:
        opened.close()
        raise Misconfigured(
            f"Cannot listen on port {port} of {host}: {error.strerror}. Choose another address with --host and --port"
        ) from error
    opened.set_inheritable(True)
    return opened


def base_address(opened: socket.socket) -> str:
    """The URL of the socket for callers on this machine."""
    host, port = opened.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(opened: socket.socket) -> bool:
    """True if only this machine can reach the socket. Only then may GraphiQL show the token of the demo."""
    return ip_address(opened.getsockname()[0]).is_loopback


def serve(config: Config, opened: socket.socket) -> None:
    """Serves on the socket until a signal stops the process. `config.database_url` must be set."""
    os.environ["DATABASE_URL"] = config.database_url or ""
    os.environ["CLIENTELE_DATA_DIR"] = str(config.data_dir)
    if config.demo_token:
        os.environ["CLIENTELE_DEMO_TOKEN"] = config.demo_token
    os.environ["CLIENTELE_SIGN_UP"] = "true" if config.sign_up else "false"
    logging.getLogger("uvicorn.access").addFilter(HideTokens())
    settings = server_settings(config, "app.main:app_from_environment", factory=True)
    server = uvicorn.Server(settings)
    try:
        if config.workers > 1:
            Multiprocess(settings, sockets=[opened]).run()
        else:
            server.run(sockets=[opened])
    except KeyboardInterrupt:
        pass


def server_settings(config: Config, app: Any, **more: Any) -> uvicorn.Config:
    """The settings of uvicorn. `more` overrides them."""
    settings: dict[str, Any] = {
        "http": HttpProtocol,
        "ws": WebSocketProtocol,
        "ws_per_message_deflate": False,
        "ws_max_size": config.body_cap,
        "workers": config.workers,
        "log_config": log_config(sockets=config.access_log),
        "access_log": config.access_log,
        "server_header": False,
        "timeout_graceful_shutdown": 10,
    }
    return uvicorn.Config(app, **(settings | more))


def log_config(*, sockets: bool = False) -> dict[str, object]:
    """The configuration of the log: one line per record on stderr, without tokens, in every process."""
    line = {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    handler = {
        "class": "logging.StreamHandler",
        "stream": "ext://sys.stderr",
        "formatter": "line",
        "filters": ["tokens"] if sockets else ["tokens", "sockets"],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"tokens": {"()": "app.server.HideTokens"}, "sockets": {"()": "app.server.HideSockets"}},
        "formatters": {"line": line},
        "handlers": {"stderr": handler},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "uvicorn": {"level": "INFO"},
            "uvicorn.access": {"level": "INFO"},
            "clientele": {"level": "INFO"},
        },
    }


def describe(config: Config, base: str, demo: Demonstration | None) -> str:
    """The text at the start: the URLs, and for the demo a token and a command to paste for each API."""
    mail = (
        "sent through SMTP_URL" if config.smtp_url else f"written to {config.data_dir / 'mail'} (SMTP_URL is not set)"
    )
    lines = [
        "",
        f"  GraphiQL   {base}/graphql",
        f"  REST       {base}/v1  and  {base}/customers",
        f"  Mail       {mail}",
    ]
    if demo is None:
        return "\n".join([*lines, "  Token      clientele token create --account EMAIL", ""])
    return "\n".join([*lines, f"  Token      {demo.token}", "", *examples(base, demo), ""])


def examples(base: str, demo: Demonstration) -> list[str]:
    query = '{"query": "{ clients(first: 3) { totalCount nodes { name city } } }"}'
    v1 = f"{base}/v1/Organizations/{demo.organization_id}/clients?filter=%7B%22limit%22:3%7D"
    return [
        f"  curl -s {base}/graphql -H 'Authorization: Bearer {demo.token}' -H 'Content-Type: application/json' -d '{query}'",
        f"  curl -s '{v1}' -H 'Authorization: {demo.token}'",
        f"  curl -s '{base}/customers?limit=3' -H 'Authorization: Bearer {demo.token}'",
    ]


def say(text: str) -> None:
    """Prints a result to stdout, at once."""
    print(text, file=sys.stdout, flush=True)
