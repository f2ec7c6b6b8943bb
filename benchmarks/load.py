"""The load: a number of kept-alive connections that ask one thing again and again, and how many answers came a second."""

import asyncio
import sys
import time
from dataclasses import dataclass, field

import orjson


@dataclass(frozen=True, kw_only=True)
class Ask:
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


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The status and the body."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    length = int(lower[start : lower.index(b"\r\n", start)])
    return int(head[9:12]), await reader.readexactly(length)


async def ask_once(port: int, ask: Ask) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ask.encode(f"127.0.0.1:{port}"))
    answer = await read_answer(reader)
    writer.close()
    return answer


async def _hammer(port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = 0
    while time.perf_counter() < until:
        writer.write(request)
        status, body = await read_answer(reader)
        if status not in (200, 201):
            raise RuntimeError(f"{status}: {body[:300]!r}")
        answers += 1
    writer.close()
    return answers


async def measure(port: int, ask: Ask, seconds: float, connections: int) -> float:
    """Answers per second."""
    request = ask.encode(f"127.0.0.1:{port}")
    begun = time.perf_counter()
    counts = await asyncio.gather(*(_hammer(port, request, begun + seconds) for _ in range(connections)))
    return sum(counts) / (time.perf_counter() - begun)


if __name__ == "__main__":
    wanted = orjson.loads(sys.stdin.buffer.read())
    ask = Ask(path=wanted["path"], method=wanted["method"], headers=wanted["headers"], body=wanted["body"].encode())
    print(asyncio.run(measure(wanted["port"], ask, wanted["seconds"], wanted["connections"])))
