"""Limits of logins and sign-ups: the counters of one attempt, and their change after a login that succeeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.config import Config
from app.counts import Counter, count_acts, has_mark, set_mark, take_back
from app.errors import Quota
from app.storage.connection import Connection

LOGIN_WINDOW, SIGN_UP_WINDOW, KNOWN_FOR = 900, 3600, 90 * 86_400
"""Seconds."""
TOO_MANY_LOGINS = "Too many logins have failed"
TOO_MANY_SIGN_UPS = "Too many accounts were created"
KNOWN_SOURCE = Quota("known-source", 1, KNOWN_FOR)


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """The most failed logins in 15 minutes, and the most sign-ups in an hour. 0 is no limit.

    `logins` is for an e-mail address and a source together, `email_logins` for an e-mail address from all sources,
    `source_logins` for a source with all e-mail addresses. A source is the network that a request comes from.
    """

    logins: int
    email_logins: int
    source_logins: int
    sign_ups: int
    source_sign_ups: int

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


async def count_sign_up(connection: Connection, limits: AccountLimits, source: str) -> None:
    """Counts an attempt to sign up. Raises TooMany; then the transaction must be rolled back."""
    counters = [
        _counter("source-sign-ups", limits.source_sign_ups, SIGN_UP_WINDOW, source),
        _counter("sign-ups", limits.sign_ups, SIGN_UP_WINDOW, ""),
    ]
    await count_acts(connection, [counter for counter in counters if counter.quota.amount])


def _counter(name: str, amount: int, seconds: int, key: str) -> Counter:
    message = TOO_MANY_SIGN_UPS if name.endswith("sign-ups") else TOO_MANY_LOGINS
    return Counter(Quota(name, amount, seconds, "attempts"), key, message)


def _known_source(email: str, source: str) -> Counter:
    return Counter(KNOWN_SOURCE, f"{email} {source}", "")
