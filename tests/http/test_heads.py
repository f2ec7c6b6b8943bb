"""Heads of requests over raw sockets: their size, the Host header, the framing of bodies, and proxies."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.config import Config
from app.http.hosts import AllowedHosts
from tests.live_server import served
from tests.raw_http import RawConnection, connected, request, showing_app


def settings(**environment: str) -> Config:
    return Config.from_environment({f"CLIENTELE_{name}": value for name, value in environment.items()})


@pytest.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    async with served(showing_app(), Config()) as address:
        yield address


@pytest.fixture
async def connection(address: str) -> AsyncIterator[RawConnection]:
    async with connected(address) as connection:
        yield connection


@pytest.mark.parametrize(
    ("status", "path", "headers"),
    [
        (200, "/" + "a" * 16_000, ()),
        (414, "/" + "a" * 17_000, ()),
        (200, "/", ("X: " + "y" * 8000,)),
        (431, "/", ("X: " + "y" * 8200,)),
        (431, "/", ("X" * 8200 + ": y",)),
        (200, "/", tuple(f"X-{number}: y" for number in range(99))),
        (431, "/", tuple(f"X-{number}: y" for number in range(100))),
        (200, "/", tuple("X: " + "y" * 7000 for _ in range(4))),
        (431, "/", tuple("X: " + "y" * 7000 for _ in range(5))),
    ],
)
async def test_the_head_has_a_largest_size(
    connection: RawConnection, status: int, path: str, headers: tuple[str, ...]
) -> None:
    assert (await connection.ask(request("GET", path, *headers))).status == status


@pytest.mark.parametrize("size", [1, 1000, 100_000])
async def test_the_size_of_segments_does_not_matter(connection: RawConnection, size: int) -> None:
    head = request("GET", "/", *(f"X-{number}: {'y' * 300}" for number in range(99)))
    for start in range(0, len(head), size):
        await connection.send(head[start : start + size])
    assert (await connection.answer()).status == 200


@pytest.mark.parametrize(
    "part", [b"X: " + b"y" * 5000, b"y" * 5000, b"X: y\r\n" * 800, b"\0" * 10], ids=["header", "value", "lines", "junk"]
)
async def test_a_head_without_an_end_is_cut_off(connection: RawConnection, part: bytes) -> None:
    await connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nA: ")
    assert (await connection.flood(part)).status in (400, 431)


async def test_a_long_head_in_one_segment_without_an_end_is_cut_off(connection: RawConnection) -> None:
    assert (await connection.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"y" * 40_000)).status == 431


async def test_a_head_after_a_large_body_in_the_same_segment_is_not_counted_with_it(connection: RawConnection) -> None:
    second = request()
    await connection.send(request("POST", "/", body=b"x" * 60_000) + second[:20])
    assert (await connection.answer()).shown["size"] == 60_000
    await connection.send(second[20:])
    assert (await connection.answer()).status == 200


@pytest.mark.parametrize("end", [b"0\r\n", b"1;extension="], ids=["trailers", "chunk extension"])
async def test_trailers_and_chunk_extensions_without_an_end_are_cut_off(connection: RawConnection, end: bytes) -> None:
    await connection.send(request("POST", "/", "Transfer-Encoding: chunked") + b"1\r\nx\r\n" + end)
    part = b"X: y\r\n" if end == b"0\r\n" else b"y" * 7
    assert (await connection.flood(part * 500)).status in (400, 431)


async def test_a_trailer_is_not_a_header(connection: RawConnection) -> None:
    trailers = b"Authorization: Bearer secret\r\nHost: evil.example\r\nX-Access-Token: secret\r\n"
    sent = request("POST", "/", "Transfer-Encoding: chunked", "Trailer: Authorization") + b"1\r\nx\r\n0\r\n" + trailers
    answer = await connection.ask(sent + b"\r\n")
    assert answer.status == 200
    assert {name for name, _ in answer.shown["headers"]} == {"host", "transfer-encoding", "trailer"}
    assert (await connection.ask(request())).status == 200


@pytest.mark.parametrize(
    ("status", "head"),
    [
        (400, "GET / HTTP/1.1"),
        (400, "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost"),
        (400, "GET / HTTP/1.1\r\nHost: localhost\r\nhost: 127.0.0.1"),
        (400, "GET / HTTP/1.0\r\nHost: localhost\r\nHost: localhost"),
        (200, "GET / HTTP/1.0"),
        (200, "GET / HTTP/1.0\r\nHost: localhost"),
        (400, "GET / HTTP/1.1\r\nHost: local host"),
        (400, "GET / HTTP/1.1\r\nHost: localhost/path"),
        (400, "GET / HTTP/1.1\r\nHost: me@localhost"),
        (400, "GET / HTTP/1.1\r\nHost: localhost,localhost"),
        (400, "GET / HTTP/1.1\r\nHost: [::1"),
        (400, "GET / HTTP/1.1\r\nHost:"),
        (421, "GET http://evil.example/ HTTP/1.1\r\nHost: localhost"),
        (200, "GET http://localhost/ HTTP/1.1\r\nHost: localhost"),
        (400, "GET / HTTP/1.1\r\nHost : localhost"),
        (400, "GET / HTTP/1.1\r\n Host: localhost"),
        (400, "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n folded"),
        (400, "GET / HTTP/1.1\r\nHost: localhost\r\nX\0: a"),
        (400, "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b"),
        (400, "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rY: b"),
        (400, "GET /a b HTTP/1.1\r\nHost: localhost"),
        (400, "GET / HTTP/1.2\r\nHost: localhost"),
        (400, "GET / HTTP/3.0\r\nHost: localhost"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 1"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 1"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
        (400, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked"),
    ],
)
async def test_ambiguous_heads_are_bad_requests(connection: RawConnection, status: int, head: str) -> None:
    answer = await connection.ask(f"{head}\r\n\r\n".encode("latin-1"))
    assert answer.status == status, answer.body
    if status != 200:
        assert answer.headers["connection"] == "close"
        assert "server" not in answer.headers
        assert await connection.is_closed()


@pytest.mark.parametrize(
    "chunk", [b"g\r\nx", b"-1\r\nx", b"0x1\r\nx", b"1\nx\n", b"1\r\nxy", b"FFFFFFFFFFFFFFFFF\r\nx"]
)
async def test_a_chunk_with_a_wrong_size_is_a_bad_request(connection: RawConnection, chunk: bytes) -> None:
    answer = await connection.ask(request("POST", "/", "Transfer-Encoding: chunked") + chunk + b"\r\n0\r\n\r\n")
    assert answer.status == 400
    assert await connection.is_closed()


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "app.localhost", "127.0.0.1:1", "[::1]:80", "192.0.2.9"]
)
async def test_the_loopback_answers_for_its_own_names_and_for_addresses(connection: RawConnection, host: str) -> None:
    assert (await connection.ask(request(host=host))).status == 200


@pytest.mark.parametrize(
    "host", ["rebind.evil.example", "localhost.evil.example", "evil-localhost", "127.0.0.1.evil.example"]
)
async def test_the_loopback_answers_for_no_other_name(
    connection: RawConnection, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await connection.ask(request("GET", "/graphql", host=host))
    assert answer.status == 421
    assert b"CLIENTELE" not in answer.body


async def test_the_log_names_the_setting_and_health_checks_are_exempt(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "clientele"):
        async with served(showing_app(), Config()) as address, connected(address) as connection:
            for path in ("/healthz", "/readyz", "/metrics", "/readyz?full=1"):
                assert (await connection.ask(request("GET", path, host="balancer"))).status == 200
            assert caplog.messages == []
            assert (await connection.ask(request("GET", "/healthz/../graphql", host="evil.example"))).status == 421
    assert any("'evil.example'" in line and "CLIENTELE_ALLOWED_HOSTS" in line for line in caplog.messages)


def test_names_are_checked_only_where_a_stranger_could_misuse_them() -> None:
    assert AllowedHosts().allows(b"anything.example")
    local = AllowedHosts(local_only=True)
    assert not local.allows(b"anything.example")
    named = AllowedHosts(("app.example", "*.sites.example"))
    for host in (b"app.example", b"APP.example:443", b"app.example.", b"a.b.sites.example", b"localhost", b"127.0.0.1"):
        assert named.allows(host)
    for host in (b"other.example", b"sub.app.example", b"sites.example", b"192.0.2.9"):
        assert not named.allows(host)


async def test_the_setting_adds_names() -> None:
    async with served(showing_app(), settings(ALLOWED_HOSTS="App.example, *.sites.example")) as address:
        for host, status in (("app.example", 200), ("x.sites.example:8000", 200), ("evil.example", 421)):
            async with connected(address) as connection:
                assert (await connection.ask(request(host=host))).status == status


FORWARDED = ("X-Forwarded-For: 203.0.113.9, 198.51.100.7", "X-Forwarded-Proto: https")


async def test_forwarded_headers_of_strangers_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "clientele"):
        async with served(showing_app(), Config()) as address, connected(address) as connection:
            for _ in range(3):
                shown = (await connection.ask(request("GET", "/", *FORWARDED))).shown
                assert (shown["client"], shown["scheme"]) == ("127.0.0.1", "http")
    assert len([line for line in caplog.messages if "CLIENTELE_TRUSTED_PROXIES" in line]) == 1


async def test_forwarded_headers_of_a_trusted_proxy_name_the_client() -> None:
    config = settings(TRUSTED_PROXIES="127.0.0.0/8,10.0.0.1")
    async with served(showing_app(), config) as address, connected(address) as connection:
        shown = (await connection.ask(request("GET", "/", *FORWARDED))).shown
        assert (shown["client"], shown["scheme"]) == ("198.51.100.7", "https")
        two = ("X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 2A00::1, 10.0.0.1", "X-Forwarded-Proto: ftp")
        shown = (await connection.ask(request("GET", "/", *two))).shown
        assert (shown["client"], shown["scheme"]) == ("2a00::1", "http")
        assert (await connection.ask(request())).shown["client"] == "127.0.0.1"


def test_settings_name_what_is_allowed() -> None:
    from app.errors import Misconfigured

    wrong: dict[str, Any] = {"TRUSTED_PROXIES": "proxy.example", "ALLOWED_HOSTS": "https://app.example"}
    for name, value in wrong.items():
        with pytest.raises(Misconfigured, match=f"CLIENTELE_{name} must be .* such as"):
            settings(**{name: value})
