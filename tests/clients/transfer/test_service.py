"""Import and export: an export and an import give the same records; an import adds all records or none, and says why."""

import asyncio
import csv
import io
import json
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from app.accounts.service import create_account
from app.clients.faces import CLIENT_TYPES, V1
from app.clients.record import BANK_ACCOUNT_TEXTS, BANK_ACCOUNT_TYPES, UJP_TEXTS
from app.clients.repository import ClientRepository
from app.clients.transfer import reading
from app.clients.transfer.cells import FORMULA_STARTS
from app.clients.transfer.exporting import ExportOptions
from app.clients.transfer.files import Entry, read_entries
from app.clients.transfer.problems import NotImported
from app.clients.transfer.reading import Batch, RecordReader, batches
from app.clients.transfer.repository import TransferRepository
from app.clients.transfer.service import export_clients, import_clients
from app.clients.transfer.sources import JsonRecords, open_source
from app.clients.transfer.tables import Table
from app.errors import NotFound
from app.ids import new_id
from app.organizations.service import create_organization
from app.query.invisible import trim
from app.query.model import EVERYTHING, Query
from app.query.request import count_request
from app.query.values import whole_numbers
from app.storage.database import Database
from app.storage.tables import clients
from tests.seeding import insert_rows, make_organization

STORED = [column for column in clients.c if column.computed is None and column.name != "organization_id"]
ODD = [
    "",
    " ",
    "NULL",
    "O'Brien",
    '"',
    "\\",
    "\\u0000",
    "%_",
    "日本",
    "ДЪ",
    "🧾👩‍🚀",
    "e\u0301",
    "a\tb\r\nc",
    "\x7f\u2028",
    "ß" * 40,
]
TEXTS = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False).map(whole_numbers)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(TEXTS, JSON_VALUES, max_size=3)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
MAYBE = st.none()


def full(names: tuple[str, ...], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({**dict.fromkeys(names, MAYBE | TEXTS), **more})


BY_NAME: Mapping[str, st.SearchStrategy[Any]] = {
    "id": st.integers(0, 2**96 - 1).map(lambda number: f"{number:024x}"),
    "name": TEXTS.filter(bool),
    "type": MAYBE | st.sampled_from(CLIENT_TYPES),
    "unit_ids": MAYBE | st.lists(TEXTS, max_size=3),
    "custom": MAYBE | DOCUMENTS | st.lists(JSON_VALUES, max_size=3) | TEXTS,
    "data": MAYBE
    | st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "name", "value", "options"), JSON_VALUES))),
    "metadata": st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=3),
    "bank_accounts": MAYBE
    | st.lists(
        full(BANK_ACCOUNT_TEXTS, type=st.sampled_from(BANK_ACCOUNT_TYPES), is_default=MAYBE | st.booleans()), max_size=2
    ),
    "ujp": MAYBE | full(UJP_TEXTS),
    **dict.fromkeys(("email", "tax_number", "country_alpha2_code"), MAYBE | TEXTS.map(trim)),
    "version": st.just(1) | st.integers(1, 2**31 - 1),
}


def values_of(column: Column[Any]) -> st.SearchStrategy[Any]:
    """The values that a column may hold; those of a new column follow its type."""
    if column.name in BY_NAME:
        return BY_NAME[column.name]
    drawn = {Text: TEXTS, Boolean: st.booleans(), JSONB: DOCUMENTS, TIMESTAMP: MOMENTS, Integer: st.integers(0, 99)}
    values = drawn[type(column.type)]
    return MAYBE | values if column.nullable else values


ROWS = st.lists(
    st.fixed_dictionaries({column.name: values_of(column) for column in STORED}),
    max_size=8,
    unique_by=lambda row: row["id"],
)


async def exported(database: Database, organization: str) -> bytes:
    lines: list[bytes] = []
    assert await export_clients(database, organization, lines.append) == len(lines)
    return b"".join(lines)


