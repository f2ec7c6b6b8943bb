"""Limits and deadlines of connections, over raw sockets: no client can hold or fill the server for ever."""

import asyncio
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from app.config import Config
from tests.live_server import served
from tests.raw_http import RawConnection, connected, request, showing_app

SHORT = 0.4
HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[str]:
    async with served(showing_app(), Config(**settings)) as address:
        yield address


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"G", request()[:-2], request()[:-2] + b"X: y\r\n"])
async def test_a_head_that_does_not_arrive_in_time_ends_the_connection(sent: bytes) -> None:
    async with serving(head_timeout=SHORT) as address, connected(address) as connection:
        await connection.send(sent)
        if sent.strip():
            answer = await connection.answer()
            assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await connection.is_closed()


async def test_a_head_that_drips_ends_the_connection() -> None:
    async with serving(head_timeout=SHORT) as address, connected(address) as connection:

        async def drip() -> None:
            for byte in request("GET", "/", "X: " + "y" * 1000):
                await connection.send(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await connection.answer()).status == 408
        dripping.cancel()


async def test_a_second_head_on_a_connection_has_the_same_time() -> None:
    async with serving(head_timeout=SHORT) as address, connected(address) as connection:
        assert (await connection.ask(request())).status == 200
        await connection.send(b"GET / HT")
        assert (await connection.answer()).status == 408


@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked"])
async def test_a_body_that_stops_ends_the_connection(framing: str) -> None:
    async with serving(body_timeout=SHORT) as address, connected(address) as connection:
        await connection.send(request("POST", "/", framing) + b"1\r\nx")
        assert (await connection.answer()).status == 408
        assert await connection.is_closed()


async def test_a_slow_body_that_keeps_arriving_is_read() -> None:
    async with serving(body_timeout=1.2, head_timeout=0.6) as address, connected(address) as connection:
        await connection.send(request("POST", "/", "Content-Length: 12"))
        for _ in range(12):
            await connection.send(b"x")
            await asyncio.sleep(0.2)
        assert (await connection.answer()).shown["size"] == 12


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
async def test_a_body_of_a_byte_now_and_then_has_an_end(framing: str) -> None:
    async with serving(body_timeout=SHORT) as address, connected(address) as connection:
        await connection.send(request("POST", "/", framing))

        async def drip() -> None:
            while True:
                await connection.send(b"1\r\nx\r\n" if "chunked" in framing else b"x")
                await asyncio.sleep(SHORT / 8)

        dripping = asyncio.create_task(drip())
        assert (await connection.answer()).status == 408
        dripping.cancel()


async def test_a_large_body_has_time_for_each_of_its_bytes() -> None:
    async with serving(body_timeout=SHORT) as address, connected(address) as connection:
        await connection.send(request("POST", "/", "Content-Length: 200030") + b"x" * 200_000)
        for _ in range(30):
            await asyncio.sleep(SHORT / 2.5)
            await connection.send(b"x")
        assert (await connection.answer()).shown["size"] == 200_030


async def test_a_slow_application_does_not_count_as_a_slow_client() -> None:
    async with (
        serving(body_timeout=SHORT, head_timeout=SHORT, keep_alive=SHORT) as address,
        connected(address) as connection,
    ):
        assert (await connection.ask(request("POST", "/?wait=1.5", body=b"x"))).status == 200


async def test_an_idle_connection_is_closed_and_a_used_one_stays() -> None:
    async with serving(keep_alive=1.0) as address, connected(address) as used, connected(address) as idle:
        await idle.ask(request())
        for _ in range(8):
            assert (await used.ask(request())).status == 200
            await asyncio.sleep(0.2)
        assert await idle.is_closed()


async def read_and_send(connection: RawConnection) -> None:
    """After the server has dropped the connection, the system still sends what it holds. It resets when it gets more."""
    while await connection.reader.read(1000):
        await connection.send(request())


async def test_a_client_that_does_not_read_is_dropped_and_its_memory_is_freed() -> None:
    async with serving(write_timeout=SHORT) as address, connected(address, limit=1024) as connection:
        connection.writer.transport.get_extra_info("socket").setsockopt(1, 8, 4096)  # SO_RCVBUF
        await connection.send(request("GET", "/?size=20000000"))
        await connection.reader.readexactly(10)
        await asyncio.sleep(SHORT * 4)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(read_and_send(connection), 60)


async def test_a_client_that_reads_slowly_gets_everything() -> None:
    async with serving(write_timeout=1.0) as address, connected(address, limit=1 << 16) as connection:
        await connection.send(request("GET", "/?size=8000000"))
        await connection.reader.readuntil(b"\r\n\r\n")
        for _ in range(16):
            await connection.reader.readexactly(500_000)
            await asyncio.sleep(0.1)


async def test_a_websocket_client_that_does_not_read_is_dropped() -> None:
    async with serving(write_timeout=SHORT) as address, connected(address, limit=1024) as connection:
        await connection.send(request("GET", "/echo", *HANDSHAKE))
        assert (await connection.answer()).status == 101
        message = struct.pack("!BBH4x", 0x81, 0xFE, 60_000) + b"x" * 60_000

        async def flood() -> None:
            while True:
                await connection.send(message)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(flood(), 15)


