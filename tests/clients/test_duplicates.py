"""Duplicates: found by each sign, scored, of one's own organization only, and never by reading everything."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Text, func, literal, select

from app.auth import Access
from app.clients.duplicates import DUPLICATE_FACES, Duplicates, telling_words
from app.clients.faces import GRAPHQL_CLIENT
from app.clients.repository import ClientRepository
from app.clients.service import get_clients
from app.graphql.execution.plans import computed_field
from app.ids import new_id
from app.query.sql.nested import Nested
from app.storage.database import Database
from tests.seeding import make_organization, principal

DUPLICATE = DUPLICATE_FACES[GRAPHQL_CLIENT.name].fields
RECORD = replace(
    DUPLICATE["client"], codec=replace(DUPLICATE["client"].codec, members=(("name", GRAPHQL_CLIENT.fields["name"]),))
)
SELECTION = (("record", RECORD), ("score", DUPLICATE["score"]), ("reasons", DUPLICATE["reasons"]))


@dataclass(frozen=True)
class Subject:
    organization_id: str
    id: str


@dataclass(frozen=True)
class Duplicate:
    record: dict[str, str]
    score: float
    reasons: list[str]


async def add(database: Database, organization: str, *rows: dict[str, Any]) -> list[Subject]:
    made = [{"id": new_id(), "organization_id": organization, **row} for row in rows]
    async with database.write() as connection:
        await ClientRepository(connection).add(made, "test", ())
    return [Subject(organization, row["id"]) for row in made]


async def find(database: Database, subject: Subject, most: int = 20) -> list[Duplicate]:
    access = Access(database, principal(subject.organization_id))
    field = computed_field("found", Nested(Duplicates(most), SELECTION))
    rows = await get_clients(access, [subject.id], (("found", field),), deleted_too=True)
    return [Duplicate(**duplicate) for duplicate in json.loads(rows[subject.id])["found"]]


def signs(one: Duplicate) -> tuple[str, bool, bool, bool]:
    reasons = [sign in one.reasons for sign in ("SAME_TAX_NUMBER", "SAME_EMAIL", "SIMILAR_NAME")]
    return one.record["name"], reasons[0], reasons[1], reasons[2]


async def test_each_sign_is_found_and_counted(database: Database) -> None:
    organization = await make_organization(database)
    subject, *_ = await add(
        database,
        organization,
        {"name": "Novák Consulting d.o.o.", "email": "office@novak.example", "tax_number": "SI 123-456.78"},
        {"name": "Other 1", "tax_number": "si12345678"},
        {"name": "Other 2", "email": "OFFICE@Novak.example"},
        {"name": "NOVAK CONSULTING DOO"},
        {"name": "Consulting Novák"},
        {"name": "novák consulting d.o.o.", "email": "office@novak.example", "tax_number": "SI12345678"},
        {"name": "Nothing alike", "email": "office@other.example", "tax_number": "SI12345679"},
        {"name": "Gone", "tax_number": "SI12345678", "deleted_at": "2026-01-01T00:00:00Z"},
    )
    found = await find(database, subject)
    assert [signs(one) for one in found] == [
        ("novák consulting d.o.o.", True, True, True),
        ("Other 1", True, False, False),
        ("Other 2", False, True, False),
        ("Consulting Novák", False, False, True),
        ("NOVAK CONSULTING DOO", False, False, True),
    ]
    scores = [one.score for one in found]
    assert scores[:3] == [0.997, 0.95, 0.8]
    assert scores == sorted(scores, reverse=True)
    assert all(0.35 <= score <= 0.7 for score in scores[3:])
    assert await find(database, subject, 2) == found[:2]
    assert await find(database, subject, 0) == []


async def test_what_says_nothing_is_no_sign(database: Database) -> None:
    organization = await make_organization(database)
    for given in ({"email": ""}, {"tax_number": ""}, {"tax_number": "N/A"}, {"tax_number": "000-0"}, {"email": None}):
        one, _ = await add(database, organization, {"name": "Abcdef", **given}, {"name": "Uvwxyz", **given})
        assert [signs(two) for two in await find(database, one) if two.record["name"] == "Uvwxyz"] == [], given
    short, _ = await add(database, organization, {"name": "Xi"}, {"name": "?!"})
    assert await find(database, short) == []


ADDRESSES = [
    ("rené@x.example", "rene@x.example", False),
    ("rené@x.example", "RENÉ@X.example", True),
    ("rené@x.example", "rene\u0301@x.example", True),
    ("straße@x.example", "strasse@x.example", False),
    ("o’neill@x.example", "o'neill@x.example", False),
    ("łukasz@x.example", "lukasz@x.example", False),
    ("ann@x.example", "ａｎｎ@x.example", False),
    ("иван@x.example", "ИВАН@x.example", True),
    ("й@x.example", "и@x.example", False),
]


@pytest.mark.parametrize(("one", "other", "same"), ADDRESSES)
async def test_addresses_are_the_same_if_only_their_case_differs(
    database: Database, one: str, other: str, same: bool
) -> None:
    organization = await make_organization(database)
    subject, _ = await add(database, organization, {"name": "Abcdef", "email": one}, {"name": "Uvwxyz", "email": other})
    assert [signs(row) for row in await find(database, subject)] == [("Uvwxyz", False, True, False)] * same


SIMILAR_NAMES = [
    ("ΓΙΩΡΓΟΣ ΕΠΕ", "γιωργος επε"),
    ("أَحْمَد إبراهيم", "احمد ابراهيم"),
    ("O’Neill", "o'neill"),
    ("ガーデン社", "カーテン社"),
]


@pytest.mark.parametrize(("name", "other"), SIMILAR_NAMES)
async def test_names_in_another_spelling_are_similar(database: Database, name: str, other: str) -> None:
    async with database.read() as connection:
        if not await connection.driver.fetchval("SELECT similarity('ж', 'ж') = 1"):
            pytest.skip("The locale of this server knows no letters beyond ASCII.")
    organization = await make_organization(database)
    subject, _ = await add(database, organization, {"name": name}, {"name": other})
    assert [signs(row) for row in await find(database, subject)] == [(other, False, False, True)]


async def test_names_are_compared_character_by_character(database: Database) -> None:
    organization = await make_organization(database)
    first, _ = await add(database, organization, {"name": "100%_sure\\ 'quoted'"}, {"name": "100%_sure\\ 'quoted' Ltd"})
    assert len(await find(database, first)) == 1


async def test_an_organization_knows_nothing_of_another(database: Database) -> None:
    mine, theirs = await make_organization(database), await make_organization(database)
    row = {"name": "Same", "email": "same@one.example", "tax_number": "SI1"}
    (subject,) = await add(database, mine, row)
    await add(database, theirs, row)
    assert await find(database, subject) == []


NAMES = [
    ("Novak Consulting d.o.o.", ["consulting", "novak"]),
    ("Ana-Marija & Co, (Ljubljana)", ["ljubljana", "marija"]),
    ("a bc", [None, None]),
    ("Same same Same", ["same", None]),
    ("أَحْمَد cafe\u0301s", ["cafes", "احمد"]),
    ("Иванов ООО", ["иванов", "ооо"]),
    ("", [None, None]),
]


@pytest.mark.parametrize(("name", "words"), NAMES)
async def test_the_longest_words_tell_a_name(database: Database, name: str, words: list[str | None]) -> None:
    statement = select(*telling_words(func.fold(literal(name, Text()), type_=Text())))
    async with database.read() as connection:
        assert list((await connection.execute(statement)).one()) == words
