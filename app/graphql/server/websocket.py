"""Operations over WebSockets with the protocol graphql-transport-ws.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack, aclosing, suppress
from time import perf_counter
from typing import Any

import orjson
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.auth import Access, Caller, Principal
from app.config import Config
from app.errors import TooMany, Unauthenticated
from app.graphql.server.codes import ErrorCode
from app.graphql.server.errors import OperationError, RequestError, to_request_error, write_headers
from app.graphql.server.messages import CloseSocket, Message, find_token, read_message
from app.graphql.server.operations import Operations
from app.graphql.server.prepared import GraphQLRequest, StreamStart
from app.graphql.server.requests import read_request
from app.graphql.server.streams import Places, wait_for_invalid_token
from app.http.addresses import network_of
from app.observability.figures import Figures, current_figures

API = "graphql"
PROTOCOL = "graphql-transport-ws"
FIRST_MESSAGE = 4096
"""The most characters of a message before the token is known."""
MAX_OPERATIONS = 100
"""The number of operations that may run at the same time on one WebSocket."""


async def serve_websocket(
    websocket: WebSocket, operations: Operations, streams: Places, waiting: Places, config: Config
) -> None:
    """Serves a client until it leaves, breaks the protocol, or its token becomes invalid."""
    figures = current_figures.get()
    figures.api, figures.streams = API, True
    try:
        websocket.user.meter.admit()
    except TooMany as error:
        await websocket.send_denial_response(Response(error.message, 429, write_headers(error)))
        return
    if PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await close(websocket, CloseSocket(4406, f"Use the subprotocol {PROTOCOL}."))
        return
    await websocket.accept(subprotocol=PROTOCOL)
    with ExitStack() as place:
        try:
            streams.check("")
            place.enter_context(waiting.take("", network_of(websocket.client.host if websocket.client else "")))
        except RequestError as error:
            await close(websocket, CloseSocket(1013, error.message))
            return
        await Connection(websocket, operations, streams, place, config).serve()


async def close(websocket: WebSocket, reason: CloseSocket) -> None:
    """Closes the WebSocket. It does nothing if the WebSocket is closed already."""
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.close(reason.code, reason.reason)


class Connection:
    """The state of a WebSocket: its caller after connection_init, and its running operations by their ids.

    `place` holds its place, which is one of the waiting WebSockets until connection_init.
    """

    def __init__(
        self, websocket: WebSocket, operations: Operations, streams: Places, place: ExitStack, config: Config
    ) -> None:
        self.websocket, self.operations, self.config = websocket, operations, config
        self.streams, self.place = streams, place
        self.request_id: str = websocket.state.request_id
        self.caller: Caller | None = None
        self.principal: Principal | None = None
        self._initialised = asyncio.Event()
        self._preparing = asyncio.Lock()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        parts: list[asyncio.Future[None]] = [
            asyncio.ensure_future(self._read()),
            asyncio.ensure_future(self._watch_token()),
            self._failed,
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._cancel(*parts, *self._running.values())
            self._running.clear()
        for error in filter(None, [part.exception() for part in parts if not part.cancelled()]):
            await self._close(error)

    async def _cancel(self, *parts: "asyncio.Future[None]") -> None:
        for part in parts:
            part.cancel()
        await asyncio.wait(parts)

    async def _close(self, error: BaseException) -> None:
        """Closes the WebSocket. Only the first call has an effect."""
        if not isinstance(error, CloseSocket):
            error = CloseSocket(4500, to_request_error(error, self.request_id).message)
        await close(self.websocket, error)

    async def _watch_token(self) -> None:
        """Ends the connection if connection_init does not arrive in time, and when the token becomes invalid."""
        try:
            async with asyncio.timeout(self.config.init_timeout):
                await self._initialised.wait()
        except TimeoutError as error:
            raise CloseSocket(4408, "Connection initialisation timeout") from error
        assert self.caller is not None  # noqa: S101 - narrows the type
        assert self.principal is not None  # noqa: S101 - narrows the type
        invalid = await wait_for_invalid_token(self.caller, self.principal, self.config.token_check)
        raise CloseSocket(4403, invalid.message)

    async def _read(self) -> None:
        """Handles messages until the client leaves. Other tasks get a turn after each message, as many may have arrived."""
        while True:
            received = await self.websocket.receive()
            if received["type"] == "websocket.disconnect":
                return
            text = received.get("text")
            if text is None:
                raise CloseSocket(4400, "Messages must be text, not bytes.")
            most = FIRST_MESSAGE if self.principal is None else self.config.body_cap
            if len(text) > most:
                raise CloseSocket(1009, f"The message is too large; at most {most} bytes are allowed.")
            try:
                message = read_message(text)
                if await self._admit(message):
                    await self._handle(message)
            except WebSocketDisconnect:
                return
            await asyncio.sleep(0)

    async def _admit(self, message: Message) -> bool:
        """Charges one request for a message. Over the limit, an operation is rejected, and other messages end the
        connection."""
        caller = self.caller or self.websocket.user
        try:
            if message.type not in ("complete", "connection_init"):
                caller.meter.admit()
        except TooMany as error:
            if message.type != "subscribe":
                raise CloseSocket(4429, error.message) from error
            await self._send("error", message.id, [to_request_error(error, self.request_id).formatted])
            return False
        return True

    async def _handle(self, message: Message) -> None:
        match message.type:
            case "connection_init":
                await self._initialise(message.payload)
            case "ping":
                await self._send("pong", payload=message.payload if _is_writable(message.payload) else None)
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                task = self._running.pop(message.id, None)
                if task is not None:
                    task.cancel()

    async def _initialise(self, payload: Mapping[str, Any] | None) -> None:
        if self.caller is not None:
            raise CloseSocket(4429, "Too many initialisation requests")
        token = find_token(payload)
        self.caller = self.websocket.user.with_token(token) if token else self.websocket.user
        principal = await self._find_principal(self.caller)
        self._change_place(principal)
        self.principal = principal
        await self._send("connection_ack")
        self._initialised.set()

    def _change_place(self, principal: Principal) -> None:
        """Takes the place of an open stream instead of that of a waiting WebSocket."""
        place = ExitStack()
        try:
            place.enter_context(self.streams.take("", principal.tenant, principal.token_id))
        except RequestError as error:
            raise CloseSocket(1013, error.message) from error
        self.place.close()
        self.place.enter_context(place)

    async def _find_principal(self, caller: Caller) -> Principal:
        try:
            return await caller.principal()
        except Unauthenticated as error:
            raise CloseSocket(4403, error.message) from error
        except Exception as error:
            request_error = to_request_error(error, self.request_id)
            code = {503: 1013, 429: 4429}.get(request_error.status, 4500)
            raise CloseSocket(code, request_error.message) from error

    async def _subscribe(self, message: Message) -> None:
        if self.principal is None:
            raise CloseSocket(4401, "Unauthorized")
        if message.id in self._running:
            raise CloseSocket(4409, f"Subscriber for {message.id} already exists")
        if len(self._running) >= MAX_OPERATIONS:
            text = f"At most {MAX_OPERATIONS} operations may run at the same time. Complete one first."
            error = RequestError(ErrorCode.OPERATION_LIMIT_EXCEEDED, text, extensions={"limit": MAX_OPERATIONS})
            await self._send("error", message.id, [error.formatted])
            return
        try:
            request = read_request(message.payload)
        except RequestError as error:
            if error.code is not ErrorCode.GRAPHQL_PARSE_FAILED:
                raise CloseSocket(4400, error.message) from error
            await self._send("error", message.id, [error.formatted])
            return
        self._running[message.id] = asyncio.create_task(self._run(message.id, request))

    async def _run(self, id_: str, request: GraphQLRequest) -> None:
        figures = Figures()
        figures.began, figures.request_id, figures.api = perf_counter(), self.request_id, API
        current_figures.set(figures)
        try:
            await self._execute(id_, request)
        except WebSocketDisconnect:
            pass
        except Exception as error:
            if not self._failed.done():
                self._failed.set_exception(error)
        finally:
            if (observe := self.websocket.scope.get("observe")) is not None:
                observe(figures)

    async def _execute(self, id_: str, request: GraphQLRequest) -> None:
        """Runs an operation and sends its results. An error of the operation does not close the WebSocket."""
        try:
            assert self.caller is not None  # noqa: S101 - narrows the type
            async with self._preparing:
                principal = await self._find_principal(self.caller)
                access = Access.of(self.operations.database, principal, self.caller.source)
                prepared = await self.operations.prepare(request, access)
            async with aclosing(self.operations.stream(prepared, self.request_id)) as results:
                async for result in results:
                    if isinstance(result, StreamStart):
                        continue
                    if not result.executed:
                        return await self._finish("error", id_, result.body["errors"])
                    await self._send("next", id_, result.payload)
            return await self._finish("complete", id_)
        except (CloseSocket, WebSocketDisconnect):
            raise
        except OperationError as error:
            errors = self.operations.reject(error, self.request_id).body["errors"]
        except RequestError as error:
            errors = [error.formatted]
        except Exception as error:
            errors = [to_request_error(error, self.request_id).formatted]
        return await self._finish("error", id_, errors)

    async def _finish(self, type_: str, id_: str, payload: Any = None) -> None:
        """Sends the last message of an operation. From then on its id is free."""
        if self._running.get(id_) is asyncio.current_task():
            del self._running[id_]
            current_figures.get().status = 400 if type_ == "error" else 200
            await self._send(type_, id_, payload)

    async def _send(self, type_: str, id_: str = "", payload: Any = None) -> None:
        message: dict[str, Any] = {"type": type_}
        if id_:
            message["id"] = id_
        if payload is not None:
            message["payload"] = payload
        try:
            await self.websocket.send_text(orjson.dumps(message).decode())
        except RuntimeError as error:
            raise WebSocketDisconnect(1006) from error


def _is_writable(payload: object) -> bool:
    """True if orjson can write a payload. JSON in a message can have lone surrogates and integers over 64 bits."""
    try:
        orjson.dumps(payload)
    except orjson.JSONEncodeError:
        return False
    return True
