"""Inserts organizations and clients into a test's database without the code under test, and builds principals."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import insert, text

from app.auth import Principal, Scope, Target
from app.ids import new_id
from app.query.face import Face
from app.query.model import Page, Query
from app.query.request import NO_ROWS, ListRequest, Wanted, complete_request
from app.query.sql.pages import page_statement
from app.query.sql.render import Selection
from app.storage.database import Database
from app.storage.tables import clients, organizations

STRANGER = "5eed00000000000000000000"


def principal(*reached: str, scope: Scope = Scope.WRITE, account: str | None = "acc000000000000000000001") -> Principal:
    return Principal("70c000000000000000000001", account, reached, scope)


def target_of(*organizations: str, record: str) -> Target:
    """A record that `actor` may change in these organizations."""
    return Target(organizations, record, "x")


async def make_organization(database: Database) -> str:
    organization = new_id()
    async with database.write() as connection:
        await connection.execute(insert(organizations).values(id=organization, name="Seeded"))
    return organization


async def insert_rows(database: Database, organization: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows unchanged. The history and the totals stay unchanged too."""
    statement = insert(clients)
    async with database.write() as connection:
        for row in rows:
            await connection.execute(statement, {"organization_id": organization, **row})


async def insert_many(database: Database, organization: str, count: int) -> None:
    """Inserts `count` rows: every seventh has no e-mail address, every fifth is deleted.

    The table is analyzed, and autovacuum is off from then on, so that plans do not change during a test.
    """
    statement = """
    INSERT INTO clients (organization_id, id, name, email, city, created_at, updated_at, deleted_at)
    SELECT :organization, lpad(to_hex(n), 24, '0'), 'Name ' || md5(n::text),
        CASE WHEN n % 7 > 0 THEN md5((n + 1)::text) || '@example.com' END, 'City ' || n % 50,
        now() - n * interval '1 minute', now() - (n * 7919 % 20011) * interval '1 minute',
        CASE WHEN n % 5 = 0 THEN now() END
    FROM generate_series(1, :count) n
    """
    async with database.write() as connection:
        await connection.execute(text("ALTER TABLE clients SET (autovacuum_enabled = false)"))
        await connection.execute(text(statement), {"organization": organization, "count": count})
        await connection.execute(text("ANALYZE clients"))


def request_of(
    face: Face,
    query: Query = Query(),  # noqa: B008
    page: Page = Page(100),  # noqa: B008
    selection: Selection = (),
    wanted: Wanted = Wanted(),  # noqa: B008
) -> ListRequest:
    """The request for a page that is bounded by order values instead of cursors."""
    return complete_request(face, selection, query, NO_ROWS, wanted).with_page(page)


async def fetch_page(
    database: Database, organization: str, face: Face, query: Query, page: Page
) -> list[tuple[str, str]]:
    """Returns the ids of a page's rows in order, each with the JSON list of its order values."""
    shown = face.columns["id"]
    statement, parameters = page_statement(clients, request_of(face, query, page, (("id", shown),)))
    async with database.read() as connection:
        rows = await connection.execute(statement, {"organization": organization, **parameters})
    return [(orjson.loads(json)["id"].removeprefix(shown.codec.prefix), str(keys)) for json, keys in rows]


def fold(words: str) -> str:
    """Returns the folded form of a text, computed without the database. It is correct for the letters of these tests."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", words).casefold())
    return "".join(letter for letter in folded if unicodedata.category(letter) != "Mn")


def ids_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]
