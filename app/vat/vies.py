"""Vies: a client for the European Commission's register of VAT numbers and its REST API."""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

import httpx

from app.vat.numbers import VatNumber

LARGEST_RESPONSE = 100_000
LONGEST_TEXT = 1000
CODE = re.compile(r"[A-Z][A-Z_]{1,63}")
HEADERS = {"accept": "application/json", "user-agent": "clientele"}
UNDISCLOSED = ("", "---")
"""VIES sends one of these when the member state does not disclose a name or an address."""


class NoAnswer(Exception):
    """VIES neither confirmed nor denied the number. The text says why; API callers may see it."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The response of VIES for a number. `request_identifier` is a receipt; VIES issues it to registered requesters only."""

    valid: bool
    name: str | None
    address: str | None
    request_identifier: str | None


class Vies:
    """The REST API at `url`. If `url` is None, ask() must not be called.

    `timeout` is the longest time in seconds for one request and its whole response. Connections are opened on demand,
    kept for later requests, and closed by close().
    """

    def __init__(self, url: str | None, timeout: float) -> None:
        self.url = url
        self.timeout = timeout
        self._client = httpx.AsyncClient(headers=HEADERS, timeout=timeout) if url else None

    async def ask(self, number: VatNumber) -> Confirmation:
        """Sends `POST {url}/check-vat-number`. Raises NoAnswer unless VIES confirms or denies the number in time."""
        try:
            async with asyncio.timeout(self.timeout):
                return read_response(await self._post({"countryCode": number.country, "vatNumber": number.number}))
        except TimeoutError as error:
            raise NoAnswer(f"it did not respond within {self.timeout:g} seconds") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer("it cannot be reached") from error

    async def _post(self, payload: dict[str, str]) -> bytes:
        """The body of the response. Raises NoAnswer for a status other than 200, with the error code of its body."""
        assert self._client is not None  # noqa: S101 - narrows the type
        address = f"{(self.url or '').rstrip('/')}/check-vat-number"
        async with self._client.stream("POST", address, json=payload) as response:
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST_RESPONSE:
                    raise NoAnswer(f"its response is larger than {LARGEST_RESPONSE} bytes")
        if response.status_code != httpx.codes.OK:
            raise NoAnswer(_error_code(_parse(body)) or f"it responded with status {response.status_code}")
        return body

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def read_response(body: bytes) -> Confirmation:
    """Reads the response to check-vat-number. Raises NoAnswer for an error that VIES reports and for an unreadable body.

    VIES reports errors with status 200 too: as {"actionSucceed": false, "errorWrappers": [{"error": …}]}, or as a
    `userError`; `valid` means nothing then.
    """
    response = _parse(body)
    code = _error_code(response)
    if code is not None:
        raise NoAnswer(code)
    if not isinstance(response, dict) or not isinstance(response.get("valid"), bool):
        raise NoAnswer("its response cannot be read")
    texts = (_read_text(response.get(name)) for name in ("name", "address", "requestIdentifier"))
    return Confirmation(response["valid"], *texts)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _error_code(response: Any) -> str | None:
    """The code of a reported error, such as MS_UNAVAILABLE or MS_MAX_CONCURRENT_REQ."""
    if not isinstance(response, dict):
        return None
    wrappers = response.get("errorWrappers")
    first = wrappers[0] if isinstance(wrappers, list) and wrappers else None
    codes = (first.get("error") if isinstance(first, dict) else None, response.get("userError"))
    return next((code for code in codes if _is_error_code(code)), None)


def _is_error_code(code: object) -> bool:
    return isinstance(code, str) and CODE.fullmatch(code) is not None and code not in ("VALID", "INVALID")


def _read_text(value: object) -> str | None:
    """A text that PostgreSQL can store, cut to 1,000 characters. None for a missing or undisclosed value."""
    if not isinstance(value, str) or value.strip() in UNDISCLOSED:
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode().strip()[:LONGEST_TEXT]
