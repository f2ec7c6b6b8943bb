"""Components: parts of a document that several operations share stand there once, and the operations refer to them."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Part: TypeAlias = dict[str, Any]
"""A part of an OpenAPI document."""

SEPARATOR = re.compile(r"[^A-Za-z0-9]+")


def to_name(text: str) -> str:
    """A text as the name of a component: `If-Match` becomes `IfMatch`."""
    return "".join(word[:1].upper() + word[1:] for word in SEPARATOR.split(text))


@dataclass(slots=True)
class Shared:
    """The shared parts of one section of the components. A part that occurs once stays where it is."""

    section: str
    counts: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)

    def count(self, parts: Iterable[Part]) -> None:
        self.counts.update(map(_write, parts))

    def place(self, name: str, part: Part) -> Part:
        """The part itself, or a reference to it if it occurs several times."""
        text = _write(part)
        if self.counts[text] < 2:
            return part
        if text not in self.names:
            self.names[text] = self._free_name(to_name(name))
            self.parts[self.names[text]] = part
        return {"$ref": f"#/components/{self.section}/{self.names[text]}"}

    def _free_name(self, name: str) -> str:
        numbered = (f"{name}{number}" for number in range(2, len(self.parts) + 3))
        return name if name not in self.parts else next(other for other in numbered if other not in self.parts)


def _write(part: Part) -> str:
    return json.dumps(part, sort_keys=True)
