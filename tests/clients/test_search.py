"""Searching: whichever way the hits of a question are found, they are the same, in the same order."""

import re
from itertools import combinations
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import FromClause, Select, false, null, select, true

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, V1
from app.clients.repository import ClientRepository
from app.clients.search import without_index
from app.clients.sources import make_looks
from app.query import operators
from app.query.face import Face
from app.query.model import EVERYTHING, And, Compare, Not, Or, Order, Page, Predicate, Query
from app.query.operators import Operator
from app.query.request import ListRequest, count_request
from app.query.search_terms import query_terms, word_terms
from app.query.sql.looks import find_rows
from app.query.sql.orders import order_keys
from app.query.sql.page_rows import Place, Way
from app.query.sql.pages import Search, condition_parameters, page_parameters, page_statement
from app.query.sql.render import render_object
from app.storage.connection import Connection
from app.storage.database import Database
from app.storage.tables import clients
from tests.query.evaluation import holds
from tests.query.test_pages import START, position, seed, sort_rows
from tests.seeding import fold, request_of

ANYHOW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
TEXTS = st.sampled_from(["a", "Ab", "ab cab", "Čab abc", "abc-ab", "cab 100%", "b_a", "straße"])
ROW = {
    "name": TEXTS,
    "email": st.none() | TEXTS,
    "city": st.none() | TEXTS,
    "metadata": st.sampled_from([{}, {"k": "ab"}, {"k": "Cab", "l": "b"}]),
    "custom": st.sampled_from([None, {"k": "ab"}, {"k": 12}, {"k": "12"}, {"k": {"ab": "b"}}]),
    "created_at": st.just(START),
    "updated_at": st.just(START),
    "deleted_at": st.sampled_from([None, None, None, START]),
}
ROWS = st.lists(st.fixed_dictionaries(ROW), min_size=3, max_size=12)
WORDS = st.sampled_from([(), ("a",), ("ab",), ("cab",), ("AB", "cab"), ("č",), ("100%", "ca"), ("b_a",), ("strasse",)])
PARTS = (operators.CONTAINS, operators.STARTS_WITH, operators.ENDS_WITH)
COLUMNS = ("name", "email", "city")
ORDERS = st.lists(st.builds(Order, st.sampled_from(["id", *COLUMNS, "created_at"]), st.booleans()), max_size=2).map(
    tuple
)


def escaped(text: str) -> str:
    """A text as a LIKE pattern that means just it."""
    return re.sub(r"([%_\\])", r"\\\1", text)


@st.composite
def conditions(draw: st.DrawFn, face: Face) -> Predicate:
    """A condition on a searched text of a face, of a value that rows have, or of a part of one."""
    value = draw(TEXTS)
    start, end = sorted((draw(st.integers(0, len(value))), draw(st.integers(0, len(value)))))
    column, part, blind = draw(st.sampled_from(COLUMNS)), value[start:end], draw(st.booleans())
    pattern = escaped(part)
    document = "metadata" if face is CUSTOMER else "custom"
    plain = st.sampled_from(
        [
            Compare(column, operators.EQ, value),
            *(Compare(column, one, part, ignore_case=blind) for one in PARTS),
            *(Compare(column, operators.LIKE, one, ignore_case=blind) for one in (f"{pattern}%", f"%{pattern}_%")),
            Compare(document, operators.EQ, draw(st.sampled_from(["ab", "Cab", "12", '{"ab": "b"}'])), ("k",)),
        ]
    )
    one, other = draw(plain), draw(plain)
    every: list[Predicate] = [one, one, And((one, other)), Or((one, other)), Not(one)]
    return draw(st.sampled_from(every))


@st.composite
def questions(draw: st.DrawFn) -> tuple[Face, Query]:
    face = draw(st.sampled_from([V1, CUSTOMER, GRAPHQL_CLIENT]))
    where = draw(st.just(EVERYTHING) | conditions(face))
    return face, Query(where, draw(WORDS), draw(ORDERS), draw(st.booleans()))


