"""Rates: limits of requests, writes and bytes in this process, for each token, account and source.

Each limit is a bucket (GCRA): one number, the moment at which the bucket is full again. An act moves the moment on. An
act is rejected if the moment would lie further ahead than the burst allows. A moment in the past is a full bucket, so
idle buckets need no memory.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from weakref import WeakValueDictionary

from app.config import Config
from app.errors import Quota, TooMany
from app.http.addresses import network_of
from app.http.responses import Headers

MOST_KEPT = 20_000
"""The most sources, and the most tokens, that are remembered. A source takes about 150 bytes, a token about 400."""
ROUNDING = 1e-6
"""Seconds, for the precision of the clock."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit: `quota.amount` at once, and the same in each `quota.seconds`. An `interval` of 0 is no limit."""

    quota: Quota
    interval: float
    reach: float = field(init=False)
    """The seconds that a bucket's moment may lie ahead."""
    name: bytes = field(init=False)
    policy: bytes = field(init=False)
    """The value of RateLimit-Policy."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reach", self.quota.seconds + ROUNDING)
        object.__setattr__(self, "name", self.quota.name.encode())
        object.__setattr__(self, "policy", write_policy(self.quota))

    @classmethod
    def of(cls, name: str, per_second: int, burst: float, unit: str = "requests") -> "Rate":
        """`per_second` acts, and those of `burst` seconds at once; 0 is no limit."""
        return cls(Quota(name, max(int(per_second * burst), 1), burst, unit), 1 / per_second if per_second else 0.0)

    def cost(self, amount: int) -> float:
        """The seconds that acts take to come back. More acts than a full bucket holds empty it."""
        return min(amount, self.quota.amount) * self.interval

    def exceeded(self, ahead: float) -> TooMany:
        """The error for acts that would move a bucket so far ahead."""
        unit, seconds = self.quota.unit.removeprefix("content-"), ceil(ahead - self.reach)
        allowed = f"at most {round(1 / self.interval):,} a second and {self.quota.amount:,} at once"
        return TooMany(f"Too many {unit} ({self.quota.name}): {allowed}. Wait {seconds} s.", seconds, self.quota)


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of one process. `token` and `account` are for requests, writes and bytes."""

    token: tuple[Rate, Rate, Rate]
    account: tuple[Rate, Rate, Rate]
    source: Rate

    @classmethod
    def of(cls, config: Config) -> "RateLimits":
        burst = config.rate_burst
        return cls(
            (
                Rate.of("token-requests", config.token_requests, burst),
                Rate.of("token-writes", config.token_writes, burst, "writes"),
                Rate.of("token-bytes", config.token_bytes, burst, "content-bytes"),
            ),
            (
                Rate.of("account-requests", config.account_requests, burst),
                Rate.of("account-writes", config.account_writes, burst, "writes"),
                Rate.of("account-bytes", config.account_bytes, burst, "content-bytes"),
            ),
            Rate.of("source-requests", config.source_requests, burst),
        )


REQUESTS, WRITES, BYTES = 0, 1, 2
EMPTY = (0.0, 0.0, 0.0)


class Buckets(list[float]):
    """The moments of the buckets of a token or an account: requests, writes and bytes."""

    __slots__ = ("__weakref__",)


@dataclass(frozen=True, slots=True)
class Share:
    """The buckets of a token, and those of its account, which all its tokens share."""

    token: Buckets
    account: Buckets


