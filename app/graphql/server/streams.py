"""Rules for WebSockets and event streams: their numbers are limited, and none outlives its access token."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from app.auth import Caller, Principal
from app.config import Config
from app.errors import TooSlow, Unauthenticated, Unavailable
from app.graphql.server.codes import ErrorCode
from app.graphql.server.errors import RequestError
from app.observability.totals import OPEN

CLOCK_PRECISION = 0.01
"""Seconds after the expiry of a token, so that a check finds it expired."""
FULL = "Too many streams are open. Try again later."


@dataclass(frozen=True, slots=True)
class PlaceLimit:
    """The most places of one holder, and the error when they are taken. Without a holder the limit is for all together."""

    most: int
    code: ErrorCode
    message: str


class Places:
    """Places of this process that are limited in several ways at once, such as in all, per account and per token.

    The metrics show how many places of a `kind` are taken.
    """

    def __init__(self, kind: str, *limits: PlaceLimit) -> None:
        self.kind, self.limits = kind, limits
        self._taken: tuple[Counter[str], ...] = tuple(Counter() for _ in limits)

    def check(self, *holders: str) -> None:
        """Raises RequestError when one of the holders, one for each limit, has all its places."""
        for limit, taken, holder in zip(self.limits, self._taken, holders, strict=False):
            if taken[holder] >= limit.most:
                message, headers = limit.message.format(most=limit.most), {"Retry-After": "5"}
                raise RequestError(limit.code, message, headers, {"limit": limit.most})

    @contextmanager
    def take(self, *holders: str) -> Iterator[None]:
        """Takes a place for the length of the block. Raises as `check` does."""
        self.check(*holders)
        for taken, holder in zip(self._taken, holders, strict=True):
            taken[holder] += 1
        OPEN[self.kind] += 1
        try:
            yield
        finally:
            OPEN[self.kind] -= 1
            for taken, holder in zip(self._taken, holders, strict=True):
                taken[holder] -= 1
                if not taken[holder]:
                    del taken[holder]


def stream_places(config: Config) -> Places:
    """The places of WebSockets after connection_init and of event streams: in all, per account, and per token."""
    text = "has {most} open streams, the most allowed. Close one first."
    return Places(
        "streams",
        PlaceLimit(config.streams, ErrorCode.STREAM_LIMIT_EXCEEDED, FULL),
        PlaceLimit(config.account_streams, ErrorCode.ACCOUNT_STREAM_LIMIT_EXCEEDED, f"Your account {text}"),
        PlaceLimit(config.token_streams, ErrorCode.TOKEN_STREAM_LIMIT_EXCEEDED, f"Your token {text}"),
    )


def waiting_places(config: Config) -> Places:
    """The places of WebSockets before connection_init: in all, and per network of a client."""
    text = "{most} WebSockets of your address wait for connection_init."
    return Places(
        "waiting",
        PlaceLimit(config.waiting_sockets, ErrorCode.STREAM_LIMIT_EXCEEDED, FULL),
        PlaceLimit(config.address_waiting_sockets, ErrorCode.STREAM_LIMIT_EXCEEDED, text),
    )


def subscription_places(config: Config) -> Places:
    """The places of subscriptions, on streams of any kind: per account, and per token."""
    text = "has {most} running subscriptions, the most allowed. Complete one first."
    account, token = ErrorCode.ACCOUNT_SUBSCRIPTION_LIMIT_EXCEEDED, ErrorCode.TOKEN_SUBSCRIPTION_LIMIT_EXCEEDED
    return Places(
        "subscriptions",
        PlaceLimit(config.account_subscriptions, account, f"Your account {text}"),
        PlaceLimit(config.token_subscriptions, token, f"Your token {text}"),
    )


async def wait_for_invalid_token(caller: Caller, principal: Principal, interval: float) -> Unauthenticated:
    """Waits until the caller's token is no longer valid, and returns the reason.

    It checks after each change of access, at the token's expiry, and every `interval` seconds. Only the first of these
    costs a statement, one for all streams together. A token that has lost an organization counts as invalid, because the
    stream may show records of that organization.
    """
    known = caller.known
    with known.watch(caller.hashes):
        while True:
            change = known.next_change
            error = await _find_flaw(caller, principal)
            if error is not None:
                return error
            expiry = min(map(known.seconds_left, caller.hashes))
            with suppress(TimeoutError):
                async with asyncio.timeout(min(interval, max(expiry, 0.0) + CLOCK_PRECISION)):
                    await change.wait()


async def _find_flaw(caller: Caller, principal: Principal) -> Unauthenticated | None:
    """The reason for which the stream of a principal must end now."""
    try:
        organizations = (await caller.principal()).organizations
    except Unauthenticated as error:
        return error
    except (Unavailable, TooSlow):
        return None
    if organizations == principal.organizations or set(principal.organizations) <= set(organizations):
        return None
    return Unauthenticated("The access token has lost access to an organization.")
