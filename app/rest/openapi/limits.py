"""The limits of the service that both REST APIs tell, and the errors of every operation."""

from app.config import Config
from app.errors import TIMED_OUT, AnswerTooLarge, TooMany, TooSlow, Unavailable
from app.http.rates import REQUESTS, RateLimits
from app.rest.boundary import InternalError
from app.rest.operations import Errors


def common_errors(config: Config) -> Errors:
    """The errors of every operation, with the limits of the service."""
    return (
        AnswerTooLarge(config.answer_cap),
        _too_many(config),
        InternalError("Internal Server Error"),
        TooSlow(TIMED_OUT),
        Unavailable("it is restarting"),
    )


def _too_many(config: Config) -> TooMany:
    """The error of a token that has used up its requests; without a limit, the one of large answers."""
    rate = RateLimits.of(config).token[REQUESTS]
    if rate.interval:
        return rate.exceeded(rate.reach + 1)
    return TooMany("Your account has too many large answers at once. Read them before you ask for more.", 1)


def write_limits(config: Config, *more: str) -> str:
    """The limits that callers meet most often, as a list in Markdown."""
    limits = (
        f"A body has at most {config.body_cap:,} bytes, also after its compression is undone.",
        f"An answer has at most {config.answer_cap:,} bytes.",
        f"A URL has at most {config.url_cap:,} bytes. All headers together have at most {config.head_cap:,} bytes.",
        *_write_rates(config),
        *more,
    )
    return "\n".join(f"- {limit}" for limit in limits)


def _write_rates(config: Config) -> list[str]:
    burst = f", and {config.rate_burst:g} times as many at once" if config.rate_burst != 1 else ""
    rates = (
        ("requests", config.token_requests),
        ("writes", config.token_writes),
        ("bytes of bodies", config.token_bytes),
    )
    return [f"A token has at most {rate:,} {unit} a second{burst}." for unit, rate in rates if rate]
