"""Where introspection is off, an error shows the place of a mistake and no name that the request does not contain."""

import json
import re
from typing import Any

import pytest
from graphql import GraphQLError, parse

from app.errors import Malformed
from app.graphql.schema.schema import core_schema
from app.graphql.server.disclosure import INVALID, INVALID_ARGUMENT, INVALID_VALUE, hide_value_error
from app.graphql.server.documents import Document, Documents
from tests.conftest import Service
from tests.graphql.server.test_http import another, send

SCHEMA = core_schema()
CLOSED = Documents(SCHEMA, introspection=False)
WORDS = re.compile("[A-Za-z_][A-Za-z0-9_]*")
GUESSES = (
    "{ client(id: 1) { ... on # { __typename } } }",
    "{ client(id: 1) { ...F } } fragment F on # { __typename }",
    "{ client(id: 1) { ...F ...on # { zzz } } } fragment F on # { id ...F }",
    "fragment F on # { __typename } { __typename }",
    "{ ...F ...F } fragment F on # { zzz(a: 1) @zzz }",
    "query($x: #) { __typename }",
    "query($x: [#!]!) { clients(search: $x) { totalCount } }",
    "query($x: # = {a: 1}) { client(id: $x) { id } }",
    "query($x: # = ZZZ) { client(id: $x) { id } }",
    "query($x: #!) { clients(search: $x) { totalCount } }",
    "query($x: #, $x: #) { __typename }",
    "query Q($x: #) @skip(if: $x) { __typename }",
    "{ client(id: 1) { id: name id ... on # { id } } }",
    "{ zzz { ... on # { __typename } } }",
)
"""Documents that are not valid for a type in place of `#`, except for a few types that belong there."""
VALID = {"Client", "Node", "Query", "ID", "String"}


def show(document: Document) -> list[tuple[str, Any]]:
    return [(error.message, error.locations) for error in document.errors]


@pytest.mark.parametrize("guess", GUESSES)
def test_a_known_type_is_not_told_from_an_unknown_one(guess: str) -> None:
    unknown = show(CLOSED.find(guess.replace("#", "Zzz")))
    assert unknown
    for name in set(SCHEMA.type_map) - VALID:
        padded = guess.replace("#", name)
        ((message, (place,)),) = show(CLOSED.find(padded))
        ((expected, (unknown_place,)),) = unknown
        assert (message, find_word(padded, place)) == (
            expected,
            find_word(guess.replace("#", "Zzz"), unknown_place).replace("Zzz", name),
        ), name


def find_word(document: str, place: Any) -> str:
    """The text at the place of an error, up to the end of its word."""
    rest = document[place.column - 1 :]
    return rest[: max(1, len((WORDS.match(rest) or re.match(".", rest))[0]))]  # type: ignore[index]