def has_words(row: dict[str, Any], words: tuple[str, ...]) -> bool:
    """Whether a row would be found, computed apart from the database."""
    documents = [value for document in (row["metadata"], row["custom"] or {}) for value in document.values()]
    inner = [value for one in documents if isinstance(one, dict) for value in one.values()]
    texts = [row[column] or "" for column in COLUMNS] + [one for one in (*documents, *inner) if isinstance(one, str)]
    text = " " + " ".join(fold(" ".join(texts)).split())
    return all(fold(word) in text for word in words)


async def every_way(
    connection: Connection, organization: str, face: Face, query: Query, page: Page
) -> dict[str, list[str]]:
    """The ids of a page, found by looking at windows of several sizes, and by each statement alone."""
    selection, terms = (("id", face.columns["id"]),), query_terms(query, face)
    found: dict[str, Any] = {}
    for window in (1, 3, 1000):
        repository = ClientRepository(connection, window)
        found[f"window of {window}"] = await repository.page(organization, request_of(face, query, page, selection))
    for name, search in {
        "plain": Search(word_terms(query.words)),
        "walk": Search(without_index(word_terms(query.words)), Way.SCAN_WINDOW, 1000),
        "gather": Search(terms, Way.USE_INDEX),
        "wide": Search(without_index(terms), Way.USE_INDEX, skip_tenant_key=True),
    }.items():
        statement, parameters = page_statement(clients, request_of(face, query, page, selection), search)
        found[name] = await connection.execute(statement, {"organization": organization, **parameters})
    prefix = face.columns["id"].codec.prefix
    found |= await every_look(connection, organization, request_of(face, query, page, selection))
    return {name: [orjson.loads(json)["id"].removeprefix(prefix) for json, _ in rows] for name, rows in found.items()}


async def every_look(connection: Connection, organization: str, request: ListRequest) -> dict[str, Any]:
    """As `every_way`, found by one statement that chooses the way."""
    parameters = {"organization": organization, **page_parameters(request.page, "n_")}
    parameters |= condition_parameters(request.values, request.terms, "n_")
    found: dict[str, Any] = {}
    for window, is_big in ((1, false()), (3, true()), (1000, false())):
        looks = make_looks(request, "n_", window)
        rows = find_rows(looks, ["id"], Place(prefix="n_"), is_big)
        order = order_keys(looks.hits.order, [rows.c[f"k{index}"] for index in range(len(request.orders))])
        found[f"looks at {window}"] = await connection.execute(show_ids(request, rows).order_by(*order), parameters)
    return found


def show_ids(request: ListRequest, rows: FromClause) -> Select[str, None]:
    """(JSON, null) of the id of each row."""
    return select(render_object(request.selection, rows.c), null()).select_from(rows)


async def positions_of(connection: Connection, organization: str, face: Face, query: Query) -> list[tuple[Any, ...]]:
    """The position of every row of the organization, in the order of a query."""
    rows = Query(orders=query.orders, deleted_too=True)
    found = await ClientRepository(connection).page(organization, request_of(face, rows, Page(99)))
    return [position(face, query, str(keys)) for _, keys in found]


@ANYHOW
@given(
    rows=ROWS,
    question=questions(),
    limit=st.integers(1, 4),
    skip=st.integers(0, 2),
    backward=st.booleans(),
    bounds=st.tuples(*[st.none() | st.integers(0, 11)] * 2),
)
async def test_every_way_gives_the_same_page(
    database: Database,
    rows: list[dict[str, Any]],
    question: tuple[Face, Query],
    limit: int,
    skip: int,
    backward: bool,
    bounds: tuple[int | None, int | None],
) -> None:
    (face, query), made = (
        question,
        [{"id": f"{index * 7919 % 104729:024x}", **row} for index, row in enumerate(rows, 1)],
    )
    organization = await seed(database, made)
    live = [row for row in made if query.deleted_too or row["deleted_at"] is None]
    met = [row for row in live if has_words(row, query.words) and holds(query.where, row, face)]
    everyone, expected = sort_rows(face, made, query.orders), sort_rows(face, met, query.orders)
    first, last = (one if face.folds and one is not None and one < len(made) else None for one in bounds)
    low, high = -1 if first is None else first, len(made) if last is None else last
    expected = [one for one in expected if low < everyone.index(one) < high]
    async with database.read() as connection:
        marks = await positions_of(connection, organization, face, query) if face.folds else []
        after, before = (None if one is None else marks[one] for one in (first, last))
        page = Page(limit, skip, after, before, backward and face.folds)
        found = await every_way(connection, organization, face, query, page)
        counted = await ClientRepository(connection, 2).count(organization, count_request(face, query))
    walk = expected[::-1] if page.backward else expected
    assert found == dict.fromkeys(found, walk[skip : skip + limit])
    assert counted == len(met) or (query.where == EVERYTHING and not query.words and not query.deleted_too)


