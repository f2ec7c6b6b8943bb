"""Changes: the record as it is now or what was wrong, never both; versions, keys, and what null means."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.auth import Scope
from app.graphql.schema.words import ReminderLanguage
from app.mail.message import LANGUAGES
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

ERRORS = "userErrors { field message code }"
CREATE = f"""
mutation($input: CreateClientInput!, $key: String, $of: ID) {{
  made: createClient(input: $input, idempotencyKey: $key, organizationId: $of) {{
    client {{ clientId name version type taxSubject isEndCustomer custom }} {ERRORS}
  }}
}}
"""
UPDATE = f"""
mutation($id: ID!, $input: UpdateClientInput!, $version: Int) {{
  made: updateClient(id: $id, input: $input, expectedVersion: $version) {{ client {{ name email note version }} {ERRORS} }}
}}
"""
CREATE_CUSTOMER = f"""
mutation($input: CreateCustomerInput!) {{
  made: createCustomer(input: $input) {{
    customer {{ customerId name contactType isTaxSubject isEndConsumer metadata version
      bankAccounts {{ type iban }} ujp {{ name }} }} {ERRORS}
  }}
}}
"""
UPDATE_CUSTOMER = f"""
mutation($id: ID!, $input: UpdateCustomerInput!) {{
  made: updateCustomer(id: $id, input: $input) {{ customer {{ name metadata isEndConsumer isTaxSubject }} {ERRORS} }}
}}
"""


DATA = {"itemId": "1", "name": "n", "value": 3, "options": None}


async def change(api: GraphQLApi, query: str, **variables: Any) -> dict[str, Any]:
    """The record of a mutation that was done."""
    made = (await api.data(query, **variables))["made"]
    assert made.pop("userErrors") == []
    (record,) = made.values()
    assert isinstance(record, dict)
    return record


async def error_fields(api: GraphQLApi, query: str, **variables: Any) -> list[tuple[list[str] | None, str]]:
    """Field and code of each error of a mutation that was refused."""
    made = (await api.data(query, **variables))["made"]
    errors = made.pop("userErrors")
    assert all(value in (None, False) for value in made.values())
    assert all(is_sentence(error["message"]) for error in errors), errors
    return [(error["field"], error["code"]) for error in errors]


def is_sentence(text: str) -> bool:
    return (text[0].isupper() or text[0] == "`") and text.endswith(".")


@pytest.fixture
async def client(api: GraphQLApi) -> str:
    given = {"name": "Ana", "email": "ana@one.example", "note": "kept"}
    return str((await change(api, CREATE, input=given))["clientId"])


async def test_each_face_has_its_own_defaults(api: GraphQLApi) -> None:
    client = await change(api, CREATE, input={"name": "Ana"})
    assert (client["taxSubject"], client["isEndCustomer"], client["custom"]) == (False, False, {})
    assert (client["version"], client["type"]) == (1, None)
    customer = await change(api, CREATE_CUSTOMER, input={"name": "Ana"})
    assert (customer["isTaxSubject"], customer["isEndConsumer"], customer["metadata"]) == (True, False, {})


async def test_every_written_field_is_read_back(api: GraphQLApi) -> None:
    given = {
        "name": "Ána 🙂", "email": "a@b.example", "contact": "Bo", "note": "n", "type": "BOTH", "address": "A 1",
        "address2": "B", "zip": "1000", "city": "Ljubljana", "state": "S", "country": "Slovenia", "countryAlpha2Code": "SI",
        "fiscalRegionCode": "F", "taxNumber": "SI1", "taxSubject": True, "isEndCustomer": True, "companyNumber": "2",
        "iban": "SI56", "bank": "Bank", "swift": "SW", "website": "https://a.example", "phone": "+386", "businessType": "t",
        "unitIds": ["u1"], "custom": {"a": [1, 2.5, None, {"b": "ž"}]}, "data": [DATA],
    }  # fmt: skip
    shown = " ".join(given).replace(" data", " data { itemId name value options }")
    query = "mutation($input: CreateClientInput!) { made: createClient(input: $input) { client { %s } %s } }"
    assert await change(api, query % (shown, ERRORS), input=given) == given
    customer = {"name": "Bo", "contactType": "BUYER", "isTaxSubject": False, "metadata": {"k": "v"}}
    made = await change(api, CREATE_CUSTOMER, input={**customer, "bankAccounts": [{"iban": "SI56"}], "ujp": {}})
    assert {key: made[key] for key in customer} == customer
    assert made["bankAccounts"] == [{"type": "IBAN", "iban": "SI56"}]
    assert made["ujp"] == {"name": None}


async def test_an_absent_field_is_kept_and_null_clears_it(api: GraphQLApi, client: str) -> None:
    assert await change(api, UPDATE, id=client, input={"email": None}) == {
        "name": "Ana", "email": None, "note": "kept", "version": 2,
    }  # fmt: skip
    assert (await change(api, UPDATE, id=client, input={"email": "b@two.example"}))["note"] == "kept"
    assert (await change(api, UPDATE, id=client, input={"note": ""}))["note"] == ""
    assert (await change(api, UPDATE, id=client, input={}))["email"] == "b@two.example"


async def test_variables_and_literals_give_the_same_result(api: GraphQLApi, client: str) -> None:
    query = f"""
    mutation($id: ID!, $email: String, $absent: String) {{
      made: updateClient(id: $id, input: {{email: $email, note: $absent}}) {{ client {{ email note }} {ERRORS} }}
    }}
    """
    assert await change(api, query, id=client, email=None) == {"email": None, "note": "kept"}
    assert await change(api, query, id=client, email="x@y.example") == {"email": "x@y.example", "note": "kept"}


async def test_a_replacement_writes_every_field_of_its_face(api: GraphQLApi, service: Service) -> None:
    row = {"name": "Ana", "email": "a@b.example", "unit_id": "u", "metadata": {"tier": "gold"}, "peppol_id": "9901:1"}
    (made,) = await add_records(service, [row])
    query = f"""
    mutation($id: ID!, $input: ReplaceClientInput!) {{
      made: replaceClient(id: $id, input: $input) {{
        client {{ clientId unitId name email taxSubject custom version customer {{ metadata peppolId }} }} {ERRORS}
      }}
    }}
    """
    assert await change(api, query, id=made, input={"name": "Bo"}) == {
        "clientId": made, "unitId": "u", "name": "Bo", "email": None, "taxSubject": False, "custom": {}, "version": 2,
        "customer": {"metadata": {"tier": "gold"}, "peppolId": "9901:1"},
    }  # fmt: skip


async def test_metadata_is_merged_by_key(api: GraphQLApi) -> None:
    made = await change(api, CREATE_CUSTOMER, input={"name": "Ana", "metadata": {"a": "1", "b": "2", "c": None}})
    assert made["metadata"] == {"a": "1", "b": "2"}
    key = made["customerId"]
    steps: list[tuple[Any, dict[str, str]]] = [
        ({"b": None, "c": "3"}, {"a": "1", "c": "3"}),
        ({}, {"a": "1", "c": "3"}),
        (None, {}),
    ]
    for given, expected in steps:
        assert (await change(api, UPDATE_CUSTOMER, id=key, input={"metadata": given}))["metadata"] == expected
    for number in range(50):
        await change(api, UPDATE_CUSTOMER, id=key, input={"metadata": {f"k{number}": "v"}})
    assert await error_fields(api, UPDATE_CUSTOMER, id=key, input={"metadata": {"one more": "v"}}) == [
        (["input", "metadata"], "TOO_LONG")
    ]


WRONG: list[tuple[dict[str, Any], list[tuple[list[str], str]]]] = [
    ({"name": ""}, [(["input", "name"], "BLANK")]),
    ({"name": "A", "countryAlpha2Code": "ZZ"}, [(["input", "countryAlpha2Code"], "INVALID_COUNTRY_CODE")]),
    ({"name": "x" * 10_001}, [(["input", "name"], "TOO_LONG")]),
    ({"name": "A\x00"}, [(["input", "name"], "NOT_STORABLE")]),
    ({"name": "\ud800"}, [(["input", "name"], "NOT_STORABLE")]),
    ({"name": "A", "custom": {"x": "\x00"}}, [(["input", "custom", "x"], "NOT_STORABLE")]),
    ({"name": "A", "data": [{"name": "\x00"}]}, [(["input", "data", "0", "name"], "NOT_STORABLE")]),
    (
        {"name": "", "countryAlpha2Code": "ZZ"},
        [(["input", "countryAlpha2Code"], "INVALID_COUNTRY_CODE"), (["input", "name"], "BLANK")],
    ),
]


async def test_every_problem_of_an_input_is_reported(api: GraphQLApi) -> None:
    for given, expected in WRONG:
        assert await error_fields(api, CREATE, input=given) == expected, given
    assert await error_fields(api, CREATE_CUSTOMER, input={"name": "A", "isTaxSubject": None}) == [
        (["input", "isTaxSubject"], "INVALID_TYPE")
    ]
    assert (await api.data("{ clients { totalCount } }"))["clients"]["totalCount"] == 0


async def test_an_unknown_input_field_is_rejected_before_execution(api: GraphQLApi, client: str) -> None:
    for given in (
        {"nickname": "A"},
        {"name": 7},
        {"name": ["A"]},
        {"taxSubject": "true"},
        {"unitIds": [1]},
        {"id": "x"},
    ):
        error = await api.error(UPDATE, id=client, input=given)
        assert error["extensions"]["code"] in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")
    assert await error_fields(api, UPDATE, id=client, input={"name": None}) == [(["input", "name"], "BLANK")]


async def test_a_change_with_a_stale_version_is_rejected(api: GraphQLApi, client: str) -> None:
    assert (await change(api, UPDATE, id=client, input={"note": "b"}, version=1))["version"] == 2
    for stale in (1, 3, -1):
        errors = await error_fields(api, UPDATE, id=client, input={"note": "c"}, version=stale)
        assert errors == [(["expectedVersion"], "STALE_VERSION")]
    delete = (
        f"mutation($id: ID!, $version: Int) {{ made: deleteClient(id: $id, expectedVersion: $version)"
        f" {{ client {{ version isDeleted }} {ERRORS} }} }}"
    )
    assert await error_fields(api, delete, id=client, version=1) == [(["expectedVersion"], "STALE_VERSION")]
    assert await change(api, delete, id=client, version=2) == {"version": 3, "isDeleted": True}
    assert await error_fields(api, delete, id=client, version=3) == [(["id"], "NOT_FOUND")]
    assert await error_fields(api, UPDATE, id=client, input={"note": "d"}) == [(["id"], "NOT_FOUND")]


async def test_a_deleted_record_is_restored_on_both_faces(api: GraphQLApi, client: str) -> None:
    for type_name, key in (("Client", client), ("Customer", f"cust_{client}")):
        name = type_name.lower()
        delete, restore = (
            f"mutation($id: ID!, $version: Int) {{ made: {verb}{type_name}(id: $id, expectedVersion: $version)"
            f" {{ {name} {{ name version deletedAt }} {ERRORS} }} }}"
            for verb in ("delete", "restore")
        )
        assert await error_fields(api, restore, id=key) == [(["id"], "NOT_FOUND")]
        gone = await change(api, delete, id=key)
        assert gone["deletedAt"]
        assert await error_fields(api, restore, id=key, version=gone["version"] - 1) == [
            (["expectedVersion"], "STALE_VERSION")
        ]
        back = await change(api, restore, id=key, version=gone["version"])
        assert back == {"name": "Ana", "version": gone["version"] + 1, "deletedAt": None}
        assert (await api.data("{ clients { totalCount } }"))["clients"]["totalCount"] == 1


ERASE = f"""
mutation($id: ID!, $version: Int) {{
  made: permanentlyDeleteCustomer(id: $id, expectedVersion: $version) {{ customer {{ name email }} {ERRORS} }}
}}
"""


async def test_erasing_a_customer_erases_its_history_and_reminders(
    api: GraphQLApi, service: Service, client: str
) -> None:
    await api.data(REMIND, id=client)
    key = f"cust_{client}"
    assert await error_fields(api, ERASE, id=key, version=7) == [(["expectedVersion"], "STALE_VERSION")]
    assert await change(api, ERASE, id=key, version=1) == {"name": "Ana", "email": "ana@one.example"}
    assert await error_fields(api, ERASE, id=key) == [(["id"], "NOT_FOUND")]
    lists = "{ clients(deleted: INCLUDE) { totalCount } customers(deleted: INCLUDE) { nodes { id } } }"
    assert await api.data(lists) == {"clients": {"totalCount": 0}, "customers": {"nodes": []}}
    async with service.database.read() as connection:
        for told in ("SELECT before::text || after FROM client_changes", "SELECT text || recipient FROM outbox"):
            assert "ana" not in str(list(await connection.scalars(text(told)))).lower()


async def test_a_deletion_returns_the_global_id(api: GraphQLApi, client: str) -> None:
    (node,) = (await api.data("{ clients { nodes { id customer { id } } } }"))["clients"]["nodes"]
    for query, expected in (
        ("deleteClient(id: $client) { deletedClientId", {"deletedClientId": node["id"]}),
        ("deleteClient(id: $client) { deletedClientId", {"deletedClientId": None}),
        ("restoreCustomer(id: $customer) { customer { id }", {"customer": node["customer"]}),
        ("deleteCustomer(id: $customer) { deletedCustomerId", {"deletedCustomerId": node["customer"]["id"]}),
        ("permanentlyDeleteCustomer(id: $customer) { deletedCustomerId", {"deletedCustomerId": node["customer"]["id"]}),
        ("permanentlyDeleteCustomer(id: $customer) { deletedCustomerId", {"deletedCustomerId": None}),
    ):
        variable = "$client: ID!" if "$client" in query else "$customer: ID!"
        key = {"client": client} if "$client" in query else {"customer": f"cust_{client}"}
        assert (await api.data(f"mutation({variable}) {{ made: {query} }} }}", **key))["made"] == expected


async def test_a_creation_returns_an_edge_of_the_list(api: GraphQLApi, client: str) -> None:
    for type_name, key in (("Client", client), ("Customer", f"cust_{client}")):
        name = type_name.lower()
        shown = f"{name} {{ name }} {name}Edge {{ cursor node {{ name }} }} {ERRORS}"
        edge = f"made: create{type_name}(input: {{name: $name}}) {{ {shown} }}"
        made = (await api.data(f"mutation($name: String!) {{ {edge} }}", name="Bo"))["made"]
        assert (made[name], made[f"{name}Edge"]["node"], made["userErrors"]) == ({"name": "Bo"}, {"name": "Bo"}, [])
        page = f"query($at: String) {{ {name}s(before: $at, first: 1) {{ nodes {{ {name}Id }} }} }}"
        assert (await api.data(page, at=made[f"{name}Edge"]["cursor"]))[f"{name}s"]["nodes"] == [{f"{name}Id": key}]
        wrong = (await api.data(f"mutation($name: String!) {{ {edge} }}", name=""))["made"]
        assert (wrong[name], wrong[f"{name}Edge"]) == (None, None)


async def test_a_mutation_sees_the_changes_of_earlier_ones_in_its_operation(api: GraphQLApi, client: str) -> None:
    made = await api.data(
        """
        mutation($id: ID!) {
          one: updateClient(id: $id, input: {name: "One"}) { client { customer { name } } }
          two: updateClient(id: $id, input: {name: "Two"}) { client { customer { name } } }
        }
        """,
        id=client,
    )
    assert [made[name]["client"]["customer"]["name"] for name in ("one", "two")] == ["One", "Two"]


async def test_one_of_two_changes_of_the_same_version_succeeds(api: GraphQLApi, client: str) -> None:
    both = await asyncio.gather(
        *(api.data(UPDATE, id=client, input={"note": note}, version=1) for note in ("first", "second"))
    )
    codes = sorted(error["code"] for answer in both for error in answer["made"]["userErrors"])
    assert codes == ["STALE_VERSION"]


async def test_a_request_with_an_idempotency_key_is_executed_once(api: GraphQLApi, service: Service) -> None:
    given = {"name": "Ana", "custom": {"a": 1}}
    first = await change(api, CREATE, input=given, key="k-1")
    assert await change(api, CREATE, input=given, key="k-1") == first
    assert await error_fields(api, CREATE, input={"name": "Bo"}, key="k-1") == [
        (["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")
    ]
    second = await service.make_organization("Second Studio", account_email=service.email)
    assert await error_fields(api, CREATE, input=given, key="k-1", of=second) == [
        (["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")
    ]
    assert (await change(api, CREATE, input=given, key="k-2", of=service.organization))["clientId"] != first["clientId"]
    assert (await api.data("{ clients { totalCount } }"))["clients"]["totalCount"] == 2


async def test_a_rejected_request_does_not_use_its_key(api: GraphQLApi) -> None:
    assert await error_fields(api, CREATE, input={"name": ""}, key="k") == [(["input", "name"], "BLANK")]
    assert (await change(api, CREATE, input={"name": "Ana"}, key="k"))["name"] == "Ana"


async def test_concurrent_requests_with_one_key_are_executed_once(api: GraphQLApi) -> None:
    answers = await asyncio.gather(*(api.data(CREATE, input={"name": "Ana"}, key="same") for _ in range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert (await api.data("{ clients { totalCount } }"))["clients"]["totalCount"] == 1


async def test_an_invalid_key_is_rejected(api: GraphQLApi) -> None:
    for key in ("", "x" * 256, "a\nb", "\x00"):
        assert await error_fields(api, CREATE, input={"name": "Ana"}, key=key) == [(["idempotencyKey"], "INVALID")]


async def test_keys_belong_to_the_caller(api: GraphQLApi, service: Service) -> None:
    first = await change(api, CREATE, input={"name": "Ana"}, key="k")
    async with service.client(await service.make_token(organization_id=service.organization)) as http:
        other = await change(GraphQLApi(service, http), CREATE, input={"name": "Ana"}, key="k")
    assert other["clientId"] != first["clientId"]


async def test_a_token_that_may_only_read_changes_nothing(api: GraphQLApi, service: Service, client: str) -> None:
    async with service.client(await service.make_token(account_email=service.email, scope=Scope.READ)) as http:
        reader = GraphQLApi(service, http)
        assert (await reader.data("{ clients { totalCount } }"))["clients"]["totalCount"] == 1
        assert await error_fields(reader, CREATE, input={"name": "Bo"}) == [(None, "READ_ONLY_TOKEN")]
        assert await error_fields(reader, UPDATE, id=client, input={"note": "x"}) == [(None, "READ_ONLY_TOKEN")]
        assert await error_fields(reader, CREATE_CUSTOMER, input={"name": "Bo"}) == [(None, "READ_ONLY_TOKEN")]
        assert await error_fields(reader, UPDATE_CUSTOMER, id=f"cust_{client}", input={"name": "x"}) == [
            (None, "READ_ONLY_TOKEN")
        ]
        for rest in (
            "deleteClient(id: $id) { client { id }",
            "deleteCustomer(id: $id) { customer { id }",
            "restoreClient(id: $id) { client { id }",
            "restoreCustomer(id: $id) { customer { id }",
            "permanentlyDeleteCustomer(id: $id) { customer { id }",
            'replaceClient(id: $id, input: {name: "x"}) { client { id }',
            "sendClientReminder(id: $id) { reminder { id }",
        ):
            query = f"mutation($id: ID!) {{ made: {rest} {ERRORS} }} }}"
            spelled = f"cust_{client}" if "Customer" in rest else client
            assert await error_fields(reader, query, id=spelled) == [(None, "READ_ONLY_TOKEN")], rest
    kept = await api.data("query($id: ID!) { client(id: $id) { name note version } }", id=client)
    assert kept == {"client": {"name": "Ana", "note": "kept", "version": 1}}


async def test_a_payload_with_aliases_repetitions_and_links_is_complete(api: GraphQLApi) -> None:
    query = f"""
    mutation {{
      one: createClient(input: {{name: "Ana"}}) {{ a: client {{ n: name }} b: client {{ name v: version }} {ERRORS} }}
      two: createClient(input: {{name: "Bo"}}) {{ client {{ r: name ch: version customer {{ name }} organization {{ name }} }} }}
      three: createCustomer(input: {{name: "Cy"}}) {{ {ERRORS} __typename }}
    }}
    """
    assert await api.data(query) == {
        "one": {"a": {"n": "Ana"}, "b": {"name": "Ana", "v": 1}, "userErrors": []},
        "two": {"client": {"r": "Bo", "ch": 1, "customer": {"name": "Bo"}, "organization": {"name": "Studio Example"}}},
        "three": {"userErrors": [], "__typename": "CreateCustomerPayload"},
    }
    assert (await api.data("{ clients { totalCount } }"))["clients"]["totalCount"] == 3


REMIND = f"""
mutation($id: ID!, $email: EmailAddress, $language: ReminderLanguage, $key: String) {{
  made: sendClientReminder(id: $id, email: $email, language: $language, idempotencyKey: $key) {{
    reminder {{ to language clientId }} {ERRORS} }}
}}
"""


async def reminders(service: Service) -> list[tuple[str, str]]:
    async with service.database.read() as connection:
        rows = await connection.execute(text("SELECT recipient, language FROM outbox ORDER BY id"))
        return [(recipient, language) for recipient, language in rows]


async def test_a_reminder_is_stored_in_the_outbox(api: GraphQLApi, service: Service, client: str) -> None:
    sent = await api.data(REMIND, id=client)
    reminder = {"to": "ana@one.example", "language": "EN", "clientId": client}
    assert sent["made"] == {"reminder": reminder, "userErrors": []}
    for _ in range(2):
        await api.data(REMIND, id=client, email="other@two.example", language="SL", key="once")
    assert await reminders(service) == [("ana@one.example", "en"), ("other@two.example", "sl")]
    assert await error_fields(api, REMIND, id=client, email="third@two.example", key="once") == [
        (["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")
    ]


@pytest.mark.parametrize(("word", "language"), [("EN", "en"), ("SL", "sl"), ("DE", "de"), (None, "en")])
async def test_the_language_of_a_reminder_is_chosen(
    api: GraphQLApi, service: Service, client: str, word: str | None, language: str
) -> None:
    await api.data(REMIND, id=client, language=word)
    assert await reminders(service) == [("ana@one.example", language)]


def test_every_language_with_a_template_is_in_the_schema() -> None:
    assert [language.lower() for language in ReminderLanguage] == list(LANGUAGES)


async def test_a_reminder_that_cannot_be_sent_has_an_error(api: GraphQLApi, service: Service, client: str) -> None:
    assert (await api.error(REMIND, id=client, language="xx"))["extensions"]["code"] == "BAD_USER_INPUT"
    assert await error_fields(api, REMIND, id=client, email="nobody") == [(["email"], "INVALID_EMAIL")]
    assert await error_fields(api, REMIND, id=client, key="") == [(["idempotencyKey"], "INVALID")]
    (silent,) = await add_records(service, [{"name": "No address"}])
    assert await error_fields(api, REMIND, id=silent) == [(["email"], "BLANK")]
    assert await reminders(service) == []


async def test_every_change_is_recorded_with_its_author_and_fields(
    api: GraphQLApi, service: Service, client: str
) -> None:
    await change(api, UPDATE, id=client, input={"note": "new"})
    await api.data("mutation($id: ID!) { deleteClient(id: $id) { client { id } } }", id=client)
    async with service.database.read() as connection:
        query = "SELECT action, version, actor, before ->> 'note', after ->> 'note' FROM client_changes ORDER BY id"
        rows = [tuple(row) for row in await connection.execute(text(query))]
    (actor,) = {row[2] for row in rows}
    assert actor.startswith("account:")
    assert [(row[0], row[1], row[3], row[4]) for row in rows] == [
        ("created", 1, None, "kept"),
        ("updated", 2, "kept", "new"),
        ("deleted", 3, None, "new"),
    ]
