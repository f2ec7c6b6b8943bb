"""Searcher: finds what contains words, at a cost that hardly depends on how many clients there are.

Frequent hits are found among the first rows of a list, rare ones by the index over the search text. Which they are is
seen by looking: at a window of the first rows, then at ten times as many where that promises a whole page, and only then
at the index, with those terms that are rare.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from app.clients.statements import MOST_CANDIDATES, survey_statement
from app.query.face import Face
from app.query.model import Page, Query
from app.query.search_terms import Term, query_terms, word_terms
from app.query.sql.orders import is_walked
from app.query.sql.pages import Search, Way, complete_orders, condition_parameters
from app.storage.connection import Connection
from app.storage.tables import clients

WINDOW, FURTHER = 1000, 10
"""How many rows are looked at first, and how many times as many where some hits were there."""
PROMISE = 7
"""A further look is worth it when so many windows like the first would fill the page: fewer than it sees, for chance."""
RARE, FREQUENT = 500, 20
"""A term is rare if at most one row in 500 has it; where one is, the index is spared terms that one row in 20 has."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first rows of an organization tell about a search. `ends`: they are all of its rows.

    `common`: there are several terms, and none is rare. `hits` is how many rows have all of them.
    """

    wide: bool
    ends: bool
    terms: tuple[Term, ...]
    common: bool = False
    hits: int = 0


Find: TypeAlias = Callable[[Search], Awaitable[list[tuple[str, str | None]]]]
Rank: TypeAlias = Callable[[Search], Awaitable[list[tuple[str, int]]]]


@dataclass(frozen=True, slots=True)
class Searcher:
    """Over one connection that plans each statement for its values; `window` is how many rows are looked at first."""

    connection: Connection
    organization: str
    window: int = WINDOW

    async def page(self, find: Find, face: Face, query: Query, page: Page) -> list[tuple[str, str | None]]:
        """The rows of a page, whichever way they are found."""
        wanted = page.skip + page.limit
        if wanted <= self.window and is_walked(clients, face, complete_orders(query.orders)):
            words = walked(word_terms(query.words))
            rows = await find(Search(words, Way.WALK, self.window))
            if len(rows) == page.limit:
                return rows
            survey = await self.survey(query_terms(query, face), query.deleted_too)
            if survey.ends:
                return rows
            if rows and (survey.common or PROMISE * (page.skip + len(rows) - 1) >= wanted):
                rows = await find(Search(words, Way.WALK, self.window * FURTHER))
                if len(rows) == page.limit:
                    return rows
        else:
            survey = await self.survey(query_terms(query, face), query.deleted_too)
        return await find(Search(survey.terms, Way.GATHER, wide=survey.wide))

    async def rank(self, find: Rank, words: tuple[str, ...]) -> list[str]:
        """The best hits: of all of them, or of the first thousand that were found."""
        survey = await self.survey(word_terms(words), deleted_too=False, counted=True)
        rows: list[tuple[str, int]] = []
        if survey.ends or survey.hits * FURTHER >= MOST_CANDIDATES:
            rows = await find(Search(walked(survey.terms), Way.WALK, self.window * FURTHER))
        if not survey.ends and (not rows or rows[0][1] < MOST_CANDIDATES):
            rows = await find(Search(survey.terms, Way.GATHER, wide=survey.wide))
        return [json for json, _ in rows]

    async def survey(self, terms: tuple[Term, ...], deleted_too: bool, *, counted: bool = False) -> Survey:
        """What the first rows by id tell; the terms are told apart only if there are several, or they are `counted`."""
        sought = walked(terms) if counted or len(terms) > 1 else ()
        statement = survey_statement(tuple(term.shape for term in sought), deleted_too, self.window)
        parameters = {"organization": self.organization, **condition_parameters((), sought)}
        wide, seen, *counts = (await self.connection.execute(statement, parameters)).one()
        ends = seen < self.window
        if not counts:
            return Survey(wide, ends, terms)
        *each, hits = counts
        common = min(each) * RARE > seen
        chosen = tuple(
            replace(term, indexed=common or count * FREQUENT <= seen) for term, count in zip(terms, each, strict=True)
        )
        return Survey(wide, ends, chosen, common and len(terms) > 1, hits)


def walked(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """The terms of a statement that asks no index."""
    return tuple(replace(term, indexed=False) for term in terms)
