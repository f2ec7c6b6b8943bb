"""Vies: the European Commission's register of VAT numbers, asked over its REST API."""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

import httpx

from app.vat.numbers import VatNumber

LARGEST_ANSWER = 100_000
LONGEST_TEXT = 1000
CODE = re.compile(r"[A-Z][A-Z_]{1,63}")
HEADERS = {"accept": "application/json", "user-agent": "clientele"}
UNSAID = ("", "---")
"""What VIES writes for a name or an address that the member state does not tell."""


class NoAnswer(Exception):
    """VIES said neither yes nor no; the text says why, and is fit for a caller."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What VIES says about a number. `request_identifier` is its receipt, which it gives to requesters that it knows."""

    valid: bool
    name: str | None
    address: str | None
    request_identifier: str | None


class Vies:
    """The service at `url`, the address of its REST API; without one there is none to ask, and ask() must not be called.

    `timeout` is the most seconds from the question to the whole answer. Connections are opened by questions, kept for
    the next ones, and closed by close().
    """

    def __init__(self, url: str | None, timeout: float) -> None:
        self.url = url
        self.timeout = timeout
        self._client = httpx.AsyncClient(headers=HEADERS, timeout=timeout) if url else None

    async def ask(self, number: VatNumber) -> Confirmation:
        """`POST {url}/check-vat-number`. Raises NoAnswer for everything but a clear answer that comes in time."""
        try:
            async with asyncio.timeout(self.timeout):
                return read_answer(await self._post({"countryCode": number.country, "vatNumber": number.number}))
        except TimeoutError as error:
            raise NoAnswer(f"it did not answer within {self.timeout:g} seconds") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer("it cannot be reached") from error

    async def _post(self, question: dict[str, str]) -> bytes:
        """The body of the answer, whatever its status: errors of VIES come with one, too."""
        assert self._client is not None
        address = f"{(self.url or '').rstrip('/')}/check-vat-number"
        async with self._client.stream("POST", address, json=question) as answer:
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LARGEST_ANSWER:
                    raise NoAnswer("its answer is too large")
        if answer.status_code != httpx.codes.OK:
            raise NoAnswer(_error_code(_parse(body)) or f"it answered with status {answer.status_code}")
        return body

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def read_answer(body: bytes) -> Confirmation:
    """The answer to check-vat-number. Raises NoAnswer for an error that VIES reports, and for what is no answer.

    VIES reports errors with status 200 as well: as {"actionSucceed": false, "errorWrappers": [{"error": …}]}, or as a
    `userError` beside a `valid` that says nothing then.
    """
    answer = _parse(body)
    code = _error_code(answer)
    if code is not None:
        raise NoAnswer(code)
    if not isinstance(answer, dict) or not isinstance(answer.get("valid"), bool):
        raise NoAnswer("its answer cannot be read")
    return Confirmation(
        answer["valid"], *(_text(answer.get(name)) for name in ("name", "address", "requestIdentifier"))
    )


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _error_code(answer: Any) -> str | None:
    """The code of a reported error, such as MS_UNAVAILABLE or MS_MAX_CONCURRENT_REQ."""
    if not isinstance(answer, dict):
        return None
    wrappers = answer.get("errorWrappers")
    first = wrappers[0] if isinstance(wrappers, list) and wrappers else None
    codes = (first.get("error") if isinstance(first, dict) else None, answer.get("userError"))
    return next(
        (one for one in codes if isinstance(one, str) and CODE.fullmatch(one) and one not in ("VALID", "INVALID")), None
    )


def _text(value: object) -> str | None:
    """A text that can be stored, at most 1,000 characters of it; None for one that says nothing."""
    if not isinstance(value, str) or value.strip() in UNSAID:
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode().strip()[:LONGEST_TEXT]
