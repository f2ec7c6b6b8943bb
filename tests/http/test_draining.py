"""A client reads the response to a body that the service does not want, even if it sends everything first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from app.config import Config
from app.http.protocol import draining
from app.http.protocol.draining import Drain, DrainLimits
from tests.conftest import Service
from tests.live_server import served
from tests.raw_http import RawConnection, connected, request, showing_app

LARGE = 5_000_000


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    async with served(showing_app(), Config()) as address:
        yield address


def head(*headers: str) -> bytes:
    return request("POST", "/reject", *headers)


@pytest.mark.parametrize(
    "sent",
    [
        head(f"Content-Length: {LARGE}") + b"x" * LARGE,
        head("Transfer-Encoding: chunked") + (b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 60 + b"0\r\n\r\n",
    ],
    ids=["declared", "chunked"],
)
async def test_a_client_that_sends_everything_first_reads_the_rejection(sent: bytes) -> None:
    async with serving() as address, connected(address) as connection:
        await connection.send(sent)
        await asyncio.sleep(0.2)
        answer = await connection.answer()
        assert answer.status == 413
        assert await connection.is_closed()


async def test_the_rejection_of_a_large_body_announces_the_end_of_the_connection() -> None:
    async with serving() as address, connected(address) as connection:
        answer = await connection.ask(head(f"Content-Length: {LARGE}") + b"x" * 1000)
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert await asyncio.wait_for(connection.reader.read(), 1) == b""


async def test_a_client_library_reads_the_rejection_of_the_service(service: Service) -> None:
    async with served(service.app, service.config) as address, httpx.AsyncClient(trust_env=False) as http:
        path = f"{address}/v1/organizations/{service.organization}/clients"
        for _ in range(5):
            answer = await http.post(path, content=b"x" * (3 * LARGE), headers=service.headers)
            assert answer.status_code == 413


async def test_a_connection_outlives_a_large_body_that_is_read_and_a_small_one_that_is_not() -> None:
    async with serving() as address, connected(address) as connection:
        assert (await connection.ask(request("POST", "/", body=b"x" * LARGE))).shown["size"] == LARGE
        answer = await connection.ask(head("Content-Length: 900000") + b"x" * 900_000)
        assert (answer.status, answer.headers.get("connection")) == (413, None)
        assert (await connection.ask(request())).status == 200


async def upload(connection: RawConnection, part: bytes, pause: float) -> None:
    """Sends for ever."""
    while True:
        await connection.send(part)
        await asyncio.sleep(pause)


@pytest.mark.parametrize(
    ("limits", "part"),
    [(DrainLimits(600.0, 16_000_000), b"x" * 100_000), (DrainLimits(0.5, 16_000_000), b"x")],
    ids=["too much", "too long"],
)
async def test_a_client_that_never_stops_sending_is_cut_off(
    limits: DrainLimits, part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "AFTER_RESPONSE", limits)
    async with serving() as address, connected(address) as connection:
        assert (await connection.ask(head("Content-Length: 900000000"))).status == 413
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(upload(connection, part, 0.01), 30)


async def test_a_connection_whose_client_stays_silent_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()
    end = Drain.end

    def note(self: Drain) -> None:
        end(self)
        assert self.state.lingering == 0
        ended.set()

    monkeypatch.setattr(Drain, "end", note)
    monkeypatch.setattr(draining, "IDLE", 0.1)
    async with serving() as address, connected(address) as connection:
        assert (await connection.ask(head("Content-Length: 900000000"))).status == 413
        await asyncio.wait_for(ended.wait(), 15)
