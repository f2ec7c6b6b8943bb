"""Replays every recorded case: copied cases are answered as recorded, all others as decided."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.config import Config
from app.main import create_app
from app.storage.database import Database
from tests.conftest import cloned, opened
from tests.golden.records import Case, plant, read_lines, restore
from tests.golden.replay import ask, compare, find_difference

CASES = read_lines("golden-v1.jsonl")
COPIED = [case for case in CASES if case["match"] in ("yes", "partial")]
CHOSEN = [case for case in CASES if case["match"] in ("no", "optional")]
DECIDED = {decided["id"]: decided for decided in read_lines("decided.jsonl")}
PAGE_CAP = 1000
"""Above the number of the recorded clients, as the recorded instance had no cap."""


@dataclass(frozen=True)
class Recorded:
    """The application over the recorded rows."""

    http: httpx.AsyncClient
    database: Database

    async def ask(self, case: Case) -> tuple[int, Any, Any]:
        try:
            return await ask(self.http, case)
        finally:
            if case["method"] not in ("GET", "HEAD"):
                await restore(self.database)


@pytest.fixture(scope="module")
async def recorded(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorded]:
    async with cloned(server_url, template) as url, opened(url) as database:
        folder = tmp_path_factory.mktemp("golden")
        await plant(url, database, folder)
        config = Config(database_url=url, page_cap=PAGE_CAP, data_dir=folder)
        app = create_app(config, database)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://service") as http,
        ):
            yield Recorded(http, database)


def named(case: Case) -> str:
    return str(case["id"])


@pytest.mark.parametrize(
    ("recorded_body", "answered", "difference"),
    [
        ({"a": 1, "b": None}, {"a": 1, "b": None}, None),
        ({"a": 1}, {"a": 1, "b": None}, None),
        ({"a": 1}, {"a": 1, "b": 0}, "b"),
        ({"a": 1, "b": None}, {"a": 1}, "b is missing"),
        ({"a": {"b": None}}, {"a": {}}, "a.b is missing"),
        ([{"a": None}], [{}], "[0].a is missing"),
        ({"a": True}, {"a": 1}, "a"),
        ([1], [1, 2], " length"),
    ],
)
def test_a_recorded_key_is_answered_and_an_unrecorded_key_may_be_null(
    recorded_body: object, answered: object, difference: str | None
) -> None:
    assert find_difference(recorded_body, answered) == difference


@pytest.mark.parametrize("case", COPIED, ids=named)
async def test_a_copied_case_is_answered_as_recorded(recorded: Recorded, case: Case) -> None:
    status, body, after = await recorded.ask(case)
    assert status == case["status"], body
    assert compare(case, body, after) is None, body


@pytest.mark.parametrize("case", CHOSEN, ids=named)
async def test_any_other_case_is_answered_as_decided(recorded: Recorded, case: Case) -> None:
    decided = DECIDED[case["id"]]
    status, body, _ = await recorded.ask(case)
    assert status == decided["status"] < 500, body
    if status >= 400:
        assert {name: body["error"].get(name) for name in ("code", "message")} == {
            name: decided.get(name) for name in ("code", "message")
        }
    else:
        assert find_difference(decided["body"], body) is None, body


async def test_a_case_without_a_decision_is_answered_as_recorded(recorded: Recorded) -> None:
    """Every case that is not copied stands in decided.jsonl."""
    assert {case["id"] for case in CHOSEN} == set(DECIDED)
    for case in CHOSEN:
        if DECIDED[case["id"]].get("decision") is None:
            assert case["match"] == "optional"
            status, body, _ = await recorded.ask(case)
            assert (status, compare(case, body, None)) == (case["status"], None), case["id"]
