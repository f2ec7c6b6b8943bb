"""KeyPage: a page of rows that a list finds by one key, in either direction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT")
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class KeyPage(Generic[KeyT]):
    """At most `limit` rows after the row `after` and before the row `before` of a list; None stands for an end of the list.

    A backward page holds the last of these rows.
    """

    limit: int
    after: KeyT | None = None
    before: KeyT | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class KeyRows(Generic[RowT]):
    """The rows of a page in the order of the list, and whether other rows precede and follow them."""

    rows: Sequence[RowT]
    has_previous: bool
    has_next: bool


NOTHING_OUTSIDE = (False, False)


def cut_page(page: KeyPage[KeyT], rows: Sequence[RowT], outside: tuple[bool, bool]) -> KeyRows[RowT]:
    """The page, of one row more than its limit. A backward page begins with the last row.

    `outside` is (True if a row is `page.after` or precedes it, True if a row is `page.before` or follows it).
    """
    earlier, later = outside
    kept, more = rows[: page.limit], len(rows) > page.limit
    if page.backward:
        return KeyRows(kept[::-1], more or earlier, later)
    return KeyRows(kept, earlier, more or later)
