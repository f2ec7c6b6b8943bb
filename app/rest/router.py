"""The router of both REST APIs: a table of methods and path patterns gives the handler and the path parameters."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote, unquote, unquote_to_bytes

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.errors import HttpError

Handler = TypeVar("Handler")

Routes: TypeAlias = Mapping[tuple[str, str], Handler]
"""Method and pattern -> handler. In a pattern such as `/customers/{id}` a segment in braces is a parameter."""

BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class NoRoute(HttpError):
    """No pattern fits the path."""


class WrongMethod(HttpError):
    """A pattern fits the path, but not with this method. `allowed` holds the methods that it has."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"The method must be one of {', '.join(allowed)}.")
        self.allowed = allowed


class BadEncoding(HttpError):
    """A path parameter is not percent-encoded UTF-8. `segment` is the parameter as it was sent."""

    def __init__(self, segment: str) -> None:
        super().__init__("The path must be percent-encoded UTF-8.")
        self.segment = segment


@dataclass(frozen=True, slots=True)
class RouteMatch(Generic[Handler]):
    """The handler of a request and the decoded parameters of its path."""

    handler: Handler
    path_parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pattern(Generic[Handler]):
    """One row of the table. In `segments` an empty text stands for a parameter; `names` holds their positions."""

    method: str
    segments: tuple[str, ...]
    names: Mapping[str, int]
    handler: Handler

    def fits(self, literals: Sequence[str]) -> bool:
        """Whether the segments of a path fit; a parameter needs at least one character."""
        return all(
            literal == segment if segment else literal for segment, literal in zip(self.segments, literals, strict=True)
        )

    def read(self, segments: Sequence[str]) -> RouteMatch[Handler]:
        return RouteMatch(self.handler, {name: decode_segment(segments[index]) for name, index in self.names.items()})


class Router(Generic[Handler]):
    """The patterns of one API. `spell` turns a segment as it was sent into the spelling of the patterns."""

    def __init__(self, routes: Routes[Handler], spell: Callable[[str], str]) -> None:
        self.spell = spell
        self.patterns: dict[int, list[Pattern[Handler]]] = {}
        for (method, path), handler in routes.items():
            pattern = read_pattern(method, path, handler)
            self.patterns.setdefault(len(pattern.segments), []).append(pattern)
        for patterns in self.patterns.values():
            patterns.sort(key=lambda pattern: len(pattern.names))

    def match(self, method: str, path: str) -> RouteMatch[Handler]:
        """The handler for a method and a path as it was sent; literal segments win over parameters, HEAD is GET.

        Raises NoRoute, WrongMethod, and BadEncoding for a parameter that does not decode.
        """
        segments = split_path(path)
        literals = [self.spell(segment) for segment in segments]
        fitting = [pattern for pattern in self.patterns.get(len(segments), ()) if pattern.fits(literals)]
        for known_method in (method, "GET") if method == "HEAD" else (method,):
            for pattern in fitting:
                if pattern.method == known_method:
                    return pattern.read(segments)
        if not fitting:
            raise NoRoute("No resource has this path.")
        methods = list(dict.fromkeys(pattern.method for pattern in fitting))
        raise WrongMethod([*methods, "HEAD"] if "GET" in methods else methods)


def read_pattern(method: str, path: str, handler: Handler) -> Pattern[Handler]:
    """One row of the table, `/customers/{id}` split into its segments and the names of its parameters."""
    segments = split_path(path)
    names = {segment[1:-1]: index for index, segment in enumerate(segments) if segment.startswith("{")}
    literals = tuple("" if segment.startswith("{") else segment for segment in segments)
    return Pattern(method, literals, names, handler)


def raw_path(scope: Mapping[str, Any]) -> str:
    """The path as it was sent, without the root path of the application."""
    raw: bytes | None = scope.get("raw_path")
    path = raw.partition(b"?")[0].decode("latin-1") if raw else quote(scope["path"])
    root: str = scope.get("root_path", "")
    return path.removeprefix(quote(root)) if root else path


def split_path(path: str) -> list[str]:
    """The segments of a path; one trailing slash does not count."""
    return path.removeprefix("/").removesuffix("/").split("/")


def decode_segment(segment: str) -> str:
    """The text of a percent-encoded segment. Raises BadEncoding."""
    if "%" not in segment and segment.isascii():
        return segment
    try:
        if not BAD_PERCENT.search(segment):
            return unquote_to_bytes(segment.encode("latin-1")).decode()
    except ValueError:
        pass
    raise BadEncoding(segment)


class RestRoute(BaseRoute):
    """The last route of the application: the first segment of a path chooses the API; `fallback` has all other paths."""

    def __init__(self, apis: Mapping[str, ASGIApp], fallback: ASGIApp) -> None:
        self.apis = apis
        self.fallback = fallback

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = unquote(split_path(raw_path(scope))[0])
        await self.apis.get(first, self.fallback)(scope, receive, send)
