"""Runs the application of a checkout in this process and measures the CPU time of its requests.

`python -P in_process.py CHECKOUT` runs the application as a worker process of `clientele serve` runs it, but without
sockets. DATABASE_URL and the other settings describe it. It relies only on what every commit has:
`app.main.app_from_environment`, HTTP and uvloop.

Each line of standard input is a JSON object with `method`, `path`, `headers`, `body` and `count`. The request is sent
`count` times, one after the other. Each line of output is a JSON object with the last `status` and `body`, and with
`microseconds`, the CPU time of this process per request.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class Exchange:
    """The two channels of one ASGI request: the application receives the body once, and sends one response."""

    def __init__(self, body: bytes) -> None:
        self.status = 0
        self.parts: list[bytes] = []
        self._body: bytes | None = body
        self._finished = asyncio.Event()

    async def receive(self) -> Message:
        if self._body is None:
            await self._finished.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            self._finished.set()


class Lifespan:
    """The application's start and end; `state` is what the application shares with its requests."""

    def __init__(self, application: Application) -> None:
        self.state: dict[str, Any] = {}
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        self._task = asyncio.ensure_future(application(scope, self._inbox.get, self._outbox.put))

    async def signal(self, name: str) -> None:
        """Sends `startup` or `shutdown` and waits for its completion. Raises RuntimeError when it fails."""
        await self._inbox.put({"type": f"lifespan.{name}"})
        message = await self._outbox.get()
        if message["type"] != f"lifespan.{name}.complete":
            raise RuntimeError(message)


def make_scope(request: dict[str, Any], state: dict[str, Any]) -> Message:
    path, _, query = request["path"].partition("?")
    headers = {"host": "127.0.0.1", "content-length": str(len(request["body"].encode())), **request["headers"]}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request["method"],
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": state,
    }


async def measure(application: Application, request: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Sends the request `count` times after `pause` seconds. Returns the last status and body, and the CPU time of each."""
    body, count = request["body"].encode(), request["count"]
    await asyncio.sleep(request.get("pause", 0))
    begun = time.process_time()
    for _ in range(count):
        exchange = Exchange(body)
        await application(make_scope(request, state), exchange.receive, exchange.send)
    spent = (time.process_time() - begun) / count
    return {"status": exchange.status, "body": b"".join(exchange.parts).decode(), "microseconds": spent * 1e6}


def pin_to_one_processor() -> None:
    """Runs this process on the first processor only, where Linux allows it: two checkouts then share the same conditions."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


async def serve(checkout: Path) -> None:
    """Answers the lines of standard input until it ends."""
    import app.main

    if not Path(app.main.__file__).is_relative_to(checkout):
        raise SystemExit(f"{app.main.__file__} was imported, which is not in {checkout}")
    application: Application = app.main.app_from_environment()
    lifespan = Lifespan(application)
    await lifespan.signal("startup")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await measure(application, json.loads(line), lifespan.state)
        print(json.dumps(answer), flush=True)
    await lifespan.signal("shutdown")


if __name__ == "__main__":
    import uvloop

    pin_to_one_processor()
    uvloop.run(serve(Path(sys.argv[1]).resolve()))
