"""Rates: buckets with a clock of the test, what counts by token and by source, and the memory that they take."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config import Config
from app.errors import Quota, TooMany
from app.http.rates import BYTES, MOST_KEPT, WRITES, Meter, RateLimits, Rates, write_policy, write_rejection

TOKEN, OTHER = b"token", b"other"
HOME = "192.0.2.1"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_rates(clock: Clock | None = None, **limits: int | float) -> Rates:
    config = Config(**{"rate_burst": 2.0, **limits})  # type: ignore[arg-type]
    return Rates(RateLimits.of(config), clock or Clock())


def count_admitted(meter: Meter, times: int) -> int:
    admitted = 0
    for _ in range(times):
        try:
            meter.admit()
        except TooMany:
            continue
        admitted += 1
    return admitted


@given(
    rate=st.integers(1, 2000),
    burst=st.integers(1, 20),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 60)), max_size=30),
)
@settings(deadline=None)
def test_no_span_of_time_has_more_than_the_burst_and_the_rate(
    rate: int, burst: int, steps: Sequence[tuple[float, int]]
) -> None:
    clock = Clock()
    rates = make_rates(clock, token_requests=rate, account_requests=0, rate_burst=float(burst))
    rates.learn(TOKEN, "account")
    admitted: list[float] = []
    for pause, requests in steps:
        clock.now += pause
        admitted += [clock.now] * count_admitted(Meter(rates, [TOKEN], HOME), requests)
    for index, begun in enumerate(admitted):
        for count, ended in enumerate(admitted[index:], 1):
            assert count <= rate * burst + rate * (ended - begun) + 1


@given(rate=st.integers(1, 2000), burst=st.floats(1, 20))
def test_a_caller_who_waits_as_told_is_admitted(rate: int, burst: float) -> None:
    clock = Clock()
    rates = make_rates(clock, source_requests=rate, rate_burst=burst)
    meter = Meter(rates, [], HOME)
    assert count_admitted(meter, int(rate * burst) + 2) in (int(rate * burst), int(rate * burst) + 1)
    with pytest.raises(TooMany) as limited:
        meter.admit()
    clock.now += limited.value.retry_after
    meter.admit()
    clock.now += burst
    assert count_admitted(meter, int(rate * burst)) == int(rate * burst)


def test_a_rejected_request_costs_nothing() -> None:
    clock = Clock()
    rates = make_rates(clock, source_requests=5)
    assert count_admitted(Meter(rates, [], HOME), 500) == 10
    clock.now += 0.2
    assert count_admitted(Meter(rates, [], HOME), 500) == 1


def test_tokens_that_have_not_authenticated_count_by_their_source() -> None:
    rates = make_rates(source_requests=5)
    admitted = [count_admitted(Meter(rates, [b"random %d" % number], HOME), 1) for number in range(50)]
    assert sum(admitted) == 10
    assert count_admitted(Meter(rates, [], "192.0.2.2"), 50) == 10
    assert not rates.shares


def test_addresses_of_one_network_are_one_source() -> None:
    rates = make_rates(source_requests=5)
    admitted = [count_admitted(Meter(rates, [], f"2001:db8::{number:x}"), 1) for number in range(50)]
    assert sum(admitted) == 10


def test_a_valid_token_gives_the_source_its_request_back() -> None:
    rates = make_rates(source_requests=5, token_requests=50)
    for number in range(100):
        meter = Meter(rates, [b"%d" % number], HOME)
        meter.admit()
        meter.recognise(b"%d" % number, str(number))
    assert count_admitted(Meter(rates, [], HOME), 50) == 10
    assert count_admitted(Meter(rates, [b"7"], HOME), 500) == 99


def test_the_tokens_of_an_account_share_its_limit() -> None:
    rates = make_rates(token_requests=50, account_requests=75)
    for token in (TOKEN, OTHER):
        rates.learn(token, "account")
    rates.learn(b"stranger", "stranger")
    assert count_admitted(Meter(rates, [TOKEN], HOME), 500) == 100
    assert count_admitted(Meter(rates, [OTHER], HOME), 500) == 50
    assert count_admitted(Meter(rates, [b"stranger"], HOME), 500) == 100


def test_a_revoked_token_counts_by_its_source() -> None:
    rates = make_rates(source_requests=5)
    rates.learn(TOKEN, "account")
    rates.forget([TOKEN])
    assert count_admitted(Meter(rates, [TOKEN], HOME), 500) == 10


def test_a_request_without_need_of_a_token_counts_by_its_source() -> None:
    rates = make_rates(source_requests=5)
    rates.learn(TOKEN, "account")
    meter = Meter(rates, [TOKEN], HOME)
    for _ in range(10):
        meter.admit_anonymous()
    with pytest.raises(TooMany) as limited:
        meter.admit_anonymous()
    assert limited.value.quota == Quota("source-requests", 10, 2.0)


def test_writes_and_bytes_have_their_own_limits() -> None:
    rates = make_rates(token_writes=10, token_bytes=1000)
    rates.learn(TOKEN, "account")
    meter = Meter(rates, [TOKEN], HOME)
    meter.count_writes(20)
    meter.count_bytes(2000)
    for count, name in ((meter.count_writes, "token-writes"), (meter.count_bytes, "token-bytes")):
        with pytest.raises(TooMany) as limited:
            count(1)
        assert limited.value.quota
        assert (limited.value.quota.name, limited.value.retry_after) == (name, 1)
    meter.admit()


def test_an_act_that_is_larger_than_a_burst_needs_a_full_bucket() -> None:
    clock = Clock()
    rates = make_rates(clock, token_bytes=1000)
    share = rates.learn(TOKEN, "account")
    rates.charge(share, BYTES, 1_000_000)
    clock.now += 1.9
    with pytest.raises(TooMany):
        rates.charge(share, BYTES, 1_000_000)
    clock.now += 0.1
    rates.charge(share, BYTES, 1_000_000)


def test_a_limit_of_the_account_leaves_the_bucket_of_the_token() -> None:
    rates = make_rates(token_writes=10, account_writes=5)
    share = rates.learn(TOKEN, "account")
    rates.charge(share, WRITES, 10)
    for _ in range(2):
        with pytest.raises(TooMany) as limited:
            rates.charge(share, WRITES, 1)
        assert limited.value.quota
        assert limited.value.quota.name == "account-writes"
    assert share.token[WRITES] == pytest.approx(1001.0)


def test_a_limit_of_0_is_none() -> None:
    rates = make_rates(token_requests=0, account_requests=0, source_requests=0)
    rates.learn(TOKEN, "account")
    for tokens in ([TOKEN], []):
        meter = Meter(rates, tokens, HOME)
        assert count_admitted(meter, 10_000) == 10_000
        assert meter.headers() == ()


def test_many_sources_take_bounded_memory_and_reset_no_busy_bucket() -> None:
    clock = Clock()
    rates = make_rates(clock, source_requests=5)
    assert count_admitted(Meter(rates, [], HOME), 50) == 10
    for number in range(3 * MOST_KEPT):
        clock.now += 0.00001
        rates.charge_source(str(number))
        assert len(rates.sources) <= MOST_KEPT
    assert count_admitted(Meter(rates, [], HOME), 50) <= 3
    clock.now += 60
    for number in range(MOST_KEPT):
        rates.charge_source(f"later {number}")
    assert "0" not in rates.sources


def test_many_tokens_take_bounded_memory() -> None:
    rates = make_rates()
    for number in range(3 * MOST_KEPT):
        rates.learn(b"%d" % number, str(number % 7))
    assert len(rates.shares) <= MOST_KEPT
    assert len(rates.accounts) == 7


def test_the_headers_are_those_of_the_draft() -> None:
    clock = Clock()
    rates = make_rates(clock, token_requests=10, source_requests=5)
    meter = Meter(rates, [TOKEN], HOME)
    assert meter.headers() == ()
    meter.admit()
    assert meter.headers() == (
        (b"ratelimit", b'"source-requests";r=9;t=1'),
        (b"ratelimit-policy", b'"source-requests";q=10;w=2'),
    )
    meter.recognise(TOKEN, "account")
    assert meter.headers()[0] == (b"ratelimit", b'"token-requests";r=19;t=1')
    assert count_admitted(meter, 100) == 19
    assert meter.headers()[0] == (b"ratelimit", b'"token-requests";r=0;t=2')


def test_a_rejection_names_the_limit_that_is_used_up() -> None:
    quota = Quota("token-bytes", 4_000, 2.5, "content-bytes")
    assert write_rejection(TooMany("", 3, quota)) == (
        (b"retry-after", b"3"),
        (b"ratelimit", b'"token-bytes";r=0;t=3'),
        (b"ratelimit-policy", write_policy(quota)),
    )
    assert write_policy(quota) == b'"token-bytes";q=4000;w=3;qu="content-bytes"'
    assert write_rejection(TooMany("", 3)) == ((b"retry-after", b"3"),)