NASTY = (
    "e\u0301ab", "ab\u05b0\u05b8", "\u05b8ab", "´ab¨ b", "\ufdfaab", "\u0958\u20d2ab", "ǆab", "ſab", "ΟΔΟΣ ab", "\u212aab",
    "ab\u00a0b", "İß", "ab\tab", " ab  b ", "abc-ab", "100%_ab\\b", "각가", "\u037aab", "½ ab", "ẞab b", "ab\u0301\u05b8\u05b0b",
)  # fmt: skip
"""Texts of letters that change when they are folded, or that change others."""


def implied(operator: Operator, value: str) -> set[tuple[str, bool]]:
    return {(term.text, term.begins) for term in query_terms(Query(Compare("city", operator, value)), V1)}


async def test_a_condition_implies_its_terms(database: Database) -> None:
    cases = {(text, *term) for text in NASTY for term in implied(operators.EQ, text)}
    for text in NASTY:
        for start, end in combinations(range(len(text) + 1), 2):
            part = text[start:end]
            cases |= {(text, *term) for term in implied(operators.CONTAINS, part)}
            cases |= {(text, *term) for term in implied(operators.STARTS_WITH, part) if start == 0}
            cases |= {(text, *term) for term in implied(operators.ENDS_WITH, part) if end == len(text)}
            likely = f"{'%' if start else ''}{escaped(part)}%"
            cases |= {(text, *term) for term in implied(operators.LIKE, likely)}
    lost = """
    SELECT * FROM unnest($1::text[], $2::text[], $3::bool[]) AS given (value, term, begins)
    WHERE strpos(search_words(ARRAY['x', value, 'y'], '{}', '{}', '[]'),
        CASE WHEN begins THEN ' ' ELSE '' END || squeeze(fold(term))) = 0
    """
    assert len(cases) > 50
    async with database.read() as connection:
        assert await connection.driver.fetch(lost, *map(list, zip(*cases, strict=True))) == []


async def test_rows_without_a_value_wait_for_the_end_of_those_with_one(database: Database) -> None:
    """A window that ends among the rows with a value must not go on with those without."""
    hits = {"e", *"nm"}
    made: list[dict[str, Any]]
    made = [{"id": one * 24, "name": "hit" if one in hits else "miss", "email": f"{one}@x.example"} for one in "abcdef"]
    made += [{"id": one * 24, "name": "hit", "email": None} for one in "mn"]
    organization = await seed(database, [{**row, "metadata": {}} for row in made])
    for backward, expected in ((False, "em"), (True, "nm")):
        for window in (2, 3, 4, 5, 6, 7, 8, 9):
            query = Query(words=("hit",), orders=(Order("email"),))
            async with database.read() as connection:
                found = await ClientRepository(connection, window).page(
                    organization, request_of(CUSTOMER, query, Page(2, backward=backward), (("id", V1.columns["id"]),))
                )
            assert "".join(orjson.loads(json)["id"][0] for json, _ in found) == expected, (window, backward)


async def test_window_that_ends_one_row_early_is_not_the_whole(database: Database) -> None:
    made: list[dict[str, Any]]
    made = [{"id": f"{one:024x}", "name": "hit" if one == 4 else "miss", "metadata": {}} for one in range(5)]
    organization = await seed(database, made)
    for window in range(1, 7):
        async with database.read() as connection:
            repository = ClientRepository(connection, window)
            assert len(await repository.page(organization, request_of(V1, Query(words=("hit",)), Page(1)))) == 1
            assert len(await repository.rank(organization, "hit", ("hit",), None, ())) == 1
