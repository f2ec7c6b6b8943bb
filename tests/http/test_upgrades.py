"""Requests with an Upgrade header over real connections: an upgrade that the service does not take changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.conftest import Service
from tests.live_server import served

PATIENCE = 5.0
H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
HANDSHAKE = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
UPGRADES = [
    H2C,
    "Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n",
    "connection: keep-alive\r\nCONNECTION: uPGRADE\r\nupgrade: foo/2\r\n",
    "Upgrade: h2c, websocket\r\nConnection: upgrade\r\n",
    "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" + HANDSHAKE,
    "Upgrade: websocket\r\nConnection: Upgrade\r\n",
    "Upgrade: websocket\r\nConnection: Upgrade\r\n" + HANDSHAKE,
    "Upgrade: h2c\r\n",
]
QUERY = json.dumps({"query": "{ viewer { scopes } }"}).encode()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Connection:
    """One connection that sends exactly the bytes of a test, and reads one response after another."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    token: str

    def head(self, method: str, path: str, more: str, version: str = "1.1") -> bytes:
        lines = f"{method} {path} HTTP/{version}\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n"
        return f"{lines}Content-Type: application/json\r\n{more}\r\n".encode()

    async def send(self, *parts: bytes) -> None:
        """Sends the parts in segments of their own."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0.02)

    async def answer(self) -> Answer:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(head[0].split()[1]), headers, body)

    async def ask(self, method: str, path: str, more: str, body: bytes) -> Answer:
        await self.send(self.head(method, path, f"{more}Content-Length: {len(body)}\r\n") + body)
        return await self.answer()

    async def is_closed(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read(1) == b""


@pytest.fixture(scope="module")
async def address(shared_service: Service) -> AsyncIterator[str]:
    async with served(shared_service.app, shared_service.config) as address:
        yield address


@pytest.fixture
async def connection(shared_service: Service, address: str) -> AsyncIterator[Connection]:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    yield Connection(reader, writer, shared_service.token)
    writer.close()


@pytest.mark.parametrize("upgrade", UPGRADES)
async def test_every_api_reads_the_body_of_a_request_with_an_ignored_upgrade(
    shared_service: Service, connection: Connection, upgrade: str
) -> None:
    made = await connection.ask(
        "POST", f"/v1/Organizations/{shared_service.organization}/clients", upgrade, b'{"name": "Before"}'
    )
    assert made.status == 200, made.body
    id_ = json.loads(made.body)["id"]
    for method, path, name in (
        ("PATCH", f"/v1/Clients/{id_}", "patched"),
        ("PUT", f"/v1/Clients/{id_}", "put"),
        ("PATCH", f"/customers/cust_{id_}", "customer"),
    ):
        changed = await connection.ask(method, path, upgrade, json.dumps({"name": name}).encode())
        assert (changed.status, json.loads(changed.body)["name"]) == (200, name)
    queried = await connection.ask("POST", "/graphql", upgrade, QUERY)
    assert (queried.status, "data" in json.loads(queried.body)) == (200, True)


async def test_a_reminder_goes_to_the_recipient_in_the_body(shared_service: Service, connection: Connection) -> None:
    body = b'{"name": "Reminded", "email": "wrong@example.com"}'
    path = f"/v1/Organizations/{shared_service.organization}/clients"
    id_ = json.loads((await connection.ask("POST", path, "", body)).body)["id"]
    reminder = b'{"email": "right@example.com", "l": "sl"}'
    assert (await connection.ask("POST", f"/v1/Clients/{id_}/send-reminder", H2C, reminder)).status == 200
    query = "query ($id: ID!) { client(id: $id) { reminders(first: 1) { nodes { to } } } }"
    asked = json.dumps({"query": query, "variables": {"id": id_}}).encode()
    shown = await connection.ask("POST", "/graphql", H2C, asked)
    assert json.loads(shown.body)["data"]["client"]["reminders"]["nodes"] == [{"to": "right@example.com"}]


@pytest.mark.parametrize("upgrade", UPGRADES)
async def test_the_framing_and_the_segments_of_the_body_do_not_matter(connection: Connection, upgrade: str) -> None:
    length = connection.head("POST", "/graphql", f"{upgrade}Content-Length: {len(QUERY)}\r\n")
    chunked = connection.head("POST", "/graphql", f"{upgrade}Transfer-Encoding: chunked\r\n")
    chunks = b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (QUERY[:5], len(QUERY) - 5, QUERY[5:])
    bodies = (
        (length + QUERY,),
        (length, QUERY),
        (length[:-1], length[-1:] + QUERY[:3], QUERY[3:]),
        (length[:9], length[9:90], length[90:], QUERY),
        (chunked + chunks,),
        (chunked, chunks[:10], chunks[10:]),
    )
    for segments in bodies:
        await connection.send(*segments)
        answer = await connection.answer()
        assert (answer.status, b'"data"' in answer.body) == (200, True), segments


async def test_a_client_that_waits_for_100_continue_gets_it(connection: Connection) -> None:
    more = f"{H2C}Expect: 100-continue\r\nContent-Length: {len(QUERY)}\r\n"
    await connection.send(connection.head("POST", "/graphql", more))
    assert (await connection.answer()).status == 100
    await connection.send(QUERY)
    assert (await connection.answer()).status == 200


async def test_requests_of_one_segment_are_answered_in_their_order(connection: Connection) -> None:
    post = connection.head("POST", "/graphql", f"{H2C}Content-Length: {len(QUERY)}\r\n") + QUERY
    get = connection.head("GET", "/healthz", H2C)
    await connection.send(post + get + post + connection.head("GET", "/healthz", "") + post)
    for expected in (b"data", b"status", b"data", b"status", b"data"):
        assert expected in (await connection.answer()).body


async def test_a_large_body_in_many_segments_arrives_whole(connection: Connection) -> None:
    query = json.dumps({"query": "{ viewer { scopes } }", "variables": {"x": "y" * 300_000}}).encode()
    answer = await connection.ask("POST", "/graphql", H2C, query)
    assert (answer.status, b'"data"' in answer.body) == (200, True)


async def test_connection_close_beside_an_upgrade_is_kept(connection: Connection) -> None:
    answer = await connection.ask("POST", "/graphql", "Connection: close, Upgrade\r\nUpgrade: h2c\r\n", QUERY)
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert await connection.is_closed()


async def test_an_upgrade_of_http_1_0_is_ignored(connection: Connection) -> None:
    websocket = "Upgrade: websocket\r\nConnection: Upgrade\r\n" + HANDSHAKE
    await connection.send(connection.head("GET", "/healthz", websocket, version="1.0"))
    assert (await connection.answer()).status == 200
    assert await connection.is_closed()


@pytest.mark.parametrize(
    "handshake",
    [
        "",
        "Sec-WebSocket-Version: 13\r\n",
        HANDSHAKE.replace("13", "8"),
        HANDSHAKE + "Content-Length: 2\r\n",
        HANDSHAKE + "Transfer-Encoding: chunked\r\n",
    ],
)
async def test_a_websocket_handshake_that_is_not_valid_is_a_bad_request(connection: Connection, handshake: str) -> None:
    upgrade = "Upgrade: WebSocket\r\nConnection: Upgrade\r\n"
    await connection.send(connection.head("GET", "/graphql", upgrade + handshake) + b"{}")
    async with asyncio.timeout(PATIENCE):
        status = await connection.reader.readline()
    assert status.split()[1] in (b"400", b"426"), status


async def test_a_websocket_handshake_with_two_connection_lines_is_taken(connection: Connection) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n" + HANDSHAKE
    protocol = "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
    await connection.send(connection.head("GET", "/graphql", upgrade + protocol))
    assert (await connection.answer()).status == 101


@pytest.mark.parametrize("target", ["service:443", "/graphql"])
async def test_connect_is_a_bad_request(connection: Connection, target: str) -> None:
    await connection.send(connection.head("CONNECT", target, H2C) + QUERY)
    assert (await connection.answer()).status == 400
    assert await connection.is_closed()
