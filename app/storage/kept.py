"""Kept statements: statements that are built once per shape. Their memory is bounded, whatever shapes callers choose."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeAlias, TypeVar

from sqlalchemy.sql.elements import ClauseElement

from app.observability.totals import CACHE_USES
from app.storage.connection import compile_statement

P = ParamSpec("P")
StatementT = TypeVar("StatementT", bound=ClauseElement)

MOST_CHARACTERS = 500_000
"""The most characters of SQL of all kept statements. SQLAlchemy's objects take about 60 bytes for each."""
HIT, MISS = ("statements", "hit"), ("statements", "miss")
LONGEST = 16_000
"""A statement with more characters of SQL is not kept: a filter of some 150 conditions. The longest change has 14,100."""


Key: TypeAlias = tuple[Hashable, ...]
"""A function that builds statements, and its arguments."""


@dataclass(slots=True)
class Entry:
    """A statement, and the length of its SQL. `used` is true if it was used since it was last spared."""

    statement: ClauseElement
    characters: int
    used: bool = False


class KeptStatements:
    """The statements that were used lately, up to a number of characters of SQL.

    A use only marks its statement. A statement that would be dropped and was used in the meantime is spared once more.
    """

    def __init__(self, most: int = MOST_CHARACTERS, longest: int = LONGEST) -> None:
        self.most, self.longest = most, longest
        self.characters = 0
        self.entries: OrderedDict[Key, Entry] = OrderedDict()

    def add(self, key: Key, statement: ClauseElement) -> None:
        """Keeps a statement unless it is long, and drops those that were not used for long."""
        characters = len(compile_statement(statement, None)[0])
        if characters > self.longest:
            return
        self._make_room(characters)
        self.entries[key] = Entry(statement, characters)
        self.characters += characters

    def _make_room(self, characters: int) -> None:
        while self.entries and self.characters + characters > self.most:
            key, entry = self.entries.popitem(last=False)
            if entry.used:
                entry.used = False
                self.entries[key] = entry
            else:
                self.characters -= entry.characters


KEPT = KeptStatements()


def keep_statements(build: Callable[P, StatementT]) -> Callable[P, StatementT]:
    """Makes a function build each statement once, as long as the statement is kept. Its arguments must be hashable."""

    @wraps(build)
    def find(*arguments: P.args, **options: P.kwargs) -> StatementT:
        key = (build, arguments, *options.items())
        kept = KEPT.entries.get(key)
        if kept is not None:
            CACHE_USES[HIT] += 1
            kept.used = True
            return kept.statement  # type: ignore[return-value]
        CACHE_USES[MISS] += 1
        statement = build(*arguments, **options)
        KEPT.add(key, statement)
        return statement

    return find
