"""Imported records: the columns that are kept, the defaults, and the problems of each property."""

from typing import Any

import pytest

from app.clients.transfer.record import read_transferred
from app.errors import Invalid
from app.ids import is_id

ID = "81f50ed0079636b590d0edea"


def problems(**body: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as error:
        read_transferred({"id": ID, "name": "Ana", **body})
    return [(problem.field, problem.message) for problem in error.value.problems]


def test_columns_that_only_the_service_writes_are_kept() -> None:
    values = read_transferred(
        {
            "id": ID,
            "name": "Ana",
            "organizationId": "5a3683ea12d5a67dd0ef2f4a",
            "unitId": "b5435a1bb7dad53d3f009c0f",
            "createdAt": "2022-01-01T00:00:00.336Z",
            "updatedAt": "2022-01-02 01:00:00.000+01:00",
            "deletedAt": "2020-04-17 16:40:43.714Z",
            "deletedId": ID,
            "_isDeleted": True,
            "version": 7,
            "vies": {"valid": True},
        }
    )
    assert values == {
        "id": ID,
        "name": "Ana",
        "organization_id": "5a3683ea12d5a67dd0ef2f4a",
        "unit_id": "b5435a1bb7dad53d3f009c0f",
        "created_at": "2022-01-01T00:00:00.336000+00:00",
        "updated_at": "2022-01-02T00:00:00+00:00",
        "deleted_at": "2020-04-17T16:40:43.714000+00:00",
        "deleted_id": ID,
        "version": 7,
        "vies": {"valid": True},
        "metadata": {},
        "custom": {},
        "tax_subject": False,
        "is_end_customer": False,
    }


def test_absent_properties_get_the_defaults_of_v1_and_nulls_stay() -> None:
    values = read_transferred({"id": ID, "name": "Ana", "custom": None, "taxSubject": None, "metadata": None})
    assert (values["custom"], values["tax_subject"], values["is_end_customer"]) == (None, None, False)
    assert values["metadata"] == {}
    assert [values[name] for name in ("created_at", "updated_at", "deleted_at", "version")] == [None] * 4


def test_a_record_without_a_last_change_was_last_changed_when_it_was_made() -> None:
    values = read_transferred({"id": ID, "name": "Ana", "createdAt": "2022-01-01T00:00:00.336Z"})
    assert values["updated_at"] == values["created_at"] == "2022-01-01T00:00:00.336000+00:00"


@pytest.mark.parametrize("body", [{}, {"id": None}])
def test_a_record_without_an_id_gets_a_new_one(body: dict[str, Any]) -> None:
    first, second = (read_transferred({"name": "Ana", **body}) for _ in range(2))
    assert is_id(first["id"])
    assert first["id"] < second["id"]


@pytest.mark.parametrize(
    ("body", "column", "value"),
    [
        ({"id": f"cust_{ID}"}, "id", ID),
        ({"organizationId": f"ent_{ID}"}, "organization_id", ID),
        ({"type": "buyer"}, "type", "customer"),
        ({"type": "supplier"}, "type", "supplier"),
    ],
)
def test_ids_and_types_may_have_the_spelling_of_the_customers_api(
    body: dict[str, Any], column: str, value: str
) -> None:
    assert read_transferred({"name": "Ana", **body})[column] == value


@pytest.mark.parametrize("record_id", ["", "5", ID.upper(), f"{ID}0", 5])
def test_an_id_is_24_lower_case_hex_digits(record_id: object) -> None:
    assert problems(id=record_id) == [("id", "is not 24 lower-case hex digits")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"createdAt": "soon"}, [("createdAt", "is not an ISO 8601 date")]),
        ({"updatedAt": 1}, [("updatedAt", "is not an ISO 8601 date")]),
        ({"unitId": 5}, [("unitId", "is not a text")]),
        (
            {"deletedId": "\x00"},
            [
                (
                    "deletedId",
                    "The value of `deletedId` contains a NUL character, which is not allowed.",
                )
            ],
        ),
        ({"version": 0}, [("version", "is not a whole number from 1 to 2147483647")]),
        ({"version": True}, [("version", "is not a whole number from 1 to 2147483647")]),
        ({"version": 1.0}, [("version", "is not a whole number from 1 to 2147483647")]),
        ({"_isDeleted": True}, [("_isDeleted", "is true, but deletedAt is null")]),
        (
            {"_isDeleted": False, "deletedAt": "2020-01-01"},
            [("_isDeleted", "is false, but deletedAt is set")],
        ),
        ({"_isDeleted": "perhaps"}, [("_isDeleted", "is not a boolean")]),
        ({"unitIds": "no list"}, [("unitIds", 'could not create List from JSON string: "no list"')]),
        (
            {"custom": {"a": "\ud800"}},
            [
                (
                    "custom",
                    "The value of `custom` contains an unpaired surrogate, which is not allowed.",
                )
            ],
        ),
        (
            {"custom": {"a": float("inf")}},
            [("custom", "The value of `custom` contains a number that is out of range.")],
        ),
        ({"metadata": {"a": 5}}, [("metadata", "The value of 'a' is not a string")]),
        ({"nme": "x"}, [("nme", "is not defined in the model")]),
        ({"name": "", "IBAN": {}}, [("IBAN", "is not a text"), ("name", "can't be blank")]),
        (
            {"unitIds": 5, "version": 0},
            [("unitIds", "Items must be an array: 5"), ("version", "is not a whole number from 1 to 2147483647")],
        ),
    ],
)
def test_every_problem_names_its_property(body: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert problems(**body) == expected
