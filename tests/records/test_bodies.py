"""The body reader on a face of its own: modes, defaults, nulls, required fields and the order of problems."""

from typing import Any

import pytest

from app.errors import Invalid, Malformed
from app.query.face import Face, Field, Kind
from app.records.bodies import LOCALE, LOOPBACK_MESSAGES, FieldRule, Mode, Rules, find_chosen_id, read_body

FIELDS = (
    Field("id", "id", Kind.ID, writable=False),
    Field("fullName", "name"),
    Field("country", "country"),
    Field("active", "active", Kind.BOOLEAN),
    Field("since", "since", Kind.DATE),
    Field("locale", "locale"),
    Field("custom", "custom", Kind.JSON),
)
FACE = Face("test", "Supplier", {field.name: field for field in FIELDS}, folds=False)
RULES = Rules(
    columns={
        "name": FieldRule(required=True),
        "country": FieldRule(required=True),
        "active": FieldRule(default=True, nullable=False),
        "locale": LOCALE,
        "custom": FieldRule(default={}, null={}, complete=lambda value: {**value, "complete": True}),
    },
    messages=LOOPBACK_MESSAGES,
    lax=True,
)
WHOLE = {"fullName": "Ana", "country": "SI"}


def problems(body: dict[str, Any], mode: Mode = "create") -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as error:
        read_body(FACE, body, RULES, mode)
    return [(problem.field, problem.code) for problem in error.value.problems]


def test_an_update_has_the_fields_of_the_body_only() -> None:
    body = {"fullName": 7, "id": "x", "active": "1", "since": "2020-01-01", "locale": "", "custom": None}
    assert read_body(FACE, body, RULES, "update") == {
        "name": "7",
        "active": True,
        "since": "2020-01-01T00:00:00+00:00",
        "locale": "en",
        "custom": {},
    }
    assert read_body(FACE, {}, RULES, "update") == {}


def test_a_new_record_has_defaults_and_a_replacement_empties_the_other_fields() -> None:
    created = {"name": "Ana", "country": "SI", "active": True, "locale": "en", "custom": {"complete": True}}
    assert read_body(FACE, WHOLE, RULES, "create") == created
    assert read_body(FACE, WHOLE, RULES, "replace") == {**created, "since": None}


def test_problems_are_in_the_order_of_the_body_then_blank_fields_in_the_order_of_the_rules() -> None:
    assert problems({"since": "soon", "nme": 1, "active": None, "country": ""}) == [
        ("since", "type"),
        ("nme", "unknown-property"),
        ("active", "type"),
        ("fullName", "presence"),
        ("country", "presence"),
    ]
    assert problems({"fullName": [], "country": None}, "update") == [("fullName", "type"), ("country", "presence")]


def test_a_value_that_cannot_be_stored_is_a_problem_or_makes_the_body_malformed() -> None:
    body = {**WHOLE, "custom": {"a": "\x00"}}
    assert problems(body) == [("custom", "format")]
    rules = Rules(columns={}, messages=LOOPBACK_MESSAGES, raises_malformed=True)
    with pytest.raises(Malformed):
        read_body(FACE, body, rules, "create")


def test_a_whole_number_has_one_spelling() -> None:
    values = read_body(FACE, {"custom": {"a": [7.0, 7.5]}}, RULES, "update")
    assert repr(values["custom"]) == "{'a': [7, 7.5]}"


@pytest.mark.parametrize(
    ("body", "count"), [({}, 0), ({"id": None}, 0), ({"id": ""}, 0), ({"id": "x"}, 1), ({"id": 0}, 1)]
)
def test_a_chosen_id_is_a_problem(body: dict[str, Any], count: int) -> None:
    assert [problem.code for problem in find_chosen_id(body)] == ["absence"] * count
