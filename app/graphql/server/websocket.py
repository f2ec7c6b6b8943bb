"""Socket: one WebSocket that speaks graphql-transport-ws; any operation may come over it."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.auth import Caller, Principal
from app.config import Config
from app.errors import Unauthenticated
from app.graphql.server.errors import Refused, Rejected, show_refusal
from app.graphql.server.operations import Operations
from app.graphql.server.protocol import PROTOCOL, Closing, Message, find_token, read_message
from app.graphql.server.requests import read_request
from app.graphql.server.streams import Streams, await_refusal

MOST_OPERATIONS = 100
"""At once on one socket."""


async def serve_socket(websocket: WebSocket, operations: Operations, streams: Streams, config: Config) -> None:
    """Speaks with a client until it leaves, breaks the protocol, or its token is no longer good."""
    if PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(4406, f"Only {PROTOCOL} is spoken here")
        return
    await websocket.accept(subprotocol=PROTOCOL)
    if streams.full:
        await websocket.close(1013, "Too many streams are open; try again later")
        return
    with streams.place():
        await Socket(websocket, operations, config).serve()


class Socket:
    """The state of a connection: who calls, once that is known, and the operations under way by their ids."""

    def __init__(self, websocket: WebSocket, operations: Operations, config: Config) -> None:
        self.websocket, self.operations, self.config = websocket, operations, config
        self.request_id: str = websocket.state.request_id
        self.caller: Caller | None = None
        self.principal: Principal | None = None
        self._known = asyncio.Event()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        parts: list[asyncio.Future[None]] = [
            asyncio.ensure_future(self._read()),
            asyncio.ensure_future(self._watch()),
            self._ended,
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._cancel(*parts, *self._running.values())
        reasons = filter(None, [part.exception() for part in parts if not part.cancelled()])
        for reason in reasons:
            await self._close(reason)

    async def _cancel(self, *parts: "asyncio.Future[None]") -> None:
        for part in parts:
            part.cancel()
        await asyncio.wait(parts)

    async def _close(self, reason: BaseException) -> None:
        """Closes the socket; the first reason counts."""
        if not isinstance(reason, Closing):
            refused = show_refusal(reason, self.request_id)
            reason = Closing(4500, refused.message)
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.websocket.close(reason.code, reason.reason)

    async def _watch(self) -> None:
        """Ends the socket when it does not say who calls in time, and when its token is no longer good."""
        try:
            async with asyncio.timeout(self.config.init_timeout):
                await self._known.wait()
        except TimeoutError as error:
            raise Closing(4408, "Connection initialisation timeout") from error
        assert self.caller is not None
        assert self.principal is not None
        refusal = await await_refusal(self.caller, self.principal, self.config.token_check)
        raise Closing(4403, refusal.message)

    async def _read(self) -> None:
        """Takes messages until the client leaves."""
        while True:
            received = await self.websocket.receive()
            if received["type"] == "websocket.disconnect":
                return
            text = received.get("text")
            if text is None:
                raise Closing(4400, "The messages are texts")
            if len(text) > self.config.body_cap:
                raise Closing(1009, f"The message is larger than {self.config.body_cap} bytes")
            try:
                await self._take(read_message(text))
            except WebSocketDisconnect:
                return

    async def _take(self, message: Message) -> None:
        match message.type:
            case "connection_init":
                await self._begin(message.payload)
            case "ping":
                await self._send("pong", payload=message.payload)
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                task = self._running.pop(message.id, None)
                if task is not None:
                    task.cancel()

    async def _begin(self, payload: Mapping[str, Any] | None) -> None:
        if self.caller is not None:
            raise Closing(4429, "Too many initialisation requests")
        token = find_token(payload)
        self.caller = Caller(token, self.operations.database) if token else self.websocket.user
        self.principal = await self._ask_principal(self.caller)
        await self._send("connection_ack")
        self._known.set()

    async def _ask_principal(self, caller: Caller) -> Principal:
        try:
            return await caller.principal()
        except Unauthenticated as refusal:
            raise Closing(4403, refusal.message) from refusal
        except Exception as error:
            refused = show_refusal(error, self.request_id)
            raise Closing(1013 if refused.status == 503 else 4500, refused.message) from error

    async def _subscribe(self, message: Message) -> None:
        if self.principal is None:
            raise Closing(4401, "Unauthorized")
        if message.id in self._running:
            raise Closing(4409, f"Subscriber for {message.id} already exists")
        if len(self._running) >= MOST_OPERATIONS:
            refused = Refused(429, f"Only {MOST_OPERATIONS} operations may run at once", "TOO_MANY_OPERATIONS")
            await self._send("error", message.id, [refused.shown])
            return
        self._running[message.id] = asyncio.create_task(self._operate(message))

    async def _operate(self, message: Message) -> None:
        try:
            await self._answer(message)
        except WebSocketDisconnect:
            pass
        except Closing as closing:
            if not self._ended.done():
                self._ended.set_exception(closing)

    async def _answer(self, message: Message) -> None:
        """Runs an operation and sends its answers; what is wrong with it is said of it alone."""
        try:
            asked = read_request(message.payload)
            assert self.caller is not None
            prepared = self.operations.prepare(asked, await self._ask_principal(self.caller))
            async with aclosing(self.operations.stream(prepared, self.request_id)) as answers:
                async for answer in answers:
                    if not answer.executed:
                        return await self._finish("error", message.id, answer.body["errors"])
                    await self._send("next", message.id, answer.body)
            return await self._finish("complete", message.id)
        except (Closing, WebSocketDisconnect):
            raise
        except Rejected as rejected:
            errors = self.operations.reject(rejected, self.request_id).body["errors"]
        except Refused as refused:
            errors = [refused.shown]
        except Exception as error:
            errors = [show_refusal(error, self.request_id).shown]
        return await self._finish("error", message.id, errors)

    async def _finish(self, type_: str, id_: str, payload: Any = None) -> None:
        """Sends the last message of an operation, whose id is free from then on."""
        if self._running.get(id_) is asyncio.current_task():
            del self._running[id_]
            await self._send(type_, id_, payload)

    async def _send(self, type_: str, id_: str = "", payload: Any = None) -> None:
        message: dict[str, Any] = {"type": type_}
        if id_:
            message["id"] = id_
        if payload is not None:
            message["payload"] = payload
        await self.websocket.send_text(orjson.dumps(message).decode())
