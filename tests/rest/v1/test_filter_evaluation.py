"""Filters find what they mean: what the service answers is what an evaluation of its own makes of the same JSON."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config import Config
from app.query.values import parse_moment
from tests.conftest import Service, cloned, opened, running
from tests.rest.v1.filter_evaluation import Refused, matching, ordered
from tests.rest.v1.random_filters import EACH, GROUPS, OPERATORS, PROPERTIES, ROWS, draw_all, draw_clause
from tests.rest.v1.requests import clients_path
from tests.seeding import insert_rows

TIMES = 20
COLUMNS = {"taxSubject": "tax_subject", "isEndCustomer": "is_end_customer"}
MOMENTS = {"createdAt": "created_at", "deletedAt": "deleted_at"}

quickly = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
async def rowed(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service with the drawn rows that lists all of them at once."""
    async with cloned(server_url, template) as url, opened(url) as database:
        config = Config(database_url=url, page_cap=1000, data_dir=tmp_path_factory.mktemp("data"))
        async with running(config, database) as begun:
            await insert_rows(database, begun.organization, [stored(row) for row in ROWS])
            yield begun


def stored(row: dict[str, Any]) -> dict[str, Any]:
    values = {COLUMNS.get(name, name): value for name, value in row.items() if name not in MOMENTS}
    return values | {column: parse_moment(row[name]) if row[name] else None for name, column in MOMENTS.items()}


def as_json(filter_: Any) -> str:
    return f"filter={quote(json.dumps(filter_))}"


async def ask(service: Service, query: str) -> list[str] | None:
    """The ids of the rows that are found, in their order; None where the question is refused."""
    answer = await service.http.get(f"{clients_path(service)}?{query}")
    if answer.status_code == 400:
        return None
    assert answer.status_code == 200, answer.text
    ids = [row["id"] for row in answer.json()]
    assert answer.headers["x-total-count"] == str(len(ids))
    return ids


def find(where: Any, **more: Any) -> dict[str, Any]:
    return {"where": where, "deleted": True, "fields": ["id"], **more}


def meant(where: Any) -> list[str] | None:
    try:
        return matching(where, ROWS)
    except Refused:
        return None


def by_group(clauses: Sequence[Any]) -> Any:
    """One question that asks each clause of a group of rows."""
    return {"or": [{"and": [{"zip": f"group {group}"}, clause]} for group, clause in enumerate(clauses)]}


def meant_by_group(clauses: Sequence[Any]) -> list[str] | None:
    groups = [ROWS[start : start + EACH] for start in range(0, len(ROWS), EACH)]
    try:
        return [one for rows, clause in zip(groups, clauses, strict=False) for one in matching(clause, rows)]
    except Refused:
        return None


