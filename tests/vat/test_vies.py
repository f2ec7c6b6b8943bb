"""VIES, asked over real sockets: what it says, and everything that is no answer."""

import asyncio
import socket

import pytest

from app.vat.numbers import VatNumber
from app.vat.vies import LARGEST_ANSWER, Confirmation, NoAnswer, Vies, read_answer
from tests.vat.standin import INVALID, VALID, StandIn, http, standing_in

NUMBER = VatNumber("SI", "50223054")
LONG = 20.0
"""Seconds that no test comes near."""


async def ask(standin: StandIn, wait: float = LONG) -> Confirmation:
    vies = Vies(standin.url, wait)
    try:
        return await vies.ask(NUMBER)
    finally:
        await vies.close()


async def test_vies_is_asked_as_its_interface_is_documented() -> None:
    async with standing_in() as standin:
        assert await ask(standin) == Confirmation(True, VALID["name"], VALID["address"], "WAPIAAAAY1")
        standin.answer = http(INVALID)
        assert await ask(standin) == Confirmation(False, None, None, None)
        standin.url += "/"
        await ask(standin)
    question = {"countryCode": "SI", "vatNumber": "50223054"}
    assert standin.asked == [("POST /vies/rest-api/check-vat-number HTTP/1.1", question)] * 3


async def test_one_connection_serves_several_questions() -> None:
    async with standing_in() as standin:
        vies = Vies(standin.url, LONG)
        assert await vies.ask(NUMBER) == await vies.ask(NUMBER)
        assert len(standin.writers) == 1
        await vies.close()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http({"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}), "MS_UNAVAILABLE"),
        (http({"valid": False, "userError": "MS_MAX_CONCURRENT_REQ"}), "MS_MAX_CONCURRENT_REQ"),
        (http({"errorWrappers": [{"error": "SERVICE_UNAVAILABLE"}]}, "500 Oops"), "SERVICE_UNAVAILABLE"),
        (http({"errorWrappers": [{"error": "<b>no code</b>"}]}, "500 Oops"), "it answered with status 500"),
        (http(VALID, "429 Too Many Requests"), "it answered with status 429"),
        (http(b"", "503 Service Unavailable"), "it answered with status 503"),
        (http(VALID, "302 Found"), "it answered with status 302"),
        (http(VALID, "202 Accepted"), "it answered with status 202"),
        (http(b"<html>maintenance</html>"), "its answer cannot be read"),
        (http(b"\xff\xfe"), "its answer cannot be read"),
        (http(b""), "its answer cannot be read"),
        (http(b"[" * 90_000), "its answer cannot be read"),
        (http([VALID]), "its answer cannot be read"),
        (http({**VALID, "valid": "true"}), "its answer cannot be read"),
        (http({"errorWrappers": "MS_UNAVAILABLE"}), "its answer cannot be read"),
        (http({"errorWrappers": [[]]}), "its answer cannot be read"),
        (http({**VALID, "name": "x" * LARGEST_ANSWER}), "its answer is too large"),
        (b"garbage\r\n\r\n", "it cannot be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx", "it cannot be reached"),
    ],
)
async def test_what_is_no_answer_is_told_as_such(answer: bytes, why: str) -> None:
    async with standing_in() as standin:
        standin.answer = answer
        with pytest.raises(NoAnswer) as refused:
            await ask(standin)
    assert str(refused.value) == why


async def test_vies_that_is_down_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NoAnswer, match="cannot be reached"):
        await ask(StandIn(url=f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("beginning", [None, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"])
async def test_vies_that_is_slow_is_waited_for_no_longer_than_set(beginning: bytes | None) -> None:
    async with standing_in() as standin:
        if beginning is None:
            standin.open.clear()
        else:
            standin.answer = beginning
        async with asyncio.timeout(LONG):
            with pytest.raises(NoAnswer, match=r"did not answer within 0\.2 seconds"):
                await ask(standin, 0.2)


def test_texts_of_an_answer_can_be_stored() -> None:
    odd = rb'{"valid": true, "name": " A\u0000\ud800 ", "address": 7, "requestIdentifier": "%s"}' % (b"x" * 2000)
    assert read_answer(odd) == Confirmation(True, "A?", None, "x" * 1000)
