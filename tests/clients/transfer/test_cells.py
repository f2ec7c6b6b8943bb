"""Cells: texts become values and values become texts, formulas are guarded, and nothing is lost on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.faces import TRANSFER
from app.clients.transfer.cells import FORMULA_STARTS, guard, make_writer, read_cell, unguard
from app.records.invalid_values import InvalidValue


@pytest.mark.parametrize("start", list(FORMULA_STARTS))
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert guard(f"{start}1") == f"'{start}1"
    assert guard(f"'{start}1") == f"''{start}1"


@pytest.mark.parametrize("text", ["Ana", "'t Hooft", "''", " =1", "5-3", "a@b", "1=1"])
def test_other_texts_stay(text: str) -> None:
    assert guard(text) == (text if text != "''" else "'''")


@given(st.text(st.sampled_from("'=+-@\t\r\na "), max_size=5) | st.text())
def test_a_guarded_text_is_read_as_it_was(text: str) -> None:
    guarded = guard(text)
    assert unguard(guarded) == text
    assert guarded[:1] not in set(FORMULA_STARTS)
    assert guarded


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("name", " Ana ", " Ana "),
        ("zip", "01234", "01234"),
        *(("taxSubject", word, True) for word in ("true", "TRUE", "1", "x", "Ja", "da", "WAHR", " yes ")),
        *(("taxSubject", word, False) for word in ("false", "FALSE", "0", "nein", "ne", "No")),
        ("taxSubject", "perhaps", "perhaps"),
        ("createdAt", "20.4.2026", "2026-04-20"),
        ("createdAt", "1. 12. 2026 08:30", "2026-12-01T08:30"),
        ("createdAt", "2026-04-20T10:10:30.000Z", "2026-04-20T10:10:30.000Z"),
        ("createdAt", "04/20/2026", "04/20/2026"),
        ("version", "7", 7),
        ("version", "7,0", 7),
        ("version", "7.00", 7),
        ("version", "1.234", 1234),
        ("version", "1,234,567", 1234567),
        ("version", "1.234,00", 1234),
        ("version", "1 234", 1234),
        ("version", "1\u202f234", 1234),
        ("version", "1'234", 1234),
        ("version", "7,5", "7,5"),
        ("version", "many", "many"),
        ("version", "9" * 5000, int("9" * 20)),
        ("custom", '{"a": [1, null]}', {"a": [1, None]}),
        ("unitIds", "[]", []),
    ],
)
def test_a_cell_becomes_a_value_of_its_field(field: str, text: str, value: object) -> None:
    assert read_cell(TRANSFER.fields[field], text) == value


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("version", "1.000", "can mean two numbers"),
        ("version", "1,000", "can mean two numbers"),
        ("custom", "{a: 1}", "is not JSON"),
        ("custom", "NaN", "is not JSON"),
        ("custom", "[" * 100_000, "is not JSON"),
    ],
)
def test_a_cell_without_a_clear_value_is_an_error(field: str, text: str, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        read_cell(TRANSFER.fields[field], text)


@pytest.mark.parametrize(
    ("field", "value", "cell", "raw"),
    [
        ("name", "", "'", ""),
        ("name", "=1+1", "'=1+1", "=1+1"),
        ("phone", "+386 1", "'+386 1", "+386 1"),
        ("taxSubject", True, "true", "true"),
        ("version", 7, "7", "7"),
        ("custom", {}, "{}", "{}"),
        ("custom", "=1", '"=1"', '"=1"'),
        ("custom", -5, "'-5", "-5"),
        ("custom", [None, 1.5, "ž"], '[null,1.5,"ž"]', '[null,1.5,"ž"]'),
    ],
)
def test_a_value_becomes_a_cell(field: str, value: object, cell: str, raw: str) -> None:
    assert make_writer(TRANSFER.fields[field])(value) == cell
    assert make_writer(TRANSFER.fields[field], raw=True)(value) == raw
