"""Plans and searches: what is found by key or word is read by an index, and what was written last is what is searched."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Text, bindparam, literal_column, select
from sqlalchemy.sql.elements import ClauseElement

from app.clients.duplicates import NEIGHBOURS, Duplicates
from app.clients.duplicates import WINDOW as NEAR
from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, TABLE, V1
from app.clients.repository import ClientRepository
from app.clients.search import Searcher
from app.clients.service import change_client, search_clients, search_words
from app.clients.statements import MOST_CANDIDATES, TOTAL
from app.query import operators
from app.query.face import Face, Kind
from app.query.model import Compare, Order, Page, Query
from app.query.request import count_request
from app.query.search_terms import word_terms
from app.query.sql.pages import page_statement
from app.records.statements import get_statement
from app.storage.connection import Connection, Rows, compile_statement
from app.storage.database import Database
from app.storage.tables import SEARCHED_DOCUMENTS, SEARCHED_TEXTS, clients
from tests.clients.conftest import SELECTION, Office
from tests.conftest import cloned, opened
from tests.seeding import insert_many, make_organization, request_of

LIMIT, ROWS, ROWS_OF_SMALL = 101, 20_000, 500
DELETED_BETWEEN = 40
"""Of the seeded rows every fifth is deleted: an index that holds them, too, passes some of them on its way."""
ID = f"{ROWS // 2:024x}"

Node = Mapping[str, Any]


def walk_plan(node: Node) -> Iterator[Node]:
    yield node
    for inner in node.get("Plans", ()):
        yield from walk_plan(inner)


async def explain(database: Database, statement: ClauseElement, parameters: Mapping[str, Any]) -> list[Node]:
    """The nodes of the plan by which a statement ran, each with the rows that it gave."""
    sql, names, own = compile_statement(statement, None)
    values = [parameters[name] if name in parameters else own[name] for name in names]
    async with database.read() as connection:
        command = f"EXPLAIN (ANALYZE, BUFFERS off, TIMING off, FORMAT JSON) {sql}"
        (plan,) = await connection.driver.fetchval(command, *values)
    return list(walk_plan(plan["Plan"]))


async def explain_page(database: Database, organization: str, face: Face, query: Query, page: Page) -> list[Node]:
    selection = tuple((field.name, field) for field in face.fields.values())
    statement, parameters = page_statement(clients, request_of(face, query, page, selection))
    return await explain(database, statement, {"organization": organization, **parameters})


def indexes(nodes: list[Node]) -> set[str]:
    return {node["Index Name"] for node in nodes if "Index Name" in node}


def rows_read(nodes: list[Node]) -> float:
    """Rows taken from the table, those too that a condition then left out."""
    reading = [node for node in nodes if node.get("Relation Name") == "clients"]
    read = ((one["Actual Rows"] + one.get("Rows Removed by Filter", 0)) * one["Actual Loops"] for one in reading)
    return float(sum(read))


def kinds(nodes: list[Node]) -> set[str]:
    return {node["Node Type"] for node in nodes}


@pytest.fixture(scope="module")
async def filled(server_url: str, template: str) -> AsyncIterator[tuple[Database, str, str]]:
    """A database that nothing changes any more, and in it an organization of 20,000 records beside a small one."""
    async with cloned(server_url, template) as url, opened(url) as database:
        organization, other = [await make_organization(database) for _ in range(2)]
        for one, count in ((organization, ROWS), (other, ROWS_OF_SMALL)):
            await insert_many(database, one, count)
        yield database, organization, other


@pytest.fixture
def full(filled: tuple[Database, str, str]) -> Database:
    return filled[0]


@pytest.fixture
def big(filled: tuple[Database, str, str]) -> str:
    return filled[1]


@pytest.fixture
def small(filled: tuple[Database, str, str]) -> str:
    return filled[2]


async def order_values(database: Database) -> dict[str, Any]:
    async with database.read() as connection:
        row = await connection.driver.fetchrow("SELECT * FROM clients WHERE id = $1 AND deleted_at IS NOT NULL", ID)
    assert row is not None
    return dict(row) | {"email": row["email_folded"], "name": row["name_folded"]}


async def test_page_by_key_reads_a_page_of_rows(full: Database, big: str) -> None:
    row = await order_values(full)
    for column, index in {
        "id": "ix_clients_live",
        "name": "ix_clients_name",
        "email": "ix_clients_email",
        "created_at": "ix_clients_created_at",
        "updated_at": "ix_clients_updated_at",
    }.items():
        places: list[tuple[Any, ...]] = [(ID,)] if column == "id" else [(row[column], ID)]
        places += [(None, ID)] if column == "email" else []
        for place in (None, *places):
            for descending in (False, True):
                query = Query(orders=(Order(column, descending),))
                for page in (Page(LIMIT, after=place), Page(LIMIT, before=place, backward=True)):
                    nodes = await explain_page(full, big, CUSTOMER, query, page)
                    branches = 2 if column == "email" else 1
                    assert indexes(nodes) == {index}, (query, page)
                    assert not kinds(nodes) & {"Seq Scan", "Bitmap Heap Scan"}, (query, page)
                    assert rows_read(nodes) <= branches * (LIMIT + DELETED_BETWEEN), (query, page)
                    sorted_rows = [node["Actual Rows"] for node in nodes if node["Node Type"] == "Sort"]
                    assert all(count <= branches * LIMIT for count in sorted_rows), (query, page)


async def test_v1_page_by_time_reads_a_page_of_rows(full: Database, big: str) -> None:
    for column in ("id", "created_at", "updated_at"):
        for descending in (False, True):
            query = Query(orders=(Order(column, descending),))
            nodes = await explain_page(full, big, V1, query, Page(LIMIT))
            assert "Sort" not in kinds(nodes)
            assert rows_read(nodes) <= LIMIT + DELETED_BETWEEN


async def test_one_record_is_read_by_its_key(full: Database, big: str) -> None:
    parameters = {"organizations": [big], "record": f"{3:024x}"}
    nodes = await explain(full, get_statement(clients, SELECTION), parameters)
    assert rows_read(nodes) == 1
    assert indexes(nodes) <= {"ix_clients_live", "pk_clients"}


async def test_total_reads_its_slots_only(full: Database, big: str) -> None:
    nodes = await explain(full, TOTAL, {"organization": big})
    assert {node["Relation Name"] for node in nodes if "Relation Name" in node} == {"client_totals"}


class Watched(Connection):
    """A connection that keeps the plan of each statement that is run on it."""

    __slots__ = ("plans",)

    def __init__(self, driver: Any) -> None:
        super().__init__(driver)
        self.plans: list[list[Node]] = []

    async def execute(self, statement: ClauseElement, parameters: Mapping[str, Any] | None = None) -> Rows:
        given = parameters or {}
        sql, names, own = compile_statement(statement, None)
        values = [given[name] if name in given else own[name] for name in names]
        (plan,) = await self.driver.fetchval(f"EXPLAIN (ANALYZE, TIMING off, FORMAT JSON) {sql}", *values)
        self.plans.append(list(walk_plan(plan["Plan"])))
        return await super().execute(statement, parameters)


@asynccontextmanager
async def watching(database: Database, window: int) -> AsyncIterator[tuple[ClientRepository, list[list[Node]]]]:
    async with database.read() as connection:
        watched = Watched(connection.driver)
        yield ClientRepository(watched, window), watched.plans


RARE, COMMON, FREQUENT, WINDOW = "c4ca4238a0b9", "c4c", "name", 500
TRIGRAMS = "ix_clients_search_text"
CONDITIONS = (
    Compare("city", operators.EQ, "City c4ca4238"),
    Compare("name", operators.CONTAINS, "C4CA4238A", ignore_case=True),
    Compare("email", operators.STARTS_WITH, "c4ca4238a", ignore_case=True),
    Compare("name", operators.LIKE, "%c4ca4238a%b9%"),
    Compare("metadata", operators.EQ, "c4ca4238a0b9", ("key",)),
)
ORDERS = ((), (Order("name"),), (Order("email", True),), (Order("created_at", True),), (Order("updated_at"),))


@pytest.mark.parametrize("orders", ORDERS, ids=str)
async def test_frequent_word_is_found_by_walking_a_window(full: Database, big: str, orders: tuple[Order, ...]) -> None:
    for backward in (False, True):
        query = Query(words=(FREQUENT,), orders=orders)
        async with watching(full, WINDOW) as (repository, plans):
            found = await repository.page(big, request_of(CUSTOMER, query, Page(LIMIT, backward=backward), SELECTION))
        assert (len(found), len(plans)) == (LIMIT, 1)
        assert TRIGRAMS not in indexes(plans[0])
        assert rows_read(plans[0]) <= 2 * (LIMIT + DELETED_BETWEEN) + (WINDOW * 2 if "email" in str(orders) else 0)


@pytest.mark.parametrize("orders", [*ORDERS, (Order("city"), Order("name", True))], ids=str)
async def test_rare_word_is_found_by_a_window_and_the_trigrams(
    full: Database, big: str, orders: tuple[Order, ...]
) -> None:
    query = Query(words=(RARE,), orders=orders)
    async with watching(full, WINDOW) as (repository, plans):
        found = await repository.page(big, request_of(CUSTOMER, query, Page(LIMIT), SELECTION))
    assert len(found) == 1
    walked = [] if str(orders).startswith("(Order(column='city'") else plans[:1]
    assert len(plans) == len(walked) + 2
    assert sum(map(rows_read, walked)) <= 4 * (WINDOW + DELETED_BETWEEN)
    survey, gathered = plans[-2:]
    assert rows_read(survey) <= WINDOW + DELETED_BETWEEN
    assert indexes(gathered) == {TRIGRAMS}
    assert rows_read(gathered) <= 5
    assert all("Seq Scan" not in kinds(of_clients(plan)) for plan in plans)


def of_clients(nodes: list[Node]) -> list[Node]:
    return [node for node in nodes if node.get("Relation Name") == "clients"]


@pytest.mark.parametrize("where", CONDITIONS, ids=str)
async def test_condition_on_a_searched_text_is_answered_by_the_trigrams(
    full: Database, big: str, where: Compare
) -> None:
    async with watching(full, WINDOW) as (repository, plans):
        await repository.page(
            big, request_of(GRAPHQL_CLIENT if where.column != "metadata" else CUSTOMER, Query(where), Page(9))
        )
        await repository.count(big, count_request(CUSTOMER, Query(where)))
    for gathered in (plans[2], plans[-1]):
        assert indexes(gathered) == {TRIGRAMS}
        assert rows_read(gathered) <= 20


async def test_only_the_rare_word_of_several_is_looked_up(full: Database, big: str) -> None:
    async with watching(full, WINDOW) as (repository, plans):
        found = await repository.page(big, request_of(CUSTOMER, Query(words=(FREQUENT, RARE)), Page(LIMIT)))
    assert len(found) == 1
    (looked_up,) = (node["Index Cond"] for node in plans[-1] if node.get("Index Name") == TRIGRAMS)
    assert (RARE in looked_up, FREQUENT in looked_up) == (True, False)


async def test_the_index_skips_a_word_that_is_far_more_frequent_than_another(full: Database, big: str) -> None:
    for words, looked_up in (((FREQUENT, COMMON), [False, True]), ((FREQUENT, "city"), [True, True])):
        async with full.read() as connection:
            sample = await Searcher(connection, big, WINDOW).sample(word_terms(words), deleted_too=False)
        assert sample.common
        assert [term.indexed for term in sample.index_search().terms] == looked_up


async def test_small_organization_is_looked_up_by_its_key(full: Database, small: str) -> None:
    query = Query(words=(RARE,))
    for window, statements in ((WINDOW, 2), (100, 3)):
        async with watching(full, window) as (repository, plans):
            assert len(await repository.page(small, request_of(CUSTOMER, query, Page(9)))) == 1
        assert len(plans) == statements
        assert sum(map(rows_read, plans)) <= 3 * ROWS_OF_SMALL
    assert "organization_id" in next(node["Index Cond"] for node in plans[-1] if "Index Cond" in node)


async def test_filtered_total_reads_its_index_only(full: Database, big: str, small: str) -> None:
    row = await order_values(full)
    for organization, where, index, most in [
        (big, Compare("created_at", operators.GT, row["created_at"] + timedelta(minutes=9_900)), "created_at", 101),
        (big, Compare("name", operators.STARTS_WITH, "Name c4ca4238a"), "search_text", 5),
        (big, Compare("email", operators.EQ, "nobody@example.com"), "email", 0),
        (small, Compare("tax_subject", operators.EQ, True), "live", ROWS_OF_SMALL),
    ]:
        async with watching(full, WINDOW) as (repository, plans):
            await repository.count(organization, count_request(CUSTOMER, Query(where)))
        assert "Seq Scan" not in kinds(of_clients(plans[-1])), where
        assert indexes(plans[-1]) == {f"ix_clients_{index}"}, where
        assert rows_read(plans[-1]) <= most, where
    async with watching(full, WINDOW) as (repository, plans):
        assert await repository.count(big, count_request(CUSTOMER, Query(words=(RARE,)))) == 1
    assert indexes(plans[-1]) == {TRIGRAMS}


async def test_beginning_of_a_name_is_ranked_by_its_index(full: Database, big: str) -> None:
    async with watching(full, WINDOW) as (repository, plans):
        await repository.rank(big, "name c4ca42", ("name", "c4ca42"), None, SELECTION)
    for nodes in plans[1:]:
        conditions = [node.get("Index Cond", "") for node in nodes if node.get("Index Name") == "ix_clients_name"]
        key = '"left"(name_folded, 500)'
        assert any(f"{key} >=" in condition and f"{key} <" in condition for condition in conditions)
        assert "Seq Scan" not in kinds(of_clients(nodes))


async def test_duplicates_are_sought_among_a_bounded_number_of_rows(full: Database, big: str) -> None:
    names = ("organization", "record", "name", "email", "tax_number")
    columns = dict(zip(Duplicates(5).columns, names, strict=True))
    values = (bindparam(name, type_=Text()).label(column) for column, name in columns.items())
    subject = select(*values).offset(literal_column("0")).subquery()
    statement = select(Duplicates(5).render(subject.c, SELECTION)).select_from(subject)
    bound = 1.5 * (2 * NEAR + 2 * NEIGHBOURS) + 2 * NEIGHBOURS
    for name, often in (("Name c4ca4238a0b923820dcc509a6f75849b", False), ("Name City", True)):
        email = "c4ca4238a0b923820dcc509a6f75849b@example.com"
        parameters = {"organization": big, "record": "x", "name": name, "email": email, "tax_number": "SI1"}
        nodes = [node for node in await explain(full, statement, parameters) if node["Actual Loops"]]
        assert "Seq Scan" not in kinds(nodes), name
        assert rows_read(nodes) < bound < ROWS, name
        assert indexes(nodes) >= {"ix_clients_email", "ix_clients_tax_number", "ix_clients_name"}, name
        assert ("ix_clients_search_text" in indexes(nodes)) is not often, name


async def test_ranking_reads_a_bounded_part(full: Database, big: str) -> None:
    async with watching(full, WINDOW) as (repository, plans):
        assert len(await repository.rank(big, FREQUENT, (FREQUENT,), None, ())) == 100
    assert len(plans) == 2
    assert "Tid Scan" in kinds(plans[1])
    assert rows_read(plans[1]) <= 1.5 * MOST_CANDIDATES + 3 * LIMIT


SEARCHED = {*SEARCHED_TEXTS, *SEARCHED_DOCUMENTS}
WRITABLE = {row.column: row.kind for row in TABLE if row.writable and row.column != "type"}


def value_with(column: str, word: str) -> Any:
    """A value of a column's kind with a word in it."""
    nested: dict[str, Any] = {
        "unit_ids": [word],
        "custom": {"outer": [{"inner": f"a {word} b"}]},
        "data": [{"name": word}],
        "metadata": {"key": word},
        "bank_accounts": [{"type": "iban", "iban": word}],
        "ujp": {"receiver_name": word},
    }
    return nested.get(column, True if WRITABLE[column] is Kind.BOOLEAN else f"before {word}")