async def stored(database: Database, organization: str) -> list[str]:
    """Every column of the organization's rows, as the database writes them."""
    async with database.read() as connection:
        statement = (
            "SELECT (to_jsonb(c) - 'organization_id')::text FROM clients c WHERE organization_id = :id ORDER BY id"
        )
        return [str(row) for row in await connection.scalars(text(statement), {"id": organization})]


def parse(lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.booleans())
async def test_export_and_import_give_equal_records(
    database: Database, rows: list[dict[str, Any]], listed: bool
) -> None:
    old, new = await make_organization(database), await make_organization(database)
    await insert_rows(database, old, rows)
    lines = await exported(database, old)
    moved = json.dumps(parse(lines)).encode() if listed else lines
    assert (await import_clients(database, new, JsonRecords(io.BytesIO(moved)))).added == len(rows)
    assert await stored(database, new) == await stored(database, old)
    assert await exported(database, new) == lines.replace(old.encode(), new.encode())
    async with database.read() as connection:
        counted = await ClientRepository(connection).count(new, count_request(V1, Query(EVERYTHING)))
    assert counted == sum(row["deleted_at"] is None for row in rows)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.sampled_from(",;\t|"), st.booleans())
async def test_export_and_import_of_csv_give_equal_records(
    database: Database, rows: list[dict[str, Any]], delimiter: str, mark: bool
) -> None:
    old, new = await make_organization(database), await make_organization(database)
    await insert_rows(database, old, rows)
    written: list[bytes] = []
    options = ExportOptions("csv", delimiter=delimiter, mark=mark, deleted=True)
    assert await export_clients(database, old, written.append, options) == len(rows)
    source = open_source(io.BytesIO(b"".join(written)))
    assert isinstance(source, Table)
    assert source.delimiter == delimiter
    cells = (
        cell
        for row in source.read_entries()
        for cell in csv.reader(io.StringIO(str(row.raw), newline=""), delimiter=delimiter)
    )
    assert not [cell for row in cells for cell in row if cell.startswith(tuple(FORMULA_STARTS))]
    assert (await import_clients(database, new, source)).added == len(rows)
    assert await stored(database, new) == await stored(database, old)


def record(**values: Any) -> dict[str, Any]:
    return {"id": new_id(), "name": "Ana d.o.o.", **values}


async def load(database: Database, organization: str, *records: object) -> int:
    source = JsonRecords(io.BytesIO("\n".join(map(json.dumps, records)).encode()))
    return (await import_clients(database, organization, source)).added


async def rejected_import(database: Database, organization: str, *records: object) -> list[str]:
    """The lines of the message of an import that adds nothing."""
    before = await stored(database, organization)
    with pytest.raises(NotImported) as error:
        await load(database, organization, *records)
    assert await stored(database, organization) == before
    return error.value.message.split("\n")


async def test_an_export_adds_members_to_v1_only_where_a_record_has_more(database: Database) -> None:
    organization = await make_organization(database)
    await load(database, organization, record(name="Plain"), record(name="Rich", metadata={"a": "b"}, version=2))
    plain, rich = parse(await exported(database, organization))
    assert list(plain) == list(V1.fields)
    assert list(rich) == [*V1.fields, "metadata", "version"]
    assert (rich["metadata"], rich["version"]) == ({"a": "b"}, 2)


async def test_imported_records_are_searched_counted_and_logged(database: Database) -> None:
    organization = await make_organization(database)
    gone = record(name="Gone", deletedAt="2020-01-01", _isDeleted=True)
    kept = record(name="Žiga & sinovi", createdAt="2019-05-06T07:08:09.123Z")
    assert await load(database, organization, kept, gone) == 2
    async with database.read() as connection:
        repository = ClientRepository(connection)
        assert await repository.count(organization, count_request(V1, Query(EVERYTHING))) == 1
        assert len(await repository.rank(organization, "ziga", ["ziga"], None, ())) == 1
        statement = "SELECT client_id, action, actor, version, before, after FROM client_changes ORDER BY client_id"
        changes = await connection.driver.fetch(statement)
    assert [tuple(row)[:5] for row in changes] == [
        (client["id"], "imported", "operator", 1, None)
        for client in sorted((kept, gone), key=lambda client: client["id"])
    ]
    assert {row["after"]["name"] for row in changes} == {"Žiga & sinovi", "Gone"}


