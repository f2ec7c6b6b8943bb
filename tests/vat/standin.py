"""A stand-in for VIES: a real server on the loopback that sends the response that a test sets."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

VALID: Mapping[str, Any] = {
    "countryCode": "SI",
    "vatNumber": "50223054",
    "requestDate": "2026-01-01T00:00:00.000Z",
    "valid": True,
    "requestIdentifier": "WAPIAAAAY1",
    "name": "PRIMER D.O.O.",
    "address": "DOLGA ULICA 1\n1000 LJUBLJANA",
    "traderNameMatch": "NOT_PROCESSED",
}
INVALID = {**VALID, "valid": False, "requestIdentifier": "", "name": "---", "address": "---"}


def http(body: object, status: str = "200 OK") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data


@dataclass
class StandIn:
    """Records each request and sends the bytes `response` once `open` is set."""

    url: str = ""
    response: bytes = http(VALID)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    serving: list["asyncio.Task[None]"] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    stopped: bool = False

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.stopped:
            writer.close()
            return
        self.writers.append(writer)
        self.serving.append(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(line for line in head.lower().splitlines() if line.startswith("content-length:"))
                body = await reader.readexactly(int(length.partition(":")[2]))
                self.requests.append((head.splitlines()[0], json.loads(body)))
                self.reached.set()
                await self.open.wait()
                writer.write(self.response)
                await writer.drain()
        writer.close()

    async def stop(self) -> None:
        """Closes every connection and waits until they are closed."""
        self.stopped = True
        self.open.set()
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*self.serving)
        await asyncio.gather(*(writer.wait_closed() for writer in self.writers), return_exceptions=True)


@asynccontextmanager
async def standing_in() -> AsyncIterator[StandIn]:
    """A stand-in that confirms every number at once."""
    double = StandIn()
    double.open.set()
    server = await asyncio.start_server(double.connected, "127.0.0.1", 0)
    double.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/vies/rest-api"
    try:
        yield double
    finally:
        server.close()
        await double.stop()
