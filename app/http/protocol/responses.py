"""ResponseCycle: the response of uvicorn, whose head is checked at once and sent together with the body."""

from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

LENGTH = b"content-length"
UNUSUAL = frozenset({b"connection", b"transfer-encoding"})
"""The headers that decide about the connection."""


class ResponseCycle(RequestResponseCycle):
    """uvicorn checks and writes the headers one by one, which takes three times as long.

    It still writes every unusual head: without a length, with a header twice or about the connection, or for its last response.
    A head with a length waits for the first part of the body, so that both are one call of the system.
    """

    head: bytes = b""

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start":
            if self._begin(message):
                return
        elif self.head and self._send_first(message):
            return
        await super().send(message)

    def _begin(self, message: Any) -> bool:
        """Prepares the head of a response. Returns False, and prepares nothing, if uvicorn must write it."""
        if self.response_started or self.disconnected or self.flow.write_paused or not self.keep_alive:
            return False
        headers = [*self.default_headers, *message.get("headers", ())]
        fields = dict(headers)
        if LENGTH not in fields or self.access_log or len(fields) != len(headers) or not is_plain(fields):
            return False
        self.response_started, self.waiting_for_100_continue = True, False
        self.expected_content_length, self.chunked_encoding = int(fields[LENGTH]), False
        self.head = write_head(message["status"], fields)
        return True

    def _send_first(self, message: Any) -> bool:
        """Sends the head with the whole body. Returns False, after the head alone, if uvicorn must send the body."""
        head, self.head = self.head, b""
        body = message.get("body", b"") if self.scope["method"] != "HEAD" else b""
        is_whole = not message.get("more_body", False) and len(body) == self.expected_content_length
        if not is_whole or self.disconnected or self.flow.write_paused:
            self.transport.write(head)
            return False
        self.transport.writelines((head, body))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True


def is_plain(headers: dict[bytes, bytes]) -> bool:
    """True for valid headers with names in lower case, none of which is unusual."""
    every_name, every_value = b"".join(headers), b"".join(headers.values())
    is_valid = HEADER_RE.search(every_name) is None and HEADER_VALUE_RE.search(every_value) is None
    return is_valid and every_name.islower() and UNUSUAL.isdisjoint(headers)


def write_head(status: int, headers: dict[bytes, bytes]) -> bytes:
    return b"%b%b\r\n\r\n" % (STATUS_LINE[status], b"\r\n".join(map(b": ".join, headers.items())))


httptools_impl.RequestResponseCycle = ResponseCycle  # type: ignore[misc]
"""HttpToolsProtocol has no parameter for the class of its responses."""
