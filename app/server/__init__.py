"""The server: one socket, the worker processes, the log, and the text that is printed at the start."""

import os
import socket
from typing import Any

from app.config import Config
from app.http.hosts import AllowedHosts
from app.http.protocol.http import HttpProtocol
from app.http.protocol.websocket import WebSocketProtocol
from app.server.logs import log_config
from app.server.metrics import serving_metrics
from app.server.output import describe
from app.server.process import Server, ServerSettings, Workers
from app.server.sockets import base_address, is_loopback, open_socket, raise_descriptor_limit
from app.settings import FILE

__all__ = ["Server", "base_address", "describe", "is_loopback", "open_socket", "serve", "server_settings"]

GRACE = 10
"""Seconds in which requests can end after the socket is closed."""


def serve(config: Config, opened: socket.socket) -> None:
    """Serves on the socket until a signal stops the process. `config.database_url` must be set."""
    _set_variable("DATABASE_URL", config.database_url or "")
    _set_variable("CLIENTELE_DATA_DIR", str(config.data_dir))
    if config.demo_token:
        _set_variable("CLIENTELE_DEMO_TOKEN", config.demo_token)
    _set_variable("CLIENTELE_SIGN_UP", "true" if config.sign_up else "false")
    settings = server_settings(config, opened, "app.main:app_from_environment", factory=True)
    raise_descriptor_limit(config)
    try:
        with serving_metrics(config):
            if config.workers > 1:
                Workers(settings, sockets=[opened]).run()
            else:
                Server(settings).run(sockets=[opened])
    except KeyboardInterrupt:
        pass


def _set_variable(name: str, value: str) -> None:
    """Sets a setting of the worker processes. It replaces the variable that names a file with the value."""
    os.environ[name] = value
    os.environ.pop(name + FILE, None)


def server_settings(config: Config, opened: socket.socket, app: Any, **more: Any) -> ServerSettings:
    """The settings of uvicorn for a socket. `more` overrides them.

    The Host header is checked on the loopback, and if GraphiQL shows a token: a page of another site could lead its own
    name to this machine.
    """
    settings: dict[str, Any] = {
        "http": HttpProtocol,
        "ws": WebSocketProtocol,
        "ws_per_message_deflate": False,
        "ws_max_size": config.body_cap,
        "ws_ping_interval": config.ping_interval,
        "ws_ping_timeout": config.ping_interval,
        "workers": config.workers,
        "log_config": log_config(config),
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": GRACE,
    }
    hosts = AllowedHosts(config.allowed_hosts, local_only=is_loopback(opened) or config.demo_token is not None)
    return ServerSettings(app, config, hosts, **(settings | more))
