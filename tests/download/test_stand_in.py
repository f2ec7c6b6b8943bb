"""The stand-in answers as the recorded service does, where it knows the filter."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from tests.download.stand_in import ORGANIZATION, StandIn, recorded_clients
from tests.golden.records import TOKEN, Case, read_lines
from tests.golden.replay import find_difference

KNOWN = {"where", "order", "limit", "skip"}
PATH = f"/v1/Organizations/{ORGANIZATION}/clients"


def is_known(case: Case) -> bool:
    """Tells whether a recorded case is a list that the stand-in can answer: plain numbers, one order, one comparison."""
    if (case["method"], case["path"], case["status"]) != ("GET", PATH, 200) or case.get("variant"):
        return False
    query = unquote(case["query"])
    if not query.startswith('filter={"'):
        return False
    filter_: dict[str, Any] = json.loads(query.removeprefix("filter="))
    order, where = filter_.get("order", "id"), filter_.get("where", {})
    return (
        filter_.keys() <= KNOWN
        and all(type(filter_.get(name, 0)) is int for name in ("limit", "skip"))
        and isinstance(order, str)
        and "," not in order
        and isinstance(where, dict)
        and all(isinstance(value, str) or is_comparison(value) for value in where.values())
        and set(where) <= {"id", "name", "email", "country", "createdAt", "updatedAt", "deletedAt"}
    )


def is_comparison(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and set(value) <= {"gt", "gte", "lt", "lte"}


CASES = [case for case in read_lines("golden-v1.jsonl") if is_known(case)]


def test_enough_cases_are_compared() -> None:
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_a_list_is_answered_as_recorded(case: Case) -> None:
    live = {key: {**record, "_isDeleted": False, "deletedAt": None} for key, record in recorded_clients().items()}
    stand_in = StandIn({key: {**record, "deletedId": None} for key, record in live.items()}, cap=1000)
    reply = stand_in.answer(TOKEN, f"{case['path']}?{case['query']}")
    assert reply.status == case["status"]
    assert find_difference(case["response_body"], json.loads(reply.body)) is None
