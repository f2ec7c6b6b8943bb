"""Columns: names of every API and synonyms mean fields; the operator's choices come first; unclear columns are errors."""

from collections.abc import Mapping, Sequence

import pytest

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, TABLE, TRANSFER, V1
from app.clients.transfer.columns import (
    ADVICE,
    ColumnOptions,
    Target,
    find_target,
    fold_column,
    list_names,
    match_columns,
)
from app.errors import Malformed


def match(header: Sequence[str], mapping: Mapping[str, str] | None = None, *, ignore: bool = False) -> list[str]:
    return [str(target) for target in match_columns(header, ColumnOptions(mapping or {}, ignore)).targets]


def error_of(header: Sequence[str], mapping: Mapping[str, str] | None = None) -> str:
    with pytest.raises(Malformed) as error:
        match(header, mapping)
    return error.value.message


def test_every_field_has_its_names_of_every_api() -> None:
    for face in (V1, CUSTOMER, TRANSFER):
        for name, field in face.fields.items():
            assert find_target(name) == Target(TRANSFER.columns[field.column].name), name
    assert find_target("isEndConsumer") == Target("isEndCustomer")
    assert find_target("clientId") == Target("id")
    assert "clientId" in GRAPHQL_CLIENT.fields


def test_no_name_means_two_fields_and_every_synonym_belongs_to_a_field() -> None:
    owners: dict[str, str] = {}
    for field, names in list_names().items():
        for name in names:
            assert owners.setdefault(fold_column(name), field) == field, name
    assert set(list_names()) == set(TRANSFER.fields)
    assert len(list_names()) == len(TABLE)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Company", "name"),
        ("Firma", "name"),
        ("NAZIV", "name"),
        ("E-Mail", "email"),
        (" e-mail ", "email"),
        ("VAT", "taxNumber"),
        ("USt-IdNr", "taxNumber"),
        ("USt-IdNr.", "taxNumber"),
        ("Davčna številka", "taxNumber"),
        ("davcna stevilka", "taxNumber"),
        ("Straße", "address"),
        ("STRASSE", "address"),
        ("PLZ", "zip"),
        ("post code", "zip"),
        ("Tax Number", "taxNumber"),
        ("tax-number", "taxNumber"),
        ("address_2", "address2"),
        ("BIC/SWIFT", "SWIFT"),
        ("custom.crm id", "custom.crm id"),
        ("metadata.crm", "metadata.crm"),
    ],
)
def test_a_column_is_matched_without_case_accents_spaces_and_punctuation(name: str, field: str) -> None:
    assert match([name]) == [field]


@pytest.mark.parametrize("name", ["", "organization", "custom", "custom.", "foo", "x" * 5000, "name\x00", "日本"])
def test_other_names_mean_no_member_and_no_wrong_field(name: str) -> None:
    assert find_target(name) in (None, Target("custom"), Target("name"))


def test_the_operator_chooses_the_field_of_a_column() -> None:
    header = ["Firma", "Name", "Umsatz", "Kd-Nr", ""]
    chosen = {"Name": "contact", "umsatz": "", "#4": "metadata.crm_id"}
    assert match(header, chosen) == ["name", "contact", "None", "metadata.crm_id"]
    assert match(header, {"Name": "", "Firma": "company_number"}, ignore=True) == [
        "companyNumber",
        "None",
        "None",
        "None",
    ]


def test_unclear_columns_are_all_named_with_the_next_step() -> None:
    assert error_of(["Firma", "Name", "Umsatz", "emial"]).splitlines() == [
        "The columns of the file are not clear:",
        'column 3 "Umsatz" is not a field',
        'column 4 "emial" is not a field (did you mean email?)',
        'column 1 "Firma" and column 2 "Name" mean the same field, name',
        ADVICE,
    ]
    assert "mean the same field, email" in error_of(["email", "name", "email"])
    assert '--map names the column "Tel", which the file does not have' in error_of(["name"], {"Tel": "phone"})
    assert '"phonee" is not a field (did you mean phone?). The fields are id, name,' in error_of(
        ["name"], {"name": "phonee"}
    )
    assert "has no names of columns" in error_of(["", " "])
