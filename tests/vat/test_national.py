"""National numbers: each form that a member state uses becomes a VAT number, or it is named and left open."""

import pytest

from app.vat.national import CONVERSIONS, OTHERS
from app.vat.numbers import PREFIXES, STATES, VatNumber, check_offline

# fmt: off
CONVERTED = [
    ("AT", "12345675", "U12345675"),
    ("AT", "ATU 1234 5675", "U12345675"),
    ("BE", "123.456.749", "0123456749"),
    ("BE", "(0)123.456.749", "0123456749"),
    ("BE", "1234.567.894", "1234567894"),
    ("BG", "2000000150011", "200000015"),
    ("BG", "752316 926 3", "7523169263"),
    ("CY", "10000001-E", "10000001E"),
    ("CZ", "12345679", "12345679"),
    ("CZ", "760101/1110", "7601011110"),
    ("DE", "123456788", "123456788"),
    ("DE", "DE123456788-00001", "123456788"),
    ("DK", "12 34 56 74", "12345674"),
    ("EE", "101234568", "101234568"),
    ("EL", "12345670", "012345670"),
    ("EL", "123456783", "123456783"),
    ("ES", "X1234560-N", "X1234560N"),
    ("ES", "12.345.678-Z", "12345678Z"),
    ("FI", "0123456-2", "01234562"),
    ("FI", "123456-2", "01234562"),
    ("FR", "123 456 782", "11123456782"),
    ("FR", "123 456 782 00012", "11123456782"),
    ("HR", "12345678903", "12345678903"),
    ("HU", "12345676-2-41", "12345676"),
    ("HU", "12345676-5-02", "12345676"),
    ("HU", "12345676", "12345676"),
    ("IE", "1234567T", "1234567T"),
    ("IE", "8D79739I", "8D79739I"),
    ("IE", "8+79738F", "8+79738F"),
    ("IT", "1234567 001 7", "12345670017"),
    ("LT", "100012345018", "100012345018"),
    ("LU", "123 456 13", "12345613"),
    ("LV", "161175-01308", "16117501308"),
    ("LV", "4000-3521-600", "40003521600"),
    ("MT", "1234-5671", "12345671"),
    ("NL", "123456782", "123456782B01"),
    ("NL", "1234.56.782.B.02", "123456782B02"),
    ("PL", "856-734-62-15", "8567346215"),
    ("PT", "512 345 678", "512345678"),
    ("RO", "12345674", "12345674"),
    ("RO", "1630615123457", "1630615123457"),
    ("SE", "556012-3456", "556012345601"),
    ("SE", "16556012-3456", "556012345601"),
    ("SE", "800101-0019", "800101001901"),
    ("SE", "19800101-0019", "800101001901"),
    ("SE", "800101+0019", "800101001901"),
    ("SI", "1234 5679", "12345679"),
    ("SK", "2022749619", "2022749619"),
    ("SK", "7103192745", "7103192745"),
    ("XI", "GB980780684", "980780684"),
    ("XI", "GB 980 7806 84 001", "980780684001"),
    ("XI", "980 7806 84", "980780684"),
    ("XI", "GD123", "GD123"),
]

