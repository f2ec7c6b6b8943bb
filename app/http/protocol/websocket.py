"""WebSocketProtocol: the WebSocket connection of uvicorn, which no peer can make hold the event loop or keep unsent bytes."""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from app.http.protocol.deadlines import WriteDeadline
from app.http.protocol.state import WorkerState

PIECE = 4096
"""The bytes that are parsed at a time. Other tasks of the event loop get a turn between two pieces."""
MOST_FRAGMENTS = 1000
"""The most frames of one message. Empty frames count for nothing in its size."""
LINGER = 12.0
"""Seconds after which a connection is cut off whose handler has ended; longer than uvicorn waits for the peer's close."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection. It reads on only when the application has taken every message that has arrived.

    While the peer does not read, the service does not read either. Otherwise the answers to pings would pile up.
    """

    cut_off: TimerHandle | None = None
    parsing: bool = False
    write_paused: bool = False
    unread: bytes = b""
    address: str | None = None

    def __init__(self, *, config: Any, server_state: WorkerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self.state = server_state
        self.write_deadline = WriteDeadline(server_state.config.write_timeout)

    def take_over(self, transport: Transport, client: tuple[str, int] | None, address: str | None) -> None:
        """Takes over an HTTP connection. `address` is the one that its connections are counted by."""
        self.connection_made(transport)
        self.client, self.address = client, address

    def check_deadlines(self, now: float) -> None:
        """Cuts the connection off if its peer has not read for too long."""
        if self.write_deadline.is_missed(self.transport, now):
            self.state.warn("write", "connections were ended because their clients stopped reading")
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.unread += data
        if not self.parsing:
            self._parse()

    def _parse(self) -> None:
        """Parses the next piece, and later the rest."""
        self.parsing = False
        piece, self.unread = self.unread[:PIECE], self.unread[PIECE:]
        if self.transport.is_closing():
            self.unread = b""
            return
        super().data_received(piece)
        if self.conn.handshake_exc is not None:
            self._reject_handshake()
        elif self.unread:
            self.transport.pause_reading()
            self._parse_later()
        else:
            self._read_on()

    def _read_on(self) -> None:
        """Takes more data, unless the application has messages to take or the peer does not read."""
        if self.read_paused or self.write_paused or self.transport.is_closing():
            return
        if self.unread:
            self._parse_later()
        else:
            self.transport.resume_reading()

    def _parse_later(self) -> None:
        """Parses on in the next turn of the event loop, unless there is a reason to wait."""
        if not self.parsing and not self.read_paused and not self.write_paused:
            self.parsing = True
            self.loop.call_soon(self._parse)

    def _reject_handshake(self) -> None:
        """Sends what the library answers to a handshake that it cannot read, if anything, and closes."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    async def receive(self) -> ASGIReceiveEvent:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._read_on()
        return message

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self._fail(1009, f"A message has at most {MOST_FRAGMENTS} frames.")

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self._fail(1007, "The message is not UTF-8.")
        else:
            super().send_receive_event_to_app()

    def _fail(self, code: int, reason: str) -> None:
        self.frames = []
        if not self.close_sent:
            self.conn.fail(code, reason)
            self.handle_parser_exception()

    async def send(self, message: ASGISendEvent) -> None:
        """Sends a message, and returns when the peer has taken most of it. Until then its bytes count as unsent."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # else uvicorn takes the response for a missing one, and logs an error
        await self.writable.wait()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.write_paused = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.write_paused = False
        self._read_on()

    def keepalive_timeout(self) -> None:
        """Cuts off a peer that has not answered a ping. It would not read a close frame either."""
        super().keepalive_timeout()
        self.transport.abort()

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            if not self.disconnected:
                self.cut_off = self.loop.call_later(LINGER, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.address is not None:
            self.state.release(self.address)
        super().connection_lost(exc)
        self.unread = b""
        if self.cut_off is not None:
            self.cut_off.cancel()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
