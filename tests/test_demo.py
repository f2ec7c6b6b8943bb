"""The demo's clients: the file, its loader and its generator; distinct names, reserved domains, valid check digits."""

import gzip
import re
import tomllib
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from app.accounts.service import create_account, list_accounts
from app.auth import Caller
from app.clients.repository import ClientRepository
from app.demo import WRITTEN_AT, load_clients, prepare_demo, remove_demo
from app.errors import NotFound
from app.organizations.repository import OrganizationRepository
from app.organizations.service import create_organization, list_organizations
from app.storage.database import Database
from app.storage.tables import clients
from scripts.demo.__main__ import TARGET, compress, render_lines
from scripts.demo.clients import generate_clients
from scripts.demo.countries import load_source_data
from scripts.demo.names import draw_identity

NOW = datetime(2025, 3, 1, 12, 30, 0, 123_456, tzinfo=UTC)
PEOPLE_HAVE_NONE = ("contact", "website", "tax_number", "company_number", "iban", "bank", "swift", "business_type")


@pytest.fixture(scope="module")
def thousand() -> list[dict[str, object]]:
    return list(load_clients(NOW))


def test_the_file_is_what_the_generator_makes() -> None:
    assert gzip.decompress(TARGET.read_bytes()) == render_lines()


def test_the_same_lines_are_compressed_to_the_same_bytes() -> None:
    assert compress(b"{}\n") == compress(b"{}\n")
    assert TARGET.read_bytes()[4:10] == bytes(4) + b"\x02\xff"


