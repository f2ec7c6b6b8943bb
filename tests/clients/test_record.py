"""Bodies of clients and customers: the values and the problems under the rules of each API."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, V1
from app.clients.record import CLIENT_RULES, CUSTOMER_RULES, V1_RULES
from app.errors import Invalid, Malformed
from app.query.face import Face
from app.records.bodies import SENT_COLUMNS, Mode, Rules, Values, read_body

V1_DEFAULTS: Values = {"metadata": {}, "custom": {}, "is_end_customer": False, "tax_subject": False}
CUSTOMER_DEFAULTS: Values = {"metadata": {}, "custom": {}, "is_end_customer": False, "tax_subject": True}

Set = tuple[Face, Rules]
V: Set = (V1, V1_RULES)
C: Set = (CUSTOMER, CUSTOMER_RULES)
G: Set = (GRAPHQL_CLIENT, CLIENT_RULES)
ACCOUNT = dict.fromkeys(("name", "bank_name", "iban", "account_number", "bic", "routing_number", "sort_code"))

VALID: list[tuple[Set, dict[str, Any], Values]] = [
    (V, {}, {}),
    (V, {"name": "A", "email": None, "city": ""}, {"name": "A", "email": None, "city": ""}),
    (V, {"name": 7, "zip": 1000, "city": True, "note": 0.5}, {"name": "7", "zip": "1000", "city": "true", "note": "0.5"}),
    (V, {"IBAN": "I", "SWIFT": "S", "countryAlpha2Code": "SI"}, {"iban": "I", "swift": "S", "country_alpha2_code": "SI"}),
    (V, {"taxSubject": "1", "isEndCustomer": ""}, {"tax_subject": True, "is_end_customer": False}),
    (V, {"taxSubject": None}, {"tax_subject": None}),
    (V, {"type": "both"}, {"type": "both"}),
    (V, {"type": None}, {"type": None}),
    (V, {"unitIds": ["a", 7, True]}, {"unit_ids": ["a", "7", "true"]}),
    (V, {"unitIds": []}, {"unit_ids": []}),
    (V, {"custom": {"a": [1, None, {"b": 0.5}]}}, {"custom": {"a": [1, None, {"b": 0.5}]}}),
    (V, {"custom": None}, {"custom": None}),
    (V, {"_data": [{"id": "x", "name": "n", "value": [1], "options": {}}, {}]},
        {"data": [{"id": "x", "name": "n", "value": [1], "options": {}}, {}]}),
    (V, {"id": "x", "createdAt": 7, "organizationId": {}, "_isDeleted": True, "unitId": "u", "deletedId": 1}, {}),
    (C, {}, {}),
    (C, {"name": "A", "post_code": "1", "address_2": None}, {"name": "A", "zip": "1", "address2": None}),
    (C, {"contact_type": "buyer"}, {"type": "customer"}),
    (C, {"contact_type": None}, {"type": None}),
    (C, {"is_tax_subject": False, "is_end_consumer": True}, {"tax_subject": False, "is_end_customer": True}),
    (C, {"is_end_consumer": None, "metadata": None}, {"is_end_customer": False, "metadata": None}),
    (C, {"metadata": {"a": "x", "k" * 40: "v" * 250}}, {"metadata": {"a": "x", "k" * 40: "v" * 250}}),
    (C, {"metadata": {"a": None}}, {"metadata": {"a": None}}),
    (C, {"bank_accounts": [{"iban": "I"}]}, {"bank_accounts": [{"type": "iban", **ACCOUNT, "iban": "I", "is_default": None}]}),
    (C, {"bank_accounts": None}, {"bank_accounts": None}),
    (C, {"ujp": {"receiver_name": "R"}}, {"ujp": {
        "receiver_name": "R", "receiver_identifier": None, "receiver_agent": None, "receiver_mailbox": None}}),
    (C, {"peppol_id": "p", "id": "cust_x", "entity_id": 1, "vies": {}, "created_at": "x"}, {"peppol_id": "p"}),
    (G, {"name": "A", "iban": "I", "taxSubject": None}, {"name": "A", "iban": "I", "tax_subject": None}),
    (G, {"unitIds": ["a"], "data": [{"name": "n"}], "type": "CUSTOMER", "isEndCustomer": True},
        {"unit_ids": ["a"], "data": [{"name": "n"}], "type": "customer", "is_end_customer": True}),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "body", "values"), VALID)
def test_a_body_becomes_values_by_column(rules: Set, body: dict[str, Any], values: Values) -> None:
    assert read_body(rules[0], body, rules[1], "update") == values


@pytest.mark.parametrize(("rules", "defaults"), [(V, V1_DEFAULTS), (C, CUSTOMER_DEFAULTS), (G, V1_DEFAULTS)])
def test_a_new_record_has_the_defaults_of_its_api(rules: Set, defaults: Values) -> None:
    values = {**defaults, "name": "A", SENT_COLUMNS: ["name"]}
    assert read_body(rules[0], {"name": "A"}, rules[1], "create") == values


@pytest.mark.parametrize("rules", [V, G])
def test_replacement_empties_what_the_face_has_and_nothing_else(rules: Set) -> None:
    values = read_body(rules[0], {"name": "A"}, rules[1], "replace")
    assert set(values) == {field.column for field in rules[0].fields.values() if field.writable}
    assert {column for column, value in values.items() if value is not None} == {
        "name", "is_end_customer", "tax_subject", "custom"
    }  # fmt: skip
    assert "metadata" not in values
    assert "peppol_id" not in values


def test_a_null_in_the_metadata_of_a_new_record_is_dropped() -> None:
    body = {"name": "A", "metadata": {"a": "x", "b": None}}
    assert read_body(CUSTOMER, body, CUSTOMER_RULES, "create")["metadata"] == {"a": "x"}


LONG = "x" * 10_001
DEEP: Any = "x"
for _ in range(40):
    DEEP = [DEEP]

INVALID: list[tuple[Set, dict[str, Any], set[tuple[str, str]]]] = [
    (V, {"nmae": "A"}, {("nmae", "unknown-property")}),
    (V, {"metadata": {}}, {("metadata", "unknown-property")}),
    (V, {"iban": "x"}, {("iban", "unknown-property")}),
    (V, {"name": None}, {("name", "presence")}),
    (V, {"name": ""}, {("name", "presence")}),
    (V, {"name": {}}, {("name", "type")}),
    (V, {"name": ["A"], "city": {}, "zip": LONG}, {("name", "type"), ("city", "type"), ("zip", "length")}),
    (V, {"type": "buyer"}, {("type", "inclusion")}),
    (V, {"type": ""}, {("type", "inclusion")}),
    (V, {"type": ["both"]}, {("type", "inclusion")}),
    (V, {"taxSubject": "yes", "isEndCustomer": 2}, {("taxSubject", "type"), ("isEndCustomer", "type")}),
    (V, {"unitIds": [{}]}, {("unitIds", "type")}),
    (V, {"unitIds": [None]}, {("unitIds", "type")}),
    (V, {"_data": ["x"]}, {("_data", "type")}),
    (V, {"_data": [{"key": 1}]}, {("_data", "unknown-property")}),
    (C, {"IBAN": "x"}, {("IBAN", "unknown-property")}),
    (C, {"custom": {}}, {("custom", "unknown-property")}),
    (C, {"name": 7, "city": True, "zip": "1"}, {("name", "type"), ("city", "type"), ("zip", "unknown-property")}),
    (C, {"name": "a\x00", "city": "\ud800"}, {("name", "format"), ("city", "format")}),
    (C, {"contact_type": "customer"}, {("contact_type", "inclusion")}),
    (C, {"is_tax_subject": None}, {("is_tax_subject", "type")}),
    (C, {"is_tax_subject": "true", "is_end_consumer": 0}, {("is_tax_subject", "type"), ("is_end_consumer", "type")}),
    (C, {"metadata": []}, {("metadata", "type")}),
    (C, {"metadata": {"a": 7}}, {("metadata", "type")}),
    (C, {"metadata": {"a": {"b": "c"}}}, {("metadata", "type")}),
    (C, {"metadata": {"": "x"}}, {("metadata", "length")}),
    (C, {"metadata": {"k" * 41: "x"}}, {("metadata", "length")}),
    (C, {"metadata": {"a": "v" * 251}}, {("metadata", "length")}),
    (C, {"metadata": {str(index): "x" for index in range(51)}}, {("metadata", "length")}),
    (C, {"metadata": {"a\x00": "x"}}, {("metadata", "format")}),
    (C, {"metadata": {"a": "\udfff"}}, {("metadata", "format")}),
    (C, {"bank_accounts": {}}, {("bank_accounts", "type")}),
    (C, {"bank_accounts": ["x"]}, {("bank_accounts", "type")}),
    (C, {"bank_accounts": [{"x": 1}]}, {("bank_accounts", "unknown-property")}),
    (C, {"bank_accounts": [{"type": "cash"}]}, {("bank_accounts", "inclusion")}),
    (C, {"bank_accounts": [{"type": None}]}, {("bank_accounts", "inclusion")}),
    (C, {"bank_accounts": [{"type": ["iban"]}]}, {("bank_accounts", "inclusion")}),
    (C, {"bank_accounts": [{"is_default": "yes"}]}, {("bank_accounts", "type")}),
    (C, {"bank_accounts": [{"iban": 7}]}, {("bank_accounts", "type")}),
    (C, {"bank_accounts": [{"iban": LONG}]}, {("bank_accounts", "length")}),
    (C, {"ujp": "x"}, {("ujp", "type")}),
    (C, {"ujp": {"x": "y"}}, {("ujp", "unknown-property")}),
    (C, {"ujp": {"receiver_name": 7}}, {("ujp", "type")}),
    (G, {"name": 7}, {("name", "type")}),
    (G, {"IBAN": "x"}, {("IBAN", "unknown-property")}),
    (G, {"taxSubject": "1"}, {("taxSubject", "type")}),
    (G, {"note": "\x00"}, {("note", "format")}),
    (G, {"custom": {"a": DEEP}}, {("custom", "format")}),
    (G, {"custom": {"a": float("inf")}}, {("custom", "range")}),
    (G, {"custom": {"a": 10**400}}, {("custom", "range")}),
    (G, {"unitIds": [7]}, {("unitIds", "type")}),
]


@pytest.mark.parametrize(("rules", "body", "problems"), INVALID)
@pytest.mark.parametrize("mode", ["create", "update"])
def test_an_invalid_body_is_rejected_with_every_problem(
    rules: Set, body: dict[str, Any], problems: set[tuple[str, str]], mode: Mode
) -> None:
    given_body = body if "name" in body else {"name": "A", **body}
    with pytest.raises(Invalid) as error:
        read_body(rules[0], given_body, rules[1], mode)
    assert {(problem.field, problem.code) for problem in error.value.problems} == problems


MALFORMED: list[dict[str, Any]] = [
    {"name": "a\x00"}, {"city": "\ud800"}, {"custom": {"a\x00": 1}}, {"custom": {"a": ["\udfff"]}},
    {"custom": DEEP},
    {"unitIds": "x"}, {"unitIds": {}}, {"unitIds": 7}, {"_data": "x"}, {"_data": {}}, {"_data": '["\\u0000"]'},
]  # fmt: skip


@pytest.mark.parametrize("body", MALFORMED)
def test_a_value_that_cannot_be_stored_or_is_not_a_list_is_malformed_in_v1(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as error:
        read_body(V1, {"name": "A", **body}, V1_RULES, "create")
    assert error.value.field in body


@pytest.mark.parametrize("body", [{"custom": {"a": 10**400}}, {"custom": {"a": float("nan")}}, {"name": float("inf")}])
def test_a_number_that_no_column_can_hold_is_invalid_in_v1(body: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as error:
        read_body(V1, {"name": "A", **body}, V1_RULES, "create")
    assert [(problem.field, problem.code) for problem in error.value.problems] == [(next(iter(body)), "range")]


@pytest.mark.parametrize(("rules", "name"), [(V, "undefined"), (C, "undefined"), (G, "undefined")])
def test_a_new_record_needs_a_name(rules: Set, name: str) -> None:
    for mode in ("create", "replace"):
        with pytest.raises(Invalid) as error:
            read_body(rules[0], {}, rules[1], mode)
        (problem,) = error.value.problems
        assert (problem.field, problem.code, repr(problem.value)) == ("name", "presence", name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("rules", [V, C, G], ids=["v1", "customers", "graphql"])
@given(data=st.data())
def test_any_body_is_read_or_rejected(rules: Set, data: st.DataObject) -> None:
    keys = st.sampled_from(sorted(rules[0].fields)) | st.text(max_size=5)
    body = data.draw(st.dictionaries(keys, JSON, max_size=5))
    mode: Mode = data.draw(st.sampled_from(["create", "replace", "update"]))
    try:
        values = read_body(rules[0], body, rules[1], mode)
    except (Invalid, Malformed):
        return
    sent = values.pop(SENT_COLUMNS, [])
    assert set(sent) <= set(values)
    assert set(values) <= {field.column for field in rules[0].fields.values() if field.writable} | {
        "metadata",
        "custom",
    }
