"""Every recorded case once more: what is to be copied comes out equal, and what is decided otherwise comes out as decided."""

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
from tests.golden.replay import ask, compare, differs

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


@pytest.mark.parametrize("case", COPIED, ids=named)
async def test_what_is_to_be_copied_is_answered_as_recorded(recorded: Recorded, case: Case) -> None:
    status, body, after = await recorded.ask(case)
    assert status == case["status"], body
    assert compare(case, body, after) is None, body


@pytest.mark.parametrize("case", CHOSEN, ids=named)
async def test_what_is_open_or_wrong_is_answered_as_decided(recorded: Recorded, case: Case) -> None:
    decided = DECIDED[case["id"]]
    status, body, _ = await recorded.ask(case)
    assert status == decided["status"] < 500, body
    if status >= 400:
        assert {name: body["error"].get(name) for name in ("code", "message")} == {
            name: decided.get(name) for name in ("code", "message")
        }
    else:
        assert differs(decided["body"], body, "", frozenset()) is None, body


async def test_an_open_case_is_answered_as_recorded_or_names_the_decision(recorded: Recorded) -> None:
    """And every case that must not be copied is decided by its number too."""
    assert {case["id"] for case in CHOSEN} == set(DECIDED)
    for case in CHOSEN:
        if DECIDED[case["id"]].get("decision") is None:
            assert case["match"] == "optional"
            status, body, _ = await recorded.ask(case)
            assert (status, compare(case, body, None)) == (case["status"], None), case["id"]