def batched(clauses: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Those with a meaning for all groups at once; those without, one by one."""
    accepted = iter([clause for clause in clauses if meant_by_group([clause]) is not None])
    while batch := list(islice(accepted, GROUPS)):
        yield batch
    yield from ([clause] for clause in clauses if meant_by_group([clause]) is None)


async def test_every_operator_on_every_type_finds_what_it_means(rowed: Service) -> None:
    drawn: Counter[tuple[str, str, bool]] = Counter()
    clauses: dict[str, Any] = {}
    for kind, operator, null, clause in draw_all(TIMES):
        drawn[kind, operator, null] += 1
        clauses[json.dumps(clause)] = clause
    wrong = []
    for batch in batched(list(clauses.values())):
        if await ask(rowed, as_json(find(by_group(batch)))) != meant_by_group(batch):
            wrong.append(batch)
    assert wrong == []
    assert set(drawn) == {(kind, operator, null) for kind in PROPERTIES for operator in OPERATORS for null in (0, 1)}
    assert min(drawn.values()) >= TIMES


def test_every_group_of_rows_has_nulls_of_every_type() -> None:
    assert len(ROWS) == GROUPS * EACH
    for start in range(0, len(ROWS), EACH):
        for name in ("email", "city", "taxSubject", "isEndCustomer", "deletedAt", "custom"):
            values = [row[name] for row in ROWS[start : start + EACH]]
            assert None in values
            assert len({json.dumps(value) for value in values}) > 2


def wheres(textual: bool = False) -> st.SearchStrategy[Any]:
    """Conditions with one operator or several, and any logic over them."""

    def clause(randoms: Any, kind: str, operator: str, null: bool) -> Any:
        made = draw_clause(randoms, kind, operator, null=null and not textual)
        return written(made) if textual else made

    one = st.builds(
        clause,
        st.randoms(use_true_random=False),
        st.sampled_from(list(PROPERTIES)),
        st.sampled_from(OPERATORS),
        st.booleans(),
    )
    leaves: st.SearchStrategy[Any] = one | st.tuples(one, one).map(lambda two: merged(*two)) | st.just({})

    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            several.map(lambda parts: {"and": parts}),
            several.map(lambda parts: {"or": {str(place): part for place, part in enumerate(parts)}}),
            several.map(lambda parts: {"or": parts}),
        )

    return st.recursive(leaves, grow, max_leaves=5)


def merged(one: Any, two: Any) -> Any:
    """Both conditions, on the same property where they can stand there together."""
    ((first, clause),), ((second, other),) = one.items(), two.items()
    if first == second and isinstance(clause, dict) and isinstance(other, dict):
        return {first: {**other, **clause}}
    return {**two, **one}


def written(value: Any) -> Any:
    """The value as brackets can say it: all in texts."""
    if isinstance(value, dict):
        return {key: written(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [written(inner) for inner in value]
    return value if isinstance(value, str) else json.dumps(value)


def as_brackets(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from as_brackets(f"{name}[{key}]", inner)
    else:
        yield f"{quote(name, safe='[]' if len(value) % 2 else '')}={quote(value).replace('%20', '+')}"


@quickly
@given(where=wheres())
async def test_any_logic_finds_what_it_means(rowed: Service, where: Any) -> None:
    assert await ask(rowed, as_json(find(where))) == meant(where)


@quickly
@given(where=wheres(textual=True).filter(lambda where: all(as_list_is_not_empty(where))))
async def test_brackets_say_the_same_in_texts(rowed: Service, where: Any) -> None:
    query = "&".join(as_brackets("filter", {"where": where, "deleted": "true", "fields": ["id"]}))
    assert await ask(rowed, query) == meant(where)


def as_list_is_not_empty(value: Any) -> Iterator[bool]:
    """Brackets cannot say an empty list or object."""
    if isinstance(value, dict | list):
        yield bool(value)
        for inner in value.values() if isinstance(value, dict) else value:
            yield from as_list_is_not_empty(inner)


@quickly
@given(
    orders=st.lists(
        st.tuples(
            st.sampled_from(["id", "name", "email", "city", "taxSubject", "createdAt", "deletedAt", "_isDeleted"]),
            st.sampled_from(["", " ASC", " DESC", " desc nulls"]),
        ).map("".join),
        max_size=3,
    ),
    size=st.integers(30, 100),
    joined=st.booleans(),
)
async def test_pages_in_any_order_visit_each_row_once(
    rowed: Service, orders: list[str], size: int, joined: bool
) -> None:
    visited: list[str] = []
    order = ", ".join(orders) if joined else orders
    where = {"zip": {"inq": ["group 0", "group 3"]}}
    while True:
        asked = find(where, order=order or None, limit=size, skip=len(visited), fields={"id": True})
        answer = await rowed.http.get(f"{clients_path(rowed)}?{as_json(asked)}")
        page = [row["id"] for row in answer.json()]
        assert len(page) <= size
        if not page:
            break
        visited += page
    rows = [{**row, "_isDeleted": row["deletedAt"] is not None} for row in ROWS if row["zip"] in ("group 0", "group 3")]
    assert visited == ordered(rows, order)
