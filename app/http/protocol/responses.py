"""ResponseCycle: the response of uvicorn, whose head is checked and written at once."""

from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

LENGTH = b"content-length"
UNUSUAL = frozenset({b"connection", b"transfer-encoding"})
"""The headers that decide about the connection."""


class ResponseCycle(RequestResponseCycle):
    """uvicorn checks and writes the headers one by one, which takes three times as long.

    It still writes every unusual head: without a length, with headers about the connection, or for its last response.
    """

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] != "http.response.start" or not self._send_head(message):
            await super().send(message)

    def _send_head(self, message: Any) -> bool:
        """Writes the head of a response. Returns False, and writes nothing, if uvicorn must do so."""
        if self.response_started or self.disconnected or self.flow.write_paused or not self.keep_alive:
            return False
        headers = [*self.default_headers, *message.get("headers", ())]
        length = next((value for name, value in headers if name == LENGTH), None)
        if length is None or self.access_log or not is_plain(headers):
            return False
        self.response_started, self.waiting_for_100_continue = True, False
        self.expected_content_length, self.chunked_encoding = int(length), False
        self.transport.write(write_head(message["status"], headers))
        return True


def is_plain(headers: list[tuple[bytes, bytes]]) -> bool:
    """True for valid headers with names in lower case, none of which is unusual."""
    names, values = zip(*headers, strict=True)
    every_name = b"".join(names)
    is_valid = HEADER_RE.search(every_name) is None and HEADER_VALUE_RE.search(b"".join(values)) is None
    return is_valid and every_name.islower() and UNUSUAL.isdisjoint(names)


def write_head(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    lines = [STATUS_LINE[status]]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


httptools_impl.RequestResponseCycle = ResponseCycle  # type: ignore[misc]
"""HttpToolsProtocol has no parameter for the class of its responses."""
