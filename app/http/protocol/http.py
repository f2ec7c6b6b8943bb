"""HttpProtocol: the HTTP connection of uvicorn, with limits, deadlines, checked heads, and streams that end in time."""

import asyncio
from http import HTTPStatus
from time import perf_counter
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.http.addresses import network_of, normalize_address
from app.http.protocol import draining
from app.http.protocol.deadlines import BodyDeadline, WriteDeadline
from app.http.protocol.draining import MOST_DISCARDED, Drain, DrainLimits, UploadTransport, find_length
from app.http.protocol.heads import WATCHED, HeadError, RequestHead
from app.http.protocol.responses import ResponseCycle
from app.http.protocol.state import WorkerState
from app.http.protocol.upgrades import check_handshake, is_handshake, write_handshake, write_plain_head
from app.http.protocol.websocket import WebSocketProtocol
from app.observability.figures import Figures
from app.observability.observer import Observe

MOST_WAITING = 50
"""The most pipelined requests that wait for their turn."""


class HttpProtocol(HttpToolsProtocol):
    """One connection.

    An upgrade that the service does not take is ignored, and its request is handled as any other. The parser stops at
    the head of such a request and would lose the body. So a new parser reads the head again, without the upgrade, and
    then the rest of the data.

    A response without an end, such as an event stream, puts an asyncio.Event into `request.state.stop`. It is set when
    the server stops.

    Deadlines need no timer: the worker calls `check_deadlines` for every connection once a second.
    """

    def __init__(self, config: Any, server_state: WorkerState, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.state = server_state
        self.head = RequestHead(server_state)
        self.active: ResponseCycle | None = None
        self.address: str | None = None
        self.rejected = False
        self.drain: Drain | None = None
        self.upload: UploadTransport | None = None
        self.heard = False
        self.discarded = 0
        self.write_deadline = WriteDeadline(server_state.config.write_timeout)
        self.body_deadline = BodyDeadline(server_state.config.body_timeout)
        self.phase: object = None
        self.since = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = None
        if self.client is not None:
            self.client = (normalize_address(self.client[0]), self.client[1])
            peer = self.client[0]
        self.head.connect(self.client)
        address = None if peer is None or self.head.is_trusted else network_of(peer)
        if self.state.admit(address):
            self.address = address
        else:
            self._answer(503, "Too many connections. Try again later.", b"retry-after: 5\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        if self.address is not None:
            self.state.release(self.address)
        if self.drain is not None:
            self.drain.end()
        for cycle, _ in self.pipeline:
            cycle.disconnected = True
        if self.active is not None and not self.active.response_complete:
            self.active.disconnected = True
            self.active.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses data. A head whose upgrade is ignored is parsed twice."""
        if self.rejected:
            self._discard(data)
            return
        self.heard = True
        size = len(data)
        self.head.start_segment(size, self.cycle is None or not self.cycle.more_body)
        try:
            while data:
                data = self._parse(data)
            self.head.end_segment(size)
        except HeadError as error:
            self.reject(error.status, error.message)
        except httptools.HttpParserError:
            cause = self.head.error or HeadError(400, "Invalid HTTP request received.")
            self.reject(cause.status, cause.message)

    def _parse(self, data: bytes) -> bytes:
        """Feeds the parser. Returns what is to be parsed after an upgrade that is ignored."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._begin_websocket()
                return b""
            head = write_plain_head(self.scope, self.url, self.headers)
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            return head + data[upgrade.args[0] :]
        return b""

    def _begin_websocket(self) -> None:
        """Hands the connection over to the WebSocket library."""
        check_handshake(self.url, self.headers)
        if self.active is not None and not self.active.response_complete:
            raise HeadError(400, "A WebSocket handshake must wait for the responses before it.")
        self.head.check_websocket(self.url, self.headers)
        self.handle_websocket_upgrade()

    def handle_websocket_upgrade(self) -> None:
        self.connections.discard(self)
        protocol = WebSocketProtocol(config=self.config, server_state=self.state, app_state=self.app_state)
        protocol.take_over(self.transport, self.head.client, self.address)
        protocol.data_received(write_handshake(self.url, self.headers))
        self.transport.set_protocol(protocol)

    def on_message_begin(self) -> None:
        """Begins a head. Raises HeadError if too many requests wait already."""
        super().on_message_begin()
        if len(self.pipeline) >= MOST_WAITING:
            self.head.fail(429, "Too many requests wait on this connection.")
        self.head.begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or after the body a trailer, which is not a header."""
        name = name.lower()
        if name in WATCHED:
            self.head.watch(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begins the request, unless its head is going to be parsed again. Rejects CONNECT, which is for proxies."""
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = self.parser.get_http_version()
        self.head.complete(scope, self.url, self.headers)
        if self.parser.should_upgrade() and not self._should_upgrade():
            return
        self.expect_100_continue = self.head.expects_continue
        self.discarded = 0
        self.body_deadline.begin(self.loop.time())
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            if self.state.draining:
                self.cycle.keep_alive = False
            self.upload = self._expect_upload()
            self.headers = []

    def _expect_upload(self) -> UploadTransport | None:
        """Replaces the transport of a response to a body that is too large to be read after the response."""
        if self.scope["method"] == "GET" or find_length(self.headers) <= MOST_DISCARDED:
            return None
        upload = UploadTransport(self.transport, self.cycle, self._drain)
        self.cycle.transport = cast("asyncio.Transport", upload)
        return upload

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.active = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """A part of the body. After the response it is only counted, because the client may not read while it sends."""
        self.head.unread = 0
        cycle = self.cycle
        if cycle.response_complete:
            self._discard(body)
            return
        self.body_deadline.count(len(body))
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def _discard(self, data: bytes) -> None:
        if self.drain is not None:
            self.drain.count(len(data))
            return
        self.discarded += len(data)
        if self.discarded > MOST_DISCARDED:
            self._drain()

    def _drain(self, limits: DrainLimits | None = None) -> None:
        """Ends the connection so that its client can read what was sent to it."""
        self.rejected = True
        if self.drain is None and not self.transport.is_closing():
            self.drain = Drain.begin(self.state, self.transport, limits or draining.AFTER_RESPONSE)
            self.flow.resume_reading()

    def on_message_complete(self) -> None:
        """Ends the body of the request. The first parser of an ignored upgrade says this too early."""
        if not self.parser.should_upgrade():
            self.cycle.more_body = False
            self.cycle.message_event.set()
            if self.upload is not None and not self.state.draining:
                self.upload.complete()

    def on_response_complete(self) -> None:
        """Starts the next pipelined request. Without one, `check_deadlines` ends the connection after a while."""
        self.state.total_requests += 1
        if self.transport.is_closing() or self.drain is not None:
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def _should_upgrade(self) -> bool:
        return is_handshake(self.scope, self.headers) and self._should_upgrade_to_ws()

    def reject(self, status: int, message: str) -> None:
        """Ends the connection because of its client. Requests that arrived whole are answered first."""
        self.rejected = True
        cycle = self.cycle
        if cycle is not None and cycle.more_body:
            cycle.waiting_for_100_continue = False
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
            elif cycle is self.active:
                self.active = None
        last = self.pipeline[0][0] if self.pipeline else self.active
        if last is None or last.response_complete:
            self._answer(status, message)
        else:
            last.keep_alive = False

    def _answer(self, status: int, message: str, header: bytes = b"") -> None:
        """Answers without the application, and closes the connection when the client has had time to read."""
        self.rejected = True
        self._note(status)
        lines = [STATUS_LINE[status], header, b"content-type: text/plain; charset=utf-8\r\n"]
        lines += [b"%b: %b\r\n" % default for default in self.state.default_headers]
        lines += [b"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"]
        lines += [b"content-length: %d\r\nconnection: close\r\n\r\n" % len(message), message.encode("ascii")]
        self.transport.write(b"".join(lines))
        self._drain(draining.AFTER_REJECTION)

    def _note(self, status: int) -> None:
        """Logs and counts a request that the application does not see."""
        observe: Observe | None = self.app_state.get("observe")
        if observe is not None:
            figures = Figures()
            figures.began, figures.status = perf_counter(), status
            observe(figures)

    def check_deadlines(self, now: float) -> None:
        """Ends the connection if its client makes the service wait for too long."""
        if self.write_deadline.is_missed(self.transport, now):
            self.state.warn("write", "connections were ended because their clients stopped reading")
            self.transport.abort()
            return
        if self.drain is not None:
            self.drain.check(now)
            return
        phase, timeout = self._find_phase()
        if isinstance(phase, tuple) and phase[0] == "body" and now >= self.body_deadline.ends:
            self._end_waiting()
        elif phase != self.phase or timeout is None:
            self.phase, self.since = phase, now
        elif now - self.since >= timeout:
            self._end_waiting()
        self.heard = False

    def _find_phase(self) -> tuple[object, float | None]:
        """The reason why the service waits for the client, and for how many seconds it does; None without a limit.

        A reason is equal to the one of the last look only if nothing has happened since.
        """
        config, cycle, number = self.state.config, self.cycle, self.head.number
        if self.rejected or self.write_deadline.unsent:
            return None, None
        if self.head.is_open or cycle is None:
            return ("head", number), config.head_timeout
        if cycle.more_body:
            waits = not (self.flow.read_paused or cycle.waiting_for_100_continue or self.heard)
            return ("body", number), config.body_timeout if waits else None
        return ("idle", number), config.keep_alive if cycle.response_complete else None

    def _end_waiting(self) -> None:
        """Answers 408 if the client has begun a request, and closes the connection."""
        if self.head.is_open or (self.cycle is not None and self.cycle.more_body):
            self.reject(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time.")
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Ends a response without an end before the server stops. A request that has begun to arrive is answered."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            stop = cycle.scope.get("state", {}).get("stop")
            if stop is not None:
                stop.set()
        if not self.head.is_open:
            super().shutdown()
