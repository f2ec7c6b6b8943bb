"""ListRequest: a question about the records of a face, completed once for the service, the repository and the compiler."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from app.query.cursor import make_fingerprint, positions, read_cursor, step_before, step_past
from app.query.face import RELEVANCE, Face
from app.query.model import EVERYTHING, NO_CONDITIONS, And, Compare, Not, Or, Order, Page, Predicate, Query, Scalar
from app.query.operators import Behaviour
from app.query.search_terms import Term, query_terms
from app.query.sql.conditions import parametrize
from app.query.sql.render import Selection

MOST_WILDCARDS = 3
"""A LIKE pattern with more wildcards takes a time that grows with a power of the length of the text."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parts of an answer that an API shows.

    `cursors`: the order values of each row. `beyond`: whether rows lie outside the bounds of the page. `edges`: the selection
    shows the cursor of its row. `joined`: the rows are one text, and only the first and the last one have order values.
    """

    rows: bool = True
    total: bool = False
    cursors: bool = True
    beyond: bool = False
    edges: bool = False
    joined: bool = False


ROWS = Wanted(cursors=False)
TOTAL = Wanted(rows=False, total=True, cursors=False)
ROWS_AND_TOTAL = Wanted(total=True, cursors=False)
LIST_AND_TOTAL = Wanted(total=True, cursors=False, joined=True)


@dataclass(frozen=True, slots=True)
class CursorArgument:
    """The text of a cursor, and the name of the argument that holds it."""

    name: str
    text: str


class PageArguments(NamedTuple):
    """A page as a caller describes it: as Page, with the texts of cursors in place of order values."""

    limit: int
    skip: int = 0
    after: CursorArgument | None = None
    before: CursorArgument | None = None
    backward: bool = False


NO_ROWS = PageArguments(0)

ASCENDING_ID, DESCENDING_ID = Order("id"), Order("id", descending=True)


class ListRequest(NamedTuple):
    """One page of the records of a face, or their number. A tuple, because each request builds one or two.

    - `orders` end in id, so that they are total.
    - `where` is the predicate without its values; `values` are the parameters that stand for them.
    - `terms` are the search terms: those of `words` first, then those that the predicate implies.
    - `fingerprint` binds cursors to this question; it is empty where no cursors are wanted.
    """

    face: Face
    selection: Selection
    orders: tuple[Order, ...]
    where: Predicate
    values: Sequence[Scalar]
    words: tuple[str, ...]
    terms: tuple[Term, ...]
    deleted_too: bool
    page: Page
    wanted: Wanted
    fingerprint: str

    @property
    def by_relevance(self) -> bool:
        return any(order.column == RELEVANCE.column for order in self.orders)

    @property
    def word_terms(self) -> tuple[Term, ...]:
        """The terms of the search words alone."""
        return self.terms[: len(self.words)]

    @property
    def is_unconditional(self) -> bool:
        """True for the list of all live records."""
        return self.where == EVERYTHING and not self.words and not self.deleted_too

    @property
    def has_slow_pattern(self) -> bool:
        """True if a condition has a pattern that may take long."""
        return self.where is not EVERYTHING and has_slow_pattern(self.where, self.values)

    def with_page(self, page: Page) -> "ListRequest":
        """The same question for another page."""
        return self._replace(page=page)

    def with_one_more(self) -> "ListRequest":
        """The same page with one row more, which tells that further rows follow."""
        page = self.page
        return self.with_page(Page(page.limit + 1, page.skip, page.after, page.before, page.backward))

    def row_up_to_start(self) -> "ListRequest | None":
        """The last row at `page.after` or earlier; None for a page without that bound."""
        if self.page.after is None:
            return None
        return self._outside(Page(1, before=step_past(self.orders, self.page.after), backward=True))

    def row_from_end(self) -> "ListRequest | None":
        """The first row at `page.before` or later; None for a page without that bound."""
        if self.page.before is None:
            return None
        return self._outside(Page(1, after=step_before(self.orders, self.page.before)))

    def _outside(self, page: Page) -> "ListRequest":
        return self._replace(selection=(), page=page, wanted=ROWS)


def complete_request(
    face: Face, selection: Selection, query: Query, page: PageArguments, wanted: Wanted
) -> ListRequest:
    """The request that an API makes of its arguments. Raises Malformed for a cursor that belongs to another question."""
    orders = complete_orders(query.orders)
    shows_cursors = wanted.cursors or wanted.edges or page.after is not None or page.before is not None
    scope = make_fingerprint(face.name, query) if shows_cursors else ""
    values: list[Scalar] = []
    return ListRequest(
        face=face,
        selection=selection,
        orders=orders,
        where=parametrize(query.where, values),
        values=tuple(values),
        words=query.words,
        terms=query_terms(query, face),
        deleted_too=query.deleted_too,
        page=_read_page(page, face, orders, scope),
        wanted=wanted,
        fingerprint=scope,
    )


def count_request(face: Face, query: Query) -> ListRequest:
    """The request for the number of records that a query matches."""
    return count_everything(face) if query is NO_CONDITIONS else complete_request(face, (), query, NO_ROWS, TOTAL)


@cache
def count_everything(face: Face) -> ListRequest:
    return complete_request(face, (), NO_CONDITIONS, NO_ROWS, TOTAL)


def complete_orders(orders: Sequence[Order]) -> tuple[Order, ...]:
    """The orders up to id, which makes them total. An added id has the direction of the last order."""
    first: dict[tuple[str, ...], Order] = {}
    for order in orders:
        first.setdefault((order.column, *order.path), order)
        if order.column == "id":
            return tuple(first.values())
    kept = tuple(first.values())
    return (*kept, DESCENDING_ID if kept and kept[-1].descending else ASCENDING_ID)


def _read_page(page: PageArguments, face: Face, orders: Sequence[Order], scope: str) -> Page:
    after = None if page.after is None else _read_position(page.after, face, orders, scope)
    before = None if page.before is None else _read_position(page.before, face, orders, scope)
    return Page(page.limit, page.skip, after, before, page.backward)


def _read_position(cursor: CursorArgument, face: Face, orders: Sequence[Order], scope: str) -> tuple[Scalar, ...]:
    return positions(face, orders, read_cursor(scope, cursor.text, cursor.name, len(orders)), cursor.name)


def comparisons(predicate: Predicate) -> Iterator[Compare]:
    """Every condition in a predicate."""
    match predicate:
        case And(parts) | Or(parts):
            for part in parts:
                yield from comparisons(part)
        case Not(part):
            yield from comparisons(part)
        case Compare():
            yield predicate


def has_slow_pattern(predicate: Predicate, values: Sequence[Scalar] = ()) -> bool:
    """True for a regular expression, and for a LIKE pattern with many wildcards.

    `values` are the values of a predicate whose own values were moved out of it.
    """
    behaviours = {compare.operator.behaviour for compare in comparisons(predicate)}
    if Behaviour.LIKE in behaviours:
        patterns = (*values, *(compare.value for compare in comparisons(predicate)))
        if any(isinstance(text, str) and text.count("%") > MOST_WILDCARDS for text in patterns):
            return True
    return Behaviour.REGEX in behaviours
