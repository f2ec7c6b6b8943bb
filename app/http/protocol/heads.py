"""RequestHead: the head of the request that arrives on a connection, and the checks that need no parser."""

from collections.abc import Sequence
from typing import Any, NoReturn

import httptools

from app.http.hosts import InvalidHost
from app.http.protocol.state import WorkerState

HOST, EXPECT, FORWARDED_FOR, FORWARDED_PROTO = b"host", b"expect", b"x-forwarded-for", b"x-forwarded-proto"
WATCHED = frozenset({HOST, EXPECT, FORWARDED_FOR, FORWARDED_PROTO})
"""The headers that decide about the connection."""
UNCHECKED_HOSTS = (b"/healthz", b"/readyz", b"/metrics")
"""The paths that balancers and monitors ask for under any name."""
SCHEMES = frozenset({"http", "https"})
LINE_END = 4
"""The colon, the space and the end of the line of a header."""
LONGEST_WEBSOCKET_LINE, MOST_WEBSOCKET_HEADERS = 8000, 128
"""The limits of the WebSocket library, which ends the connection without an answer."""


class HeadError(Exception):
    """The head is not one that the service takes."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class RequestHead:
    """The head of one request after the other.

    The parser shows a header only when it is complete, so the bytes of segments are counted too. `size` counts those of
    the open head, and `unread` those of a body that contain only chunk extensions and trailers. `number` counts the heads.
    """

    def __init__(self, state: WorkerState) -> None:
        self.state, self.config = state, state.config
        self.peer: tuple[str, int] | None = None
        self.client: tuple[str, int] | None = None
        self.is_trusted = False
        self.is_open = False
        self.is_long = False
        self.size = self.unread = 0
        self.number = 0
        self.first_number = 1
        self.starts_segment = False
        self.error: HeadError | None = None
        self.hosts: list[bytes] = []
        self.forwarded: list[bytes] = []
        self.scheme = b""
        self.expects_continue = False

    def connect(self, peer: tuple[str, int] | None) -> None:
        self.peer = self.client = peer
        self.is_trusted = peer is not None and peer[0] in self.state.proxies

    def start_segment(self, size: int, between_requests: bool) -> None:
        """Notes what a segment of data begins with."""
        self.is_long = self.is_open or size > self.config.header_cap
        self.first_number = self.number + 1
        self.starts_segment = between_requests and not self.is_open
        if self.is_open:
            self.size += size
        elif not between_requests:
            self.unread += size

    def begin(self) -> None:
        self.is_open = True
        self.number += 1
        self.size = 0
        self.error = None
        self.hosts, self.forwarded = [], []
        self.scheme = b""
        self.expects_continue = False

    def end_segment(self, size: int) -> None:
        """Raises HeadError if the head is too long already, or if a body consists of trailers."""
        if self.is_open:
            if self.starts_segment and self.number == self.first_number:
                self.size = size
            if self.size > self.config.head_cap:
                raise self._too_large()
        elif self.unread > self.config.head_cap:
            raise self._too_large()

    def watch(self, name: bytes, value: bytes) -> None:
        """Notes one of the watched headers. A trailer does not count."""
        if not self.is_open:
            return
        if name == HOST:
            self.hosts.append(value)
        elif name == EXPECT:
            self.expects_continue = value.lower() == b"100-continue"
        elif not self.is_trusted:
            self.state.warn_untrusted_proxy(self.peer)
        elif name == FORWARDED_FOR:
            self.forwarded.append(value)
        else:
            self.scheme = value

    def complete(self, scope: Any, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Checks the head and completes the scope of its request. Raises HeadError."""
        self.is_open = False
        self.unread = 0
        if len(url) > self.config.url_cap:
            self.fail(414, f"The URL must have at most {self.config.url_cap} bytes.")
        if len(headers) > self.config.header_count:
            self.fail(431, f"A request must have at most {self.config.header_count} headers.")
        if self.is_long:
            self._check_sizes(url, headers)
        if scope["method"] == "CONNECT":
            self.fail(400, "CONNECT is for proxies.")
        self._check_host(scope["http_version"], url)
        if self.is_trusted:
            self._follow_proxy(scope)

    def _check_sizes(self, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        sizes = [len(name) + len(value) + LINE_END for name, value in headers]
        if max(sizes, default=0) > self.config.header_cap:
            self.fail(431, f"A header must have at most {self.config.header_cap} bytes.")
        if len(url) + sum(sizes) > self.config.head_cap:
            error = self._too_large()
            self.fail(error.status, error.message)

    def _check_host(self, version: str, url: bytes) -> None:
        if (
            len(self.hosts) == 1
            and self.hosts[0] in self.state.hosts.known
            and url.startswith(b"/")
            and version == "1.1"
        ):
            return
        if version not in ("1.1", "1.0"):
            self.fail(505, "The version of HTTP must be 1.1 or 1.0.")
        if len(self.hosts) != 1 and (self.hosts or version == "1.1"):
            self.fail(400, "A request must have exactly one Host header.")
        try:
            host = httptools.parse_url(url).host if not url.startswith(b"/") else None
            allowed = all(self.state.hosts.allows(name) for name in (*self.hosts, *([host] if host else ())))
        except (InvalidHost, httptools.HttpParserInvalidURLError):
            self.fail(400, "The Host header must be a host name or an address, with an optional port.")
        if not allowed and url.partition(b"?")[0] not in UNCHECKED_HOSTS:
            self.state.warn_host(self.hosts)
            self.fail(421, "The service does not answer for this host.")

    def _follow_proxy(self, scope: Any) -> None:
        """Takes the address of the client and the scheme from the headers of a trusted proxy."""
        assert self.peer is not None  # noqa: S101 - narrows the type
        self.client = self.peer
        if self.forwarded:
            hops = b",".join(self.forwarded).decode("latin-1")
            self.client = (self.state.proxies.find_client(self.peer[0], hops), 0)
        scope["client"] = self.client
        scheme = self.scheme.decode("latin-1").strip().lower()
        if scheme in SCHEMES:
            scope["scheme"] = scheme

    def check_websocket(self, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Raises HeadError for a handshake that the WebSocket library would not answer."""
        if len(url) > LONGEST_WEBSOCKET_LINE:
            raise HeadError(414, f"The URL of a WebSocket must have at most {LONGEST_WEBSOCKET_LINE} bytes.")
        if len(headers) > MOST_WEBSOCKET_HEADERS:
            raise HeadError(431, f"A handshake must have at most {MOST_WEBSOCKET_HEADERS} headers.")
        if max(len(name) + len(value) for name, value in headers) > LONGEST_WEBSOCKET_LINE:
            raise HeadError(431, f"A header of a handshake must have at most {LONGEST_WEBSOCKET_LINE} bytes.")

    def fail(self, status: int, message: str) -> NoReturn:
        """Keeps the error, because the parser replaces an exception by its own, and raises it."""
        self.error = HeadError(status, message)
        raise self.error

    def _too_large(self) -> HeadError:
        return HeadError(431, f"The head of a request must have at most {self.config.head_cap} bytes.")


def split_list(value: bytes) -> list[bytes]:
    """The members of a header that is a list."""
    return [member for member in (part.strip(b" \t") for part in value.split(b",")) if member]
