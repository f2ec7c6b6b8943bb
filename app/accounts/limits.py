"""Limits of logins and sign-ups: the counters of one attempt, and their change after a login that succeeds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.config import Config
from app.counts import Counter, count_acts, has_mark, set_mark, take_back
from app.errors import Quota, TooMany
from app.storage.connection import Connection
from app.used_up import UsedUp

LOGIN_WINDOW, SIGN_UP_WINDOW, KNOWN_FOR = 900, 3600, 90 * 86_400
"""Seconds."""
TOO_MANY_LOGINS = "Too many logins have failed"
SOURCE_SIGN_UPS = "source-sign-ups"
TOO_MANY_SIGN_UPS = "Too many accounts were created"
KNOWN_SOURCE = Quota("known-source", 1, KNOWN_FOR)


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """The most failed logins in 15 minutes, and the most sign-ups in an hour. 0 is no limit.

    `logins` is for an e-mail address and a source together, `email_logins` for an e-mail address from all sources,
    `source_logins` for a source with all e-mail addresses. A source is the network that a request comes from.
    `used_up` has the sources whose sign-ups were rejected in the last seconds; "" stands for all sources.
    """

    logins: int
    email_logins: int
    source_logins: int
    sign_ups: int
    source_sign_ups: int
    used_up: UsedUp[str] = field(default_factory=UsedUp, compare=False, repr=False)

    @classmethod
    def of(cls, config: Config) -> "AccountLimits":
        return cls(config.logins, config.email_logins, config.source_logins, config.sign_ups, config.source_sign_ups)


async def login_counters(connection: Connection, limits: AccountLimits, email: str, source: str) -> Sequence[Counter]:
    """The counters of a login to an e-mail address, in its stored form, from a source.

    The limit of the address alone does not apply to a source from which a login succeeded, so that strangers cannot
    keep the owner out.
    """
    counters = [
        _counter("logins", limits.logins, LOGIN_WINDOW, f"{email} {source}"),
        _counter("source-logins", limits.source_logins, LOGIN_WINDOW, source),
    ]
    if limits.email_logins and not await has_mark(connection, _known_source(email, source)):
        counters.append(_counter("email-logins", limits.email_logins, LOGIN_WINDOW, email))
    return [counter for counter in counters if counter.quota.amount]


async def settle_login(connection: Connection, counters: Sequence[Counter], email: str, source: str) -> None:
    """Records a login that succeeded: the address and the source start anew together, and lose one failure apart."""
    amounts = {counter: counter.quota.amount if counter.quota.name == "logins" else 1 for counter in counters}
    await take_back(connection, amounts)
    await set_mark(connection, _known_source(email, source))


def check_sign_ups(limits: AccountLimits, source: str) -> None:
    """Raises TooMany without a statement if a limit of sign-ups is known to be used up."""
    limit = limits.used_up.find(source, "")
    if limit is not None:
        raise TooMany(TOO_MANY_SIGN_UPS, *limit)


async def count_sign_up(connection: Connection, limits: AccountLimits, source: str) -> None:
    """Counts an attempt to sign up. Raises TooMany; then the transaction must be rolled back.

    Sign-ups are only counted and never taken back, so a limit stays used up until its window ends.
    """
    counters = [
        _counter(SOURCE_SIGN_UPS, limits.source_sign_ups, SIGN_UP_WINDOW, source),
        _counter("sign-ups", limits.sign_ups, SIGN_UP_WINDOW, ""),
    ]
    try:
        await count_acts(connection, [counter for counter in counters if counter.quota.amount])
    except TooMany as error:
        is_of_source = error.quota is not None and error.quota.name == SOURCE_SIGN_UPS
        limits.used_up.note(source if is_of_source else "", error)
        raise


def _counter(name: str, amount: int, seconds: int, key: str) -> Counter:
    message = TOO_MANY_SIGN_UPS if name.endswith("sign-ups") else TOO_MANY_LOGINS
    return Counter(Quota(name, amount, seconds, "attempts"), key, message)


def _known_source(email: str, source: str) -> Counter:
    return Counter(KNOWN_SOURCE, f"{email} {source}", "")
