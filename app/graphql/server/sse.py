"""Event streams: operations answered as server-sent events, in the distinct connections mode of GraphQL over SSE.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Send

from app.auth import Principal
from app.graphql.server.errors import Refused, show_refusal
from app.graphql.server.operations import OperationResult
from app.graphql.server.streams import Streams, await_refusal

EVENTS = "text/event-stream"
KEEP_ALIVE = 12.0
"""Seconds of silence after which a comment says that the stream lives."""
COMMENT, COMPLETE = b":\n\n", b"event: complete\ndata:\n\n"
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

Answers = AsyncGenerator[OperationResult, None]


class EventStream(StreamingResponse):
    """Answers as events, until they end, the client leaves, the token is no longer good, or the server stops."""

    def __init__(
        self, request: Request, answers: Answers, streams: Streams, principal: Principal, token_check: float
    ) -> None:
        self.request, self.answers, self.streams = request, answers, streams
        self.principal, self.token_check = principal, token_check
        self.blocks: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self.stop = asyncio.Event()
        request.state.stop = self.stop
        super().__init__(self.write(), headers=HEADERS, media_type=EVENTS)

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().stream_response(send)

    async def write(self) -> AsyncGenerator[bytes, None]:
        """The blocks of the stream. There is no await in the end of it, for a client that leaves cancels those."""
        producing = asyncio.create_task(self.produce())
        refused = asyncio.create_task(await_refusal(self.request.user, self.principal, self.token_check))
        stopped = asyncio.create_task(self.stop.wait())
        taking = asyncio.create_task(self.blocks.get())
        with self.streams.place():
            try:
                while True:
                    await asyncio.wait(
                        {taking, refused, stopped}, timeout=KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED
                    )
                    if stopped.done():
                        return
                    if refused.done():
                        yield write_next({"errors": [Refused(401, refused.result().message, "UNAUTHENTICATED").shown]})
                        yield COMPLETE
                        return
                    if not taking.done():
                        yield COMMENT
                        continue
                    block = taking.result()
                    if block is None:
                        return
                    yield block
                    taking = asyncio.create_task(self.blocks.get())
            finally:
                for task in (producing, refused, stopped, taking):
                    task.cancel()

    async def produce(self) -> None:
        """Puts the answers into the queue, one at a time, and None at the end."""
        try:
            async with aclosing(self.answers):
                async for answer in self.answers:
                    await self.blocks.put(write_next(answer.body))
        except Exception as error:
            await self.blocks.put(write_next({"errors": [show_refusal(error, self.request.state.request_id).shown]}))
        await self.blocks.put(COMPLETE)
        await self.blocks.put(None)


def write_next(body: Mapping[str, Any]) -> bytes:
    """An answer as an event."""
    return b"event: next\ndata: " + orjson.dumps(body).replace(b"\n", b"\ndata: ") + b"\n\n"


async def only(answer: OperationResult) -> Answers:
    """The answers of an operation that has one."""
    yield answer
