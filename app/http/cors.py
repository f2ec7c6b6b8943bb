"""Cross-origin requests: the middleware that lets web pages of other origins call the APIs."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware


def cors_middleware(origins: Sequence[str]) -> list[Middleware]:
    """Allows pages of these origins to call every API. Cookies are not used, so credentials are not allowed."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("*",),
            expose_headers=("X-Request-Id", "ETag", "X-Total-Count", "Retry-After", "RateLimit", "RateLimit-Policy"),
            max_age=3600,
        )
    ]
