"""The worst that one tenant, or a stranger, sends to the service: one attack after the other, at 16 connections.

`python -m tests.faults.attacks NAME SECONDS TARGET` runs one attack on the target, which is JSON.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

CONNECTIONS = 16
SMALL_BUFFER = 4096
SLOW_PATTERN = "(a?.?){250}y"


@dataclass(frozen=True)
class Target:
    """A service, and the tenant that attacks it: its token, its organization and one of its large clients."""

    address: str
    token: str
    organization: str
    client: str

    @property
    def clients(self) -> str:
        return f"/v1/organizations/{self.organization}/clients"

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        token: bool = True,
    ) -> bytes:
        """The bytes of a request."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = {"Host": "127.0.0.1", "Content-Length": str(len(data)), "Content-Type": "application/json"}
        lines |= {"Accept-Encoding": "gzip", **(headers or {})}
        if token:
            lines["Authorization"] = f"Bearer {self.token}"
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + data

    def graphql(self, query: str) -> bytes:
        return self.request("POST", "/graphql", {"query": query}, {"Accept-Encoding": "identity"})


async def open_connection(target: Target, limit: int = 1 << 20) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = urlsplit(target.address).port
    return await asyncio.open_connection("127.0.0.1", port, limit=limit)


async def read_response(reader: asyncio.StreamReader) -> bool:
    """Reads a response and drops it. Returns False when the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    left = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    while left:
        part = await reader.read(min(left, 1 << 18))
        if not part:
            return False
        left -= len(part)
    return b"connection: close" not in head


async def repeat(target: Target, *requests: bytes) -> None:
    """Sends requests in turn over one connection, for ever; connects again when it was closed."""
    turn = count()
    while True:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            reader, writer = await open_connection(target)
            try:
                while True:
                    writer.write(requests[next(turn) % len(requests)])
                    await writer.drain()
                    if not await read_response(reader):
                        break
            finally:
                writer.close()
        await asyncio.sleep(0.005)


async def never_read(target: Target, request: bytes) -> None:
    """Sends a request, and reads a byte of its response now and then."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await open_connection(target, SMALL_BUFFER)
            try:
                writer.write(request)
                while await reader.read(1):  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
            finally:
                writer.close()
        await asyncio.sleep(0.005)


def long_precondition(target: Target) -> Awaitable[None]:
    headers = {"If-None-Match": "x" + " " * 20_000 + "x", "If-Match": "x" + " \t" * 5000 + "x"}
    return repeat(target, target.request("GET", f"/v1/clients/{target.client}", headers=headers))


def combining_marks(target: Target) -> Awaitable[None]:
    body = {"name": "x", "custom": {"a": "\u0315\u0300" * 16_000}}
    return repeat(
        target,
        target.request("POST", target.clients, body),
        target.request("POST", target.clients, {"name": "\u0315\u0300" * 5000}),
        target.request("GET", f"{target.clients}/search?term={quote(chr(0x315) * 2000)}"),
    )


def marks_in_password(target: Target) -> Awaitable[None]:
    body = {"email": "loud@example.com", "password": "e\u0301\u0315\u0300" * 6000}
    return repeat(target, target.request("POST", "/v1/accounts/login", body, token=False))


async def endless_head(target: Target) -> None:
    """Headers without an end, many small or a few large ones."""
    while True:
        with suppress(OSError):
            _, writer = await open_connection(target)
            try:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
                for index in range(100_000):
                    writer.write(b"X-%d: y\r\n" % index * 100 + b"X-Long: " + b"y" * 10_000 + b"\r\n" * (index % 2))
                    await writer.drain()
            finally:
                writer.close()
        await asyncio.sleep(0.005)


async def dripping_head(target: Target) -> None:
    """Connections that send a byte now and then."""
    while True:
        with suppress(OSError):
            opened = [await open_connection(target) for _ in range(20)]
            for byte in b"GET /healthz HTTP/1.1\r\nHost: " + b"a" * 100:
                for _, writer in opened:
                    writer.write(bytes([byte]))
                await asyncio.sleep(0.2)


def slow_patterns(target: Target) -> Awaitable[None]:
    where = quote(json.dumps({"where": {"name": {"regexp": SLOW_PATTERN}}}))
    return repeat(target, target.request("GET", f"{target.clients}?filter={where}"))


def slow_aliases(target: Target) -> Awaitable[None]:
    field = f'clients(filter: {{name: {{regex: "{SLOW_PATTERN}"}}}}) {{ totalCount }}'
    return repeat(target, target.graphql("{" + " ".join(f"a{index}: {field}" for index in range(50)) + "}"))


def large_answers(target: Target) -> Awaitable[None]:
    field = "clients(first: 100) { nodes { name custom } }"
    return repeat(
        target,
        target.graphql("{" + " ".join(f"a{index}: {field}" for index in range(25)) + "}"),
        target.request("GET", f"{target.clients}?filter[limit]=100"),
        target.request("GET", f"{target.clients}?filter[limit]=10&filter[include]=organization"),
        target.request("GET", f"{target.clients}?filter[limit]=10", headers={"Accept-Encoding": "identity"}),
        target.graphql("{ clients(first: 9) { edges { node { id custom organization { name } } } } }"),
    )