LEFT_OPEN = [
    ("AT", "59 119/9005", "Steuernummer"),
    ("AT", "FN 122119 m", "Firmenbuchnummer"),
    ("BE", "85.01.01-001.15", "national register"),
    ("BE", "2.123.456.789", "establishment"),
    ("CY", "HE 123456", "register"),
    ("DE", "57 295 160 433", "IdNr"),
    ("DE", "151/815/08156", "Steuernummer"),
    ("DE", "HRB 12345 B", "Handelsregister"),
    ("DK", "010190-1230", "CPR"),
    ("DK", "1012345678", "P-nummer"),
    ("EE", "12345678", "registrikood"),
    ("EE", "37605030364", "isikukood"),
    ("EL", "01019012341", "AMKA"),
    ("EL", "123456789000", "GEMI"),
    ("FI", "131052-308T", "henkilötunnus"),
    ("FR", "07 01 987 765 493", "numéro fiscal"),
    ("HR", "080123456", "MBS"),
    ("HU", "8123456789", "adóazonosító"),
    ("HU", "01-09-123456", "cégjegyzékszám"),
    ("IE", "123456", "CRO"),
    ("IT", "RSSMRA80A01H501U", "codice fiscale"),
    ("IT", "MI-1234567", "REA"),
    ("LT", "301234567", "įmonės kodas"),
    ("LT", "33309250992", "asmens kodas"),
    ("LU", "19800101 123 45", "matricule"),
    ("LU", "B 123456", "RCS"),
    ("MT", "123456M", "person"),
    ("MT", "C 12345", "register"),
    ("NL", "12345678", "KvK"),
    ("PL", "44051401458", "PESEL"),
    ("PL", "123456785", "REGON"),
    ("PL", "0000123456", "KRS"),
    ("PT", "00000000 0 ZZ4", "citizen card"),
    ("RO", "J40/525/2007", "trade register"),
    ("SE", "SE 556012-3456 02", "further registration"),
    ("SI", "9331000", "matična"),
    ("SI", "9331000000", "matična"),
    ("SI", "0101006 500006", "EMŠO"),
    ("SK", "12 345 678", "IČO"),
    ("XI", "11234 56789", "UTR"),
    ("XI", "NI123456", "company"),
]

WRONG = [
    ("AT", "12345676"), ("BE", "123456750"), ("BG", "2000000250011"), ("CY", "10000001F"), ("CZ", "12345678"),
    ("DE", "12345678900001"), ("DK", "12345675"), ("EE", "101234569"), ("EL", "12345671"), ("ES", "X1234560M"),
    ("FI", "1234563"), ("FR", "123456783"), ("FR", "12345678300012"), ("HR", "12345678904"), ("HU", "12345677241"),
    ("HU", "12345676941"), ("IE", "1234567U"), ("IT", "12345670018"), ("IT", "RSSMRA80A01H501V"), ("LT", "100012345019"),
    ("LU", "12345614"), ("LV", "16117501309"), ("MT", "12345672"), ("NL", "123456783"), ("PL", "8567346216"),
    ("PT", "512345679"), ("RO", "12345675"), ("SE", "5560123457"), ("SE", "8001010018"), ("SI", "12345670"),
    ("SK", "2022749618"), ("XI", "GB980780685"),
]
# fmt: on


def prefixes_of(state: str) -> tuple[str, ...]:
    return PREFIXES.get(state, (state,))


@pytest.mark.parametrize(("state", "text", "number"), CONVERTED)
def test_a_national_number_becomes_a_vat_number(state: str, text: str, number: str) -> None:
    result = check_offline(text, state, None)
    assert (result.number, result.valid, result.message) == (VatNumber(state, number), True, None)
    for prefix in prefixes_of(state):
        if not text.startswith(prefixes_of(state)):
            assert check_offline(f"{prefix} {text}", None, None).number == (
                result.number if prefix != "GB" else None
            ), prefix


@pytest.mark.parametrize(("state", "text", "name"), LEFT_OPEN)
def test_a_number_that_is_not_for_vat_is_named_and_left_open(state: str, text: str, name: str) -> None:
    result = check_offline(text, state, None)
    assert (result.number, result.valid) == (None, None)
    assert name in (result.message or "")


@pytest.mark.parametrize(("state", "text"), WRONG)
def test_wrong_check_digits_are_wrong_in_a_national_number(state: str, text: str) -> None:
    result = check_offline(text, state, None)
    assert (result.number, result.valid) == (None, False)
    assert state in (result.message or "")


def test_every_member_state_and_every_rule_is_tried() -> None:
    assert {state for state, *_ in CONVERTED} == set(STATES)
    assert {state for state, _ in WRONG} == set(STATES)
    assert {state for state, *_ in LEFT_OPEN} == set(OTHERS)
    assert set(CONVERSIONS) | set(OTHERS) <= set(STATES)


@pytest.mark.parametrize("country", ["Monaco", "MC", "La Réunion", "Guadeloupe"])
def test_numbers_of_places_with_a_code_of_their_own_are_numbers_of_a_member_state(country: str) -> None:
    assert check_offline("123456782", None, country).number == VatNumber("FR", "11123456782")
    assert check_offline("0123456-2", "AX", None).number == VatNumber("FI", "01234562")
