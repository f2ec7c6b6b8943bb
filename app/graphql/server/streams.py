"""Rules for WebSockets and event streams: their numbers are limited, and none outlives its access token."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.auth import Caller, Principal
from app.config import Config
from app.errors import TooSlow, Unauthenticated, Unavailable
from app.graphql.server.errors import RequestError

FULL = "Too many streams are open. Try again later."


@dataclass(frozen=True, slots=True)
class PlaceLimit:
    """The most places of one holder, and the error when they are taken. Without a holder the limit is for all together."""

    most: int
    status: int
    message: str


class Places:
    """Places of this process that are limited in several ways at once, such as in all, per account and per token."""

    def __init__(self, code: str, *limits: PlaceLimit) -> None:
        self.code, self.limits = code, limits
        self._taken: tuple[Counter[str], ...] = tuple(Counter() for _ in limits)

    def check(self, *holders: str) -> None:
        """Raises RequestError when one of the holders, one for each limit, has all its places."""
        for limit, taken, holder in zip(self.limits, self._taken, holders, strict=False):
            if taken[holder] >= limit.most:
                raise RequestError(limit.status, limit.message.format(most=limit.most), self.code, {"Retry-After": "5"})

    @contextmanager
    def take(self, *holders: str) -> Iterator[None]:
        """Takes a place for the length of the block. Raises as `check` does."""
        self.check(*holders)
        for taken, holder in zip(self._taken, holders, strict=True):
            taken[holder] += 1
        try:
            yield
        finally:
            for taken, holder in zip(self._taken, holders, strict=True):
                taken[holder] -= 1
                if not taken[holder]:
                    del taken[holder]


def stream_places(config: Config) -> Places:
    """The places of WebSockets after connection_init and of event streams: in all, per account, and per token."""
    return Places(
        "TOO_MANY_STREAMS",
        PlaceLimit(config.streams, 503, FULL),
        PlaceLimit(
            config.account_streams, 429, "Your account has {most} open streams, the most allowed. Close one first."
        ),
        PlaceLimit(config.token_streams, 429, "Your token has {most} open streams, the most allowed. Close one first."),
    )


def waiting_places(config: Config) -> Places:
    """The places of WebSockets before connection_init: in all, and per network of a client."""
    return Places(
        "TOO_MANY_STREAMS",
        PlaceLimit(config.waiting_sockets, 503, FULL),
        PlaceLimit(config.address_waiting_sockets, 429, "{most} WebSockets of your address wait for connection_init."),
    )


def subscription_places(config: Config) -> Places:
    """The places of subscriptions, on streams of any kind: per account, and per token."""
    text = "has {most} running subscriptions, the most allowed. Complete one first."
    return Places(
        "TOO_MANY_SUBSCRIPTIONS",
        PlaceLimit(config.account_subscriptions, 429, f"Your account {text}"),
        PlaceLimit(config.token_subscriptions, 429, f"Your token {text}"),
    )


async def wait_for_invalid_token(caller: Caller, principal: Principal, interval: float) -> Unauthenticated:
    """Waits until the caller's token is no longer valid, and returns the reason. It checks every `interval` seconds.

    A token that has lost an organization counts as invalid, because the stream may show records of that organization.
    """
    while True:
        await asyncio.sleep(interval)
        try:
            current = await caller.principal()
        except Unauthenticated as error:
            return error
        except (Unavailable, TooSlow):
            continue
        if not set(principal.organizations) <= set(current.organizations):
            return Unauthenticated("The access token has lost access to an organization.")
