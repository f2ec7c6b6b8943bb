"""Sender: posts events to the URLs of webhooks, over connections to addresses that were checked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import httpcore
import httpx

from app.deliveries.addresses import Destinations
from app.version import VERSION

TIMEOUT = 10.0
"""Seconds for an attempt: the look into the DNS, the connection, the request and the response."""
MOST_BYTES, MOST_CHARACTERS = 16_384, 1000
"""The bytes of a response that are read, and the characters of it that are stored."""
TRIED_ADDRESSES, CONNECT_TIMEOUT = 3, 4.0
"""The addresses of a host that are tried, and the seconds for each."""
LOOKUPS = 64
"""The looks into the DNS at the same time. One that takes long holds a thread, and nothing of the service waits for it."""
IDLE, IDLE_SECONDS = 20, 15.0
"""The idle connections that are kept, and for how long."""
HEADERS = {"content-type": "application/json", "user-agent": f"Clientele-Webhooks/{VERSION}"}

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Gives the addresses of a host and a port. Raises OSError."""


class Unsent(Exception):
    """An attempt without a response. The text is shown to the owner of the webhook."""


@dataclass(frozen=True, slots=True)
class Response:
    """The response to an attempt. `text` is its beginning, as text that PostgreSQL can store."""

    status: int
    milliseconds: int
    text: str

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Resolver:
    """Looks names up in threads of its own, as the operating system is configured."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="webhook-dns")

    async def __call__(self, host: str, port: int) -> list[str]:
        """The addresses of a host, each once."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to an address only after it was checked, and to no other one.

    A name with any address that is not allowed is rejected as a whole.
    """

    def __init__(self, destinations: Destinations, resolve: Resolve) -> None:
        self.destinations, self.resolve = destinations, resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = Unsent("the host has no address")
        for address in (await self._find_addresses(host, port))[:TRIED_ADDRESSES]:
            try:
                return await self._network.connect_tcp(address, port, CONNECT_TIMEOUT, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _find_addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = await self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unsent("the name of the host cannot be resolved") from error
        if not addresses or not all(map(self.destinations.allows, addresses)):
            raise Unsent("the host has a private, local or reserved address, which this service does not connect to")
        return addresses

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Sender:
    """Posts bodies. It follows no redirects, uses no proxy, and keeps no cookies.

    `connections` is the most connections at the same time, and `timeout` the seconds of an attempt. `close` ends all of them.
    """

    def __init__(
        self,
        destinations: Destinations,
        *,
        connections: int = 200,
        timeout: float = TIMEOUT,
        resolve: Resolve | None = None,
    ) -> None:
        self.connections, self.timeout = connections, timeout
        self.destinations = destinations
        self._resolver = Resolver()
        self._network = CheckedNetwork(destinations, resolve or self._resolver)
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """The response to the body. Raises Unsent without one, and for a URL that the settings no longer allow."""
        problem = self.destinations.find_problem(url)
        if problem is not None:
            raise Unsent(f"the URL {problem}")
        try:
            async with asyncio.timeout(self.timeout):
                return await self._post(httpx.URL(url), {**HEADERS, **headers}, body)
        except TimeoutError as error:
            raise Unsent(f"no complete response within {self.timeout:g} seconds") from error
        except httpcore.ConnectError as error:
            raise Unsent(f"the connection failed: {describe(error)}") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise Unsent(f"the response cannot be read: {describe(error)}") from error

    async def _post(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> Response:
        address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path or b"/")
        began = perf_counter()
        async with self._open_pool().stream("POST", address, headers=[*headers.items()], content=body) as response:
            start = await _read_start(response)
        return Response(response.status, round((perf_counter() - began) * 1000), _to_text(start))

    def _open_pool(self) -> httpcore.AsyncConnectionPool:
        """The pool. It is made at the first attempt, because reading the certificates takes a while."""
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=httpx.create_ssl_context(),
                max_connections=self.connections,
                max_keepalive_connections=IDLE,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=self._network,
            )
        return self._pool

    async def close(self) -> None:
        self._resolver.close()
        if self._pool is not None:
            await self._pool.aclose()


async def _read_start(response: httpcore.Response) -> bytes:
    start = b""
    async for part in response.aiter_stream():
        start += part
        if len(start) >= MOST_BYTES:
            break
    return start[:MOST_BYTES]


def _to_text(start: bytes) -> str:
    return start.decode("utf-8", "replace").replace("\x00", "")[:MOST_CHARACTERS]


def describe(error: Exception) -> str:
    """The first line of an error, or its type."""
    return next(iter(str(error).splitlines()), "")[:200] or type(error).__name__