async def test_imported_records_belong_to_the_organization_of_the_import(database: Database) -> None:
    organization, elsewhere = await make_organization(database), new_id()
    await load(database, organization, record(organizationId=elsewhere), record(), record(organizationId=elsewhere))
    assert {client["organizationId"] for client in parse(await exported(database, organization))} == {organization}
    other = record(organizationId=new_id())
    (_, line) = await rejected_import(database, organization, record(organizationId=elsewhere), other)
    assert line.endswith(
        f'organizationId is "{other["organizationId"]}", but that of the records before it is "{elsewhere}"'
    )


async def test_a_taken_id_is_rejected_with_the_record_that_has_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one batch of the file and in two; live and deleted in the organization; in another organization of the account."""
    monkeypatch.setattr(reading, "BATCH", 2)
    await create_account(database, "owner@example.com")
    mine, sister = [
        await create_organization(database, name, account_email="owner@example.com") for name in ("Mine", "Sister")
    ]
    there, gone, hers, free = record(name="There"), record(name="Gone"), record(name="Hers"), record(name="Free")
    await load(database, mine, there, {**gone, "deletedAt": "2020-01-01"})
    await load(database, sister, hers, there | {"id": new_id()})
    stranger = await make_organization(database)
    await load(database, stranger, free)
    again = free | {"name": "Again"}
    lines = await rejected_import(database, mine, free, again, there, gone, hers, record(), again, there)
    assert lines == [
        "Nothing is imported:",
        f'line 2 ("{free["id"]}", "Again"): id is in the file already: line 1 ("{free["id"]}", "Free")',
        f'line 3 ("{there["id"]}", "There"): id is in the organization already: "There"',
        f'line 4 ("{gone["id"]}", "Gone"): id is in the organization already: "Gone", deleted',
        f'line 5 ("{hers["id"]}", "Hers"): id is in another organization of the same account, {sister}, "Sister": "Hers"',
        f'line 7 ("{free["id"]}", "Again"): id is in the file already: line 1 ("{free["id"]}", "Free")',
        f'line 8 ("{there["id"]}", "There"): id is in the file already: line 3 ("{there["id"]}", "There")',
    ]
    assert await load(database, mine, free) == 1


async def test_two_imports_at_once_do_not_take_the_same_ids(database: Database) -> None:
    await create_account(database, "owner@example.com")
    homes = [await create_organization(database, name, account_email="owner@example.com") for name in ("A", "B", "C")]
    records = [record() for _ in range(3)]
    done = await asyncio.gather(*(load(database, home, *records) for home in homes), return_exceptions=True)
    assert sorted(type(result).__name__ for result in done) == ["NotImported", "NotImported", "int"]


async def test_an_import_reports_the_first_twenty_problems(database: Database) -> None:
    organization = await make_organization(database)
    lines = await rejected_import(
        database, organization, record(), 5, {"id": "5", "IBAN": [], "\x1b[31m": 1}, record(name=None)
    )
    assert lines[:6] == [
        "Nothing is imported:",
        "line 2: record is not an object",
        'line 3 ("5"): id is not 24 lower-case hex digits',
        'line 3 ("5"): IBAN is not a text',
        'line 3 ("5"): "\\u001b[31m" is not defined in the model',
        'line 3 ("5"): name can\'t be blank',
    ]
    assert lines[6].endswith("): name can't be blank")
    many = await rejected_import(database, organization, *(record(name=None) for _ in range(30)))
    assert (len(many), many[0]) == (21, "Nothing is imported. The first 20 problems:")
    assert many[20].startswith("line 20 ")


async def test_a_text_of_10000_characters_is_imported_and_a_longer_one_is_reported(database: Database) -> None:
    """It does not matter what the texts compress to."""
    organization = await make_organization(database)
    longest = "".join(map(chr, range(0x20000, 0x20000 + 10_000)))
    long = [record(**{field: longest}) for field in ("name", "email", "taxNumber")]
    lines = await rejected_import(
        database, organization, *long, record(email=f"{longest}x"), record(custom={"a": "x" * 102_400})
    )
    assert [line.partition(": ")[2] for line in lines[1:]] == [
        "email is longer than 10000 characters",
        "custom is larger than 100 KB as JSON",
    ]
    assert lines[1].startswith("line 4 (")
    assert await load(database, organization, *long) == 3


async def test_a_batch_is_read_while_the_one_before_it_is_added(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = await make_organization(database)
    monkeypatch.setattr(reading, "BATCH", 1)
    was_read, add, read = threading.Semaphore(0), TransferRepository.add, RecordReader._read_batch

    def read_and_tell(reader: RecordReader, entries: Sequence[Entry]) -> Batch:
        was_read.release()
        return read(reader, entries)

    async def wait_and_add(repository: TransferRepository, rows: Sequence[str]) -> None:
        if '"Last"' not in rows[0]:
            assert await asyncio.to_thread(was_read.acquire, timeout=20)
        await add(repository, rows)

    monkeypatch.setattr(RecordReader, "_read_batch", read_and_tell)
    monkeypatch.setattr(TransferRepository, "add", wait_and_add)
    lines = [record(name="First"), record(name="Second"), record(name="Last")]
    importing = asyncio.create_task(load(database, organization, *lines))
    assert await asyncio.to_thread(was_read.acquire, timeout=20)
    assert await importing == 3


async def test_a_failed_import_leaves_its_file_alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread reads it any more."""
    organization = await make_organization(database)
    monkeypatch.setattr(reading, "BATCH", 1)
    read = RecordReader._read_batch
    is_reading = threading.Event()

    def read_slowly(reader: RecordReader, entries: Sequence[Entry]) -> Batch:
        batch = read(reader, entries)
        if threading.current_thread() is not threading.main_thread():
            assert not is_reading.is_set()
            is_reading.set()
            was_added.wait(20)
            is_reading.clear()
        return batch

    async def fail(repository: TransferRepository, rows: Sequence[str]) -> None:
        await asyncio.to_thread(is_reading.wait, 20)
        was_added.set()
        raise NotFound("no")

    was_added = threading.Event()
    monkeypatch.setattr(RecordReader, "_read_batch", read_slowly)
    monkeypatch.setattr(TransferRepository, "add", fail)
    usual_turn = sys.getswitchinterval()
    with pytest.raises(NotFound, match="no"):
        await load(database, organization, record(), record(), record())
    assert not is_reading.is_set()
    assert sys.getswitchinterval() == usual_turn


async def test_batches_are_limited_by_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 3)
    monkeypatch.setattr(reading, "BATCH_SIZE", 100)
    entries = [Entry(number, number, False, size=size) for number, size in enumerate([1, 1, 1, 99, 1, 200, 1, 1], 1)]
    assert [[entry.number for entry in batch] for batch in batches(entries)] == [[1, 2, 3], [4, 5], [6], [7, 8]]
    for data in (b'{"a": 1}', b'[ {"a": 1}]'):
        assert [entry.size for entry in read_entries(io.BytesIO(data))] == [8]


async def test_an_unknown_organization_is_rejected(database: Database) -> None:
    with pytest.raises(NotFound, match="no organization with the id 5"):
        await load(database, "5", record())
    with pytest.raises(NotFound, match="no organization with the id 5"):
        await exported(database, "5")


async def test_an_export_is_one_snapshot(database: Database) -> None:
    """Records that are committed during the export are not in it."""
    organization = await make_organization(database)
    await load(database, organization, *(record() for _ in range(1500)))
    async with database.snapshot() as connection:
        rows = TransferRepository(connection).export(organization)
        await anext(rows)
        await load(database, organization, record(id="f" * 24))
        assert len([row async for row in rows]) == 1499
