"""The router of both REST APIs: a table of methods and path patterns gives the handler and the path parameters."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

from app.http.errors import HttpError
from app.http.paths import split_path
from app.observability.figures import current_figures

Handler = TypeVar("Handler")

Routes: TypeAlias = Mapping[tuple[str, str], Handler]
"""Method and pattern -> handler. In a pattern such as `/customers/{id}` a segment in braces is a parameter."""

Route: TypeAlias = tuple[Handler, Mapping[int, str], str]
"""The handler, the names of the parameters by their positions, and the method and the pattern as a text."""

MOST_KNOWN, LONGEST_KNOWN = 1_000, 200
"""The most paths whose routes are kept, and the most characters of one."""

NO_METHODS: Mapping[str, Any] = {}
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
    """The handler of a request and the decoded parameters of its path. `operation` is the method and the pattern."""

    handler: Handler
    path_parameters: Mapping[str, str]
    operation: str


@dataclass(frozen=True, slots=True)
class Shape(Generic[Handler]):
    """The patterns with parameters at the same positions: their segments -> method -> route.

    In the segments of `patterns` an empty text stands for a parameter.
    """

    positions: tuple[int, ...]
    patterns: dict[tuple[str, ...], dict[str, Route[Handler]]]

    def find(self, literals: Sequence[str]) -> Mapping[str, Route[Handler]]:
        """The methods of the pattern that fits the segments of a path; a parameter needs at least one character."""
        blanked = [*literals]
        for position in self.positions:
            if not blanked[position]:
                return NO_METHODS
            blanked[position] = ""
        return self.patterns.get(tuple(blanked), NO_METHODS)


class Router(Generic[Handler]):
    """The patterns of one API. `spell` turns a segment as it was sent into the spelling of the patterns.

    `shapes` holds the patterns by the number of their segments, those with the fewest parameters first.
    """

    def __init__(self, routes: Routes[Handler], spell: Callable[[str], str]) -> None:
        self.spell = spell
        self._find_known = lru_cache(maxsize=MOST_KNOWN)(self._find)
        self.shapes: dict[int, list[Shape[Handler]]] = {}
        for (method, path), handler in routes.items():
            segments = split_path(path)
            names = {index: segment[1:-1] for index, segment in enumerate(segments) if segment.startswith("{")}
            patterns = self._shape(len(segments), tuple(names)).patterns
            literals = tuple("" if index in names else segment for index, segment in enumerate(segments))
            patterns.setdefault(literals, {})[method] = (handler, names, f"{method} {path}")

    def _shape(self, length: int, positions: tuple[int, ...]) -> Shape[Handler]:
        shapes = self.shapes.setdefault(length, [])
        if positions not in [shape.positions for shape in shapes]:
            shapes.append(Shape(positions, {}))
            shapes.sort(key=lambda shape: len(shape.positions))
        return next(shape for shape in shapes if shape.positions == positions)

    def match(self, method: str, path: str) -> RouteMatch[Handler]:
        """The handler for a method and a path as it was sent; literal segments win over parameters, HEAD is GET.

        Notes the route in the figures of the request.
        Raises NoRoute, WrongMethod, and BadEncoding for a parameter that does not decode.
        """
        find = self._find_known if len(path) <= LONGEST_KNOWN else self._find
        found: RouteMatch[Handler] = find(method, path)
        figures = current_figures.get()
        figures.operation, figures.known = found.operation, True
        return found

    def _find(self, method: str, path: str) -> RouteMatch[Handler]:
        segments = split_path(path)
        literals, shapes = list(map(self.spell, segments)), self.shapes.get(len(segments), ())
        for known_method in (method, "GET") if method == "HEAD" else (method,):
            for shape in shapes:
                route = shape.find(literals).get(known_method)
                if route is not None:
                    handler, names, operation = route
                    parameters = {name: decode_segment(segments[index]) for index, name in names.items()}
                    return RouteMatch(handler, parameters, operation)
        raise self._describe_mismatch(shape.find(literals) for shape in shapes)

    def _describe_mismatch(self, fitting: Iterable[Mapping[str, object]]) -> HttpError:
        """The error for a path, from the methods of each pattern that fits it."""
        allowed = list(dict.fromkeys(method for methods in fitting for method in methods))
        if not allowed:
            return NoRoute("No resource has this path.")
        return WrongMethod([*allowed, "HEAD"] if "GET" in allowed else allowed)


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