@pytest.mark.parametrize("column", sorted(WRITABLE))
async def test_search_finds_what_was_written_last(office: Office, column: str) -> None:
    hits = 1 if column in SEARCHED else 0
    first, second = await office.add_all({column: value_with(column, "ČebelicaOne")}, {"name": "Other"})
    assert await office.search("cebelicaone") == [first][:hits]
    changed = {column: value_with(column, "ÉlanTwo")}
    for client in (first, second):
        await change_client(office.access, client, changed, SELECTION)
    assert await office.search("cebelicaone") == []
    assert await office.search("ELANTWO") == [first, second][: hits * 2]
    emptied = {column: "None" if column == "name" else None}
    await change_client(office.access, first, emptied, SELECTION)
    assert await office.search("elantwo") == [second][:hits]


FINDS: list[tuple[str, str, bool]] = [
    ("Ann Lee", "ann", True),
    ("Ann Lee", "LEE ann", True),
    ("Ann Lee", "ann bo", False),
    ("Ann Lee", "nn", True),
    ("Ann Lee", "le", True),
    ("Ann Lee", "n", True),
    ("Ann Lee", "nl", False),
    ("上海北京路商店", "北京", True),
    ("上海北京路商店", "路", True),
    ("上海北京路商店", "北海", False),
    ("Ljubljana", "ub", True),
    ("100% Juice", "%", True),
    ("100 Juice", "%", False),
    ("O’Neill", "o'neill", True),
    ("O'Neill", "o’neill", True),
    ("O'Neill", "o‘n", True),
    ("Jean–Luc", "jean-luc", True),
    ("أحمد إبراهيم", "احمد", True),
    ("أحمد إبراهيم", "أَحْمَد", True),
    ("Ann Lee", "nn l", True),
    ("Müller & Söhne", "muller SOHNE", True),
    ("Muller", "Müller", True),
    ("Straße", "strasse", True),
    ("STRASSE", "straße", True),
    ("Łódź", "lodz", True),
    ("ΟΔΟΣ", "οδος", True),
    ("Жан", "жАН", True),
    ("中文公司", "文公司", True),
    ("Ｆｕｌｌ", "full", True),
    ("100% wool", "100%", True),
    ("100 wool", "100%", False),
    ("snake_case", "e_c", True),
    ("snakescase", "e_c", False),
    ("back\\slash", "k\\s", True),
    ("O'Hara", "o'hara", True),
    ("L´Oréal", "l´oréal", True),
    ("a ¨x", "¨x", True),
    ("a\u00a0\u2003b\tc", "b c", True),
    ("😀 smile", "😀", True),
    ("e\u0301clair", "éclair", True),
    ("éclair", "e\u0301clair", True),
]


