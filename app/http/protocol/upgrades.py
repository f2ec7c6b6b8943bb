"""Upgrades: the heads of WebSocket handshakes, and of requests whose upgrade is ignored."""

from collections.abc import Sequence

from uvicorn._types import HTTPScope

from app.http.protocol.heads import HeadError, split_list

CONNECTION, UPGRADE = b"connection", b"upgrade"

Headers = Sequence[tuple[bytes, bytes]]


def is_handshake(scope: HTTPScope, headers: Headers) -> bool:
    """True if the request is a WebSocket handshake. Its other headers are checked after the upgrade."""
    if scope["method"] != "GET" or scope["http_version"] != "1.1":
        return False
    protocols = [protocol.lower() for name, value in headers if name == UPGRADE for protocol in split_list(value)]
    return protocols == [b"websocket"]


def check_handshake(url: bytes, all_headers: Headers) -> None:
    """Raises HeadError for a body and for a path that is not ASCII. The WebSocket library answers nothing to them."""
    headers = dict(all_headers)
    if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers or not url.isascii():
        raise HeadError(400, "A WebSocket handshake has an ASCII path and no body.")


def write_handshake(url: bytes, headers: Headers) -> bytes:
    """The head of a WebSocket handshake."""
    lines = [b"GET %b HTTP/1.1" % url, *(b"%b: %b" % header for header in headers), b"", b""]
    return b"\r\n".join(lines)


def write_plain_head(scope: HTTPScope, url: bytes, headers: Headers) -> bytes:
    """The head of a request without its upgrade."""
    lines = [b"%b %b HTTP/%b" % (scope["method"].encode(), url, scope["http_version"].encode())]
    for name, value in headers:
        if name == CONNECTION:
            value = b", ".join(option for option in split_list(value) if option.lower() != UPGRADE)
        if name != UPGRADE:
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"", b""])
