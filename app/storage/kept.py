"""Kept statements: statements that are built once per shape. Their memory is bounded, whatever shapes callers choose."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.sql.elements import ClauseElement

from app.storage.connection import compile_statement

P = ParamSpec("P")
StatementT = TypeVar("StatementT", bound=ClauseElement)

MOST_CHARACTERS = 500_000
"""The most characters of SQL of all kept statements. SQLAlchemy's objects take about 60 bytes for each."""
LONGEST = 16_000
"""A statement with more characters of SQL is not kept: a filter of some 150 conditions. The longest change has 13,200."""


class Key:
    """The arguments of a function that builds statements, with their hash."""

    __slots__ = ("hash", "parts")

    def __init__(self, parts: tuple[Hashable, ...]) -> None:
        self.parts = parts
        self.hash = hash(parts)

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.parts == other.parts


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement, and the length of its SQL."""

    statement: ClauseElement
    characters: int


class KeptStatements:
    """The statements that were used last, up to a number of characters of SQL."""

    def __init__(self, most: int = MOST_CHARACTERS, longest: int = LONGEST) -> None:
        self.most, self.longest = most, longest
        self.characters = 0
        self.entries: OrderedDict[Key, Entry] = OrderedDict()

    def find(self, key: Key) -> ClauseElement | None:
        entry = self.entries.get(key)
        if entry is None:
            return None
        self.entries.move_to_end(key)
        return entry.statement

    def add(self, key: Key, statement: ClauseElement) -> None:
        """Keeps a statement unless it is long, and drops those that were not used for the longest time."""
        characters = len(compile_statement(statement, None)[0])
        if characters > self.longest:
            return
        self.entries[key] = Entry(statement, characters)
        self.characters += characters
        while self.characters > self.most:
            _, dropped = self.entries.popitem(last=False)
            self.characters -= dropped.characters


KEPT = KeptStatements()


def keep_statements(build: Callable[P, StatementT]) -> Callable[P, StatementT]:
    """Makes a function build each statement once, as long as the statement is kept. Its arguments must be hashable."""

    @wraps(build)
    def find(*arguments: P.args, **options: P.kwargs) -> StatementT:
        key = Key((build, arguments, *options.items()))
        kept = KEPT.find(key)
        if kept is not None:
            return kept  # type: ignore[return-value]
        statement = build(*arguments, **options)
        KEPT.add(key, statement)
        return statement

    return find
