"""Vies against a real server on the loopback: confirmations, errors and unreadable responses."""

import asyncio
import socket

import pytest

from app.vat.numbers import VatNumber
from app.vat.vies import LARGEST_RESPONSE, Confirmation, NoAnswer, Vies, read_response
from tests.vat.standin import INVALID, VALID, StandIn, http, standing_in

NUMBER = VatNumber("SI", "50223054")
LONG = 20.0
"""A timeout in seconds that no test reaches."""


async def ask(standin: StandIn, wait: float = LONG) -> Confirmation:
    vies = Vies(standin.url, wait)
    try:
        return await vies.ask(NUMBER)
    finally:
        await vies.close()


async def test_requests_have_the_documented_form() -> None:
    async with standing_in() as standin:
        assert await ask(standin) == Confirmation(True, VALID["name"], VALID["address"], "WAPIAAAAY1")
        standin.response = http(INVALID)
        assert await ask(standin) == Confirmation(False, None, None, None)
        standin.url += "/"
        await ask(standin)
    payload = {"countryCode": "SI", "vatNumber": "50223054"}
    assert standin.requests == [("POST /vies/rest-api/check-vat-number HTTP/1.1", payload)] * 3


async def test_one_connection_serves_several_requests() -> None:
    async with standing_in() as standin:
        vies = Vies(standin.url, LONG)
        assert await vies.ask(NUMBER) == await vies.ask(NUMBER)
        assert len(standin.writers) == 1
        await vies.close()


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (http({"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}), "MS_UNAVAILABLE"),
        (http({"valid": False, "userError": "MS_MAX_CONCURRENT_REQ"}), "MS_MAX_CONCURRENT_REQ"),
        (http({"errorWrappers": [{"error": "SERVICE_UNAVAILABLE"}]}, "500 Oops"), "SERVICE_UNAVAILABLE"),
        (http({"errorWrappers": [{"error": "<b>no code</b>"}]}, "500 Oops"), "it responded with status 500"),
        (http(VALID, "429 Too Many Requests"), "it responded with status 429"),
        (http(b"", "503 Service Unavailable"), "it responded with status 503"),
        (http(VALID, "302 Found"), "it responded with status 302"),
        (http(VALID, "202 Accepted"), "it responded with status 202"),
        (http(b"<html>maintenance</html>"), "its response cannot be read"),
        (http(b"\xff\xfe"), "its response cannot be read"),
        (http(b""), "its response cannot be read"),
        (http(b"[" * 90_000), "its response cannot be read"),
        (http([VALID]), "its response cannot be read"),
        (http({**VALID, "valid": "true"}), "its response cannot be read"),
        (http({"errorWrappers": "MS_UNAVAILABLE"}), "its response cannot be read"),
        (http({"errorWrappers": [[]]}), "its response cannot be read"),
        (http({**VALID, "name": "x" * LARGEST_RESPONSE}), "its response is larger than 100000 bytes"),
        (b"garbage\r\n\r\n", "it cannot be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx", "it cannot be reached"),
    ],
)
async def test_an_error_or_an_unreadable_response_raises_no_answer(response: bytes, reason: str) -> None:
    async with standing_in() as standin:
        standin.response = response
        with pytest.raises(NoAnswer) as raised:
            await ask(standin)
    assert str(raised.value) == reason


async def test_a_server_that_is_down_raises_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NoAnswer, match="cannot be reached"):
        await ask(StandIn(url=f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("beginning", [None, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"])
async def test_a_slow_response_ends_at_the_timeout(beginning: bytes | None) -> None:
    async with standing_in() as standin:
        if beginning is None:
            standin.open.clear()
        else:
            standin.response = beginning
        async with asyncio.timeout(LONG):
            with pytest.raises(NoAnswer, match=r"did not respond within 0\.2 seconds"):
                await ask(standin, 0.2)


def test_texts_of_a_response_can_be_stored() -> None:
    odd = rb'{"valid": true, "name": " A\u0000\ud800 ", "address": 7, "requestIdentifier": "%s"}' % (b"x" * 2000)
    assert read_response(odd) == Confirmation(True, "A?", None, "x" * 1000)
