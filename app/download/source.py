"""The v1 API of another service, read with patience: requests keep to a pace, and failed ones are repeated."""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any

import httpx

from app.errors import DomainError
from app.query.values import parse_whole

INTERVAL = 0.1
"""Seconds between two requests. The limit of Space Invoices is 100 requests in a second, for all callers together."""
TIMEOUT = 60.0
MOST_ATTEMPTS = 10
LONGEST_BACKOFF, LONGEST_WAIT = 60.0, 3600.0
"""Seconds before a repeated request: what the command chooses, and what a service may ask for in Retry-After."""
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""The statuses of errors that pass."""
LONGEST_MESSAGE = 200
CONTINUES = "Run the same command again: it continues where it stopped."


class SourceFailed(DomainError):
    """The other service does not answer as the v1 API does, or does not answer at all."""


class Passing(Exception):
    """A failure that may pass. `wait` is the number of seconds that the service asks for, if it does."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON `value` of a response, the number of all records if the response names it, and the service's time."""

    value: Any
    total: int | None
    moment: datetime


@dataclass
class Pace:
    """Waits between requests. `notice` gets a sentence before each wait that a person would notice."""

    interval: float = INTERVAL
    sleep: Callable[[float], object] = field(default=lambda seconds: time.sleep(seconds))
    notice: Callable[[str], object] = field(default=lambda _: None)
    _next: float = 0.0

    def keep(self) -> None:
        """Waits until the next request may be sent."""
        now = time.monotonic()
        if now < self._next:
            self.sleep(self._next - now)
        self._next = max(now, self._next) + self.interval

    def back_off(self, failure: Passing, attempt: int) -> None:
        """Waits before a request is repeated. Raises SourceFailed if the service asks for more than an hour."""
        seconds = min(2.0 ** (attempt - 1), LONGEST_BACKOFF) if failure.wait is None else failure.wait
        if seconds > LONGEST_WAIT:
            raise SourceFailed(f"{failure}, and asks to wait for {seconds:.0f} seconds. {CONTINUES}")
        if seconds >= 5:
            self.notice(f"{failure}. The next attempt is in {math.ceil(seconds)} seconds.")
        self.sleep(seconds)


class V1Source:
    """Reads from the v1 API at the base URL of `http`, whose headers have the token."""

    def __init__(self, http: httpx.Client, pace: Pace) -> None:
        self.http = http
        self.pace = pace

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def get(self, path: str, filter_: Mapping[str, Any] | None = None) -> Answer:
        """The answer to a GET with a `filter`. Raises SourceFailed for an error that does not pass."""
        parameters = {} if filter_ is None else {"filter": json.dumps(filter_, separators=(",", ":"))}
        for attempt in count(1):
            self.pace.keep()
            try:
                return self._ask(path, parameters)
            except Passing as failure:
                if attempt == MOST_ATTEMPTS:
                    raise SourceFailed(f"{failure}, {MOST_ATTEMPTS} times in a row. {CONTINUES}") from failure
                self.pace.back_off(failure, attempt)
        raise AssertionError

    def _ask(self, path: str, parameters: Mapping[str, str]) -> Answer:
        try:
            response = self.http.get(path, params=parameters)
        except httpx.TransportError as error:
            raise Passing(f"{self.url} does not answer ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise SourceFailed(f"{self.url} cannot be read: {error}") from error
        if response.status_code in PASSING:
            raise Passing(f"{self.url} answers {response.status_code}", read_wait(response))
        if response.status_code != httpx.codes.OK:
            raise SourceFailed(explain(response, self.url))
        try:
            value = json.loads(response.content, parse_int=parse_whole)
        except (ValueError, RecursionError) as error:
            raise Passing(f"{self.url} answers with a text that is not JSON") from error
        return Answer(value, _read_total(response), read_moment(response))


def open_source(url: str, token: str, pace: Pace, transport: httpx.BaseTransport | None = None) -> V1Source:
    """The source at a base URL such as `https://api.spaceinvoices.com/v1`. Raises SourceFailed for a wrong or an unsafe URL."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise SourceFailed(f"{url} is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise SourceFailed(f"The URL must begin with https://; got {url!r}.")
    if parsed.scheme == "http" and parsed.host not in ("localhost", "127.0.0.1", "::1"):
        raise SourceFailed("The URL must begin with https://, because the token and the clients are secret.")
    if not token.isascii() or not token.isprintable() or not token:
        raise SourceFailed("The token must be one line of ASCII characters.")
    headers = {"Authorization": token, "Accept": "application/json", "User-Agent": "clientele"}
    return V1Source(httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, transport=transport), pace)


def read_wait(response: httpx.Response) -> float | None:
    """The seconds in Retry-After, which is a number or a date; None without a valid one."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - read_moment(response)) / timedelta(seconds=1))
    except (ValueError, TypeError):
        return None


def read_moment(response: httpx.Response) -> datetime:
    """The time of the service, by its own clock if the response has a date."""
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return datetime.now(UTC)


def _read_total(response: httpx.Response) -> int | None:
    text = response.headers.get("x-total-count", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def explain(response: httpx.Response, url: str) -> str:
    """The reason of an error that does not pass, for the person who runs the command."""
    status = response.status_code
    if status == httpx.codes.UNAUTHORIZED:
        return f"{url} does not accept the token for this (401). Check the token and the id of the organization."
    if response.is_redirect:
        return f"{url} answers with a redirect to {response.headers.get('location')!r}. Give the final URL with --url."
    try:
        message = response.json()["error"]["message"]
    except (ValueError, LookupError, TypeError):
        message = response.text
    return f"{url} answers {status}: {str(message)[:LONGEST_MESSAGE]}"
