"""Connector: opens connections to the hosts of a libpq URL, one host after the other, each within a few seconds."""

import asyncio
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import asyncpg

from app.storage.driver import Driver

CONNECT_TIMEOUT = 3.0
"""Seconds for each host. `connect_timeout` in the URL replaces it."""
READ_WRITE = "read-write"
NEXT_HOST = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)
"""Errors after which the next host is tried: silent, down, starting, or read-only."""


class Connector:
    """Opens connections with the same options. It begins with the host that it reached last, and skips one that is silent.

    With several hosts it accepts only a host that can write, unless the URL has `target_session_attrs`.
    Raises ClientConfigurationError for an invalid URL, and the error of the last host when no
    host can be used.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self.url, self.options = url, options
        self._next = 0

    async def open(self) -> Driver:
        try:
            hosts, timeout = read_hosts(self.url)
        except ValueError as error:
            raise asyncpg.ClientConfigurationError(str(error)) from error
        tried = 0
        while True:
            index = self._next % len(hosts)
            try:
                driver = await self._open(hosts[index], timeout)
            except NEXT_HOST:
                self._next, tried = index + 1, tried + 1
                if tried == len(hosts):
                    raise
            except asyncio.CancelledError:
                self._next = index + 1
                raise
            else:
                self._next = index
                return driver

    async def _open(self, url: str, seconds: float) -> Driver:
        try:
            return await asyncpg.connect(url, timeout=seconds, connection_class=Driver, **self.options)
        except TimeoutError as error:
            raise TimeoutError(f"no answer within {seconds:g} seconds") from error
        except (ValueError, OverflowError, TypeError) as error:
            raise asyncpg.ClientConfigurationError(str(error)) from error


async def connect(url: str, **options: Any) -> Driver:
    """Opens one connection; see Connector."""
    return await Connector(url, **options).open()


def read_hosts(url: str) -> tuple[list[str], float]:
    """Returns a URL for each host, without `connect_timeout`, and the seconds for each. Raises ValueError."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    timeout = _read_timeout(dict(query).get("connect_timeout", ""))
    query = [(name, value) for name, value in query if name != "connect_timeout"]
    hosts = _split_hosts(parts, query)
    if len(hosts) > 1 and "target_session_attrs" not in dict(query):
        hosts = _split_hosts(parts, [*query, ("target_session_attrs", READ_WRITE)])
    return hosts, timeout


def _read_timeout(text: str) -> float:
    """Seconds. As in libpq, zero and negative numbers count as no setting of one's own."""
    try:
        seconds = int(text or 0)
    except ValueError:
        raise ValueError(f"connect_timeout must be a whole number of seconds; got {text!r}") from None
    return float(seconds) if seconds > 0 else CONNECT_TIMEOUT


def _split_hosts(parts: SplitResult, query: list[tuple[str, str]]) -> list[str]:
    """The hosts stand before the path, or in `host` and `port` of the query."""
    user, at, hosts = parts.netloc.rpartition("@")
    if hosts:
        return [parts._replace(netloc=user + at + host, query=urlencode(query)).geturl() for host in hosts.split(",")]
    named = dict(query)
    names = named.get("host", "").split(",")
    if len(names) == 1:
        return [parts._replace(query=urlencode(query)).geturl()]
    ports = named.get("port", "").split(",")
    if len(ports) not in (1, len(names)):
        raise ValueError(f"the database address has {len(names)} hosts, but {len(ports)} ports")
    rest = [(name, value) for name, value in query if name not in ("host", "port")]
    pairs = zip(names, ports if len(ports) > 1 else ports * len(names), strict=True)
    return [parts._replace(query=urlencode([*rest, *_host(name, port)])).geturl() for name, port in pairs]


def _host(name: str, port: str) -> list[tuple[str, str]]:
    return [("host", name), *([("port", port)] if port else [])]
