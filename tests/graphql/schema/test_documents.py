"""The documents of a record as types: bank accounts, UJP receiver, checks of the tax number, and data items."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import Service
from tests.graphql.conftest import RESOLVED, GraphQLApi, add_records

ACCOUNTS = "bankAccounts { __typename type name bankName iban accountNumber bic routingNumber sortCode isDefault }"
UJP = "ujp { name identifier agent mailbox }"
VIES = "vies { outcome source checkedAt name address requestIdentifier message }"
DATA = "data { itemId name value options }"
EMPTY = dict.fromkeys(("name", "bankName", "iban", "accountNumber", "bic", "routingNumber", "sortCode", "isDefault"))
WRITE = f"""
mutation($id: ID!, $input: UpdateCustomerInput!) {{
  made: updateCustomer(id: $id, input: $input) {{
    customer {{ customerId version {ACCOUNTS} {UJP} }} userErrors {{ field message code }}
  }}
}}
"""


@pytest.fixture
async def record(service: Service) -> str:
    (made,) = await add_records(service, [{"name": "Ana"}])
    return made


async def test_documents_are_written_and_read_by_the_names_of_the_schema(
    service: Service, api: GraphQLApi, record: str
) -> None:
    us = {"type": "US_DOMESTIC", "bankName": "First", "accountNumber": "1", "routingNumber": "2", "isDefault": True}
    values = {"bankAccounts": [us, {"iban": "SI56", "bic": "X"}], "ujp": {"identifier": "i", "mailbox": "m"}}
    made = (await api.data(WRITE, id=record, input=values))["made"]
    assert made["userErrors"] == []
    accounts = [{"__typename": "BankAccount", **EMPTY, **us}]
    accounts.append({"__typename": "BankAccount", **EMPTY, "type": "IBAN", "iban": "SI56", "bic": "X"})
    assert made["customer"]["bankAccounts"] == accounts
    assert made["customer"]["ujp"] == {"name": None, "identifier": "i", "agent": None, "mailbox": "m"}
    rest = (await service.http.get(f"/customers/cust_{record}")).json()
    assert rest["bank_accounts"][0] == {
        "type": "us_domestic", "name": None, "bank_name": "First", "iban": None, "account_number": "1", "bic": None,
        "routing_number": "2", "sort_code": None, "is_default": True,
    }  # fmt: skip
    assert rest["ujp"]["receiver_identifier"] == "i"


async def test_documents_that_are_read_can_be_written_back_unchanged(api: GraphQLApi, record: str) -> None:
    values: dict[str, Any] = {"bankAccounts": [{"type": "OTHER", "name": "n"}, {}], "ujp": {"agent": "a"}}
    made = (await api.data(WRITE, id=record, input=values))["made"]["customer"]
    accounts = [
        {key: value for key, value in account.items() if key != "__typename"} for account in made["bankAccounts"]
    ]
    again = (await api.data(WRITE, id=record, input={"bankAccounts": accounts, "ujp": made["ujp"]}))["made"]["customer"]
    assert again == made


async def test_null_clears_a_document_and_an_empty_list_stays_empty(api: GraphQLApi, record: str) -> None:
    await api.data(WRITE, id=record, input={"bankAccounts": [{}], "ujp": {}})
    made = (await api.data(WRITE, id=record, input={"bankAccounts": [], "ujp": None}))["made"]["customer"]
    assert (made["bankAccounts"], made["ujp"]) == ([], None)
    made = (await api.data(WRITE, id=record, input={"bankAccounts": None}))["made"]["customer"]
    assert made["bankAccounts"] is None


async def test_an_error_in_a_document_names_the_field_of_the_schema(api: GraphQLApi, record: str) -> None:
    long = {"bankAccounts": [{}, {"bankName": "x" * 10_001}], "ujp": {"name": "x" * 10_001}}
    errors = (await api.data(WRITE, id=record, input=long))["made"]["userErrors"]
    assert [(error["field"], error["code"]) for error in errors] == [
        (["input", "bankAccounts", "1", "bankName"], "TOO_LONG"),
        (["input", "ujp", "name"], "TOO_LONG"),
    ]


STORED = {
    "bank_accounts": '[{"type": "strange", "iban": 5, "is_default": "yes"}, 7, null, {"type": null}]',
    "ujp": '{"receiver_name": {"a": [1]}, "more": 1}',
    "vies": '{"valid": "perhaps", "source": 3}',
    "data": '[{"id": 1, "name": true, "value": {"a": [1, null, 2.5]}}, [], {"options": "x"}]',
}
SHOWN = f"customer {{ {ACCOUNTS} {UJP} {VIES} }} {DATA}"


@pytest.mark.parametrize("more", ["", RESOLVED], ids=["rendered", "resolved"])
async def test_no_stored_value_makes_a_read_fail(service: Service, api: GraphQLApi, record: str, more: str) -> None:
    """An operator may have stored anything by SQL, or a revision before this one by an import."""
    columns = ", ".join(f"{column} = '{value}'" for column, value in STORED.items())
    async with service.database.write() as connection:
        await connection.execute(text(f"UPDATE clients SET {columns}, type = 'friend'"))
    query = (
        "query($id: ID!) { client(id: $id) { type data { itemId name value options } %s } customer(id: $id) { %s %s } }"
    )
    found = await api.data(query % (more, f"contactType {ACCOUNTS} {UJP} {VIES}", more), id=record)
    client, customer = found["client"], found["customer"]
    assert (client["type"], customer["contactType"]) == (None, None)
    assert [account["type"] for account in customer["bankAccounts"]] == ["OTHER"] * 4
    assert (customer["bankAccounts"][0]["iban"], customer["bankAccounts"][0]["isDefault"]) == ("5", None)
    assert customer["ujp"] == {"name": '{"a": [1]}', "identifier": None, "agent": None, "mailbox": None}
    nothing = dict.fromkeys(("checkedAt", "name", "address", "requestIdentifier", "message"))
    assert customer["vies"] == {"outcome": "UNKNOWN", "source": "OFFLINE", **nothing}
    assert client["data"] == [
        {"itemId": "1", "name": "true", "value": {"a": [1, None, 2.5]}, "options": None},
        {"itemId": None, "name": None, "value": None, "options": None},
        {"itemId": None, "name": None, "value": None, "options": "x"},
    ]
    async with service.database.write() as connection:
        await connection.execute(
            text("UPDATE clients SET bank_accounts = '{}', ujp = '[]', vies = '7', data = '\"x\"'")
        )
    found = await api.data(query % (more, f"contactType {ACCOUNTS} {UJP} {VIES}", more), id=record)
    assert found["client"]["data"] is None
    assert [found["customer"][name] for name in ("bankAccounts", "ujp", "vies")] == [None, None, None]


async def test_a_check_of_the_tax_number_has_an_outcome(service: Service, api: GraphQLApi) -> None:
    numbers = [("DE136695976", "VALID"), ("DE136695977", "INVALID"), ("123", "UNKNOWN")]
    made = await add_records(service, [{"name": number, "tax_number": number} for number, _ in numbers])
    for record in made:
        assert (await service.http.post(f"/customers/cust_{record}/vies-check")).status_code == 200
    found = (await api.data(f"{{ customers {{ nodes {{ {VIES} }} }} }}"))["customers"]["nodes"]
    assert [node["vies"]["outcome"] for node in found] == [outcome for _, outcome in numbers]
    assert {node["vies"]["source"] for node in found} == {"OFFLINE"}
    assert all(node["vies"]["checkedAt"].endswith("Z") for node in found)
    query = 'query($w: JSON!) { customers(filter: {vies: [{path: ["outcome"], eq: $w}]}) { totalCount } }'
    for outcome in ("VALID", "INVALID"):
        assert (await api.data(query, w=outcome))["customers"]["totalCount"] == 1


CONDITIONS: list[tuple[dict[str, Any], int]] = [
    ({"bankAccounts": [{"path": ["0", "bankName"], "startsWith": "fir"}]}, 1),
    ({"bankAccounts": [{"path": ["0", "type"], "eq": "US_DOMESTIC"}]}, 1),
    ({"bankAccounts": [{"path": ["0", "type"], "in": ["IBAN", "OTHER"]}]}, 0),
    ({"bankAccounts": [{"path": ["1", "type"], "eq": "IBAN"}]}, 1),
    ({"ujp": [{"path": ["identifier"], "eq": "i"}]}, 1),
]
WRONG: list[dict[str, Any]] = [
    {"bankAccounts": [{"path": ["0", "bank_name"], "eq": "First"}]},
    {"bankAccounts": [{"path": ["0", "type"], "eq": "iban"}]},
    {"ujp": [{"path": ["receiver_name"], "eq": "i"}]},
]


async def test_filters_read_documents_by_the_names_of_the_schema(api: GraphQLApi, record: str) -> None:
    values = {"bankAccounts": [{"type": "US_DOMESTIC", "bankName": "First"}, {}], "ujp": {"identifier": "i"}}
    await api.data(WRITE, id=record, input=values)
    query = "query($filter: CustomerFilter) { customers(filter: $filter) { totalCount } }"
    for condition, count in CONDITIONS:
        assert (await api.data(query, filter=condition))["customers"]["totalCount"] == count, condition
    for condition in WRONG:
        assert (await api.error(query, filter=condition))["extensions"]["code"] == "BAD_USER_INPUT", condition


async def test_an_image_of_the_history_has_the_names_of_the_schema(api: GraphQLApi, record: str) -> None:
    await api.data(WRITE, id=record, input={"bankAccounts": [{"bankName": "B"}], "ujp": {"name": "n"}})
    query = "query($id: ID!) { customer(id: $id) { history(first: 1) { nodes { before after } } } }"
    (change,) = (await api.data(query, id=record))["customer"]["history"]["nodes"]
    assert (change["before"]["bankAccounts"], change["before"]["ujp"]) == (None, None)
    assert change["after"]["bankAccounts"] == [{**EMPTY, "type": "IBAN", "bankName": "B"}]
    assert change["after"]["ujp"] == {"name": "n", "identifier": None, "agent": None, "mailbox": None}


@pytest.mark.parametrize("word", ["buyer", "CUSTOMER", "", None])
async def test_a_word_that_an_enum_lacks_is_an_error(api: GraphQLApi, word: str | None) -> None:
    query = "query($word: [ContactType!]) { customers(filter: {contactType: {in: $word}}) { totalCount } }"
    assert (await api.error(query, word=[word]))["extensions"]["code"] == "BAD_USER_INPUT"
