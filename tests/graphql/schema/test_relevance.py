"""orderBy RELEVANCE: the best matches of a search first, on pages in both directions."""

from typing import Any

import pytest

from tests.conftest import Service
from tests.graphql.conftest import RESOLVED, GraphQLApi, add_records
from tests.graphql.schema.test_connections import fetch, ids, names, page_query, walk

NAMES = [
    "Studio Anabel",
    "Novak Ana Marija in sinovi",
    "Ana",
    "Banana Republic",
    "Ana Novak",
    "Anabel",
    "ÁNA",
    "Anastazija Novak",
    "Nobody",
    "Somebody",
    "Other",
]
TEXTS: dict[str, dict[str, Any]] = {
    "Nobody": {"note": "knows ana"},
    "Somebody": {"email": "ana"},
    "Other": {"city": "Graz"},
}
BEST = [{"field": "RELEVANCE"}]
WORST = [{"field": "RELEVANCE", "direction": "DESC"}]


@pytest.fixture
async def seeded(service: Service, api: GraphQLApi) -> GraphQLApi:
    await add_records(service, [{"name": name, **TEXTS.get(name, {})} for name in NAMES])
    return api


@pytest.mark.parametrize("type_name", ["clients", "customers"])
async def test_the_best_match_is_first(seeded: GraphQLApi, type_name: str) -> None:
    page = await fetch(seeded, page_query(type_name), first=50, search="ana", orderBy=BEST)
    listed = names(page)
    assert listed[:3] == ["Ana", "ÁNA", "Somebody"]
    assert listed[3] == "Ana Novak"
    assert set(listed[3:6]) == {"Ana Novak", "Anabel", "Anastazija Novak"}
    assert listed[6] == "Novak Ana Marija in sinovi"
    assert listed[-1] == "Nobody"
    assert (page["totalCount"], len(listed)) == (10, 10)
    assert "Other" not in listed


async def test_the_words_may_stand_in_any_order(seeded: GraphQLApi) -> None:
    listed = names(await fetch(seeded, page_query(), first=50, search="novak ana", orderBy=BEST))
    assert listed[0] == "Novak Ana Marija in sinovi"
    assert set(listed) == {"Novak Ana Marija in sinovi", "Ana Novak", "Anastazija Novak"}


async def test_the_direction_turns_the_order_around(seeded: GraphQLApi) -> None:
    best = ids(await fetch(seeded, page_query(), first=50, search="ana", orderBy=BEST))
    assert ids(await fetch(seeded, page_query(), first=50, search="ana", orderBy=WORST)) == best[::-1]


@pytest.mark.parametrize(
    "orders", [BEST, WORST, [{"field": "CITY"}, *BEST], [*BEST, {"field": "NAME", "direction": "DESC"}]]
)
@pytest.mark.parametrize("more", ["name", f"name {RESOLVED}"], ids=["rendered", "resolved"])
@pytest.mark.parametrize("backward", [False, True])
async def test_pages_show_each_match_once_in_both_directions(
    seeded: GraphQLApi, orders: Any, more: str, backward: bool
) -> None:
    query = page_query("clients", more)
    whole = ids(await fetch(seeded, query, first=50, search="an", orderBy=orders))
    assert len(whole) == 10
    assert await walk(seeded, query, backward=backward, total=10, search="an", orderBy=orders) == whole


async def test_many_equal_matches_stand_by_their_ids(service: Service, api: GraphQLApi) -> None:
    made = await add_records(service, [{"name": "Same"} for _ in range(30)])
    query = page_query("clients", "clientId")
    page = await fetch(api, query, first=50, search="same", orderBy=BEST)
    assert [edge["node"]["clientId"] for edge in page["edges"]] == made
    assert await walk(api, query, backward=False, total=30, search="same", orderBy=BEST) == ids(page)
    assert await walk(api, query, backward=True, total=30, search="same", orderBy=BEST) == ids(page)


@pytest.mark.parametrize("search", [None, "", "   "])
async def test_relevance_needs_a_search(seeded: GraphQLApi, search: str | None) -> None:
    error = await seeded.error(page_query(), search=search, orderBy=BEST)
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "orderBy"}
    assert "`search`" in error["message"]


@pytest.mark.parametrize("search", ["%", "_", "\\", "an'a", "ana%", "a\u0301na", "ﷺ", "x" * 500])
async def test_any_words_can_be_ordered_by(seeded: GraphQLApi, search: str) -> None:
    page = await fetch(seeded, page_query(), first=50, search=search, orderBy=BEST)
    plain = await fetch(seeded, page_query(), first=50, search=search)
    assert sorted(ids(page)) == sorted(ids(plain))


async def test_a_cursor_belongs_to_its_words(seeded: GraphQLApi) -> None:
    page = await fetch(seeded, page_query(), first=2, search="ana", orderBy=BEST)
    after = page["pageInfo"]["endCursor"]
    error = await seeded.error(page_query(), first=2, search="novak", orderBy=BEST, after=after)
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "after"}
