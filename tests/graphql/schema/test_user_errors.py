"""User errors: a sentence to show, the cause, the path from the argument down, and the allowed values."""

from typing import Any

import pytest

from app.clients.faces import GRAPHQL_CUSTOMER
from app.clients.record import GRAPHQL_CUSTOMER_RULES
from app.countries import listed_codes
from app.errors import (
    AccountTokenRequired,
    Conflict,
    DomainError,
    Forbidden,
    IdempotencyKeyReused,
    Invalid,
    Malformed,
    NotFound,
    NotVerified,
    OrganizationShared,
    Problem,
    ReadOnlyToken,
    Stale,
    StorageFull,
    TooMany,
)
from app.graphql.schema.sentences import name_field, write_sentence
from app.graphql.schema.user_errors import UserErrorCode, user_errors
from app.records.bodies import read_body
from tests.graphql.conftest import GraphQLApi
from tests.graphql.schema.test_mutations import is_sentence

LONG = "x" * 10_001
CLIENT = "mutation($i: CreateClientInput!) { made: createClient(input: $i) { userErrors { field message code allowedValues } } }"
CUSTOMER = CLIENT.replace("Client", "Customer")
ALIKE: list[tuple[str, str, Any, str, str]] = [
    ("name", "name", " ", "BLANK", "Name must not be blank."),
    ("name", "name", "", "BLANK", "Name must not be blank."),
    ("city", "city", LONG, "TOO_LONG", "City is longer than 10000 characters."),
    ("taxNumber", "taxNumber", LONG, "TOO_LONG", "Tax number is longer than 10000 characters."),
    ("city", "city", "a\x00", "NOT_STORABLE", "The value of `city` contains a NUL character, which is not allowed."),
    (
        "countryAlpha2Code",
        "countryCode",
        "ZZ",
        "INVALID_COUNTRY_CODE",
        "Country {} is not a country code; received 'ZZ'. Use ISO 3166-1 alpha-2, such as SI, or EL, XI or XK.",
    ),
]
"""A field of Client, the same of Customer, a wrong value, and the error of both."""


@pytest.mark.parametrize(("client", "customer", "value", "code", "message"), ALIKE)
async def test_both_faces_have_the_same_errors(
    api: GraphQLApi, client: str, customer: str, value: Any, code: str, message: str
) -> None:
    for query, name in ((CLIENT, client), (CUSTOMER, customer)):
        (error,) = (await api.data(query, i={"name": "Ana", name: value}))["made"]["userErrors"]
        words = name_field(name).removeprefix("country ")
        assert (error["field"], error["code"]) == (["input", name], code)
        assert error["message"] == message.format(words)
        assert error["allowedValues"] == (list(listed_codes()) if code == "INVALID_COUNTRY_CODE" else None)


NUL = "The value of `{}` contains a NUL character, which is not allowed."
LONG_NAME = "`bankName` of item 2 of bank accounts is longer than 10000 characters."
JSON_PROBLEMS: list[tuple[dict[str, Any], list[str], str, str]] = [
    ({"metadata": []}, ["metadata"], "INVALID_TYPE", "Metadata must be an object."),
    ({"metadata": {"tier": 1}}, ["metadata", "tier"], "INVALID_TYPE", "`tier` of metadata must be a string."),
    ({"metadata": {"a": "v" * 251}}, ["metadata", "a"], "TOO_LONG", "`a` of metadata is longer than 250 characters."),
    ({"metadata": dict.fromkeys(map(str, range(51)), "v")}, ["metadata"], "TOO_LONG", "Metadata has more than 50 properties."),
    ({"metadata": {"a": "\x00"}}, ["metadata", "a"], "NOT_STORABLE", NUL.format("metadata")),
    ({"metadata": {"a\x00": "v"}}, ["metadata"], "NOT_STORABLE", NUL.format("metadata")),
    ({"bankAccounts": [{}, {"bankName": LONG}]}, ["bankAccounts", "1", "bankName"], "TOO_LONG", LONG_NAME),
    ({"bankAccounts": [{}, {"bankName": "\x00"}]}, ["bankAccounts", "1", "bankName"], "NOT_STORABLE", NUL.format("bankAccounts")),
    ({"isTaxSubject": None}, ["isTaxSubject"], "INVALID_TYPE", "Is tax subject must not be null."),
    ({"nmae": "A"}, ["nmae"], "UNKNOWN_FIELD", "Nmae is not a field of this input."),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "path", "code", "message"), JSON_PROBLEMS)
def test_an_error_names_the_member_inside_json(
    fields: dict[str, Any], path: list[str], code: str, message: str
) -> None:
    with pytest.raises(Invalid) as invalid:
        read_body(GRAPHQL_CUSTOMER, {"name": "A", **fields}, GRAPHQL_CUSTOMER_RULES, "create")
    (error,) = user_errors(invalid.value, ["input", "7"])
    assert (error.field, error.code.name, error.message) == (["input", "7", *path], code, message)


def test_a_sentence_names_items_and_acronyms() -> None:
    assert write_sentence(["bankAccounts", "0", "iban"], "is x") == "`iban` of item 1 of bank accounts is x"
    assert write_sentence(["peppolId"], "is x") == "Peppol ID is x"
    assert write_sentence(["iban"], "is x") == "IBAN is x"
    assert write_sentence(["address2"], "is x") == "Address2 is x"
    assert write_sentence(["l"], "Wrong language") == "Wrong language"
    assert write_sentence([], "wrong") == "wrong"


ERRORS: dict[DomainError, str] = {
    NotFound("There is no such record"): "NOT_FOUND",
    StorageFull(): "QUOTA_EXCEEDED",
    Stale("The record has changed since that version"): "STALE_VERSION",
    IdempotencyKeyReused("The idempotency key was used for another request"): "IDEMPOTENCY_KEY_REUSED",
    OrganizationShared("Other accounts can access the organization too", "id"): "ORGANIZATION_SHARED",
    Conflict("Something else"): "CONFLICT",
    NotVerified("No account is verified"): "NOT_VERIFIED",
    ReadOnlyToken("The token may only read"): "READ_ONLY_TOKEN",
    AccountTokenRequired("The token belongs to an organization"): "ACCOUNT_TOKEN_REQUIRED",
    Forbidden("A sandbox token may not do this"): "FORBIDDEN",
    TooMany("Too many reminders", 5): "RATE_LIMITED",
    Malformed("Invalid current password", "oldPassword", code="INVALID_PASSWORD"): "WRONG_PASSWORD",
    Malformed("Wrong", "id"): "INVALID",
}
CODES = ("presence", "type", "inclusion", "length", "length.min", "exclusion", "size", "range", "format", "unknown-property",
    "uniqueness", "country-code", "format.email", "repetition", "any other")  # fmt: skip


def test_each_cause_has_a_code_and_a_sentence() -> None:
    errors = [(error, code) for kind, code in ERRORS.items() for error in user_errors(kind, ["input"])]
    assert [error.code.name for error, _ in errors] == [code for _, code in errors]
    problems = user_errors(Invalid([Problem("name", code, "is wrong", allowed=("a",)) for code in CODES]), ["input"])
    assert all(error.message == "Name is wrong." and error.allowed_values == ["a"] for error in problems)
    assert all(is_sentence(error.message) for error, _ in errors)
    used = {error.code for error, _ in errors} | {error.code for error in problems}
    assert used == set(UserErrorCode) - {UserErrorCode.ALREADY_SHOWN}  # createAccessToken makes it by itself
