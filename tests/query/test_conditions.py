"""Conditions: what the database finds is what an independent evaluation of the same tree over the same rows finds."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, V1
from app.query import operators
from app.query.face import Face, Kind
from app.query.model import And, Compare, Not, Or, Order, Page, Predicate, Query
from app.query.sql.conditions import ParameterNames, condition, parametrize
from app.storage.database import Database
from app.storage.tables import clients
from tests.query.evaluation import holds
from tests.seeding import fetch_page, ids_of, insert_rows, make_organization

O = operators  # noqa: E741
START = datetime(2024, 2, 29, 10, tzinfo=UTC)

TEXTS: list[str | None] = [
    None, "", "a", "A", "b", "Ann", "ann", "Änn", "élan", "ELAN", "%", "_", "\\", "100%", "a_b", "a\\b", "a'b", 'a"b',
    "x'; DROP TABLE clients; --", "😀", "中文", "ж", "Жan", "ab", "aB", ":name", "$1", "%(p0)s", " a ", "{}", "null",
]  # fmt: skip
DOCUMENTS: list[Any] = [
    None, {}, {"a": "x"}, {"a": "X"}, {"a": "É%"}, {"a": 7}, {"a": 7.5}, {"a": 0.1}, {"a": -3}, {"a": "7"}, {"a": True},
    {"a": None}, {"a": {"b": "y"}}, {"a": ["p", "q"]}, {"a": []}, {"b": "x"}, {"a": ""},
]  # fmt: skip


def pick(values: list[Any], index: int, step: int) -> Any:
    return values[index * step % len(values)]


ROWS: list[dict[str, Any]] = [
    {
        "id": f"{index:024x}",
        "name": pick(TEXTS[1:], index, 1),
        "email": pick(TEXTS, index, 1),
        "city": pick(TEXTS, index, 7),
        "type": pick([None, "customer", "supplier", "both"], index, 1),
        "tax_subject": pick([None, True, False], index, 1),
        "is_end_customer": pick([None, True, False], index, 2),
        "created_at": START + timedelta(milliseconds=index // 2),
        "deleted_at": None,
        "version": 1 + index % 4,
        "custom": pick(DOCUMENTS, index, 1),
        "metadata": pick(DOCUMENTS[1:], index, 5),
    }
    for index in range(66)
]

PATTERNED = (O.CONTAINS, O.STARTS_WITH, O.ENDS_WITH, O.LIKE)
ORDERED = (O.LT, O.LTE, O.GT, O.GTE)
LIKES = ["a%", "%", "_", "a\\%", "%\\\\%", "\\_", "__", "%'%", "É%", "%n", "cust\\_%", ""]
REGEXES = ["^a", "n+$", "[Ab]", "é", "^$", "a.b", "\\\\", "'", "ж", "^cust_0+1$"]


def values_for(face: Face, column: str) -> list[Any]:
    """Values worth comparing a column with: some of its own, and some that no row has."""
    field = face.columns[column]
    if column == "type":
        return ["customer", "supplier", "both"]
    if field.kind is Kind.ID:
        return [ROWS[0]["id"], ROWS[7]["id"], "!none", "0" * 23, "zz"]
    if field.kind is Kind.BOOLEAN:
        return [True, False]
    if field.kind is Kind.DATE:
        return [
            START,
            START + timedelta(milliseconds=9),
            START - timedelta(days=400),
            START + timedelta(microseconds=1),
        ]
    if field.kind is Kind.NUMBER:
        return [1, 3, Decimal("2.5"), -1, 10**15]
    return ["", "a", "Änn", "élan", "É", "%", "_", "\\", "a\\b", "a'b", "😀", "ж", "zzz"]


def compares_of(face: Face, column: str, *path: str) -> list[Compare]:
    """Every operator with every value, as a reader would put it together."""
    field, values = face.columns[column], values_for(face, column)
    textual = (field.kind in (Kind.TEXT, Kind.ID) or bool(path)) and column != "type"
    if path:
        values = ["x", "X", "7", "É%", "true", "", "y", 7, Decimal("7.5"), Decimal("0.1"), -3]
    made = [Compare(column, O.IS_NULL, truth, path) for truth in (True, False)]
    for value in values:
        folded = face.folds and isinstance(value, str) and field.kind is not Kind.ID
        made += [Compare(column, operator, value, path) for operator in (O.EQ, O.NE)]
        made += [Compare(column, operator, value, path, folded=folded) for operator in ORDERED]
    for low, high in itertools.combinations(values[:8], 2):
        if isinstance(low, str) is isinstance(high, str):
            folded = face.folds and isinstance(low, str) and field.kind is not Kind.ID
            made += [Compare(column, O.BETWEEN, pair, path, folded=folded) for pair in ((low, high), (high, low))]
    listed = [value for value in values if isinstance(value, str)] if path else values
    for members in ((), (listed[0],), tuple(listed[:3]), tuple(listed)):
        made += [Compare(column, operator, members, path) for operator in (O.IN, O.NOT_IN)]
    if path:
        made += [Compare(column, operator, (7, Decimal("0.1")), path) for operator in (O.IN, O.NOT_IN)]
    if textual:
        made += patterns_of(column, [str(value) for value in values], path)
    return made


def patterns_of(column: str, values: list[str], path: tuple[str, ...]) -> list[Compare]:
    made = []
    for ignore_case in (False, True):
        for value in (*values, "cust_"):
            made += [Compare(column, operator, value, path, ignore_case) for operator in PATTERNED[:3]]
        made += [Compare(column, O.LIKE, pattern, path, ignore_case) for pattern in LIKES]
        made += [Compare(column, O.REGEX, pattern, path, ignore_case) for pattern in REGEXES]
    return made


@pytest.fixture
async def organization(database: Database) -> str:
    made = await make_organization(database)
    await insert_rows(database, made, ROWS)
    return made


async def found(database: Database, organization: str, face: Face, tree: Predicate) -> list[str]:
    rows = await fetch_page(database, organization, face, Query(tree, orders=(Order("id"),)), Page(1000))
    return [one for one, _ in rows]


def expected(face: Face, tree: Predicate) -> list[str]:
    return ids_of(row for row in ROWS if holds(tree, row, face))


FACES = [V1, CUSTOMER, GRAPHQL_CLIENT]
COLUMNS = ("id", "name", "email", "city", "type", "tax_subject", "is_end_customer", "created_at", "version")


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
async def test_every_operator_on_every_kind_finds_what_it_means(
    database: Database, organization: str, face: Face
) -> None:
    shown = {field.column for field in face.fields.values()}
    places: list[tuple[str, ...]] = [(column,) for column in COLUMNS if column in shown]
    documents = [("metadata", "a"), ("custom", "a"), ("custom", "a", "b"), ("custom", "a", "1")]
    for place in [*places, *(place for place in documents if place[0] in shown)]:
        made = compares_of(face, *place)
        for start in range(0, len(made), 40):
            trees: list[Predicate] = [tree for compare in made[start : start + 40] for tree in (compare, Not(compare))]
            truths = await judge(database, organization, face, trees)
            wrong = [tree for tree, found in zip(trees, truths, strict=True) if found != meant(face, tree)]
            assert wrong == []


async def judge(database: Database, organization: str, face: Face, trees: list[Predicate]) -> list[list[bool | None]]:
    """What the database makes of each tree for each row, in the order of the rows."""
    values: list[Any] = []
    neutral, places = [parametrize(tree, values) for tree in trees], ParameterNames()
    judged = [condition(tree, face, clients.c, places).label(f"c{index}") for index, tree in enumerate(neutral)]
    statement = select(*judged).where(clients.c.organization_id == organization).order_by(clients.c.id)
    async with database.read() as connection:
        rows = await connection.execute(statement, {f"p{index}": one for index, one in enumerate(values)})
    return [list(truths) for truths in zip(*rows, strict=True)]


def meant(face: Face, tree: Predicate) -> list[bool | None]:
    return [holds(tree, row, face) for row in ROWS]


def leaves(face: Face) -> st.SearchStrategy[Predicate]:
    columns = ("name", "email", "type", "tax_subject", "created_at", "id")
    document = "metadata" if face is CUSTOMER else "custom"
    made: list[Predicate] = [compare for column in columns for compare in compares_of(face, column)]
    return st.sampled_from(made + list(compares_of(face, document, "a")))


def trees(face: Face) -> st.SearchStrategy[Predicate]:
    def grow(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
        several = st.lists(inner, max_size=3).map(tuple)
        return several.map(And) | several.map(Or) | inner.map(Not)

    return st.recursive(leaves(face), grow, max_leaves=6)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_any_logic_finds_what_it_means(
    database: Database, organization: str, face: Face, data: st.DataObject
) -> None:
    tree = data.draw(trees(face))
    assert await found(database, organization, face, tree) == expected(face, tree)


def test_values_never_become_part_of_the_statement() -> None:
    hostile = "x'; DROP TABLE clients; --"
    values: list[Any] = []
    where = parametrize(And((Compare("name", O.EQ, hostile), Compare("email", O.IN, (hostile,)))), values)
    assert hostile not in str(condition(where, V1, clients.c, ParameterNames()))
    assert values == [hostile, [hostile]]
