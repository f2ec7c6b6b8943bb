"""A write that would change nothing changes nothing: no version, no history, no event. The answer is the record as it is."""

import asyncio
from typing import Any

import orjson
import pytest

from app.auth import Access, Scope
from app.clients.repository import ClientRepository
from app.clients.service import change_client, remove_client, restore_client
from app.errors import Forbidden, NotFound, Stale
from tests.clients.conftest import SELECTION, Office
from tests.seeding import principal, target_of

RECORD: dict[str, Any] = {
    "name": "Ann",
    "email": "ann@example.com",
    "tax_subject": False,
    "custom": {"b": [1, 2.5, None, {"x": 7.0}], "a": "é"},
    "metadata": {"kept": "yes"},
}

SAME: list[dict[str, Any]] = [
    {},
    {"name": "Ann"},
    {"note": None, "custom": RECORD["custom"]},
    {"custom": {"a": "é", "b": [1.0, 2.5, None, {"x": 7}]}},
    RECORD,
]


@pytest.mark.parametrize("values", SAME)
async def test_the_same_values_change_nothing(office: Office, values: dict[str, Any]) -> None:
    client = await office.add(**RECORD)
    row = await office.row(client)
    for expected in (None, 1, [3, 1]):
        written = await change_client(office.access, client, values, SELECTION, expected=expected)
        assert written.version == 1
        assert orjson.loads(written.json)["name"] == "Ann"
    assert await office.row(client) == row
    assert len(await office.changes(client)) == 1
    assert await office.total() == 1


@pytest.mark.parametrize("metadata", [{}, {"kept": "yes"}, {"unknown": None}])
async def test_metadata_that_merges_to_the_same_changes_nothing(office: Office, metadata: dict[str, Any]) -> None:
    client = await office.add(**RECORD)
    written = await change_client(office.access, client, {"metadata": metadata}, SELECTION)
    assert (written.version, orjson.loads(written.json)["metadata"]) == (1, {"kept": "yes"})
    assert len(await office.changes(client)) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"name": "ann"},
        {"name": "Ann", "note": ""},
        {"name": "A\u0301nn"},
        {"tax_subject": None},
        {"custom": {**RECORD["custom"], "c": None}},
        {"custom": {**RECORD["custom"], "a": "e\u0301"}},
    ],
)
async def test_a_small_difference_is_a_change(office: Office, values: dict[str, Any]) -> None:
    client = await office.add(**RECORD)
    assert (await change_client(office.access, client, values, SELECTION)).version == 2
    assert len(await office.changes(client)) == 2


async def test_the_same_values_are_checked_as_any_change(office: Office) -> None:
    client, gone = await office.add(), await office.add()
    with pytest.raises(Stale):
        await change_client(office.access, client, {}, SELECTION, expected=2)
    with pytest.raises(Forbidden):
        await change_client(
            Access(office.database, principal(office.organization, scope=Scope.READ)), client, {}, SELECTION
        )
    await remove_client(office.access, gone, SELECTION)
    for write in (change_client(office.access, gone, {}, SELECTION), remove_client(office.access, gone, SELECTION)):
        with pytest.raises(NotFound):
            await write
    with pytest.raises(NotFound):
        await restore_client(office.access, client, SELECTION)
    assert len(await office.changes(gone)) == 2


async def test_a_check_of_the_tax_number_survives_the_same_number(office: Office) -> None:
    client = await office.add(tax_number="SI1", country="Slovenia", vies={"valid": True})
    assert (await change_client(office.access, client, {"tax_number": "SI1"}, SELECTION)).version == 1
    assert (await office.row(client))["vies"] == {"valid": True}
    assert (await change_client(office.access, client, {"tax_number": "SI2"}, SELECTION)).version == 2
    assert (await office.row(client))["vies"] is None


async def test_the_same_change_by_many_writers_is_made_once(busy_office: Office) -> None:
    office = busy_office
    client = await office.add()
    same = (change_client(office.access, client, {"name": "Same", "custom": {"a": 1}}, SELECTION) for _ in range(48))
    assert {written.version for written in await asyncio.gather(*same)} == {2}
    assert [change["version"] for change in await office.changes(client)] == [1, 2]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"name": "Bo"}, {"name": "Ann"}),
        ({"metadata": {"a": "2"}}, {"metadata": {"a": "1"}}),
        ({"custom": {"a": 2}}, {"custom": {"a": 1}}),
    ],
)
async def test_a_change_back_behind_a_change_is_made(
    office: Office, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """The second writer waits for the first one, and compares with what that one wrote."""
    client = await office.add(name="Ann", metadata={"a": "1"}, custom={"a": 1})
    async with office.database.write() as connection:
        await ClientRepository(connection).change(target_of(office.organization, record=client), first, SELECTION)
        waiting = asyncio.create_task(change_client(office.access, client, second, SELECTION))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert (await waiting).version == 3
    assert (await office.row(client)).items() >= second.items()
    assert len(await office.changes(client)) == 3


async def test_one_of_many_deletes_and_one_of_many_restores_wins(busy_office: Office) -> None:
    office = busy_office
    client = await office.add()
    for version, write in enumerate((remove_client, restore_client, remove_client), 2):
        done = await asyncio.gather(
            *(write(office.access, client, SELECTION) for _ in range(16)), return_exceptions=True
        )
        won = [outcome for outcome in done if not isinstance(outcome, BaseException)]
        assert [record.version for record in won] == [version]
        assert sum(isinstance(outcome, NotFound) for outcome in done) == 15
    assert await office.total() == 0
