"""HttpProtocol: the HTTP connection of uvicorn, with upgrades as RFC 9110, 7.8 wants them, and streams that end in time."""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTION, UPGRADE = b"connection", b"upgrade"


class HttpProtocol(HttpToolsProtocol):
    """One connection.

    An upgrade that the service does not take is ignored, and its request is handled as any other. The parser stops at
    the head of such a request and would lose the body. So a new parser reads the head again, without the upgrade, and
    then the rest of the data.

    A response without an end, such as an event stream, puts an asyncio.Event into `request.state.stop`. It is set when
    the server stops.
    """

    def data_received(self, data: bytes) -> None:
        """Parses data. A head whose upgrade is ignored is parsed twice."""
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._parse(data)
        except httptools.HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    def _parse(self, data: bytes) -> bytes:
        """Feeds the parser. Returns what is to be parsed after an upgrade that is ignored."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._begin_websocket()
                return b""
            head = self._write_plain_head()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            return head + data[upgrade.args[0] :]
        return b""

    def _begin_websocket(self) -> None:
        """Hands the connection over. The WebSocket library answers nothing to a body and to a path that is not ASCII."""
        headers = dict(self.headers)
        if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers or not self.url.isascii():
            self.send_400_response("A WebSocket handshake has an ASCII path and no body.")
        else:
            self.handle_websocket_upgrade()

    def _write_plain_head(self) -> bytes:
        """The head of the current request without its upgrade."""
        lines = [b"%b %b HTTP/%b" % (self.scope["method"].encode(), self.url, self.scope["http_version"].encode())]
        for name, value in self.headers:
            if name == CONNECTION:
                value = b", ".join(option for option in split_list(value) if option.lower() != UPGRADE)
            if name != UPGRADE:
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, b"", b""])

    def on_headers_complete(self) -> None:
        """Begins the request, unless its head is going to be parsed again. Rejects CONNECT, which is for proxies."""
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = self.parser.get_http_version()
        if self.scope["method"] == "CONNECT":
            raise httptools.HttpParserError("CONNECT is for proxies")
        if self.parser.should_upgrade() and not self._should_upgrade():
            return
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends the body of the request. The first parser of an ignored upgrade says this too early."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _should_upgrade(self) -> bool:
        """True if the request is a WebSocket handshake. Its other headers are checked after the upgrade."""
        if self.scope["method"] != "GET" or self.scope["http_version"] != "1.1":
            return False
        protocols = [
            protocol.lower() for name, value in self.headers if name == UPGRADE for protocol in split_list(value)
        ]
        return protocols == [b"websocket"] and self._should_upgrade_to_ws()

    def shutdown(self) -> None:
        """Ends a response without an end before the server stops."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            stop = cycle.scope.get("state", {}).get("stop")
            if stop is not None:
                stop.set()
        super().shutdown()


def split_list(value: bytes) -> list[bytes]:
    """The members of a header that is a list."""
    return [member for member in (part.strip(b" \t") for part in value.split(b",")) if member]
