"""The parts of the demo clients, read from countries.toml."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Word:
    """A word in its own script and in Latin letters, which need not be ASCII."""

    text: str
    latin: str

    @classmethod
    def read(cls, entry: str) -> "Word":
        text, _, latin = entry.partition("~")
        return cls(text, latin or text)

    def __add__(self, other: "Word") -> "Word":
        return Word(self.text + other.text, self.latin + other.latin)


@dataclass(frozen=True, kw_only=True)
class Country:
    """The parts of one country's clients. The head of countries.toml describes their notation."""

    name: str
    code: str
    share: int
    cities: Sequence[tuple[str, str, str, str]]
    streets: Sequence[str]
    addresses: Sequence[str]
    extras: Sequence[str]
    starts: Sequence[str]
    ends: Sequence[str]
    trades: Sequence[str]
    companies: Sequence[str]
    men: Sequence[str]
    women: Sequence[str]
    families: Sequence[str]
    person: str
    notes: Sequence[str]
    banks: Sequence[tuple[str, str, str]]
    bban_check: str = "none"
    tax: tuple[str, str, str]
    registry: str


@dataclass(frozen=True)
class TrickyClient:
    """A client whose name and note are hard to handle: quotes, wildcards, line breaks, long texts."""

    code: str
    name: str
    note: str


@dataclass(frozen=True)
class SourceData:
    """The contents of countries.toml. Unknown and missing keys fail when they are read into these classes."""

    countries: Sequence[Country]
    tricky_clients: Sequence[TrickyClient]
    common: Mapping[str, Sequence[str]]
    latin: Mapping[int, str]


@cache
def load_source_data() -> SourceData:
    """Reads countries.toml once per process."""
    data: dict[str, Any] = tomllib.loads(files("scripts.demo").joinpath("countries.toml").read_text("utf-8"))
    letters = " ".join(data["latin"].values()).split()
    return SourceData(
        countries=[Country(**row) for row in data["country"]],
        tricky_clients=[TrickyClient(**row) for row in data["tricky_client"]],
        common=data["common"],
        latin={ord(pair[0]): pair[1:] for pair in letters},
    )


def make_slug(words: str, separator: str = "-") -> str:
    """Returns ASCII letters and digits joined by the separator, at most 40 characters; empty without such characters."""
    bare = unicodedata.normalize("NFKD", words.lower())
    plain = unicodedata.normalize("NFC", "".join(sign for sign in bare if not unicodedata.combining(sign)))
    ascii_only = re.sub(r"['’״׳]", "", plain).translate(load_source_data().latin).encode("ascii", "replace").decode()
    return re.sub(r"[^a-z0-9]+", separator, ascii_only)[:40].strip(separator)