async def test_pings_of_a_websocket_client_that_does_not_read_do_not_pile_up() -> None:
    async with serving(write_timeout=60) as address, connected(address, limit=1024) as connection:
        await connection.send(request("GET", "/echo", *HANDSHAKE))
        assert (await connection.answer()).status == 101
        pings = (struct.pack("!BB4x", 0x89, 0xFD) + b"x" * 125) * 500
        sent = 0
        try:
            async with asyncio.timeout(2):
                while sent < 200_000_000:
                    await connection.send(pings)
                    sent += len(pings)
        except TimeoutError:
            pass
        assert sent < 100_000_000, "the server went on reading"


async def test_a_websocket_message_has_a_limit_of_frames() -> None:
    async with serving() as address, connected(address) as connection:
        await connection.send(request("GET", "/echo", *HANDSHAKE))
        assert (await connection.answer()).status == 101
        await connection.send(struct.pack("!BB4x", 0x01, 0x80) + struct.pack("!BB4x", 0x00, 0x80) * 2000)
        async with asyncio.timeout(10):
            head = await connection.reader.readexactly(4)
        assert (head[0], head[2:]) == (0x88, struct.pack("!H", 1009))


async def open_all(stack: AsyncExitStack, address: str, count: int) -> list[RawConnection]:
    return [await stack.enter_async_context(connected(address)) for _ in range(count)]


async def is_admitted(address: str) -> bool:
    """Waits until a new connection is answered."""
    async with asyncio.timeout(15):
        while True:
            async with connected(address) as connection:
                if (await connection.ask(request())).status == 200:
                    return True
            await asyncio.sleep(0.05)


async def test_connections_over_the_limit_get_503_and_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "clientele"):
        async with serving(connections=16) as address, AsyncExitStack() as stack:
            silent = await open_all(stack, address, 15)
            (last,) = await open_all(stack, address, 1)
            assert (await last.ask(request())).status == 200
            for connection in await open_all(stack, address, 5):
                answer = await connection.answer()
                assert (answer.status, answer.headers["retry-after"]) == (503, "5")
                assert await connection.is_closed()
            assert (await last.ask(request())).status == 200
            silent[0].writer.close()
            assert await is_admitted(address)
    assert len([line for line in caplog.messages if "CLIENTELE_CONNECTIONS" in line]) == 1


async def test_an_address_has_a_limit_of_its_own_and_websockets_count() -> None:
    async with serving(address_connections=3) as address, AsyncExitStack() as stack:
        (socket, *_) = await open_all(stack, address, 3)
        await socket.send(request("GET", "/echo", *HANDSHAKE))
        assert (await socket.answer()).status == 101
        (more,) = await open_all(stack, address, 1)
        assert (await more.answer()).status == 503
        other = await stack.enter_async_context(connected(address, local_addr=("127.0.0.2", 0)))
        assert (await other.ask(request())).status == 200
        socket.writer.close()
        assert await is_admitted(address)


async def test_a_trusted_proxy_may_have_any_number_of_connections() -> None:
    settings = Config.from_environment({"CLIENTELE_TRUSTED_PROXIES": "127.0.0.1"})
    async with (
        serving(address_connections=1, trusted_proxies=settings.trusted_proxies) as address,
        AsyncExitStack() as stack,
    ):
        for connection in await open_all(stack, address, 5):
            assert (await connection.ask(request())).status == 200


async def test_too_many_pipelined_requests_close_the_connection_after_the_first_ones() -> None:
    async with serving() as address, connected(address) as connection:
        await connection.send(request("GET", "/?wait=0.3") + request() * 5000)
        answers = [await connection.answer()]
        while answers[-1].headers.get("connection") != "close":
            answers.append(await connection.answer())
        assert {answer.status for answer in answers} == {200}
        assert 10 < len(answers) < 100
        assert await connection.is_closed()


async def test_a_bad_request_behind_a_good_one_does_not_disturb_its_response() -> None:
    async with serving() as address, connected(address) as connection:
        answer = await connection.ask(request("GET", "/?wait=0.3") + b"\0\0bad\r\n\r\n")
        assert (answer.status, answer.shown["path"]) == (200, "/")
        assert await connection.is_closed()


async def test_a_websocket_handshake_waits_for_the_response_before_it() -> None:
    async with serving() as address, connected(address) as connection:
        answer = await connection.ask(request("GET", "/?wait=0.3") + request("GET", "/echo", *HANDSHAKE))
        assert (answer.status, answer.shown["path"]) == (200, "/")
        assert await connection.is_closed()


@pytest.mark.parametrize(
    "body", [b"g\r\n", b"-5\r\nhello\r\n", b"5\r\nhello!!\r\n", b"0\r\n\x00: a\r\n\r\n", b"fffffffffffffffff\r\n"]
)
async def test_a_broken_body_is_rejected_without_an_error_of_the_application(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head = request("POST", "/", "Expect: 100-continue", "Transfer-Encoding: chunked")
    async with serving() as address, connected(address) as connection:
        assert (await connection.ask(head + body)).status == 400
        assert await connection.is_closed()
    assert "Cannot call write" not in caplog.text


async def test_a_body_after_its_early_response_ends_the_connection() -> None:
    async with serving() as address, connected(address) as connection:
        assert (await connection.ask(request("POST", "/reject", "Content-Length: 100000000"))).status == 413

        async def upload() -> None:
            while True:
                await connection.send(b"x" * 100_000)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(upload(), 15)
