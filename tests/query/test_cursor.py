"""Cursors: they carry a row's order values unharmed, and open nothing but the question they were made for."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT
from app.errors import Malformed
from app.query import operators
from app.query.cursor import make_fingerprint, positions, read_cursor, write_cursor
from app.query.model import Compare, Order, Query
from app.query.request import complete_orders

ORDERS = complete_orders((Order("email"), Order("created_at", True), Order("is_end_customer")))
QUERY = Query(Compare("name", operators.EQ, "A"), ("word",), ORDERS)
MARK = make_fingerprint(CUSTOMER.name, QUERY)
ID = "65f0000000000000000000c1"
SOUND: list[Any] = ["a@example.com", "2024-02-29T10:11:12.345+00:00", True, ID]


def cursor_of(values: list[Any], mark: str = MARK) -> str:
    return write_cursor(mark, orjson.dumps(values).decode())


def read(text: str) -> tuple[object, ...]:
    return positions(CUSTOMER, ORDERS, read_cursor(MARK, text, "after", len(ORDERS)), "after")


def test_order_values_come_back_typed() -> None:
    moment = datetime(2024, 2, 29, 10, 11, 12, 345_000, tzinfo=UTC)
    assert read(cursor_of(SOUND)) == ("a@example.com", moment, True, ID)
    assert read(cursor_of([None, *SOUND[1:]])) == (None, moment, True, ID)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20))
def test_any_text_survives_a_cursor_that_fits_into_an_address(text: str) -> None:
    cursor = cursor_of([text, *SOUND[1:]])
    assert all(letter.isalnum() or letter in "-_" for letter in cursor)
    assert read(cursor)[0] == text


def test_a_longer_cursor_than_the_service_makes_is_rejected() -> None:
    longest = [*["\x01" * 500] * 31, ID]
    assert len(read_cursor(MARK, cursor_of(longest), "after", len(longest))) == len(longest)
    with pytest.raises(Malformed, match="at most 200000 characters; got 200001"):
        read("a" * 200_001)


OTHERS = [
    replace(QUERY, where=Compare("name", operators.EQ, "B")),
    replace(QUERY, where=Compare("name", operators.NE, "A")),
    replace(QUERY, words=("other",)),
    replace(QUERY, words=("wo", "rd")),
    replace(QUERY, orders=(*ORDERS[:-1], Order("id", not ORDERS[-1].descending))),
    replace(QUERY, orders=ORDERS[1:]),
    replace(QUERY, deleted_too=True),
]


@pytest.mark.parametrize("other", OTHERS)
def test_cursor_of_another_question_is_refused(other: Query) -> None:
    mark = make_fingerprint(CUSTOMER.name, other)
    assert mark != MARK
    with pytest.raises(Malformed) as refused:
        read(cursor_of(SOUND, mark))
    assert refused.value.field == "after"


def test_cursor_of_another_face_is_refused() -> None:
    with pytest.raises(Malformed):
        read(cursor_of(SOUND, make_fingerprint(GRAPHQL_CLIENT.name, QUERY)))


def encoded(document: object) -> str:
    return urlsafe_b64encode(orjson.dumps(document)).decode()


FORGED: list[str] = [
    "", "x", "====", "é", "\ud800", "not a cursor", cursor_of(SOUND)[:-3], cursor_of(SOUND) + "AAAA",
    encoded({}), encoded([]), encoded("text"), encoded([MARK]), encoded([7, *SOUND]), encoded([MARK, *SOUND, 1]),
    urlsafe_b64encode(b"[" * 5000).decode(), urlsafe_b64encode(b'["\\ud800"]').decode(),
    cursor_of(["a\x00b", *SOUND[1:]]),
    cursor_of([7, *SOUND[1:]]),
    cursor_of([["a"], *SOUND[1:]]),
    cursor_of([SOUND[0], "yesterday", *SOUND[2:]]),
    cursor_of([SOUND[0], 7, *SOUND[2:]]),
    cursor_of([SOUND[0], None, *SOUND[2:]]),
    cursor_of([*SOUND[:2], "true", ID]),
    cursor_of([*SOUND[:2], 1, ID]),
    cursor_of([*SOUND[:2], None, ID]),
    cursor_of([*SOUND[:3], 7]),
    cursor_of([*SOUND[:3], None]),
]  # fmt: skip


@pytest.mark.parametrize("text", FORGED)
def test_broken_or_forged_cursor_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(text)
    assert refused.value.field == "after"


@given(st.data())
def test_damaged_cursor_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(urlsafe_b64decode(cursor_of(SOUND) + "=="))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        values = read(urlsafe_b64encode(bytes(content)).decode())
    except Malformed:
        return
    assert [type(value) for value in values] == [str, datetime, bool, str]
