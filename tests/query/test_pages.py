"""Pages: in any order and any page size, a walk visits each row once, where an independent sort of the rows puts it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, GRAPHQL_CUSTOMER, V1
from app.clients.repository import ClientRepository
from app.query import operators
from app.query.cursor import positions, read_cursor, write_cursor
from app.query.face import Face, Kind
from app.query.model import Compare, Not, Order, Page, Query, Scalar
from app.query.request import Wanted, complete_orders
from app.query.sql.pages import page_statement
from app.records.repository import list_page
from app.storage.database import Database
from app.storage.tables import clients
from tests.seeding import fetch_page, fold, ids_of, insert_rows, make_organization, request_of

Row = dict[str, Any]
Keyed = list[tuple[str, str]]

START = datetime(2024, 2, 29, 10, tzinfo=UTC)
LETTERS = st.text(st.sampled_from("aAbBzZéÉüñ '\"%_\\😀中жЖω,:-$0"), max_size=3)
WORDS = st.sampled_from(["", "a", "A", "á", "b", "%", "\\", "'"]) | LETTERS
MOMENTS = st.sampled_from([START + timedelta(milliseconds=step) for step in (0, 1, 1000)])
FLAGS = st.none() | st.booleans()

PARTS: dict[str, st.SearchStrategy[Any]] = {
    "name": WORDS.filter(bool),
    "email": st.none() | WORDS,
    "city": st.none() | WORDS,
    "type": st.sampled_from([None, "customer", "supplier", "both"]),
    "tax_subject": FLAGS,
    "is_end_customer": FLAGS,
    "created_at": MOMENTS,
    "updated_at": MOMENTS,
    "deleted_at": st.none() | MOMENTS,
    "unit_id": st.sampled_from([None, "a", "B", "é"]),
    "version": st.integers(1, 3),
}


@st.composite
def seeds(draw: st.DrawFn, most: int = 12) -> list[Row]:
    rows = draw(st.lists(st.fixed_dictionaries(PARTS), max_size=most))
    return [{"id": f"{index * 7919 % 104729:024x}", **row} for index, row in enumerate(rows, 1)]


def orders_of(face: Face) -> st.SearchStrategy[tuple[Order, ...]]:
    columns = [column for column in ("id", *PARTS) if _sortable(face, column)]
    one = st.builds(Order, st.sampled_from(columns), st.booleans())
    return st.lists(one, max_size=3).map(tuple)


def _sortable(face: Face, column: str) -> bool:
    return any(field.column == column and field.sortable for field in face.fields.values())


def order_value(face: Face, row: Row, column: str) -> Any:
    field, value = face.columns[column], row[column]
    if value is None:
        return False if field.codec.null_is_false else None
    return fold(value) if face.folds and field.kind is Kind.TEXT else value


def sort_rows(face: Face, rows: Sequence[Row], orders: Sequence[Order]) -> list[str]:
    """Nulls last; a face that does not fold has them first in descending orders. A column counts once, the first time."""
    firsts = [one for index, one in enumerate(orders) if one.column not in [two.column for two in orders[:index]]]
    ordered = sorted(rows, key=lambda row: str(row["id"]), reverse=bool(firsts) and firsts[-1].descending)
    for order in reversed(firsts):
        column = order.column
        known = [row for row in ordered if order_value(face, row, column) is not None]
        unknown = [row for row in ordered if order_value(face, row, column) is None]
        known.sort(key=lambda row: order_value(face, row, column), reverse=order.descending)
        ordered = known + unknown if face.folds or not order.descending else unknown + known
    return ids_of(ordered)


async def seed(database: Database, rows: Sequence[Row]) -> str:
    organization = await make_organization(database)
    await insert_rows(database, organization, rows)
    return organization


def position(face: Face, query: Query, keys: str) -> tuple[Scalar, ...]:
    """A row's position by way of a cursor, as a door finds it."""
    orders = complete_orders(query.orders)
    return positions(face, orders, read_cursor("mark", write_cursor("mark", keys), "after", len(orders)))


