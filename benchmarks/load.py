"""The load: kept-alive connections that repeat one request, and how many responses they get how soon.

wrk sends it. Where wrk is not installed, a Python process does; it slows the rows down in which the service is fast.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from statistics import quantiles

import orjson

ROOT = Path(__file__).resolve().parent.parent
WRK = shutil.which("wrk")
REPORT = """
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("result %d %d %d %f %f\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""
"""The end of a script for wrk: prints responses, microseconds, errors, and the 50th and 99th percentile in microseconds."""


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


@dataclass(frozen=True)
class Load:
    """The outcome of one round: the responses, their number per second, and percentiles of the times in milliseconds."""

    responses: int
    rate: float
    p50: float
    p99: float


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


def send_load(port: int, request: HttpRequest, seconds: float, connections: int) -> Load:
    """Sends a request over and over from a process of its own. Raises RuntimeError when a response is an error."""
    return (_send_with_wrk if WRK else _send_with_python)(port, request, seconds, connections)


def _send_with_wrk(port: int, request: HttpRequest, seconds: float, connections: int) -> Load:
    """wrk measures whole seconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_write_script(request))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{ceil(seconds)}s", "-s", script.name]
        output = _run([*command, f"http://127.0.0.1:{port}"])
    (line,) = [line for line in output.splitlines() if line.startswith("result ")]
    responses, microseconds, errors, p50, p99 = map(float, line.split()[1:])
    if errors or not responses:
        raise RuntimeError(f"{request.path}: {errors:.0f} errors: {output}")
    return Load(int(responses), responses / microseconds * 1e6, p50 / 1000, p99 / 1000)


def _write_script(request: HttpRequest) -> str:
    lines = [f"wrk.method = [==[{request.method}]==]", f"wrk.path = [==[{request.path}]==]"]
    lines += [f"wrk.headers[ [==[{name}]==] ] = [==[{value}]==]" for name, value in request.headers.items()]
    if request.body:
        lines.append(f"wrk.body = [==[{request.body.decode()}]==]")
    return "\n".join([*lines, REPORT])


def _send_with_python(port: int, request: HttpRequest, seconds: float, connections: int) -> Load:
    message = {**asdict(request), "body": request.body.decode(), "port": port}
    message |= {"seconds": seconds, "connections": connections}
    return Load(**orjson.loads(_run([sys.executable, "-m", "benchmarks.load"], orjson.dumps(message))))


def _run(command: list[str], message: bytes = b"") -> str:
    done = subprocess.run(command, input=message, capture_output=True, cwd=ROOT, check=False)  # noqa: S603 - the command is the benchmark's own
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done.stdout.decode()


async def _repeat_request(port: int, request: bytes, until: float) -> list[float]:
    """Returns the seconds of each response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times: list[float] = []
    while (begun := time.perf_counter()) < until:
        writer.write(request)
        status, body = await read_response(reader)
        if status not in (200, 201):
            raise RuntimeError(f"{status}: {body[:300]!r}")
        times.append(time.perf_counter() - begun)
    writer.close()
    return times


async def measure(port: int, request: HttpRequest, seconds: float, connections: int) -> Load:
    encoded = request.encode(f"127.0.0.1:{port}")
    begun = time.perf_counter()
    parts = await asyncio.gather(*(_repeat_request(port, encoded, begun + seconds) for _ in range(connections)))
    took = time.perf_counter() - begun
    times = [each for part in parts for each in part]
    percentiles = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return Load(len(times), len(times) / took, percentiles[49] * 1000, percentiles[98] * 1000)


if __name__ == "__main__":
    message = orjson.loads(sys.stdin.buffer.read())
    target = HttpRequest(
        path=message["path"], method=message["method"], headers=message["headers"], body=message["body"].encode()
    )
    outcome = asyncio.run(measure(message["port"], target, message["seconds"], message["connections"]))
    print(orjson.dumps(asdict(outcome)).decode())
