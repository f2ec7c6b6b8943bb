"""Tax numbers offline: whose they are, and whether their form and check digits are right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vat.numbers import NAMES, VatNumber, read_number

RIGHT = [
    ("AT", "U13585627"),
    ("BE", "0428759497"),
    ("BG", "175074752"),
    ("CY", "10259033P"),
    ("CZ", "25123891"),
    ("DE", "136695976"),
    ("DK", "13585628"),
    ("EE", "100931558"),
    ("EL", "094259216"),
    ("ES", "B58378431"),
    ("FI", "20774740"),
    ("FR", "40303265045"),
    ("HR", "33392005961"),
    ("HU", "12892312"),
    ("IE", "6433435F"),
    ("IT", "00743110157"),
    ("LT", "119511515"),
    ("LU", "15027442"),
    ("LV", "40003521600"),
    ("MT", "11679112"),
    ("NL", "004495445B01"),
    ("PL", "8567346215"),
    ("PT", "501964843"),
    ("RO", "18547290"),
    ("SE", "556188840401"),
    ("SI", "50223054"),
    ("SK", "2022749619"),
    ("XI", "980780684"),
]


@pytest.mark.parametrize(("state", "number"), RIGHT)
def test_a_number_of_each_country_is_right_however_the_country_is_told(state: str, number: str) -> None:
    right = VatNumber(state, number)
    spellings = [
        (number, state, None),
        (number, state.lower(), "Elsewhere"),
        (number, None, state),
        (number, "", f" {NAMES[state][0].upper()} "),
        (f"{state}{number}", None, None),
        (f"{state.lower()} {number[:3]} {number[3:]}", state, None),
        (f"{state}-{number}", "US", "United States"),
    ]
    for spelling in spellings:
        assert read_number(*spelling).number == right, spelling


def test_every_country_is_covered() -> None:
    assert [state for state, _ in RIGHT] == list(NAMES)


@pytest.mark.parametrize(("state", "number"), RIGHT)
def test_a_number_with_another_digit_is_wrong(state: str, number: str) -> None:
    place = next(index for index in range(len(number) - 1, -1, -1) if number[index].isdigit())
    place = place if state != "NL" else 5
    others = (number[:place] + digit + number[place + 1 :] for digit in "0123456789" if digit != number[place])
    readings = [read_number(other, state, None) for other in others]
    assert any(reading.valid is False and reading.number is None and reading.message for reading in readings)


@pytest.mark.parametrize(
    ("text", "code", "country", "expected"),
    [
        ("GR094259216", None, None, ("EL", True)),
        ("GR094259216", "GR", None, ("EL", True)),
        ("EL094259216", "GR", None, ("EL", True)),
        ("XI980780684", "GB", None, ("XI", True)),
        ("DE136695976", "SI", None, ("DE", True)),
        ("DE136695976", None, "Slovenia", ("DE", True)),
        ("DE136695977", "SI", None, (None, False)),
        ("SI50223055", None, None, (None, False)),
        ("SI5022305", "SI", None, (None, False)),
        ("SI", "SI", None, (None, False)),
        ("x", "SI", None, (None, False)),
        ("5" * 10_000, "SI", None, (None, False)),
        ("٥٠٢٢٣٠٥٤", "SI", None, (None, False)),
        ("GB980780684", "GB", None, (None, None)),
        ("980780684", "GB", None, (None, None)),
        ("50223054", None, None, (None, None)),
        ("50223054", "US", "Slovenia", (None, None)),
        ("12-3456789", None, "United States", (None, None)),
    ],
)
def test_whose_number_it_is(text: str, code: str | None, country: str | None, expected: tuple[str, bool]) -> None:
    reading = read_number(text, code, country)
    assert (reading.number.country if reading.number else None, reading.valid) == expected
    assert (reading.message is None) == bool(reading.valid)


@given(st.text(max_size=30), st.sampled_from([None, "", "US", *NAMES]), st.none() | st.text(max_size=10))
def test_any_text_gets_an_answer(text: str, code: str | None, country: str | None) -> None:
    reading = read_number(text, code, country)
    assert (reading.number is not None) == (reading.valid is True)
    if reading.number is not None:
        assert read_number(reading.number.country + reading.number.number, None, None).number == reading.number
