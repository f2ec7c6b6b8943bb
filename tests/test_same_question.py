"""One condition in three dialects, with two faces and two GraphQL types, gives equal trees and the same rows.

A dialect that cannot express a condition is left out. Text order, which folds on all faces except v1's, and null
booleans, which customers show as false, have tests of their own.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.auth import Access, Principal, Scope
from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, V1
from app.clients.repository import ClientRepository
from app.clients.service import list_clients
from app.graphql.execution.dialect import GRAPHQL
from app.query import operators
from app.query.face import Face, Kind
from app.query.model import And, Compare, Not, Or, Page, Predicate, Query
from app.query.operators import Operator
from app.query.reader import read_predicate
from app.query.request import Wanted
from app.rest.customers.dialect import MONGO
from app.rest.v1.dialect import LOOPBACK
from tests.conftest import Service
from tests.seeding import request_of
from tests.spellings import OPERATORS, PARTS, SPELLINGS, Question

ROWS: dict[str, dict[str, Any]] = {
    "a": {
        "name": "alpha gmbh", "email": "a@example.com", "city": "Graz", "zip": "8010", "country": "austria",
        "country_alpha2_code": "AT", "type": "customer", "tax_subject": True, "is_end_customer": False,
        "tax_number": "ATU1", "company_number": "1", "phone": "+43", "created_at": "2024-01-01T00:00:00Z",
        "custom": {"tag": "red", "n": 7, "deep": {"er": "x"}, "flag": True},
    },
    "b": {
        "name": "beta 100%", "city": "Wien", "country": "austria", "type": "supplier", "tax_subject": True,
        "is_end_customer": True, "created_at": "2024-02-01T12:30:00.500Z", "custom": {"tag": "blue", "n": 12},
    },
    "c": {
        "name": "Čarli_x", "email": "C@example.com", "country": "croatia", "country_alpha2_code": "HR", "type": "both",
        "tax_subject": False, "is_end_customer": False, "created_at": "2024-03-01T00:00:00Z", "custom": {"tag": None},
    },
    "d": {
        "name": "delta", "email": "", "city": "Graz", "country": "germany", "tax_subject": False,
        "is_end_customer": True, "created_at": "2024-03-31T23:59:59.999Z", "custom": {},
    },
    "e": {
        "name": "Beta", "city": "wien", "zip": "1010", "tax_number": "", "tax_subject": True, "is_end_customer": False,
        "created_at": "2024-04-01T00:00:00Z", "custom": {"n": "7", "tag": "Red", "flag": False}, "version": 3,
    },
    "f": {
        "name": "omega\\ 'x'", "city": "zagreb", "country": "croatia", "tax_subject": False, "is_end_customer": False,
        "created_at": "2025-01-01T00:00:00Z", "custom": {"n": -0.5, "deep": {"er": "y"}}, "version": 7,
    },
}  # fmt: skip
IDS = {letter: f"{number:024x}" for number, letter in enumerate(ROWS, 0xABC)}

QUESTIONS: list[tuple[Question, str]] = [
    (("name", "=", "Beta"), "e"),
    (("name", "=", "beta"), ""),
    (("name", "=", "beta 100%"), "b"),
    (("name", "=", "omega\\ 'x'"), "f"),
    (("name", "!=", "Beta"), "abcdf"),
    (("name", "in", ["Beta", "delta", "nobody"]), "de"),
    (("name", "in", []), ""),
    (("name", "not in", ["Beta", "delta"]), "abcf"),
    (("name", "not in", []), "abcdef"),
    (("name", "contains", "ETA"), "be"),
    (("name", "contains", "100%"), "b"),
    (("name", "contains", "_"), "c"),
    (("name", "contains", "\\"), "f"),
    (("name", "contains", "ČARLI"), "c"),
    (("name", "starts", "BETA"), "be"),
    (("name", "starts", "%"), ""),
    (("name", "ends", "X"), "c"),
    (("name", "ends", "TA"), "de"),
    (("name", "like", "%eta"), "e"),
    (("name", "like", "_eta%"), "be"),
    (("name", "like", "%\\_x"), "c"),
    (("name", "regex", "^[a-d]"), "abd"),
    (("name", "regex", "ta$"), "de"),
    (("email", "=", None), "bef"),
    (("email", "!=", None), "acd"),
    (("email", "=", ""), "d"),
    (("email", "!=", ""), "ac"),
    (("email", "not in", [None]), "acd"),
    (("email", "not in", ["", None]), "ac"),
    (("email", "in", ["", None]), "d"),
    (("email", "contains", "@EXAMPLE"), "ac"),
    (("email", "not contains", "C@EX"), "ad"),
    (("email", "not starts", "c@"), "ad"),
    (("name", "not contains", "ETA"), "acdf"),
    (("name", "not starts", "BETA"), "acdf"),
    (("name", "not ends", "TA"), "abcf"),
    (("json.tag", "not contains", "RE"), "b"),
    (("json.n", "not starts", "7"), "bf"),
    (("city", "=", "Graz"), "ad"),
    (("city", "!=", "Graz"), "bef"),
    (("city", "=", None), "c"),
    (("city", "in", ["Graz", "zagreb"]), "adf"),
    (("zip", "=", "8010"), "a"),
    (("zip", ">=", "1010"), "ae"),
    (("zip", "<", "8010"), "e"),
    (("zip", "between", ["1000", "2000"]), "e"),
    (("country", ">", "austria"), "cdf"),
    (("country", ">=", "croatia"), "cdf"),
    (("country", "<", "croatia"), "ab"),
    (("country", "<=", "croatia"), "abcf"),
    (("country", "between", ["b", "d"]), "cf"),
    (("code", "in", ["AT", "HR"]), "ac"),
    (("code", "=", None), "bdef"),
    (("tax number", "starts", "atu"), "a"),
    (("tax number", "=", ""), "e"),
    (("company", "=", "1"), "a"),
    (("phone", "=", "+43"), "a"),
    (("type", "=", "customer"), "a"),
    (("type", "!=", "customer"), "bc"),
    (("type", "in", ["customer", "both"]), "ac"),
    (("type", "not in", ["supplier"]), "ac"),
    (("type", "=", None), "def"),
    (("taxed", "=", True), "abe"),
    (("taxed", "=", False), "cdf"),
    (("taxed", "!=", True), "cdf"),
    (("end", "in", [True]), "bd"),
    (("end", "=", None), ""),
    (("end", "!=", None), "abcdef"),
    (("id", "=", IDS["c"]), "c"),
    (("id", "!=", IDS["c"]), "abdef"),
    (("id", "in", [IDS["a"], IDS["f"], "0" * 24]), "af"),
    (("id", "not in", [IDS["a"], IDS["f"]]), "bcde"),
    (("id", ">", IDS["c"]), "def"),
    (("id", "<=", IDS["b"]), "ab"),
    (("id", "between", [IDS["b"], IDS["d"]]), "bcd"),
    (("created", "=", "2024-03-01"), "c"),
    (("created", "=", "2024-03-01T01:00:00+01:00"), "c"),
    (("created", "!=", "2024-03-01"), "abdef"),
    (("created", ">", "2024-03-01T00:00:00.000Z"), "def"),
    (("created", ">=", "2024-03-01"), "cdef"),
    (("created", "<", "2024-02-01T12:30:00.501Z"), "ab"),
    (("created", "<=", "2024-02"), "a"),
    (("created", "between", ["2024-02-01", "2024-03-31T23:59:59.999Z"]), "bcd"),
    (("created", "in", ["2024-01-01", "2025"]), "af"),
    (("created", "not in", ["2024-01-01", "2025"]), "bcde"),
    (("updated", "<", "2020-01-01"), ""),
    (("json.tag", "=", "red"), "a"),
    (("json.tag", "!=", "red"), "be"),
    (("json.tag", "=", None), "cdf"),
    (("json.tag", "!=", None), "abe"),
    (("json.tag", "in", ["red", "blue"]), "ab"),
    (("json.tag", "not in", ["red"]), "be"),
    (("json.tag", "contains", "RE"), "ae"),
    (("json.tag", "starts", "bl"), "b"),
    (("json.tag", "regex", "^[A-Z]"), "e"),
    (("json.deep.er", "=", "x"), "a"),
    (("json.deep.er", ">=", "x"), "af"),
    (("json.n", "=", "7"), "ae"),
    (("json.n", "=", 7), "a"),
    (("json.n", ">", 0), "ab"),
    (("json.n", "<=", 7.5), "af"),
    (("json.n", "between", [-1, 7]), "af"),
    (("json.n", "in", [7, 12]), "ab"),
    (("json.flag", "=", True), "a"),
    (("json.flag", "!=", True), "e"),
    (("version", ">", 1), "ef"),
    (("version", "in", [1, 7]), "abcdf"),
    (("version", "between", [2, 3]), "e"),
    (("and", ("city", "=", "Graz"), ("end", "=", True)), "d"),
    (("and", ("name", "contains", "beta"), ("email", "=", None), ("taxed", "=", True)), "be"),
    (("and", ("created", ">", "2024-01-15"), ("json.n", ">", 0)), "b"),
    (("or", ("city", "=", "zagreb"), ("type", "=", "both")), "cf"),
    (("or", ("email", "=", None), ("email", "=", "")), "bdef"),
    (("or", ("and", ("city", "=", "Graz"), ("end", "=", True)), ("id", "=", IDS["c"])), "cd"),
    (("and", ("or", ("city", "=", "Graz"), ("city", "=", "Wien")), ("taxed", "=", True)), "ab"),
    (("not", ("city", "=", "Graz")), "bef"),
    (("not", ("or", ("taxed", "=", True), ("end", "=", True))), "cf"),
]


@pytest.fixture(scope="module")
async def library(shared_service: Service) -> Access:
    """The rows, in an organization of their own; customers have the same metadata as clients have custom fields."""
    service = shared_service
    rows = [
        {**fields, "id": IDS[letter], "organization_id": service.organization, "metadata": fields["custom"]}
        for letter, fields in ROWS.items()
    ]
    async with service.database.write() as connection:
        await ClientRepository(connection).add(rows, "test", ())
    return Access(service.database, Principal("test", None, (service.organization,), Scope.READ))


async def find(library: Access, face: Face, where: Predicate) -> str:
    """The letters of the rows that a predicate finds."""
    selection = (("id", V1.fields["id"]),)
    organization = library.principal.organizations[0]
    listing = await list_clients(
        library, organization, request_of(face, Query(where), Page(100), selection, Wanted(total=True))
    )
    assert listing.total == len(listing.rows)
    letters = {f'{{"id":"{id_}"}}': letter for letter, id_ in IDS.items()}
    return "".join(letters[json] for json, _ in listing.rows)


@pytest.mark.parametrize(("question", "expected"), QUESTIONS, ids=lambda value: str(value))
async def test_a_question_has_one_meaning(library: Access, question: Question, expected: str) -> None:
    trees = {name: tree for name, spelling in SPELLINGS.items() if (tree := spelling.read(question)) is not None}
    assert len(trees) >= 2
    rows = {name: await find(library, SPELLINGS[name].face, tree) for name, tree in trees.items()}
    assert rows == dict.fromkeys(trees, expected)
    if says_in_other_words(question):
        trees.pop("v1", None)
    assert len({plain(tree) for tree in trees.values()}) == 1


def says_in_other_words(question: Question) -> bool:
    """Whether v1 has another operator for this: LoopBack has patterns for what others have words for."""
    if question[0] in ("and", "or", "not"):
        return any(says_in_other_words(part) for part in question[1:])
    return question[1] in PARTS


def plain(tree: Predicate) -> Predicate:
    """A tree without what a face adds to the dialect: folded order, and the column behind the JSON field."""
    match tree:
        case And(parts):
            return And(tuple(map(plain, parts)))
        case Or(parts):
            return Or(tuple(map(plain, parts)))
        case Not(part):
            return Not(plain(part))
    return replace(tree, folded=False, column="json" if tree.column in ("custom", "metadata") else tree.column)


def conditions(tree: Predicate) -> Iterator[Compare]:
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from conditions(part)
        case Not(part):
            yield from conditions(part)
        case Compare():
            yield tree


def test_the_questions_cover_every_operator_and_every_type() -> None:
    assert len(QUESTIONS) >= 60
    readings = [
        (spelling, tree)
        for question, _ in QUESTIONS
        for spelling in SPELLINGS.values()
        if (tree := spelling.read(question)) is not None
    ]
    every = [(spelling, compare) for spelling, tree in readings for compare in conditions(tree)]
    assert {compare.operator for _, compare in every} == {
        row for row in vars(operators).values() if isinstance(row, Operator) and not row.variant_of
    }
    kinds = {spelling.face.columns[compare.column].kind for spelling, compare in every}
    assert kinds == set(Kind) - {Kind.JSON_TEXT}, "JSON_TEXT is for reading only"
    for name, spelling in SPELLINGS.items():
        spelled = str([spelling.spell(question) for question, _ in QUESTIONS])
        missing = [word for word in spelling.dialect.operators if f"'{word.lstrip('$')}'" not in spelled]
        assert set(missing) <= {"nlike", "isNull"}, name


@pytest.mark.parametrize("name", SPELLINGS)
async def test_null_has_several_spellings(library: Access, name: str) -> None:
    spelling = SPELLINGS[name]
    variants: list[dict[str, Any]] = [{"city": {OPERATORS["="][spelling.operator_index]: None}}]
    variants.append({"city": {"isNull": True}} if spelling.dialect is GRAPHQL else {"city": None})
    trees = {read_predicate(variant, spelling.dialect, spelling.face) for variant in variants}
    assert trees == {Compare("city", operators.IS_NULL, True)}


async def test_dollars_and_nesting_say_the_same_on_customers() -> None:
    for question, _ in QUESTIONS:
        spelled = SPELLINGS["customers"].spell(question)
        if spelled is None:
            continue
        dollars = {name: {f"${key}": value for key, value in condition.items()} for name, condition in spelled.items()}
        nested = {
            name.partition(".")[0]: {name.partition(".")[2]: condition} if name.count(".") == 1 else condition
            for name, condition in dollars.items()
        }
        expected = read_predicate(spelled, MONGO, CUSTOMER)
        assert read_predicate(dollars, MONGO, CUSTOMER) == expected
        if all(name.count(".") < 2 for name in dollars):
            assert read_predicate(nested, MONGO, CUSTOMER) == expected


async def test_negated_patterns_of_v1_are_the_negation_in_graphql(library: Access) -> None:
    for word, sensitive in (("nlike", True), ("nilike", False)):
        v1 = read_predicate({"name": {word: "%ETA%"}}, LOOPBACK, V1)
        inner = {"name": {"like": "%ETA%", "caseSensitive": sensitive}}
        assert v1 == read_predicate({"not": inner}, GRAPHQL, GRAPHQL_CLIENT)
        assert await find(library, V1, v1) == ("abcdef" if sensitive else "acdf")


async def test_text_order_folds_everywhere_but_on_v1(library: Access) -> None:
    names = {}
    for name, spelling in SPELLINGS.items():
        tree = spelling.read(("name", "<", "C"))
        assert tree is not None
        names[name] = await find(library, spelling.face, tree)
    assert names == {"v1": "e", "customers": "abe", "graphql client": "abe", "graphql customer": "abe"}


async def test_a_null_boolean_is_false_for_customers_alone(shared_service: Service) -> None:
    organization = await shared_service.make_organization("Undecided")
    row = {"id": "f" * 24, "organization_id": organization, "name": "undecided", "tax_subject": None}
    async with shared_service.database.write() as connection:
        await ClientRepository(connection).add([row], "test", ())
    principal = Principal("test", None, (organization,), Scope.READ)
    counts = {}
    for name, spelling in SPELLINGS.items():
        tree = spelling.read(("taxed", "=", False))
        assert tree == Compare("tax_subject", operators.EQ, False)
        selection = (("name", spelling.face.fields["name"]),)
        listing = await list_clients(
            Access(shared_service.database, principal),
            organization,
            request_of(spelling.face, Query(tree), Page(1), selection),
        )
        counts[name] = len(listing.rows)
    assert counts == {"v1": 0, "customers": 1, "graphql client": 0, "graphql customer": 1}
