"""The paths of requests as they were sent, and the APIs that answer them."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.root_path import remove_root_path


def raw_path(scope: Mapping[str, Any]) -> str:
    """The path as it was sent, without the root path of the application."""
    raw: bytes | None = scope.get("raw_path")
    path = raw.partition(b"?")[0].decode("latin-1") if raw else quote(scope["path"])
    return remove_root_path(path, scope) if scope.get("root_path") else path


def split_path(path: str) -> list[str]:
    """The segments of a path; one trailing slash does not count."""
    return path.removeprefix("/").removesuffix("/").split("/")


@dataclass(frozen=True, slots=True)
class ApiRoutes:
    """The middleware that finds the API of a request, before Starlette tries its routes one after the other.

    `paths` are whole paths, which win, and `segments` are first segments of paths. `app` answers all other requests.
    """

    app: ASGIApp
    paths: Mapping[str, ASGIApp] = field(default_factory=dict)
    segments: Mapping[str, ASGIApp] = field(default_factory=dict)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        api = self._find_api(raw_path(scope)) if scope["type"] == "http" else None
        return (api or self.app)(scope, receive, send)

    def _find_api(self, path: str) -> ASGIApp | None:
        first = path.removeprefix("/").partition("/")[0]
        if "%" in path:
            path, first = unquote(path), unquote(first)
        return self.paths.get(path) or self.segments.get(first)


class EveryPath(BaseRoute):
    """The last route of the application: one API answers every HTTP request that no other route does."""

    def __init__(self, api: ASGIApp) -> None:
        self.api = api

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.api(scope, receive, send)
