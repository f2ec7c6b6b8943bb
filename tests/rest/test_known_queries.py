"""Known queries: a query string that comes again gives the same request, and nothing is kept that must not be."""

import json

import pytest

from app.errors import Malformed
from app.rest.customers.parameters import read_request
from app.rest.known_queries import LONGEST, MOST, keep_known
from app.rest.v1.reads import parse_filter
from tests.conftest import Service
from tests.rest.customers.test_customers import create


class Reader:
    """Counts how often each query string is read."""

    def __init__(self) -> None:
        self.reads: list[bytes] = []

    def __call__(self, query: bytes, times: int) -> list[bytes]:
        self.reads.append(query)
        if query == b"wrong":
            raise Malformed("It is wrong.", "query")
        return [query] * times


def test_a_query_string_is_read_once_for_the_same_arguments() -> None:
    reader = Reader()
    read = keep_known(reader)
    assert [read(b"a", 1), read(b"a", 1), read(b"a", 2), read(b"b", 1)] == [[b"a"], [b"a"], [b"a", b"a"], [b"b"]]
    assert reader.reads == [b"a", b"a", b"b"]


@pytest.mark.parametrize(
    "query", [b"access_token=secret&limit=1", b"limit=1&access%5Ftoken=secret", b"x" * (LONGEST + 1)]
)
def test_a_token_and_a_long_query_string_are_not_kept(query: bytes) -> None:
    reader = Reader()
    read = keep_known(reader)
    assert read(query, 1) == read(query, 1) == [query]
    assert reader.reads == [query, query]


def test_an_error_is_not_kept() -> None:
    reader = Reader()
    read = keep_known(reader)
    for _ in range(2):
        with pytest.raises(Malformed, match="It is wrong"):
            read(b"wrong", 1)
    assert len(reader.reads) == 2


def test_the_number_of_kept_query_strings_is_bounded() -> None:
    reader = Reader()
    read = keep_known(reader)
    for _ in range(2):
        for number in range(MOST + 1):
            read(b"%d" % number, 1)
    assert len(reader.reads) == 2 * (MOST + 1)


def test_what_is_kept_cannot_be_changed() -> None:
    """The requests of two callers may be one object."""
    for request in (read_request(b"limit=2"), parse_filter(b"filter[limit]=2", 100).read[1]):
        assert request in {request}, "a list or a dict in it could not be hashed"


async def test_a_repeated_list_shows_what_has_changed_in_between(service: Service) -> None:
    path, filter_ = f"/v1/organizations/{service.organization}/clients", json.dumps({"where": {"city": "Graz"}})
    lists: list[tuple[str, dict[str, str]]] = [
        (path, {"filter": filter_}),
        ("/customers", {"query": json.dumps({"city": "Graz"})}),
    ]
    for number in range(3):
        for url, parameters in lists:
            answer = await service.http.get(url, params=parameters)
            shown = answer.json() if url == path else answer.json()["data"]
            assert sorted(row["name"] for row in shown) == [f"C{n}" for n in range(number)]
        await create(service, name=f"C{number}", city="Graz")


async def test_two_organizations_with_the_same_query_string_stay_apart(service: Service) -> None:
    other = await service.make_organization("Other", account_email=service.email)
    await create(service, name="Mine")
    query = "?filter[limit]=5&filter[order]=name"
    for _ in range(2):
        mine = await service.http.get(f"/v1/organizations/{service.organization}/clients{query}")
        theirs = await service.http.get(f"/v1/organizations/{other}/clients{query}")
        assert ([row["name"] for row in mine.json()], theirs.json()) == (["Mine"], [])
