"""Parts of a description that both REST APIs have: headers, the request id, limits, and the errors of every operation."""

from collections.abc import Mapping

from app.config import Config
from app.errors import AnswerTooLarge, IdempotencyKeyReused, Stale, TooMany, TooSlow, Unavailable
from app.http.rates import REQUESTS, RateLimits
from app.idempotency import LONGEST_KEY, RequestKey
from app.rest.boundary import RETRY_AFTER, InternalError
from app.rest.openapi.responses import REQUEST_ID
from app.rest.operations import TEXT, Errors, Parameter, Schema, raised_by
from app.rest.preconditions import LONGEST_CONDITION, expected_versions, names_version

TIMED_OUT = "The query timed out. Add filters or ask for fewer rows."
HEADERS: Mapping[str, Schema] = {
    "X-Request-Id": {
        "description": "The id of the request: yours, or a new one. The operator finds the request by it.",
        "schema": TEXT,
        "example": REQUEST_ID,
    },
    "RateLimit": {
        "description": "The requests that are left (`r`), and the seconds until all of them are back (`t`).",
        "schema": TEXT,
        "example": '"token-requests";r=1998;t=1',
    },
    "RateLimit-Policy": {
        "description": "The limit on requests: so many (`q`) in so many seconds (`w`).",
        "schema": TEXT,
        "example": '"token-requests";q=2000;w=4',
    },
    "Retry-After": {
        "description": "The seconds until the next request can succeed.",
        "schema": {"type": "integer", "minimum": 0},
        "example": int(RETRY_AFTER),
    },
    "ETag": {
        "description": "The version of the record, for If-Match and If-None-Match.",
        "schema": TEXT,
        "example": '"1"',
    },
    "WWW-Authenticate": {"description": "The scheme of the access token.", "schema": TEXT, "example": "Bearer"},
}


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


REQUEST_ID_PARAMETER = Parameter(
    name="X-Request-Id",
    place="header",
    description="An id of your own for the request, of 1 to 255 visible ASCII characters. The response and the log repeat it.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
)

TAG_HEADER = ("ETag",)
"""The headers of an answer with one record."""
IF_MATCH = Parameter(
    name="If-Match",
    place="header",
    description="The ETag of the version to change, or a list of them. Without it every version is changed.",
    schema={"type": "string", "maxLength": LONGEST_CONDITION},
    example='"1"',
    errors=(
        Stale("The record has changed since that version"),
        raised_by(lambda: expected_versions(["x" * (LONGEST_CONDITION + 1)])),
    ),
)
IF_NONE_MATCH = Parameter(
    name="If-None-Match",
    place="header",
    description="The ETag of the version that you have. The answer is 304 if it is still the current one.",
    schema={"type": "string", "maxLength": LONGEST_CONDITION},
    example='"0"',
    errors=(raised_by(lambda: names_version(["x" * (LONGEST_CONDITION + 1)], 1)),),
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    description="A text of your own that makes a repetition safe: the same key with the same values gets the first answer "
    "again and does nothing.",
    schema={"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    example="7f0c1ea0-2d4f-4a2a-9a55-6a9f0e9c5c11",
    errors=(
        IdempotencyKeyReused("The idempotency key was used for another request; use a new key for each request."),
        raised_by(lambda: RequestKey.of("", "x" * (LONGEST_KEY + 1))),
    ),
)
