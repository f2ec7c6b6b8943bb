"""The headers of requests and responses that both REST APIs have."""

from collections.abc import Mapping

from app.errors import IdempotencyKeyReused, Stale
from app.idempotency import LONGEST_KEY, RequestKey
from app.rest.boundary import RETRY_AFTER
from app.rest.openapi.responses import REQUEST_ID
from app.rest.operations import TEXT, Parameter, Schema, raised_by
from app.rest.preconditions import LONGEST_CONDITION, expected_versions, names_version

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
