"""Operations over server-sent events, in the distinct connections mode of GraphQL over SSE.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md

The id of an event is the cursor of its change. An EventSource that connects again sends the last id as `Last-Event-ID`,
and the subscription continues behind it. The stream begins with the id of its start, because a connection can end before
the first event. With GET, which is what an EventSource uses, this id is an event of its own: some implementations forget
the id of a block without data. With POST it stands alone, because graphql-sse takes no events but `next` and `complete`.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, aclosing
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.auth import Principal
from app.graphql.server.codes import ErrorCode
from app.graphql.server.errors import RequestError, to_request_error
from app.graphql.server.prepared import OperationResult, StreamStart
from app.graphql.server.streams import wait_for_invalid_token

EVENT_STREAM = "text/event-stream"
KEEP_ALIVE = 12.0
"""After this many seconds without an event, a comment keeps the connection open."""
COMMENT, START, COMPLETE = b":\n\n", b"event: start\ndata:\n\n", b"event: complete\ndata:\n\n"
HEADERS = {"Cache-Control": "no-cache, no-store", "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"}

Results = AsyncGenerator[OperationResult | StreamStart, None]


class EventStream(StreamingResponse):
    """Sends results as events. It ends with the results, or when the client disconnects, the token becomes invalid, or
    the server stops."""

    def __init__(
        self, request: Request, results: Results, place: ExitStack, principal: Principal, token_check: float
    ) -> None:
        self.request, self.results, self.place = request, results, place
        self.principal, self.token_check = principal, token_check
        self.events: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self.sent = asyncio.Event()
        self.stop = asyncio.Event()
        request.state.stop = self.stop
        self.content = self.write()
        super().__init__(self.content, headers=HEADERS, media_type=EVENT_STREAM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.place:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self.content):
            await super().stream_response(send)

    async def write(self) -> AsyncGenerator[bytes, None]:
        """The bytes of the stream. Its `finally` must not await, because a disconnect cancels every await there."""
        producing = asyncio.create_task(self.produce())
        invalid = asyncio.create_task(wait_for_invalid_token(self.request.user, self.principal, self.token_check))
        stopping = asyncio.create_task(self.stop.wait())
        taking = asyncio.create_task(self.events.get())
        try:
            while True:
                await asyncio.wait({taking, invalid, stopping}, timeout=KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED)
                if stopping.done():
                    return
                if invalid.done():
                    yield write_next(_to_body(RequestError(ErrorCode.UNAUTHENTICATED, invalid.result().message)))
                    yield COMPLETE
                    return
                if not taking.done():
                    yield COMMENT
                    continue
                event = taking.result()
                if event is None:
                    return
                yield event
                yield b""  # the server sends it when it has sent the event
                self.sent.set()
                taking = asyncio.create_task(self.events.get())
        finally:
            for task in (producing, invalid, stopping, taking):
                task.cancel()

    def write_block(self, result: OperationResult | StreamStart) -> bytes:
        """A result as a `next` event, or the start, with its id."""
        if isinstance(result, StreamStart):
            return _write_id(result.cursor) + (START if self.request.method == "GET" else b"\n")
        return (_write_id(result.cursor) if result.cursor else b"") + write_next(result.payload)

    async def produce(self) -> None:
        """Puts the results into the queue, and None at the end. The next result is made when the last one was sent."""
        try:
            async with aclosing(self.results):
                async for result in self.results:
                    self.sent.clear()
                    await self.events.put(self.write_block(result))
                    await self.sent.wait()
        except RequestError as error:
            await self.events.put(write_next(_to_body(error)))
        except Exception as error:
            await self.events.put(write_next(_to_body(to_request_error(error, self.request.state.request_id))))
        await self.events.put(COMPLETE)
        await self.events.put(None)


def _write_id(cursor: str) -> bytes:
    return b"id: " + cursor.encode() + b"\n"


def write_next(body: Mapping[str, Any] | orjson.Fragment) -> bytes:
    """A result as a `next` event."""
    return b"event: next\ndata: " + orjson.dumps(body).replace(b"\n", b"\ndata: ") + b"\n\n"


def _to_body(error: RequestError) -> dict[str, Any]:
    return {"errors": [error.formatted]}


async def single_result(result: OperationResult) -> Results:
    """The results of an operation that has exactly one."""
    yield result