@pytest.mark.parametrize(("name", "term", "found"), FINDS)
async def test_search_ignores_case_accents_and_wildcards(office: Office, name: str, term: str, found: bool) -> None:
    client = await office.add(name=name)
    assert await office.search(*search_words(term)) == ([client] if found else [])
    ranked = await search_clients(office.access, office.organization, term, None, SELECTION)
    assert [orjson.loads(json)["id"] for json in ranked] == ([client] if found else [])


async def test_best_match_comes_first(office: Office) -> None:
    names = ["Zann", "Ann Lee", "Big annual fair of many words", "ANN", "Annabel", "Bob"]
    await office.add_all(*({"name": name, "type": "both" if name == "Bob" else None} for name in names))
    noted = await office.add(name="Zoe", note="ann", type="supplier")

    async def rank(term: str, types: list[str] | None) -> list[str]:
        found = await search_clients(office.access, office.organization, term, types, SELECTION)
        return [orjson.loads(json)["name"] for json in found]

    ranked = await rank("ann", None)
    assert ranked[:3] == ["ANN", "Ann Lee", "Annabel"]
    assert set(ranked[3:]) == {"Zann", "Big annual fair of many words", "Zoe"}
    assert ranked[-1] == "Zoe"
    assert await rank("ann", ["supplier", "both"]) == ["Zoe"]
    assert (await office.row(noted))["note"] == "ann"


async def test_ranking_ends_at_a_hundred(office: Office) -> None:
    await office.add_all(*({"name": f"Same {index}"} for index in range(130)))
    ranked = await search_clients(office.access, office.organization, "same", None, ())
    assert ranked == ["{}"] * 100


async def test_exact_value_of_an_indexed_text_is_found_by_its_index(full: Database, big: str) -> None:
    for column in ("name", "email"):
        for face in (V1, CUSTOMER, GRAPHQL_CLIENT):
            query = Query(Compare(column, operators.EQ, "Name nobody"))
            nodes = await explain_page(full, big, face, query, Page(LIMIT))
            assert indexes(nodes) == {f"ix_clients_{column}"}
            assert rows_read(nodes) == 0
