"""Batches of clients: changed in one statement, and found or created by keys of the caller's own, also all at once."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from app.clients.batches import Batch, BatchOptions, ChangeBatch, CreateBatch, Results, write_batch
from app.clients.keys import ClientKey
from app.clients.repository import ChangedRow
from app.clients.upserts import UpsertBatch, UpsertedRow
from app.errors import Invalid, KeyTaken, NotFound, Stale
from app.idempotency import StoredResponse
from tests.clients.conftest import SELECTION, Office


async def write(office: Office, batch: Batch, **options: Any) -> Results:
    results: list[Results] = []

    def answer(found: Results) -> StoredResponse:
        results.append(found)
        return StoredResponse(200, b"")

    await write_batch(office.access, batch, BatchOptions(SELECTION, **options), answer)
    return results[-1]


def upsert(value: str, changes: Mapping[str, Any], name: str = "erp", **more: Any) -> UpsertedRow:
    key = ClientKey("custom", name, value)
    new = {"name": "New", "metadata": {}, **changes}
    return UpsertedRow(key, dict(changes), key.add_to(new), **more)


async def change(office: Office, rows: Sequence[ChangedRow], **options: Any) -> Results:
    return await write(office, ChangeBatch(office.organization, rows), **options)


async def count(office: Office, what: str) -> int:
    async with office.database.read() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {what}")))


async def test_each_client_is_changed_in_its_own_columns(office: Office) -> None:
    ids = await office.add_all(
        {"name": "Ann", "city": "Bled", "metadata": {"a": "1", "b": "2"}, "vies": {"valid": True}, "tax_number": "SI1"},
        {"name": "Bea", "city": "Kranj", "custom": {"n": 1}},
        {"name": "Cy", "city": "Ptuj"},
    )
    results = await change(
        office,
        [
            ChangedRow(0, ids[0], {"name": "Ana", "metadata": {"a": None, "c": "3"}, "tax_number": "SI2"}),
            ChangedRow(1, ids[1], {"city": None, "custom": {"n": 2.5}}, expected=1),
            ChangedRow(2, ids[2], {"city": "Ptuj"}),
        ],
    )
    rows = [await office.row(client_id) for client_id in ids]
    assert [row["version"] for row in rows] == [2, 2, 1]
    assert (rows[0]["name"], rows[0]["city"], rows[0]["metadata"], rows[0]["vies"]) == (
        "Ana",
        "Bled",
        {"b": "2", "c": "3"},
        None,
    )
    assert (rows[1]["name"], rows[1]["city"], rows[1]["custom"]) == ("Bea", None, {"n": 2.5})
    assert rows[0]["name_folded"] == "ana"
    assert [result.record and result.record.version for result in results.values()] == [2, 2, 1]
    assert await count(office, "client_changes WHERE action = 'updated'") == 2
    async with office.database.read() as connection:
        before = await connection.scalar(
            text(f"SELECT before FROM client_changes WHERE client_id = '{ids[1]}' AND action = 'updated'")
        )
    assert {"city", "custom", "version", "updated_at"} == before.keys()
    assert before["city"] == "Kranj"


async def test_rows_that_cannot_be_written_fail_alone_or_all_together(office: Office) -> None:
    ids = await office.add_all(
        {"name": "Ann"}, {"name": "Bea"}, {"name": "Cy", "metadata": {f"{n}": "x" for n in range(49)}}
    )
    rows = [
        ChangedRow(0, ids[0], {"name": "Ana"}),
        ChangedRow(1, ids[1], {"name": "Bo"}, expected=7),
        ChangedRow(2, "0" * 24, {"name": "Nobody"}),
        ChangedRow(3, ids[2], {"metadata": {"more": "1", "most": "2"}}),
    ]
    expected = [type(None), Stale, NotFound, Invalid]
    for options in ({}, {"dry_run": True}, {"dry_run": True, "keep_valid": True}):
        results = await change(office, rows, **options)
        assert [type(results[index].error) for index in range(4)] == expected
        assert not any(result.record for result in results.values())
        assert await count(office, "clients WHERE version > 1") == 0
    results = await change(office, rows, keep_valid=True)
    assert [type(results[index].error) for index in range(4)] == expected
    assert await count(office, "clients WHERE version > 1") == 1
    assert (await office.row(ids[0]))["name"] == "Ana"


async def test_an_upsert_creates_a_client_and_then_changes_it(office: Office) -> None:
    first = await write(office, UpsertBatch(office.organization, {0: upsert("A-1", {"city": "Bled"})}))
    assert first[0].created
    row = await office.row(first[0].client_id)
    assert (row["name"], row["city"], row["custom"], row["version"]) == ("New", "Bled", {"erp": "A-1"}, 1)
    second = await write(office, UpsertBatch(office.organization, {0: upsert("A-1", {"city": "Ptuj"}, expected=1)}))
    assert (second[0].created, second[0].client_id) == (False, first[0].client_id)
    row = await office.row(first[0].client_id)
    assert (row["name"], row["city"], row["custom"], row["version"]) == ("New", "Ptuj", {"erp": "A-1"}, 2)
    stale = await write(office, UpsertBatch(office.organization, {0: upsert("A-1", {"city": "X"}, expected=1)}))
    assert isinstance(stale[0].error, Stale)
    unborn = await write(office, UpsertBatch(office.organization, {0: upsert("A-2", {}, expected=1)}))
    assert isinstance(unborn[0].error, Stale)
    assert await count(office, "clients") == 1


async def test_a_dry_run_of_an_upsert_registers_no_key(office: Office) -> None:
    results = await write(office, UpsertBatch(office.organization, {0: upsert("A-1", {})}), dry_run=True)
    assert results[0].error is None
    assert (await count(office, "clients"), await count(office, "client_keys")) == (0, 0)


async def test_twenty_upserts_of_one_key_make_one_client(office: Office) -> None:
    batches = [UpsertBatch(office.organization, {0: upsert("A-1", {"city": f"{n}"})}) for n in range(20)]
    results = await asyncio.gather(*(write(office, batch) for batch in batches))
    assert len({result[0].client_id for result in results}) == 1
    assert sum(result[0].created for result in results) == 1
    assert await count(office, "clients WHERE version = 20") == 1
    assert await count(office, "client_key_values") == 1


async def test_upserts_of_many_keys_at_once_meet_in_any_order(office: Office) -> None:
    await write(office, UpsertBatch(office.organization, {0: upsert("0", {})}))
    orders = [range(30), range(29, -1, -1), [*range(15, 30), *range(15)]]
    batches = [
        UpsertBatch(office.organization, {place: upsert(f"{n}", {"city": f"{n}"}) for place, n in enumerate(order)})
        for order in orders
    ]
    for results in await asyncio.gather(*(write(office, batch) for batch in batches)):
        assert not [result.error for result in results.values() if result.error]
    assert await count(office, "clients") == 30


async def test_rows_with_values_that_are_taken_fail_by_themselves(office: Office) -> None:
    await write(office, UpsertBatch(office.organization, {n: upsert(f"{n}", {}) for n in range(3)}))
    new = {n: {"name": "N", "metadata": {}, "custom": {"erp": value}} for n, value in enumerate(("1", "9", "9", "8"))}
    results = await write(office, CreateBatch(office.organization, new))
    assert [type(results[n].error) for n in range(4)] == [KeyTaken, type(None), KeyTaken, type(None)]
    assert await count(office, "clients") == 3
    results = await write(office, CreateBatch(office.organization, new), keep_valid=True)
    assert [bool(results[n].record) for n in range(4)] == [False, True, False, True]
    assert await count(office, "clients") == 5


async def test_clients_swap_their_values_in_one_batch(office: Office) -> None:
    made = await write(office, UpsertBatch(office.organization, {n: upsert(f"{n}", {}) for n in range(3)}))
    ids = [made[n].client_id for n in range(3)]
    swap = [ChangedRow(n, ids[n], {"custom": {"erp": f"{(n + 1) % 3}"}}) for n in range(3)]
    results = await change(office, swap)
    assert not [result.error for result in results.values() if result.error]
    assert [(await office.row(each))["custom"]["erp"] for each in ids] == ["1", "2", "0"]


async def test_a_thousand_changes_are_one_statement(office: Office) -> None:
    ids = await office.add_all(*({"name": f"{n}"} for n in range(1000)))
    results = await change(office, [ChangedRow(n, client_id, {"name": f"N{n}"}) for n, client_id in enumerate(ids)])
    assert all(result.record for result in results.values())
    assert orjson.loads(results[7].record.json)["name"] == "N7"  # type: ignore[union-attr]
    async with office.database.read() as connection:
        times = await connection.scalar(text("SELECT count(DISTINCT at) FROM client_changes WHERE action = 'updated'"))
    assert times == 1


async def test_two_keys_of_one_client_are_two_rows_for_it(office: Office) -> None:
    row = UpsertedRow(
        ClientKey("custom", "erp", "1"), {}, {"name": "N", "metadata": {}, "custom": {"erp": "1", "crm": "2"}}
    )
    await write(office, UpsertBatch(office.organization, {0: row}))
    both = {0: upsert("1", {"city": "A"}), 1: upsert("2", {"city": "B"}, name="crm")}
    results = await write(office, UpsertBatch(office.organization, both))
    assert isinstance(results[1].error, Invalid)


@pytest.mark.parametrize("custom", [[1], "text", {"erp": "other"}])
def test_a_document_that_contradicts_the_key_is_invalid(custom: Any) -> None:
    with pytest.raises(Invalid):
        ClientKey("custom", "erp", "A-1").add_to({"custom": custom})