def slow_readers(target: Target) -> Awaitable[None]:
    request = target.request("GET", f"{target.clients}?filter[limit]=10", headers={"Accept-Encoding": "identity"})
    return never_read(target, request)


async def subscriptions(target: Target) -> None:
    """Sockets with 40 subscriptions each, and changes of a large record."""
    change = target.request("PATCH", f"/v1/clients/{target.client}", {"note": "x"})
    other = target.request("PATCH", f"/v1/clients/{target.client}", {"note": "y"})
    async with asyncio.TaskGroup() as group:
        group.create_task(repeat(target, change, other))
        group.create_task(_follow(target))


async def _follow(target: Target) -> None:
    query = "subscription { clientChanges { client { name custom } before { name } } }"
    while True:
        with suppress(OSError, WebSocketException):
            url = f"{target.address.replace('http', 'ws')}/graphql"
            async with connect(url, subprotocols=["graphql-transport-ws"], proxy=None, max_size=None) as socket:  # type: ignore[list-item]
                payload = {"Authorization": f"Bearer {target.token}"}
                await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
                for index in range(40):
                    message = {"type": "subscribe", "id": str(index), "payload": {"query": query}}
                    await socket.send(json.dumps(message))
                async for _ in socket:
                    pass
        await asyncio.sleep(0.005)


def many_conditions(target: Target) -> Awaitable[None]:
    conditions = [{"name": f"{index}"} for index in range(5000)]
    nested = "{" + "or: [{name: {eq: 1}}, {" * 200
    return repeat(
        target,
        target.request("GET", f"{target.clients}?filter={quote(json.dumps({'where': {'or': conditions}}))}"),
        target.request("GET", f"/customers?query={quote(json.dumps({'$or': conditions}))}"),
        target.graphql("{ clients(filter: {or: [" + '{name: {eq: "a"}}' * 4000 + "]}) { totalCount } }"),
        target.graphql("{ clients(filter: " + nested + ") { totalCount } }"),
    )


def reminders(target: Target) -> Awaitable[None]:
    sign_up = {"email": f"x{os.getpid()}@example.com", "password": "a long password 1"}
    path = f"/v1/clients/{target.client}/send-reminder"
    reminder = [target.request("POST", path, {"email": f"a{index}@example.com"}) for index in range(30)]
    sign_ups = [target.request("POST", "/v1/accounts", sign_up, token=False)] * len(reminder)
    return repeat(target, *(request for pair in zip(reminder, sign_ups, strict=True) for request in pair))


def blanks_in_order(target: Target) -> Awaitable[None]:
    order = quote(json.dumps({"order": "name" + " " * 45_000 + "ASC"}))
    short = quote(json.dumps({"order": "name" + " " * 10_000 + "ASC"}), safe=" ").replace(" ", "+")
    return repeat(
        target,
        target.request("GET", f"{target.clients}?filter={order}"),
        target.request("GET", f"{target.clients}?filter={short}"),
    )


def flood(target: Target) -> Awaitable[None]:
    unique = target.request("GET", "/v1/accounts/is-unique?email=x%40example.com", token=False)
    return repeat(target, unique, target.request("GET", f"/v1/clients/{target.client}/exists"), unique)


def bodies_without_token(target: Target) -> Awaitable[None]:
    nested = b"[" + b",".join([b"[]"] * 300_000) + b"]"
    return repeat(
        target,
        target.request("POST", target.clients, nested, token=False),
        target.request("POST", target.clients, b"[" * 900_000, token=False),
        target.request("POST", "/graphql", nested, token=False),
    )


def bulk_creates(target: Target) -> Awaitable[None]:
    clients = [{"name": f"Client {index}", "city": "x" * 500, "custom": {"a": ["b"] * 20}} for index in range(1000)]
    return repeat(target, target.request("POST", target.clients, clients))


ATTACKS: Mapping[str, Callable[[Target], Awaitable[None]]] = {
    "long precondition": long_precondition,
    "combining marks in texts": combining_marks,
    "combining marks in a password": marks_in_password,
    "heads without an end": endless_head,
    "heads byte by byte": dripping_head,
    "slow patterns": slow_patterns,
    "slow patterns under 50 aliases": slow_aliases,
    "large answers": large_answers,
    "readers that stop": slow_readers,
    "200 subscriptions to a large record": subscriptions,
    "filters with thousands of conditions": many_conditions,
    "reminders and sign-ups": reminders,
    "blanks in an order": blanks_in_order,
    "a flood of small requests": flood,
    "large bodies without a token": bodies_without_token,
    "lists of 1,000 records to create": bulk_creates,
}


async def attack(name: str, seconds: float, target: Target) -> None:
    """Runs an attack for some seconds. Subscriptions use five sockets, as each has 40 of them."""
    connections = 5 if ATTACKS[name] is subscriptions else CONNECTIONS
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(_run(ATTACKS[name], target))


async def _run(start: Callable[[Target], Awaitable[None]], target: Target) -> None:
    await start(target)


if __name__ == "__main__":
    os.nice(10)
    asyncio.run(attack(sys.argv[1], float(sys.argv[2]), Target(**json.loads(sys.argv[3]))))