async def walk(
    database: Database, organization: str, face: Face, query: Query, sizes: Sequence[int], *, backward: bool
) -> Keyed:
    """Every row, page after page, of the sizes in turn."""
    visited: Keyed = []
    place = None
    for turn in range(100):
        size = sizes[turn % len(sizes)]
        asked = Page(size, before=place, backward=True) if backward else Page(size, after=place)
        page = await fetch_page(database, organization, face, query, asked)
        visited += page
        if len(page) < size:
            return visited
        place = position(face, query, page[-1][1])
    raise AssertionError("The walk does not end")


ANYHOW = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
FOLDING = pytest.mark.parametrize("face", [CUSTOMER, GRAPHQL_CLIENT, GRAPHQL_CUSTOMER], ids=lambda face: face.name)
SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=3)


@FOLDING
@ANYHOW
@given(data=st.data(), rows=seeds(), sizes=SIZES)
async def test_walk_visits_each_row_once_both_ways(
    database: Database, face: Face, data: st.DataObject, rows: list[Row], sizes: list[int]
) -> None:
    query = Query(orders=data.draw(orders_of(face)), deleted_too=True)
    organization = await seed(database, rows)
    expected = sort_rows(face, rows, query.orders)
    forward = await walk(database, organization, face, query, sizes, backward=False)
    assert [one for one, _ in forward] == expected
    back = await walk(database, organization, face, query, sizes, backward=True)
    assert back == forward[::-1]


@FOLDING
@ANYHOW
@given(data=st.data(), rows=seeds())
async def test_page_between_two_rows_has_the_rows_between(
    database: Database, face: Face, data: st.DataObject, rows: list[Row]
) -> None:
    query = Query(orders=data.draw(orders_of(face)), deleted_too=True)
    organization = await seed(database, rows)
    everything = await fetch_page(database, organization, face, query, Page(100))
    if not everything:
        return
    first, last = data.draw(st.tuples(*[st.integers(0, len(everything) - 1)] * 2))
    limit, skip = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 2))
    after, before = (position(face, query, everything[index][1]) for index in (first, last))
    between = everything[first + 1 : last]
    page = await fetch_page(database, organization, face, query, Page(limit, skip, after, before))
    assert page == between[skip : skip + limit]
    page = await fetch_page(database, organization, face, query, Page(limit, skip, after, before, backward=True))
    assert page == between[::-1][skip : skip + limit]


@pytest.mark.parametrize("face", [CUSTOMER, GRAPHQL_CLIENT, V1], ids=lambda face: face.name)
@ANYHOW
@given(data=st.data(), rows=seeds())
async def test_a_joined_page_is_the_page_of_its_rows(
    database: Database, face: Face, data: st.DataObject, rows: list[Row]
) -> None:
    query = Query(orders=data.draw(orders_of(face)), deleted_too=True)
    organization = await seed(database, rows)
    everything = await fetch_page(database, organization, face, query, Page(100)) if face.folds else []
    bounds = st.sampled_from([None, *(position(face, query, keys) for _, keys in everything)])
    after, before = data.draw(st.tuples(bounds, bounds))
    page = Page(data.draw(st.integers(0, 6)), data.draw(st.integers(0, 2)), after, before, data.draw(st.booleans()))
    total, cursors, beyond = data.draw(st.tuples(*[st.booleans()] * 3))
    apart = Wanted(total=total, cursors=cursors, beyond=beyond)
    asked = [
        request_of(face, query, page, tuple(face.fields.items()), wanted)
        for wanted in (apart, replace(apart, joined=True))
    ]
    async with database.read() as connection:
        listed, joined = [await list_page(ClientRepository(connection), organization, request) for request in asked]
    ends = (listed.rows[0][1], listed.rows[-1][1]) if listed.rows else (None, None)
    assert joined.json.decode() == ",".join(json for json, _ in listed.rows)
    assert (joined.first, joined.last, joined.rows) == (*ends, ())
    assert replace(joined, json=b"", first=None, last=None) == replace(listed, rows=())


