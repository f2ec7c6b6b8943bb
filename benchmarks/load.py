"""The load: kept-alive connections that repeat one request, and the number of responses per second."""

import asyncio
import sys
import time
from dataclasses import dataclass, field

import orjson


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One HTTP request."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self, host: str) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


async def read_response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Returns the status and the body of a response."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    length = int(lower[start : lower.index(b"\r\n", start)])
    return int(head[9:12]), await reader.readexactly(length)


async def send_request(port: int, request: HttpRequest) -> tuple[int, bytes]:
    """Sends one request over a connection of its own. Returns the status and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode(f"127.0.0.1:{port}"))
    response = await read_response(reader)
    writer.close()
    return response


async def _repeat_request(port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    responses = 0
    while time.perf_counter() < until:
        writer.write(request)
        status, body = await read_response(reader)
        if status not in (200, 201):
            raise RuntimeError(f"{status}: {body[:300]!r}")
        responses += 1
    writer.close()
    return responses


async def measure(port: int, request: HttpRequest, seconds: float, connections: int) -> float:
    """Returns the responses per second."""
    encoded = request.encode(f"127.0.0.1:{port}")
    begun = time.perf_counter()
    counts = await asyncio.gather(*(_repeat_request(port, encoded, begun + seconds) for _ in range(connections)))
    return sum(counts) / (time.perf_counter() - begun)


if __name__ == "__main__":
    message = orjson.loads(sys.stdin.buffer.read())
    request = HttpRequest(
        path=message["path"], method=message["method"], headers=message["headers"], body=message["body"].encode()
    )
    print(asyncio.run(measure(message["port"], request, message["seconds"], message["connections"])))
