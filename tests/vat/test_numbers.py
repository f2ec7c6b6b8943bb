"""Tax numbers offline: their member state, their form and their check digits."""

from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY, Text, bindparam, func, select

from app.storage.database import Database
from app.vat.numbers import STATES, VatNumber, check_offline, compact_number

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


@pytest.mark.parametrize(
    ("country", "state"),
    [
        ("Κύπρος", "CY"),
        ("ΚΥΠΡΟΣ", "CY"),
        ("Zypern", "CY"),
        (normalize("NFD", "Österreich"), "AT"),
        ("ÖSTERREICH", "AT"),
        ("Avstrija", "AT"),
        ("Slovenija ", "SI"),
        ("Deutschland (DE)", "DE"),
        ("Germania", "DE"),
        ("Czech Republic", "CZ"),
        ("Holland", "NL"),
        ("Severna Irska", "XI"),
        ("Irlanda del Norte", "XI"),
        ("EL", "EL"),
        ("Ελλάς\u200b", None),
        ("Great Britain", None),
        ("Slovenia, Austria", None),
    ],
)
def test_names_of_countries_are_compared_folded(country: str, state: str | None) -> None:
    number = dict(RIGHT).get(state or "", "50223054")
    assert check_offline(number, None, country).number == (VatNumber(state, number) if state else None)


# fmt: off
INVISIBLE = "\t\n\r\x00\x0b\x1c\x7f\x85\u00a0\u00ad\u034f\u061c\u180e\u1680\u2003\u2007\u2009\u200b\u200c\u200d" \
    "\u200e\u200f\u2028\u2029\u202a\u202e\u202f\u205f\u2060\u2063\u2066\u2069\u3000\ufe0f\ufeff"
# fmt: on
PUNCTUATION = " .-/:,;_'()‐‑–—−·’"


@pytest.mark.parametrize(("state", "number"), RIGHT)
def test_invisible_characters_and_punctuation_are_ignored(state: str, number: str) -> None:
    for character in INVISIBLE + PUNCTUATION:
        spaced = character.join(["", *state, *number, ""])
        for text, code in (
            (spaced, None),
            (character.join(["", *number, ""]), state),
            (spaced, f" {state.lower()}\u200b"),
        ):
            assert check_offline(text, code, None).number == VatNumber(state, number), f"U+{ord(character):04X}"


def test_digits_and_letters_of_full_width_are_ordinary_ones() -> None:
    assert check_offline("ＳＩ５０２２３０５４", None, None).number == VatNumber("SI", "50223054")


@given(st.text(max_size=30), st.sampled_from([None, "", "US", *STATES]), st.none() | st.text(max_size=10))
def test_any_text_gets_a_result(text: str, code: str | None, country: str | None) -> None:
    result = check_offline(text, code, country)
    assert (result.number is not None) == (result.valid is True)
    if result.number is not None:
        assert check_offline(result.number.country + result.number.number, None, None).number == result.number


COMPARED = st.lists(
    st.text("Az01SI" + INVISIBLE.replace("\x00", "") + PUNCTUATION + "Ａ１é", max_size=12), min_size=50, max_size=50
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COMPARED)
async def test_numbers_are_compared_as_duplicates_compare_them(database: Database, texts: list[str]) -> None:
    """Two numbers with one key in the database are one number for the check, and no others are."""
    number = func.unnest(bindparam("texts", texts, type_=ARRAY(Text()))).column_valued("number")
    rows = select(func.tax_key(number))
    async with database.read() as connection:
        keys = await connection.scalars(rows)
    told = [(text, key) for text, key in zip(texts, keys, strict=True) if key]
    assert [compact_number(text).lower() for text, _ in told] == [key for _, key in told]
