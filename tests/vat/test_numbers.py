"""Tax numbers offline: their member state, their form and their check digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vat.numbers import STATES, VatNumber, check_offline

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

NAMES = {
    "AT": "Österreich",
    "BE": "België",
    "BG": "България",
    "CY": "Κύπρος",
    "CZ": "Czechia",
    "DE": "Deutschland",
    "DK": "Danmark",
    "EE": "Eesti",
    "EL": "Ελλάδα",
    "ES": "España",
    "FI": "Suomi",
    "FR": "France",
    "HR": "Hrvatska",
    "HU": "Magyarország",
    "IE": "Éire",
    "IT": "Italia",
    "LT": "Lietuva",
    "LU": "Lëtzebuerg",
    "LV": "Latvija",
    "MT": "Malta",
    "NL": "Nederland",
    "PL": "Polska",
    "PT": "Portugal",
    "RO": "România",
    "SE": "Sverige",
    "SI": "Slovenija",
    "SK": "Slovensko",
    "XI": "Northern Ireland",
}
"""A name of each member state."""


@pytest.mark.parametrize(("state", "number"), RIGHT)
def test_a_number_of_each_state_is_right_in_every_spelling_of_the_country(state: str, number: str) -> None:
    right = VatNumber(state, number)
    spellings = [
        (number, state, None),
        (number, state.lower(), "Elsewhere"),
        (number, None, state),
        (number, "", f" {NAMES[state].upper()} "),
        (f"{state}{number}", None, None),
        (f"{state.lower()} {number[:3]} {number[3:]}", state, None),
        (f"{state}-{number}", "US", "United States"),
    ]
    for spelling in spellings:
        assert check_offline(*spelling).number == right, spelling


def test_every_state_is_covered() -> None:
    assert [state for state, _ in RIGHT] == list(STATES)


@pytest.mark.parametrize(("state", "number"), RIGHT)
def test_a_number_with_another_digit_is_wrong(state: str, number: str) -> None:
    last_digit = next(index for index in range(len(number) - 1, -1, -1) if number[index].isdigit())
    at = last_digit if state != "NL" else 5
    others = (number[:at] + digit + number[at + 1 :] for digit in "0123456789" if digit != number[at])
    results = [check_offline(other, state, None) for other in others]
    assert any(result.valid is False and result.number is None and result.message for result in results)


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
def test_the_member_state_is_found(
    text: str, code: str | None, country: str | None, expected: tuple[str, bool]
) -> None:
    result = check_offline(text, code, country)
    assert (result.number.country if result.number else None, result.valid) == expected
    assert (result.message is None) == bool(result.valid)


@given(st.text(max_size=30), st.sampled_from([None, "", "US", *STATES]), st.none() | st.text(max_size=10))
def test_any_text_gets_a_result(text: str, code: str | None, country: str | None) -> None:
    result = check_offline(text, code, country)
    assert (result.number is not None) == (result.valid is True)
    if result.number is not None:
        assert check_offline(result.number.country + result.number.number, None, None).number == result.number