MISTAKES: list[dict[str, Any]] = [
    {"query": "{ clint { id } }"},
    {"query": "{ client { id } }"},
    {"query": "{ client(idd: 1) { id } }"},
    {"query": "{ client(id: 1) }"},
    {"query": "{ client(id: 1) { nam } }"},
    {"query": "{ client(id: 1) { name { x } } }"},
    {"query": "{ client(id: {}) { id } }"},
    {"query": "{ clients(filter: {nam: {eq: 1}}) { totalCount } }"},
    {"query": "{ clients(filter: 5) { totalCount } }"},
    {"query": "{ clients(orderBy: {field: NAM}) { totalCount } }"},
    {"query": "{ clients(orderBy: {}) { totalCount } }"},
    {"query": "{ __typename @zzz }"},
    {"query": "{ __typename @skip }"},
    {"query": "{ __typename @skip(if: 1) }"},
    {"query": "query Q @skip(if: true) { __typename }"},
    {"query": "subscription { a: clientChanges { at } b: clientChanges { at } }"},
    {"query": "mutation { createClient(input: {}) { client { id } } }"},
    {"query": "query($f: ClientFiltr) { clients(filter: $f) { totalCount } }"},
    {"query": "query($f: Int) { clients(filter: $f) { totalCount } }"},
    {"query": "query($i: ID) { client(id: $i) { id } }"},
    {"query": "{ client(id: 1) { a: name a: email } }"},
    {"query": "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }"},
    {"query": "{ node(id: 1) { name } }"},
    {"query": "query($f: ClientFilter) { clients(filter: $f) { totalCount } }", "variables": {"f": {"nam": {"eq": "x"}}}},
    {"query": "query($f: ClientFilter) { clients(filter: $f) { totalCount } }", "variables": {"f": 5}},
    {"query": "query($f: ClientFilter) { clients(filter: $f) { totalCount } }", "variables": {"f": {"updatedAt": {"gt": "x"}}}},
    {"query": "query($o: [ClientOrder!]) { clients(orderBy: $o) { totalCount } }", "variables": {"o": [{"field": "NAM"}]}},
    {"query": "query($o: [ClientOrder!]) { clients(orderBy: $o) { totalCount } }", "variables": {"o": [{}]}},
    {"query": "query($i: ID!) { client(id: $i) { id } }"},
    {"query": "query($i: ID!) { client(id: $i) { id } }", "variables": {"i": None}},
    {"query": "query($c: CreateClientInput!) { __typename }", "variables": {"c": {}}},
    {"query": "mutation($c: CreateClientInput!) { createClient(input: $c) { client { id } } }", "variables": {"c": {"nam": 1}}},
    {"query": "mutation($c: CreateClientInput!) { createClient(input: $c) { client { id } } }", "variables": {"c": {}}},
    {"query": "subscription($a: String) { clientChanges(after: $a) { at } }", "variables": {"a": 5}},
]  # fmt: skip
OWN_WORDS = frozenset(WORDS.findall(f"{INVALID} {INVALID_VALUE} {INVALID_ARGUMENT}"))


@pytest.mark.parametrize("body", MISTAKES, ids=lambda body: body["query"][:50])
async def test_an_error_has_no_name_that_the_request_does_not_contain(
    shared_service: Service, body: dict[str, Any]
) -> None:
    async with another(shared_service, shared_service.database, introspection=False) as http:
        accept = "text/event-stream" if body["query"].startswith("subscription") else "application/json"
        answer = await send(http, body, Accept=accept)
    told = answer.text.partition("data: ")[2].partition("\n")[0] if accept != "application/json" else answer.text
    errors = json.loads(told)["errors"]
    sent = set(WORDS.findall(json.dumps(body)))
    for error in errors:
        assert error["extensions"]["code"] in ("GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT")
        assert error["locations"], error
        assert set(WORDS.findall(error["message"])) <= sent | OWN_WORDS, error


async def test_a_message_of_the_service_names_no_argument_that_the_request_lacks(shared_service: Service) -> None:
    hidden, shown = (
        {"query": "subscription { clientChanges { at } }"},
        {"query": "{ clients(first: 101) { totalCount } }"},
    )
    stream = {"Accept": "text/event-stream", "Last-Event-ID": "7"}
    async with another(shared_service, shared_service.database, introspection=False) as http:
        answer = await http.post("/graphql", json=hidden, headers=stream)
        (error,) = (await send(http, shown)).json()["errors"]
    assert (error["message"], error["extensions"]["field"]) == (
        "`first` must be between 0 and 100; got 101.",
        "first",
    )
    (error,) = json.loads(answer.text.partition("data: ")[2].partition("\n")[0])["errors"]
    assert (error["message"], error["extensions"]) == (INVALID_ARGUMENT, {"code": "BAD_USER_INPUT"})


def test_names_in_variables_belong_to_the_request() -> None:
    document = parse("query($f: ClientFilter) { clients(filter: $f) { totalCount } }")
    error = GraphQLError(
        "", original_error=Malformed("The condition on `unitIds` has no operator.", "unitIds"), nodes=[document]
    )
    assert hide_value_error(error, document, {"f": {"unitIds": {}}}) is error
    assert hide_value_error(error, document, {"f": {"city": {}}}).message == INVALID_ARGUMENT
    assert hide_value_error(error, document, {}).message == INVALID_ARGUMENT


async def test_introspection_is_rejected_with_a_code_of_its_own(shared_service: Service) -> None:
    async with another(shared_service, shared_service.database, introspection=False) as http:
        for query in ("{ __schema { types { name } } }", '{ __type(name: "Client") { name } }'):
            (error,) = (await send(http, {"query": query})).json()["errors"]
            assert error["extensions"]["code"] == "INTROSPECTION_DISABLED"
