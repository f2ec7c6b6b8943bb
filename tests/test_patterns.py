"""Patterns: what PostgreSQL refuses is the caller's mistake on every API, and what it takes too long for ends early."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from app.config import Config
from app.query.dialects import LONGEST_REGEX
from app.query.model import And, Compare, Not, Or, Predicate
from app.query.operators import CONTAINS, EQ, ILIKE, LIKE, REGEX
from app.query.request import has_slow_pattern
from app.storage.database import Database
from tests.conftest import Service, running

REFUSED = [
    "(a{1,200}){1,200}",
    "((a{1,100}){1,100}){1,100}",
    "(((((a{1,20}){1,20}){1,20}){1,20}){1,20}){1,20}",
    "([a-z]{1,250}){1,250}",
    "(.{0,255}){0,255}",
    "((x{3,9}|y{2,8}){5,200}z{1,200}){1,100}",
    "a{256}",
    "a{2,1}",
    "a**",
    "[[",
    "[b-a]",
    "[[:nothing:]]",
    "(?<x>a)",
    "(?<=a",
    "(",
    "(" * LONGEST_REGEX,
    r"\9",
    "a\\",
    r"(a)\1",
    "(?z)a",
]
"""Too complex, out of memory, and wrong."""
ALLOWED = [
    "a|b",
    "^a+$",
    "[[:alpha:]]{3,}",
    "a{0,255}",
    "(?i)A",
    "a?" * 64,
    "",
    "x(?=y)",
    "(" * 120 + ")" * 120,
]
SLOW = "(a?.?){250}y"


def where(pattern: str) -> dict[str, object]:
    return {"name": {"regexp": pattern}}


async def ask_v1(service: Service, pattern: str) -> list[httpx.Response]:
    clients = f"/v1/organizations/{service.organization}/clients"
    account = (await service.http.get("/v1/accounts/authorized")).json()["id"]
    named, filtered = quote(json.dumps(where(pattern))), quote(json.dumps({"where": where(pattern)}))
    include = {"include": {"relation": "organization", "scope": {"where": where(pattern)}}}
    paths = [
        f"{clients}?filter={filtered}",
        f"{clients}/count?where={named}",
        f"{clients}?filter={quote(json.dumps(include))}",
        f"/v1/accounts/{account}/organizations?filter={filtered}",
        f"/v1/accounts/{account}/organizations/count?where={named}",
    ]
    return [await service.http.get(path) for path in paths]


async def ask_graphql(service: Service, pattern: str) -> list[dict[str, object]]:
    """The errors of lists of clients and customers. Each is asked for by itself, because an error of one ends the other."""
    errors: list[dict[str, object]] = []
    for name in ("clients", "customers"):
        listing = f"{name}(filter: {{name: {{regex: $pattern}}}}) {{ totalCount nodes {{ id }} }}"
        body = {"query": f"query ($pattern: String!) {{ {listing} }}", "variables": {"pattern": pattern}}
        errors += (await service.http.post("/graphql", json=body)).json().get("errors", [])
    return errors


@pytest.fixture(scope="module")
async def texts(shared_service: Service) -> Service:
    """A service with two clients."""
    clients = f"/v1/organizations/{shared_service.organization}/clients"
    await shared_service.http.post(clients, json=[{"name": "aaaa bbbb"}, {"name": "Studio"}])
    return shared_service


@pytest.mark.parametrize("pattern", REFUSED)
async def test_a_pattern_that_postgresql_refuses_is_the_callers_mistake(texts: Service, pattern: str) -> None:
    answers = await ask_v1(texts, pattern)
    assert {answer.status_code for answer in answers} == {400}, [answer.text for answer in answers]
    errors = await ask_graphql(texts, pattern)
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}, errors  # type: ignore[index]


@pytest.mark.parametrize("pattern", ALLOWED)
async def test_a_pattern_that_postgresql_accepts_is_answered(texts: Service, pattern: str) -> None:
    answers = await ask_v1(texts, pattern)
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert await ask_graphql(texts, pattern) == []


@pytest.fixture
async def hasty(database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """A service that gives patterns 0.3 seconds, with a client whose name takes much longer."""
    database = Database(database_url, statement_timeout=30, pattern_timeout=0.3)
    async with running(Config(database_url=database_url, data_dir=tmp_path), database) as service:
        name = "".join(chr(97 + index * 7919 % 23) for index in range(2000))
        created = await service.http.post(f"/v1/organizations/{service.organization}/clients", json={"name": name})
        assert created.status_code == 200
        yield service
    await database.close()


async def test_a_slow_pattern_ends_before_the_statement_timeout(hasty: Service) -> None:
    began = time.monotonic()
    clients = f"/v1/organizations/{hasty.organization}/clients"
    answer = await hasty.http.get(f"{clients}?filter={quote(json.dumps({'where': where(SLOW)}))}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "The pattern takes too long. Use a simpler pattern or add conditions.",
    )
    counted = await hasty.http.get(f"{clients}/count?where={quote(json.dumps(where(SLOW)))}")
    assert counted.status_code == 400
    errors = await ask_graphql(hasty, SLOW)
    assert [error["extensions"]["code"] for error in errors] == ["TIMEOUT"] * 2  # type: ignore[index]
    assert "pattern takes too long" in str(errors)
    assert time.monotonic() - began < 15
    assert (await hasty.http.get(clients)).status_code == 200
    async with hasty.database.share("another").read(slow_pattern=True) as connection:
        assert connection.driver.meter.error is None


@pytest.mark.parametrize(
    ("predicate", "slow"),
    [
        (Compare("name", REGEX, "a"), True),
        (Not(Or((Compare("city", EQ, "x"), And((Compare("name", REGEX, "a"),))))), True),
        (Compare("name", LIKE, "%a%b%"), False),
        (Compare("name", LIKE, "%a%b%c%"), True),
        (Compare("name", ILIKE, "%a%b%c%"), True),
        (Compare("name", CONTAINS, "%a%b%c%"), False),
        (And(()), False),
    ],
)
def test_a_slow_pattern_is_found_in_a_predicate(predicate: Predicate, slow: bool) -> None:
    assert has_slow_pattern(predicate) is slow
