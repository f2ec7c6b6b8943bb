"""Searcher: finds the rows that contain search terms, at a cost that hardly depends on the number of clients.

Frequent hits are among the first rows of a list; the index over the search text finds rare ones. Searcher looks at a
window of the first rows, then at ten times as many where that promises a whole page. Only then does it use the index,
with the terms that are rare. The index does not know terms of one or two letters: where a search has no other term, all
rows of the organization are scanned.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from app.clients.statements import MOST_CANDIDATES, sample_statement
from app.query.request import ListRequest
from app.query.search_terms import Term, word_terms
from app.query.sql.orders import is_indexed
from app.query.sql.page_rows import Way
from app.query.sql.pages import Search, condition_parameters
from app.storage.connection import Connection
from app.storage.tables import clients

WINDOW, FURTHER = 1000, 10
"""The number of rows that are looked at first, and its multiple for the second look, where the first one saw hits."""
PROMISE = 7
"""A second look is worth it when so many windows like the first would fill the page: fewer than it sees, for chance."""
RARE, FREQUENT = 500, 20
"""A term is rare if at most one row in 500 has it. Beside a rare term, the index skips terms that one row in 20 has."""
RARER = 10
"""Without a rare term, the index skips terms that have more than so many times the rows of the rarest."""


@dataclass(frozen=True, slots=True)
class SampleStatistics:
    """The facts that a sample, the first rows of an organization by id, gives about search terms.

    - `skip_tenant_key`: the organization has a good part of the table; see Search.
    - `whole`: the sample holds all rows of the organization.
    - `common`: there are several terms, and none is rare.
    - `hits`: the number of rows in the sample that have every term.
    """

    skip_tenant_key: bool
    whole: bool
    terms: tuple[Term, ...]
    common: bool = False
    hits: int = 0

    def index_search(self) -> Search:
        return Search(self.terms, Way.USE_INDEX, skip_tenant_key=self.skip_tenant_key)


Find: TypeAlias = Callable[[Search], Awaitable[list[tuple[str, str | None]]]]
Rank: TypeAlias = Callable[[Search], Awaitable[list[tuple[str, int]]]]


@dataclass(frozen=True, slots=True)
class Searcher:
    """Over one connection that plans each statement for its values. `window` is the number of rows of the first look."""

    connection: Connection
    organization: str
    window: int = WINDOW

    async def page(self, find: Find, request: ListRequest) -> list[tuple[str, str | None]]:
        """The rows of a page. `find` runs the statement of one search."""
        wanted = request.page.skip + request.page.limit
        if wanted > self.window or not is_indexed(clients, request.face, request.orders):
            return await find((await self.sample(request.terms, request.deleted_too)).index_search())
        terms = without_index(request.word_terms)
        rows = await find(Search(terms, Way.SCAN_WINDOW, self.window))
        if len(rows) == request.page.limit:
            return rows
        sample = await self.sample(request.terms, request.deleted_too)
        if sample.whole:
            return rows
        if rows and (sample.common or PROMISE * (request.page.skip + len(rows) - 1) >= wanted):
            rows = await find(Search(terms, Way.SCAN_WINDOW, self.window * FURTHER))
            if len(rows) == request.page.limit:
                return rows
        return await find(sample.index_search())

    async def rank(self, find: Rank, words: tuple[str, ...]) -> list[str]:
        """The best hits: of all hits, or of the first thousand."""
        sample = await self.sample(word_terms(words), deleted_too=False, counted=True)
        rows: list[tuple[str, int]] = []
        if sample.whole or sample.hits * FURTHER >= MOST_CANDIDATES:
            rows = await find(Search(without_index(sample.terms), Way.SCAN_WINDOW, self.window * FURTHER))
        if not sample.whole and (not rows or rows[0][1] < MOST_CANDIDATES):
            rows = await find(sample.index_search())
        return [json for json, _ in rows]

    async def sample(self, terms: tuple[Term, ...], deleted_too: bool, *, counted: bool = False) -> SampleStatistics:
        """The statistics of the first rows by id. Terms are counted only if there are several, or with `counted`."""
        sought = without_index(terms) if counted or len(terms) > 1 else ()
        statement = sample_statement(tuple(term.shape for term in sought), deleted_too, self.window)
        parameters = {"organization": self.organization, **condition_parameters((), sought)}
        skip_tenant_key, seen, *counts = (await self.connection.execute(statement, parameters)).one()
        whole = seen < self.window
        if not counts:
            return SampleStatistics(skip_tenant_key, whole, terms)
        *each, hits = counts
        common = min(each) * RARE > seen
        rarest = min((count for term, count in zip(terms, each, strict=True) if term.indexed), default=0)
        most = max(seen // FREQUENT, rarest * RARER if common else 0)
        chosen = tuple(
            replace(term, indexed=term.indexed and count <= most) for term, count in zip(terms, each, strict=True)
        )
        return SampleStatistics(skip_tenant_key, whole, chosen, common and len(terms) > 1, hits)


def without_index(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """The terms of a statement that uses no index."""
    return tuple(replace(term, indexed=False) for term in terms)