@ANYHOW
@given(data=st.data(), rows=seeds(), limit=st.integers(1, 5))
async def test_v1_orders_by_code_point_with_nulls_as_postgresql_places_them(
    database: Database, data: st.DataObject, rows: list[Row], limit: int
) -> None:
    orders = data.draw(orders_of(V1))
    organization = await seed(database, rows)
    query = Query(orders=orders, deleted_too=True)
    visited = [
        one
        for skip in range(0, len(rows) + 1, limit)
        for one, _ in await fetch_page(database, organization, V1, query, Page(limit, skip))
    ]
    assert visited == sort_rows(V1, rows, orders)


@ANYHOW
@given(data=st.data(), rows=seeds(), sizes=SIZES, text=WORDS)
async def test_walk_keeps_to_its_conditions(
    database: Database, data: st.DataObject, rows: list[Row], sizes: list[int], text: str
) -> None:
    query = Query(Not(Compare("city", operators.EQ, text)), orders=data.draw(orders_of(CUSTOMER)))
    organization = await seed(database, rows)
    wanted = [row for row in rows if row["deleted_at"] is None and row["city"] not in (None, text)]
    expected = sort_rows(CUSTOMER, wanted, query.orders)
    for backward in (False, True):
        visited = await walk(database, organization, CUSTOMER, query, sizes, backward=backward)
        assert [one for one, _ in visited] == (expected[::-1] if backward else expected)


async def test_position_need_not_be_a_row_that_is_still_there(database: Database) -> None:
    organization = await make_organization(database)
    emails = ["a", "c", None, None]
    await insert_rows(
        database, organization, [{"id": f"{index}0", "name": "n", "email": one} for index, one in enumerate(emails)]
    )
    query = Query(orders=(Order("email"),))
    for place, before, after in [(("b", "x"), 1, 3), (("c", "11"), 2, 2), ((None, "20"), 2, 1), ((None, "x"), 4, 0)]:
        assert len(await fetch_page(database, organization, CUSTOMER, query, Page(9, after=place))) == after
        assert len(await fetch_page(database, organization, CUSTOMER, query, Page(9, before=place))) == before


async def test_other_organizations_are_never_seen(database: Database) -> None:
    rows = [{"id": f"{index:024x}", "name": "same", "email": None} for index in range(3)]
    mine, theirs = await seed(database, rows[:1]), await seed(database, rows)
    for orders in ((), (Order("name"),), (Order("email", True),), (Order("city"), Order("name"))):
        assert len(await fetch_page(database, mine, CUSTOMER, Query(orders=orders), Page(9))) == 1
        assert len(await fetch_page(database, theirs, CUSTOMER, Query(orders=orders), Page(9))) == 3


@pytest.mark.parametrize(
    ("given_orders", "complete"),
    [
        ((), (Order("id"),)),
        ((Order("name"),), (Order("name"), Order("id"))),
        ((Order("name", True),), (Order("name", True), Order("id", True))),
        ((Order("id", True), Order("name")), (Order("id", True),)),
        ((Order("name"), Order("name", True)), (Order("name"), Order("id"))),
        ((Order("name"), Order("city", True)), (Order("name"), Order("city", True), Order("id", True))),
    ],
)
def test_every_order_ends_in_the_id(given_orders: tuple[Order, ...], complete: tuple[Order, ...]) -> None:
    assert complete_orders(given_orders) == complete


async def test_row_is_rendered_under_the_names_asked_for(database: Database) -> None:
    organization = await seed(database, [])
    row = {"id": "a" * 24, "name": 'Ä "q" \\ \u2028 😀', "tax_subject": None, "created_at": START, "type": "customer"}
    await insert_rows(database, organization, [row])
    fields = CUSTOMER.fields
    selection = tuple(
        (f"x{name}", fields[name]) for name in ("id", "name", "is_tax_subject", "created_at", "contact_type")
    )
    statement, parameters = page_statement(
        clients, request_of(CUSTOMER, Query(), Page(1), selection, Wanted(cursors=False))
    )
    async with database.read() as connection:
        json, keys = (await connection.execute(statement, {"organization": organization, **parameters})).one()
    assert keys is None
    assert orjson.loads(json) == {
        "xid": f"cust_{row['id']}",
        "xname": row["name"],
        "xis_tax_subject": False,
        "xcreated_at": "2024-02-29T10:00:00.000Z",
        "xcontact_type": "buyer",
    }
