"""Preferences of a caller: the headers Accept and Accept-Encoding, lists of names with qualities (RFC 9110, 12.4 and 12.5)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

QUALITY = re.compile(r"\d{1,9}(\.\d*)?|\.\d+")
WORST, BEST = 0.0, 1.0


@dataclass(frozen=True, slots=True)
class Preference:
    """One member of the header, in lower case. A quality of 0 excludes the name."""

    name: str
    quality: float


def read_preferences(lines: Sequence[str]) -> list[Preference]:
    """The members of a header. Several lines of one header are one list. Commas in quoted parameters do not count."""
    members = (member for line in lines for member in _split_members(line))
    return [preference for preference in map(_read_preference, members) if preference.name]


def _split_members(line: str) -> list[str]:
    """The members between commas. A comma in a quoted text, in which a backslash escapes a character, is no separator."""
    if '"' not in line:
        return line.split(",")
    starts, quoted, escaped = [-1], False, False
    for position, character in enumerate(line):
        if escaped:
            escaped = False
        elif character == '"':
            quoted = not quoted
        elif quoted:
            escaped = character == "\\"
        elif character == ",":
            starts.append(position)
    return [line[start + 1 : end] for start, end in zip(starts, [*starts[1:], len(line)], strict=True)]


def _read_preference(member: str) -> Preference:
    name, *parameters = (part.strip().lower() for part in member.split(";"))
    return Preference(name, next(_qualities(parameters), BEST))


def _qualities(parameters: Sequence[str]) -> Iterator[float]:
    """The qualities among the parameters. Unreadable ones count as 1."""
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if name.strip() == "q" and equals:
            text = value.strip()
            yield min(float(text), BEST) if QUALITY.fullmatch(text) else BEST


def find_preference(preferences: Sequence[Preference], ranges: Sequence[str]) -> Preference | None:
    """The preference for the first of the ranges that the caller names. The ranges begin with the most specific one."""
    for name in ranges:
        for preference in preferences:
            if preference.name == name:
                return preference
    return None


def prefers_html(lines: Sequence[str]) -> bool:
    """True if the lines of Accept name HTML, as those of browsers do, and do not name JSON as well or better."""
    preferences = read_preferences(lines)
    html = find_preference(preferences, ("text/html",))
    json = find_preference(preferences, ("application/json",))
    return html is not None and html.quality > (WORST if json is None else json.quality)


def accepts_gzip(lines: Sequence[str]) -> bool:
    """True if the lines of Accept-Encoding allow gzip and do not prefer the plain body."""
    preferences = read_preferences(lines)
    gzip = find_preference(preferences, ("gzip", "x-gzip", "*"))
    identity = find_preference(preferences, ("identity",))
    if gzip is None or gzip.quality == WORST:
        return False
    return identity is None or gzip.quality >= identity.quality