def texts_of(value: object) -> list[str]:
    """Returns every text in a value, including the keys of objects."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts_of(part)]
    return [text for part in value for text in texts_of(part)] if isinstance(value, list) else []


def digits_of(rows: list[dict[str, object]], code: str) -> list[list[int]]:
    """Returns the digits of the tax numbers of one country, and fails when it has none."""
    numbers = [row["tax_number"] for row in rows if row["country_alpha2_code"] == code and row["tax_number"]]
    assert numbers
    return [[int(sign) for sign in str(number) if sign.isdigit()] for number in numbers]


def test_same_arguments_give_the_same_clients() -> None:
    assert list(generate_clients()) == list(generate_clients())


def test_loading_shifts_the_dates_and_nothing_else(thousand: list[dict[str, object]]) -> None:
    shift = timedelta(milliseconds=(NOW - WRITTEN_AT) // timedelta(milliseconds=1))
    for generated, loaded in zip(generate_clients(), thousand, strict=True):
        moment = generated["created_at"]
        assert isinstance(moment, datetime)
        assert loaded == {**generated, "created_at": moment + shift, "updated_at": moment + shift}


def test_another_seed_gives_other_clients(thousand: list[dict[str, object]]) -> None:
    others = {row["name"] for row in generate_clients(seed=2)}
    assert len(others - {row["name"] for row in thousand}) > 500


def test_clients_are_generated_one_by_one() -> None:
    assert len(list(islice(generate_clients(10**9), 3))) == 3


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_requested_number_of_clients_is_generated(count: int) -> None:
    assert len(list(generate_clients(count))) == count


def test_names_are_distinct(thousand: list[dict[str, object]]) -> None:
    assert len({row["name"] for row in thousand}) == 1000


def test_names_stay_distinct_when_the_words_run_out() -> None:
    country = next(country for country in load_source_data().countries if country.code == "KR")
    rng, seen = Random(1), set[str]()
    names = [draw_identity(rng, country, seen).name for _ in range(400)]
    assert any(re.search(r" \d+$", name) for name in names)
    assert len(set(names)) == 400


def test_every_row_has_the_same_columns_of_the_table(thousand: list[dict[str, object]]) -> None:
    columns = set(thousand[0])
    assert columns <= set(clients.columns.keys()) - {"organization_id", "id"}
    assert all(set(row) == columns for row in thousand)


def test_every_country_appears(thousand: list[dict[str, object]]) -> None:
    material = tomllib.loads(files("scripts.demo").joinpath("countries.toml").read_text("utf-8"))
    assert {row["country"] for row in thousand} == {country["name"] for country in material["country"]}


def test_names_are_in_many_scripts(thousand: list[dict[str, object]]) -> None:
    letters = {sign for row in thousand for sign in str(row["name"]) if sign.isalpha()}
    scripts = {unicodedata.name(letter).split()[0] for letter in letters}
    assert scripts >= {"LATIN", "GREEK", "CYRILLIC", "CJK", "KATAKANA", "HIRAGANA", "HANGUL", "HEBREW", "ARABIC"}


def test_texts_have_no_unfilled_pattern_and_fit(thousand: list[dict[str, object]]) -> None:
    for row in thousand:
        assert all(0 < len(text) < 10_000 for text in texts_of(list(row.values())))
        drawn = [
            str(row[key]) for key in ("address", "address2", "zip", "phone", "tax_number", "company_number", "iban")
        ]
        assert not [text for text in drawn if re.search(r"[#%?{}=]", text)]


def test_domains_are_reserved(thousand: list[dict[str, object]]) -> None:
    for row in thousand:
        email, website = row["email"], row["website"]
        assert email is None or re.fullmatch(r"[a-z0-9.]+@[a-z0-9]([a-z0-9-]*[a-z0-9])?\.example", str(email))
        assert website is None or re.fullmatch(r"https://www\.[a-z0-9]([a-z0-9-]*[a-z0-9])?\.example", str(website))


def test_ibans_leave_one_modulo_97_and_have_their_countrys_length(thousand: list[dict[str, object]]) -> None:
    lengths = {"SI": 19, "HR": 21, "AT": 20, "DE": 22, "CH": 21, "IT": 27, "FR": 27, "PL": 28, "CZ": 24, "GR": 27}
    lengths |= {"BG": 22, "RS": 22, "IL": 23, "AE": 23, "GB": 22, "NL": 18, "ES": 24}
    ibans = [str(row["iban"]) for row in thousand if row["iban"]]
    assert {iban[:2] for iban in ibans} == set(lengths)
    for iban in ibans:
        assert len(iban) == lengths[iban[:2]]
        assert int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def test_swift_codes_are_test_codes_of_the_country(thousand: list[dict[str, object]]) -> None:
    codes = {(row["country_alpha2_code"], str(row["swift"])) for row in thousand if row["swift"]}
    assert len(codes) > 20
    assert all(re.fullmatch(r"[A-Z]{6}[A-Z0-9]0", swift) and country in {None, swift[4:6]} for country, swift in codes)


def test_slovenian_tax_numbers_have_their_check_digit(thousand: list[dict[str, object]]) -> None:
    for digits in digits_of(thousand, "SI"):
        remainder = sum(digit * weight for digit, weight in zip(digits[:7], range(8, 1, -1), strict=True)) % 11
        assert len(digits) == 8
        assert remainder != 0
        assert (remainder + digits[7]) % 11 == (0 if remainder != 1 else 1)


@pytest.mark.parametrize(("code", "length"), [("IT", 11), ("ES", 8), ("IL", 9), ("FR", 11)])
def test_luhn_numbers_add_up_to_tens(thousand: list[dict[str, object]], code: str, length: int) -> None:
    doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
    for digits in digits_of(thousand, code):
        luhn = digits[-9:] if code == "FR" else digits
        assert len(digits) == length
        assert (sum(luhn[-1::-2]) + sum(doubled[digit] for digit in luhn[-2::-2])) % 10 == 0


@pytest.mark.parametrize("code", ["DE", "HR", "RS"])
def test_numbers_of_iso_7064_close_the_chain(thousand: list[dict[str, object]], code: str) -> None:
    for digits in digits_of(thousand, code):
        product = 10
        for digit in digits[:-1]:
            product = ((product + digit) % 10 or 10) * 2 % 11
        assert (product + digits[-1]) % 10 == 1


def test_private_people_have_no_company_data(thousand: list[dict[str, object]]) -> None:
    people = [row for row in thousand if row["is_end_customer"]]
    assert 100 < len(people) < 300
    assert not [row for row in people for key in PEOPLE_HAVE_NONE if row[key] is not None]


def test_optional_fields_are_sometimes_absent_and_sometimes_there(thousand: list[dict[str, object]]) -> None:
    present = Counter(key for row in thousand for key, value in row.items() if value not in (None, {}))
    optional = set(thousand[0]) - {"name", "country", "created_at", "updated_at"}
    assert [key for key in optional if not 80 < present[key] < 990] == []


def test_metadata_values_are_short_texts(thousand: list[dict[str, object]]) -> None:
    kept = [row["metadata"] for row in thousand if row["metadata"]]
    assert 300 < len(kept) < 600
    for metadata in kept:
        assert isinstance(metadata, dict)
        assert all(len(key) <= 40 and isinstance(value, str) and len(value) <= 250 for key, value in metadata.items())


def test_created_at_rises_through_the_last_three_years_in_milliseconds(thousand: list[dict[str, object]]) -> None:
    moments = [moment for row in thousand if isinstance(moment := row["created_at"], datetime)]
    assert len(moments) == 1000
    assert moments == sorted(moments)
    assert NOW - timedelta(days=3 * 365, seconds=1) < moments[0] < moments[-1] <= NOW
    assert not [moment for moment in moments if moment.microsecond % 1000 or moment.tzinfo is None]


@pytest.mark.parametrize("sign", ["'", '"', "&", "%", "_", "<", "=", "+", "?", "#", "☕"])
def test_names_carry_signs_that_trip_programs_up(thousand: list[dict[str, object]], sign: str) -> None:
    assert [row["name"] for row in thousand if sign in str(row["name"])]


def test_one_name_is_very_long_and_a_note_has_lines_emoji_and_backslashes(thousand: list[dict[str, object]]) -> None:
    notes = "".join(str(row["note"]) for row in thousand)
    assert max(len(str(row["name"])) for row in thousand) > 250
    assert all(sign in notes for sign in ("\n", "🍲", "\\", "{", "%"))


async def test_an_interrupted_start_leaves_no_part_of_the_demo(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ClientRepository, "add", interrupt)
        with pytest.raises(KeyboardInterrupt):
            await prepare_demo(database, tmp_path)
    demo = await prepare_demo(database, tmp_path)
    assert demo is not None
    assert (await Caller((demo.token,), database).principal()).organizations == (demo.organization_id,)
    async with database.read() as connection:
        assert len(await connection.scalars(select(clients.c.id), {})) == 1000


async def test_a_database_with_an_account_gets_no_demo(database: Database, tmp_path: Path) -> None:
    await create_account(database, "ana@example.com")
    assert await prepare_demo(database, tmp_path) is None
    async with database.read() as connection:
        assert not await OrganizationRepository(connection).any_exist()


async def test_a_removed_demo_leaves_nothing_and_does_not_come_back(database: Database, tmp_path: Path) -> None:
    assert await prepare_demo(database, tmp_path)
    await create_account(database, "ana@example.com")
    organization = await create_organization(database, "Studio", account_email="ana@example.com")
    await remove_demo(database, tmp_path)
    assert [kept.id for kept, _ in await list_organizations(database)] == [organization]
    assert [account.email for account in await list_accounts(database)] == ["ana@example.com"]
    assert not (tmp_path / "demo-token").exists()
    with pytest.raises(NotFound):
        await remove_demo(database, tmp_path)


async def test_an_empty_database_from_which_the_demo_was_removed_stays_empty(
    database: Database, tmp_path: Path
) -> None:
    assert await prepare_demo(database, tmp_path)
    await remove_demo(database, tmp_path)
    assert await prepare_demo(database, tmp_path) is None
    assert await list_accounts(database) == []
