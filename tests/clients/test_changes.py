"""Changes: each write leaves one record of who did what, with both images, or, rolled back, leaves nothing."""

import asyncio
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.auth import Access, Scope
from app.clients.repository import ClientRepository
from app.clients.service import add_clients, change_client, remove_client, restore_client
from app.clients.writes import NEW_COLUMNS
from app.errors import Forbidden, Invalid, NotFound, Stale
from app.idempotency import RequestKey, StoredResponse
from app.storage.tables import client_changes, client_totals, clients
from tests.clients.conftest import SELECTION, Office
from tests.seeding import principal, target_of

COMPUTED = {"is_deleted", "name_folded", "email_folded", "search_text"}


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as an image shows it, but for its times."""
    return {key: value for key, value in row.items() if key not in COMPUTED and not key.endswith("_at")}


async def test_creation_is_recorded(office: Office) -> None:
    client = await office.add(name="Ann", email="ann@example.com", custom={"a": [1, "x"]})
    (change,) = await office.changes(client)
    row = await office.row(client)
    assert (change["action"], change["version"], change["before"]) == ("created", 1, None)
    assert change["actor"] == office.caller.actor == f"account:{office.caller.account_id}"
    assert change["organization_id"] == office.organization
    assert set(change["after"]) == set(row) - COMPUTED
    assert change["after"].items() >= plain(row).items()
    assert row["created_at"] == row["updated_at"]


async def test_bulk_creation_is_recorded_one_by_one(office: Office) -> None:
    made = await office.add_all(*({"name": f"Name {index}"} for index in range(30)))
    assert len(set(made)) == 30
    assert made == sorted(made)
    for index, client in enumerate(made):
        (change,) = await office.changes(client)
        assert (change["version"], change["after"]["name"]) == (1, f"Name {index}")
        row = await office.row(client)
        assert set(change["after"]) == set(row) - COMPUTED
        assert change["after"].items() >= plain(row).items()


async def test_a_record_is_stored_alone_as_in_a_list(office: Office) -> None:
    documents: dict[str, Any] = {
        "metadata": None,
        "custom": {"a": None, "b": [0.5, 1e20, "ŠČ"]},
        "data": {},
        "unit_ids": [],
        "ujp": {"x": None},
    }
    texts = dict.fromkeys(NEW_COLUMNS - {"id", "organization_id", *documents, "bank_accounts"}, "Ž 'x' \"\\")
    full = {**texts, **documents, "tax_subject": True, "is_end_customer": None, "sent_columns": ["name", "ujp"]}
    alone, *listed = [await office.add(**full), *await office.add_all(full, {"name": "Bo"})]
    (one,), (other,) = await office.changes(alone), await office.changes(listed[0])
    assert plain(one["after"]) | {"id": ""} == plain(other["after"]) | {"id": ""}
    assert one["sent_columns"] == other["sent_columns"] == full["sent_columns"]
    own = {"id": "", "created_at": "", "updated_at": ""}
    assert await office.row(alone) | own == await office.row(listed[0]) | own


async def test_every_write_is_recorded_with_both_images(office: Office) -> None:
    client = await office.add(name="One", note="kept")
    rows = [await office.row(client)]
    where = (office.access, client)
    writes: list[Any] = [
        lambda: change_client(*where, {"name": "Two", "email": "two@example.com"}, SELECTION),
        lambda: remove_client(*where, SELECTION),
        lambda: restore_client(*where, SELECTION),
        lambda: change_client(*where, {"metadata": {"a": "b"}}, SELECTION),
        lambda: change_client(*where, {"note": "kept", "custom": {}}, SELECTION),
    ]
    for write in writes:
        found = await write()
        rows.append(await office.row(client))
        assert found.version == rows[-1]["version"] == len(rows)
        assert rows[-1]["updated_at"] > rows[-2]["updated_at"]
    changes = await office.changes(client)
    assert [one["action"] for one in changes] == ["created", "updated", "deleted", "restored", "updated", "updated"]
    assert [one["version"] for one in changes] == [1, 2, 3, 4, 5, 6]
    for change, before, after in zip(changes[1:], rows, rows[1:], strict=False):
        assert change["before"].items() >= plain(before).items()
        assert change["after"].items() >= plain(after).items()
    assert rows[2]["deleted_id"] == client
    assert rows[2]["is_deleted"]
    assert rows[3]["deleted_at"] is rows[3]["deleted_id"] is None
    assert (rows[-1]["note"], rows[-1]["created_at"]) == ("kept", rows[0]["created_at"])


async def test_token_of_an_organization_is_named_as_actor(office: Office) -> None:
    client = await office.add()
    caller = principal(office.organization, account=None)
    await change_client(Access(office.database, caller), client, {"name": "B"}, SELECTION)
    assert (await office.changes(client))[-1]["actor"] == f"token:{caller.token_id}"


async def counts(office: Office) -> tuple[int, ...]:
    tables = (clients, client_changes)
    async with office.database.read() as connection:
        rows = [await connection.scalar(select(func.count()).select_from(table)) for table in tables]
        total = await connection.scalar(select(func.coalesce(func.sum(client_totals.c.n), 0)))
    return (*rows, int(total))


class GaveUp(Exception):
    pass


async def test_write_that_is_rolled_back_leaves_nothing(office: Office) -> None:
    client, gone = await office.add(), await office.add()
    await remove_client(office.access, gone, SELECTION)
    before, row = await counts(office), await office.row(client)
    live, deleted = (target_of(office.organization, record=record) for record in (client, gone))
    new = {"id": "f" * 24, "organization_id": office.organization, "name": "New", "metadata": {}}
    with suppress(GaveUp):
        async with office.database.write() as connection:
            repository = ClientRepository(connection)
            await repository.add([new], "x", SELECTION)
            await repository.change(live, {"name": "B"}, SELECTION)
            await repository.remove(live, SELECTION)
            await repository.restore(deleted, SELECTION)
            assert await repository.get(deleted, SELECTION) is not None
            raise GaveUp
    assert await counts(office) == before
    assert await office.row(client) == row


async def test_write_that_is_refused_leaves_nothing(office: Office) -> None:
    client = await office.add(metadata={str(index): "x" for index in range(50)})
    before, row = await counts(office), await office.row(client)
    reader = principal(office.organization, scope=Scope.READ)
    where = (office.access, client)
    refused: list[tuple[type[Exception], Any]] = [
        (Stale, lambda: change_client(*where, {"name": "B"}, SELECTION, expected=7)),
        (Stale, lambda: remove_client(*where, SELECTION, expected=0)),
        (NotFound, lambda: restore_client(*where, SELECTION)),
        (Invalid, lambda: change_client(*where, {"metadata": {"more": "x"}}, SELECTION)),
        (Forbidden, lambda: change_client(Access(office.database, reader), client, {"name": "B"}, SELECTION)),
        (Forbidden, lambda: remove_client(Access(office.database, reader), client, SELECTION)),
    ]
    for refusal, write in refused:
        with pytest.raises(refusal):
            await write()
    assert await counts(office) == before
    assert await office.row(client) == row


async def test_bulk_creation_with_one_bad_record_creates_none(office: Office) -> None:
    before = await counts(office)
    rows: list[dict[str, Any]] = [{"name": "Good"}, {"name": None}]
    with pytest.raises(Exception, match="null value"):
        await add_clients(
            office.access,
            office.organization,
            rows,
            SELECTION,
            answer=lambda _: StoredResponse(200, b""),
        )
    assert await counts(office) == before


async def test_answer_that_cannot_be_made_with_a_key_undoes_the_work(office: Office) -> None:
    def fail(_: object) -> StoredResponse:
        raise GaveUp

    before = await counts(office)
    key = RequestKey.of("owner", "key", "body")
    with pytest.raises(GaveUp):
        await add_clients(office.access, office.organization, [{"name": "A"}], SELECTION, key=key, answer=fail)
    assert await counts(office) == before


async def test_writers_at_once_leave_one_line_of_history(busy_office: Office) -> None:
    office = busy_office
    client = await office.add(name="new")

    async def write(index: int) -> None:
        await change_client(office.access, client, {"name": str(index)}, SELECTION)

    await asyncio.gather(*(write(index) for index in range(48)))
    changes = await office.changes(client)
    assert [change["version"] for change in changes] == list(range(1, 50))
    for earlier, later in pairwise(changes):
        assert later["before"] == earlier["after"]
        assert later["after"]["updated_at"] > earlier["after"]["updated_at"]


async def test_change_that_began_earlier_never_turns_the_time_back(office: Office) -> None:
    client = await office.add()
    async with office.database.write() as connection:
        await connection.scalar(text("SELECT now()"))
        await change_client(office.access, client, {"name": "B"}, SELECTION)
        between = await office.row(client)
        target = target_of(office.organization, record=client)
        await ClientRepository(connection).change(target, {"name": "C"}, SELECTION)
    after = await office.row(client)
    assert (after["version"], after["name"]) == (3, "C")
    assert after["updated_at"] > between["updated_at"]
