"""Query strings and forms with brackets: `a[b][0]=c` as the npm package qs reads it, and LoopBack with it."""

import re
from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from app.errors import Malformed

MOST_PARAMETERS = 1000
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
INDEX = re.compile(r"0|[1-9][0-9]{0,2}")
SEGMENT = re.compile(r"\[([^\[\]]*)\]")
BRACKETS = re.compile(r"(\[[^\[\]]*\])+")

Value: TypeAlias = "str | list[Value] | dict[str, Value]"
Node: TypeAlias = "str | _Items | dict[str, Node]"


class TooManyParameters(Malformed):
    """There are over 1,000 parameters."""


class TooManyBrackets(Malformed):
    """A name has too many brackets."""


class _Items(dict[int, Node]):
    """An unfinished list: its members by their indexes, which may have gaps."""

    def append(self, node: Node) -> None:
        self[max(self, default=-1) + 1] = node


def read_parameters(text: str, deepest: int, wanted: frozenset[str] | None = None) -> dict[str, Value]:
    """The values by name; a repeated name is a list. `wanted` limits the names that are read.

    Raises TooManyParameters, TooManyBrackets for a name with over `deepest` brackets, and Malformed for brackets that do
    not match, because a part of the name would be lost. Without `wanted`, a name without a closed bracket is a plain name.
    """
    if not text:
        return {}
    parts = text.split("&")
    if len(parts) > MOST_PARAMETERS:
        raise TooManyParameters(f"The query string must have at most {MOST_PARAMETERS} parameters; got {len(parts)}.")
    read: dict[str, Node] = {}
    for chain, leaf in _leaves(parts, deepest, wanted):
        read = _merged_dict(read, {chain[0]: _nested(chain[1:], leaf)})
    return {name: _finished(node) for name, node in read.items()}


def _leaves(parts: list[str], deepest: int, wanted: frozenset[str] | None) -> Iterator[tuple[list[str], Node]]:
    """Each name as its segments, with its value, or with all values of a repeated name."""
    values_of: dict[str, list[str]] = {}
    for part in parts:
        name, value = _split(part)
        if name and (wanted is None or name.partition("[")[0] in wanted):
            values_of.setdefault(name, []).append(decode_text(value))
    for name, values in values_of.items():
        yield (
            _segments(name, deepest, strictly=wanted is not None),
            values[0] if len(values) == 1 else _Items(enumerate(values)),
        )


def _split(part: str) -> tuple[str, str]:
    """Name and value, split at the first equals sign outside brackets."""
    at = part.find("=")
    plain = part[:at] if at >= 0 else part
    if at >= 0 and plain.count("[") > plain.count("]"):
        closed = part.find("]=")
        at = closed + 1 if closed >= 0 else at
    return (decode_text(part[:at]), part[at + 1 :]) if at >= 0 else (decode_text(part), "")


def decode_text(text: str) -> str:
    """Percent-decoded text with plus signs as blanks. Invalid text is returned unchanged."""
    text = text.replace("+", " ")
    if "%" not in text and text.isascii():
        return text
    try:
        return text if BAD_PERCENT.search(text) else unquote_to_bytes(text.encode("latin-1")).decode()
    except ValueError:
        return text


def _segments(name: str, deepest: int, *, strictly: bool) -> list[str]:
    start = name.find("[")
    segments = SEGMENT.findall(name, start) if start >= 0 else []
    if start >= 0 and not BRACKETS.fullmatch(name, start) and (segments or strictly):
        raise Malformed(f"The brackets in {name} must match.", name[:start])
    if not segments:
        return [name]
    if len(segments) > deepest:
        raise TooManyBrackets(f"{name[:start]} must have at most {deepest} brackets.", name[:start])
    return [name[:start], *segments] if start else segments


def _nested(segments: list[str], leaf: Node) -> Node:
    """The value inside its objects and lists. An empty segment or a number makes a list."""
    for segment in reversed(segments):
        if segment == "":
            leaf = _Items(leaf) if isinstance(leaf, _Items) else _Items({0: leaf})
        elif INDEX.fullmatch(segment):
            leaf = _Items({int(segment): leaf})
        else:
            leaf = {segment: leaf}
    return leaf


def _merged(target: Node, source: Node) -> Node:
    if isinstance(source, str):
        return _merged_text(target, source)
    if isinstance(target, str):
        return _Items(enumerate([target, *(source.values() if isinstance(source, _Items) else [source])]))
    if isinstance(target, _Items) and isinstance(source, _Items):
        return _merged_items(target, source)
    return _merged_dict(_as_dict(target), _as_dict(source))


def _merged_text(target: Node, source: str) -> Node:
    if not source:
        return target
    if isinstance(target, str):
        return _Items(enumerate([target, source]))
    if isinstance(target, _Items):
        target.append(source)
        return target
    return {**target, source: "true"}


def _merged_items(target: _Items, source: _Items) -> _Items:
    for index, node in source.items():
        if index not in target:
            target[index] = node
        elif isinstance(target[index], dict):
            target[index] = _merged(target[index], node)
        else:
            target.append(node)
    return target


def _merged_dict(target: dict[str, Node], source: dict[str, Node]) -> dict[str, Node]:
    for name, node in source.items():
        target[name] = _merged(target[name], node) if name in target else node
    return target


def _as_dict(node: "_Items | dict[str, Node]") -> dict[str, Node]:
    return {str(index): inner for index, inner in node.items()} if isinstance(node, _Items) else node


def _finished(node: Node) -> Value:
    if isinstance(node, str):
        return node
    if isinstance(node, _Items):
        return [_finished(node[index]) for index in sorted(node)]
    return {name: _finished(inner) for name, inner in node.items()}
