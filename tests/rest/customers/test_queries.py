"""Queries of customers: which values each operator takes on each kind of field, and metadata under any key."""

import json
from typing import Any

import pytest

from app.clients.faces import CUSTOMER
from app.errors import Malformed
from app.query import operators
from app.query.operators import Operator, Shape
from app.query.reader import read_predicate
from app.rest.customers.dialect import MONGO
from tests.conftest import Service
from tests.rest.customers.test_customers import check_error, create
from tests.rest.customers.test_list import ask, names

DATE = "2024-01-01T00:00:00.000Z"
KINDS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "city": (str,),
    "metadata.a": (str, int, float, bool),
    "is_tax_subject": (bool,),
    "contact_type": (str,),
    "created_at": (str,),
}
VALUES: list[Any] = [None, "buyer", DATE, "", 5, 0.5, 10**30, True, {}, {"a": 1}, "\x00", "\ud800"]
LISTED: list[Any] = [[], [None], ["buyer", "buyer"], [DATE, DATE], [1, 2], [True, False], [[]], ["x\x00"]]


def takes(field: str, value: Any) -> bool:
    """Whether a value is one of those that a field may have."""
    if not isinstance(value, KINDS[field]) or (isinstance(value, bool) and bool not in KINDS[field]):
        return False
    if isinstance(value, str):
        garbled = any(letter in value for letter in "\x00\ud800")
        words = {"created_at": (DATE,), "contact_type": ("buyer",)}
        return not garbled and value in words.get(field, (value,))
    return value != 10**30


def fits(field: str, operator: Operator, value: Any) -> bool:
    """Whether the contract lets an operator have a value on a field."""
    if operator in (operators.IN, operators.NOT_IN):
        return isinstance(value, list) and all(one is None or takes(field, one) for one in value)
    if operator is operators.BETWEEN:
        return isinstance(value, list) and len(value) == 2 and all(takes(field, one) for one in value)
    if operator.takes is Shape.TEXT:
        return field in ("id", "city", "metadata.a") and isinstance(value, str) and takes("city", value)
    if value is None:
        return operator in (operators.EQ, operators.NE)
    return takes(field, value)


@pytest.mark.parametrize("field", KINDS)
async def test_an_operator_takes_what_the_field_may_hold(read_only: Service, field: str) -> None:
    for word, operator in MONGO.operators.items():
        if word.startswith("$"):
            continue
        taken = [value for value in [*VALUES, *LISTED] if fits(field, operator, value)]
        assert taken == [value for value in [*VALUES, *LISTED] if is_read({field: {word: value}})], word
        for value in (taken[0], taken[-1]) if taken else ():
            await ask(read_only, query={field: {word: value}}, limit=1)
        refused = {"query": json.dumps({field: {word: {}}})}
        check_error(await read_only.http.get("/customers", params=refused), 400, "bad_request")


def is_read(query: dict[str, Any]) -> bool:
    try:
        read_predicate(query, MONGO, CUSTOMER)
    except Malformed:
        return False
    return True


KEYS = ("plain", "a.b", "a.b.", ".", 'q"x', "p%", "u_", "$gt", "equals", "b\\c", "it's", "{}", " ", "é", "😀", "k" * 40)


async def test_metadata_is_found_under_any_key(service: Service) -> None:
    await create(service, name="With", metadata={key: f"value of {key}" for key in KEYS})
    await create(service, name="Without", metadata={key + "x": "y" for key in ("a", "b")})
    for key in KEYS:
        for condition in (f"value of {key}", {"$endsWith": key, "not": None}):
            assert await names(service, query={f"metadata.{key}": condition}) == ["With"], (key, condition)
            if key not in MONGO.operators:
                assert await names(service, query={"metadata": {key: condition}}) == ["With"], (key, condition)
        assert await names(service, query={f"metadata.{key}": None}) == ["Without"]
