"""The listening socket, and the file descriptors for its connections."""

import logging
import resource
import socket
from ipaddress import ip_address

from app.config import Config
from app.errors import Misconfigured
from app.http.protocol.state import fit_connections

log = logging.getLogger("clientele")

MOST_DESCRIPTORS = 1 << 20
"""A container may allow a thousand times as many, for which some programs reserve memory."""
BACKLOG = 1024


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Misconfigured if the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(BACKLOG)
    except (OSError, TypeError, UnicodeError) as error:
        opened.close()
        reason = error.strerror if isinstance(error, OSError) else "it is not the name of a host"
        raise Misconfigured(
            f"Cannot listen on port {port} of {host}: {reason}. Choose another address with --host and --port"
        ) from error
    opened.set_inheritable(True)
    return opened


def base_address(opened: socket.socket) -> str:
    """The URL of the socket for callers on this machine."""
    host, port = opened.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compares the address only
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(opened: socket.socket) -> bool:
    """True if only this machine can reach the socket. Only then may GraphiQL show the token of the demo."""
    return ip_address(opened.getsockname()[0]).is_loopback


def raise_descriptor_limit(config: Config) -> None:
    """Lets this process and its workers open as many files as the system allows, and logs if these are too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError) as error:
            log.warning("the limit of %d open files cannot be raised: %s", soft, error)
    fitting = fit_connections(config)
    if fitting < config.connections:
        log.warning(
            "a worker takes at most %d connections instead of %d, because it may open only %d files (ulimit -n)",
            fitting,
            config.connections,
            resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        )