class Rates:
    """The buckets of one process.

    Only tokens that have authenticated in this process have buckets of their own. All other requests count by their
    source, so random tokens gain nothing.
    """

    def __init__(self, limits: RateLimits, clock: Clock = time.monotonic) -> None:
        self.limits = limits
        self.clock = clock
        self.shares: dict[bytes, Share] = {}
        self.accounts: WeakValueDictionary[str, Buckets] = WeakValueDictionary()
        self.sources: dict[str, float] = {}

    def learn(self, token: bytes, account: str) -> Share:
        """The buckets of a token that has authenticated, by the hash of the token.

        A token that is dropped counts by its source until it authenticates again.
        """
        share = self.shares.get(token)
        if share is None:
            share = Share(Buckets(EMPTY), self.accounts.setdefault(account, Buckets(EMPTY)))
            self.shares[token] = share
            if len(self.shares) > MOST_KEPT:
                self.shares = dict(islice(self.shares.items(), MOST_KEPT // 2, None))
        return share

    def forget(self, tokens: Iterable[bytes]) -> None:
        """Drops tokens that are not valid any more."""
        for token in tokens:
            self.shares.pop(token, None)

    def charge_source(self, source: str) -> float:
        """Charges a request without a known token. Returns the seconds until the bucket is full. Raises TooMany."""
        rate, now = self.limits.source, self.clock()
        full_at = max(self.sources.get(source, 0.0), now) + rate.interval
        if full_at - now > rate.reach:
            raise rate.exceeded(full_at - now)
        self.sources[source] = full_at
        if len(self.sources) > MOST_KEPT:
            self.sources = keep_busiest(self.sources, now)
        return full_at - now

    def refund_source(self, source: str) -> None:
        """Takes one request back, which turned out to have a valid token."""
        if source in self.sources:
            self.sources[source] -= self.limits.source.interval

    def charge(self, share: Share, kind: int, amount: int = 1) -> float:
        """Charges a token and its account, or neither of them.

        Returns the seconds until the token's bucket is full. Raises TooMany.
        """
        token, account, now = self.limits.token[kind], self.limits.account[kind], self.clock()
        own, shared = share.token[kind], share.account[kind]
        own = (own if own > now else now) + (token.interval if amount == 1 else token.cost(amount))
        shared = (shared if shared > now else now) + (account.interval if amount == 1 else account.cost(amount))
        if own - now > token.reach:
            raise token.exceeded(own - now)
        if shared - now > account.reach:
            raise account.exceeded(shared - now)
        share.token[kind], share.account[kind] = own, shared
        return own - now


def keep_busiest(moments: dict[str, float], now: float) -> dict[str, float]:
    """The buckets that are not full, at most three quarters of MOST_KEPT: those that are full last."""
    busy = [(moment, key) for key, moment in moments.items() if moment > now]
    busy.sort(key=lambda pair: pair[0], reverse=True)
    return {key: moment for moment, key in busy[: MOST_KEPT * 3 // 4]}


NOT_ADMITTED = -1.0


class Meter:
    """Charges the acts of one caller: one request, or all messages of a WebSocket.

    `ahead` is the number of seconds until the bucket of the last admitted request is full.
    """

    __slots__ = ("address", "ahead", "charged_source", "rates", "share")

    def __init__(self, rates: Rates, hashes: Iterable[bytes], address: str) -> None:
        self.rates = rates
        self.address = address
        self.ahead = NOT_ADMITTED
        self.charged_source = False
        self.share: Share | None = None
        for token in hashes:
            self.share = rates.shares.get(token)
            if self.share is not None:
                break

    def admit(self, *, writes: int = 0) -> None:
        """Charges one request. Raises TooMany."""
        if self.share is None:
            self.ahead = self.rates.charge_source(network_of(self.address))
            self.charged_source = True
            return
        self.ahead = self.rates.charge(self.share, REQUESTS)
        if writes:
            self.rates.charge(self.share, WRITES, writes)

    def admit_anonymous(self) -> None:
        """Charges the source for a request that needs no token, if only its token was charged. Raises TooMany."""
        if self.share is not None:
            self.rates.charge_source(network_of(self.address))

    def count_writes(self, amount: int) -> None:
        """Charges writes beyond the request itself. Raises TooMany."""
        if self.share is not None and amount > 0:
            self.rates.charge(self.share, WRITES, amount)

    def count_bytes(self, amount: int) -> None:
        """Charges the bytes of a body. Raises TooMany."""
        if self.share is not None:
            self.rates.charge(self.share, BYTES, amount)

    def recognise(self, token: bytes, account: str) -> None:
        """Charges a token that has authenticated, instead of the source. Raises TooMany."""
        if self.share is None:
            self.share = self.rates.learn(token, account)
        if self.charged_source:
            self.charged_source = False
            self.rates.refund_source(network_of(self.address))
            self.ahead = self.rates.charge(self.share, REQUESTS)

    def headers(self) -> Headers:
        """RateLimit and RateLimit-Policy of a request that was admitted; nothing for others and without a limit."""
        limits, ahead = self.rates.limits, self.ahead
        rate = limits.token[REQUESTS] if self.share else limits.source
        if ahead < 0 or not rate.interval:
            return ()
        value = b'"%b";r=%d;t=%d' % (rate.name, (rate.reach - ahead) / rate.interval, ceil(ahead - ROUNDING))
        return ((b"ratelimit", value), (b"ratelimit-policy", rate.policy))


def write_policy(quota: Quota) -> bytes:
    """A member of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers). Requests are the default unit."""
    unit = f';qu="{quota.unit}"' if quota.unit == "content-bytes" else ""
    return f'"{quota.name}";q={quota.amount};w={ceil(quota.seconds)}{unit}'.encode()


def write_rejection(error: TooMany) -> Headers:
    """The headers of an error: the time to wait, and the limit that is used up."""
    wait = (b"retry-after", b"%d" % error.retry_after)
    if error.quota is None:
        return (wait,)
    value = b'"%b";r=0;t=%d' % (error.quota.name.encode(), error.retry_after)
    return (wait, (b"ratelimit", value), (b"ratelimit-policy", write_policy(error.quota)))


_none = Rate.of("none", 0, 1.0)
UNLIMITED = Rates(RateLimits((_none, _none, _none), (_none, _none, _none), _none))
"""The rates of callers inside the process, such as the command line."""
