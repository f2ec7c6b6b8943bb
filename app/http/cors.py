"""Cross-origin requests: the middleware that lets web pages of other origins call the APIs."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Message, Send


class ApiCors(CORSMiddleware):
    """Lets other origins read the answers of the APIs, but no page, because GraphiQL may show a token."""

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        if message["type"] == "http.response.start" and is_page(message):
            await send(message)
        else:
            await super().send(message, send, request_headers)


def is_page(start: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/html") for name, value in start.get("headers", ()))


def cors_middleware(origins: Sequence[str]) -> list[Middleware]:
    """Allows pages of these origins to call every API. Cookies are not used, so credentials are not allowed."""
    if not origins:
        return []
    return [
        Middleware(
            ApiCors,
            allow_origins=origins,
            allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("*",),
            expose_headers=("X-Request-Id", "ETag", "X-Total-Count", "Retry-After", "RateLimit", "RateLimit-Policy"),
            max_age=3600,
        )
    ]
