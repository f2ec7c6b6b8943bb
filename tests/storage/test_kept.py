"""Kept statements take a bounded amount of memory, whatever shapes callers choose."""

import gc
import random
import weakref
from typing import Any

import orjson
import pytest
from sqlalchemy import literal_column, select
from sqlalchemy.sql.elements import ClauseElement

from app.storage import kept
from app.storage.kept import KEPT, MOST_CHARACTERS, KeptStatements, keep_statements
from tests.conftest import Service

FIELDS = ("name", "email", "city", "zip", "country", "taxNumber", "note", "phone")
OPERATORS = ("eq", "neq", "gt", "gte", "lt", "lte", "like", "nlike", "ilike", "nilike")


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> KeptStatements:
    """Statements of 1,000 characters, of which each has at most 300."""
    monkeypatch.setattr(kept, "KEPT", KeptStatements(1000, 300))
    return kept.KEPT


@keep_statements
def statement_of(number: int, *, length: int = 200) -> ClauseElement:
    return select(literal_column(f"{number:0{length}}"))


def test_a_statement_is_built_once(statements: KeptStatements) -> None:
    assert statement_of(1) is statement_of(1)
    assert statement_of(1) is not statement_of(2)
    assert statement_of(1, length=100) is statement_of(1, length=100)


def test_the_statements_that_were_used_last_are_kept(statements: KeptStatements) -> None:
    first = statement_of(0)
    for number in range(50):
        statement_of(number)
        assert statement_of(0) is first
        assert statements.characters == sum(entry.characters for entry in statements.entries.values()) <= 1000
    assert statement_of(49) is statement_of(49)
    assert len(statements.entries) == 4


def test_a_long_statement_is_not_kept(statements: KeptStatements) -> None:
    assert statement_of(1, length=300) is not statement_of(1, length=300)
    assert not statements.entries


def test_a_dropped_statement_is_freed_with_its_sql(statements: KeptStatements) -> None:
    statement = statement_of(1)
    gone = weakref.ref(statement)
    statements.entries.clear()
    del statement
    gc.collect()
    assert gone() is None


async def test_large_filters_of_other_shapes_take_bounded_memory(service: Service) -> None:
    rng = random.Random(1)

    def condition() -> dict[str, Any]:
        return {rng.choice(FIELDS): {rng.choice(OPERATORS): "a"}}

    for _ in range(60):
        tree = {"where": {"or": [condition() for _ in range(200)]}}
        parameters = {"filter": orjson.dumps(tree).decode()}
        there = f"/v1/organizations/{service.organization}/clients"
        answer = await service.http.get(there, params=parameters)
        assert answer.status_code == 200, answer.text
    assert KEPT.characters == sum(entry.characters for entry in KEPT.entries.values()) <= MOST_CHARACTERS
    assert len(KEPT.entries) < 60
