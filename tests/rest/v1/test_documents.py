"""Documents and lists inside a client: sorted by a value at a path, and matched by member."""

import json
from typing import Any

import pytest

from tests.conftest import Service
from tests.rest.v1.requests import as_filter, clients_path, make, names
from tests.rest.v1.test_errors import error

LEVELS: dict[str, Any] = {
    "ten": {"level": 10, "deep": {"x": ["b"]}},
    "nine": {"level": 9.5, "deep": {"x": ["a"]}},
    "minus": {"level": -1},
    "text": {"level": "5"},
    "word": {"level": "b"},
    "upper": {"level": "B"},
    "flag": {"level": True},
    "null": {"level": None},
    "absent": {},
    "list": {"level": [1]},
    "plain": 7,
}
ASCENDING = ["text", "upper", "word", "minus", "nine", "ten", "flag", "list"]
WITHOUT = ["plain", "absent", "null"]
"""The newest of equal rows comes first."""


@pytest.fixture
async def levels(service: Service) -> Service:
    for name, custom in LEVELS.items():
        await make(service, name=name, custom=custom)
    return service


async def test_texts_come_before_numbers_and_numbers_are_sorted_by_size(levels: Service) -> None:
    assert await names(levels, {"order": "custom.level ASC"}) == [*ASCENDING, *WITHOUT]
    assert await names(levels, {"order": "custom.level"}) == [*ASCENDING, *WITHOUT]
    assert await names(levels, {"order": ["custom.level DESC"]}) == [*WITHOUT, *reversed(ASCENDING)]


async def test_a_path_has_pages_and_further_steps(levels: Service) -> None:
    pages = [await names(levels, {"order": "custom.level ASC", "limit": 3, "skip": skip}) for skip in range(0, 12, 3)]
    assert [name for page in pages for name in page] == [*ASCENDING, *WITHOUT]
    assert (await names(levels, {"order": "custom.deep.x.0 DESC, name", "where": {"custom.deep.x.0": {"gt": ""}}})) == [
        "ten",
        "nine",
    ]
    by_name = await names(levels, {"order": ["custom.nowhere ASC", "name ASC"]})
    assert by_name == sorted(LEVELS)
    answer = await levels.http.get(clients_path(levels) + "?filter[order]=custom.level%20DESC&filter[limit]=4")
    assert [row["name"] for row in answer.json()][-1] == "list"


@pytest.mark.parametrize("order", ["name.first", "custom.level UP", "metadata.a", "nope.a"])
async def test_other_paths_are_errors(service: Service, order: str) -> None:
    answer = await service.http.get(clients_path(service) + as_filter({"order": order}))
    assert error(answer)["statusCode"] == 400


UNITS: dict[str, Any] = {"one": ["u1"], "two": ["u1", "u2"], "other": ["u3", "7"], "empty": [], "none": None}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("u1", ["one", "two"]),
        ("u", []),
        ({"eq": "u2"}, ["two"]),
        (7, ["other"]),
        ({"inq": ["u2", "u3"]}, ["two", "other"]),
        ({"inq": []}, []),
        ({"inq": [None, "u3"]}, ["other"]),
        ({"neq": "u1"}, ["other", "empty"]),
        ({"nin": ["u1", "u3"]}, ["empty"]),
        ({"nin": []}, ["one", "two", "other", "empty", "none"]),
        ({"inq": ["u1"], "neq": "u2"}, ["one"]),
        (None, ["none"]),
        ({"neq": None}, ["one", "two", "other", "empty"]),
    ],
)
async def test_a_list_is_matched_by_member(service: Service, where: Any, expected: list[str]) -> None:
    for name, units in UNITS.items():
        await make(service, name=name, unitIds=units)
    assert await names(service, {"where": {"unitIds": where}, "order": "id ASC"}) == expected
    counted = await service.http.get(f"{clients_path(service)}/count", params={"where": json.dumps({"unitIds": where})})
    assert counted.json() == {"count": len(expected)}


@pytest.mark.parametrize("where", [{"like": "u%"}, {"gt": "u"}, {"between": ["a", "b"]}, {"regexp": "u"}])
async def test_other_operators_on_a_list_name_those_that_work(service: Service, where: Any) -> None:
    answer = await service.http.get(clients_path(service) + as_filter({"where": {"unitIds": where}}))
    message = error(answer)["message"]
    assert message == "`unitIds` is a list of texts. The operators for its members are eq, neq, inq, nin."


async def test_a_filter_has_at_most_200_conditions(service: Service) -> None:
    fits, too_many = ({"or": [{"zip": str(number)} for number in range(count)]} for count in (200, 201))
    path = clients_path(service)
    assert (await service.http.get(path + as_filter({"where": fits}))).status_code == 200
    message = "A filter may have at most 200 conditions."
    assert error(await service.http.get(path + as_filter({"where": too_many})))["message"] == message
    nested = {"and": [{"or": [{"city": {"gt": "a", "lt": "z"}}] * 50}] * 3}
    assert error(await service.http.get(path + as_filter({"where": nested})))["message"] == message
    query = "query($filter: ClientFilter) { clients(filter: $filter) { totalCount } }"
    for tree, wrong in ((fits, False), (too_many, True)):
        or_ = [{"zip": {"eq": part["zip"]}} for part in tree["or"]]
        answer = await service.http.post("/graphql", json={"query": query, "variables": {"filter": {"or": or_}}})
        assert ("errors" in answer.json()) is wrong
        assert not wrong or answer.json()["errors"][0]["message"] == message
    many = {"metadata": {f"k{number}": "v" for number in range(201)}}
    assert (await service.http.get("/customers", params={"query": json.dumps(many)})).json()["message"] == message
