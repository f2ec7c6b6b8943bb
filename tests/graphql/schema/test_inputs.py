"""Inputs of mutations: blank names, variables inside JSON, the organization of a write, and long values."""

from typing import Any

import pytest

from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi
from tests.graphql.schema.test_mutations import CREATE, CREATE_CUSTOMER, UPDATE, UPDATE_CUSTOMER, change, error_fields

BLANKS = ("", " ", "\t\n", "\u00a0\u2003", "\u200b", "\u3164", "\u2800", "\ufeff\u00ad", "\U000e0001", "\u2028\ufe0f")


@pytest.mark.parametrize("name", BLANKS)
async def test_a_name_without_a_visible_character_is_blank(api: GraphQLApi, name: str) -> None:
    blank = [(["input", "name"], "BLANK")]
    assert await error_fields(api, CREATE, input={"name": name}) == blank
    assert await error_fields(api, CREATE_CUSTOMER, input={"name": name}) == blank
    client = (await change(api, CREATE, input={"name": "Ana"}))["clientId"]
    assert await error_fields(api, UPDATE, id=client, input={"name": name}) == blank
    assert await error_fields(api, UPDATE_CUSTOMER, id=f"cust_{client}", input={"name": name}) == blank


@pytest.mark.parametrize("name", ["\u200bA", "가", "\u0301", "👩\u200d🚀", "."])
async def test_a_name_with_a_visible_character_is_kept(api: GraphQLApi, name: str) -> None:
    assert (await change(api, CREATE, input={"name": name}))["name"] == name


@pytest.mark.parametrize(
    ("literal", "custom"),
    [
        ("{a: $v}", {}),
        ("{a: $v, b: 1}", {"b": 1}),
        ("{a: {b: {c: $v, d: null}}}", {"a": {"b": {"d": None}}}),
        ("[1, $v, {a: $v}]", [1, None, {}]),
        ("{a: [[$v]]}", {"a": [[None]]}),
        ("{a: $w, b: $n, c: [$w]}", {"a": "w", "b": None, "c": ["w"]}),
    ],
)
async def test_a_variable_without_value_leaves_out_its_key(api: GraphQLApi, literal: str, custom: Any) -> None:
    declared = {"v": "$v: String", "w": '$w: String = "w"', "n": "$n: String"}
    used = [name for name in declared if f"${name}" in literal]
    query = f"""mutation({", ".join(declared[name] for name in used)}) {{
      made: createClient(input: {{name: "x", custom: {literal}}}) {{ client {{ custom }} userErrors {{ message }} }}
    }}"""
    made = (await api.data(query, **({"n": None} if "n" in used else {})))["made"]
    assert made == {"client": {"custom": custom}, "userErrors": []}


async def test_a_write_names_its_organization_where_the_token_has_several(service: Service, api: GraphQLApi) -> None:
    single = await change(api, CREATE, input={"name": "Only"})
    second = await service.make_organization("Second Studio", account_email=service.email)
    missing = [(["organizationId"], "BLANK")]
    assert await error_fields(api, CREATE, input={"name": "Ana"}) == missing
    assert await error_fields(api, CREATE_CUSTOMER, input={"name": "Ana"}) == missing
    bulk = 'mutation { made: createClients(input: [{name: "x"}]) { results { index } userErrors { field code } } }'
    assert (await api.data(bulk))["made"] == {
        "results": [],
        "userErrors": [{"field": ["organizationId"], "code": "BLANK"}],
    }
    assert (await api.data("{ clients { nodes { clientId } } }"))["clients"]["nodes"] == [
        {"clientId": single["clientId"]}
    ]
    await change(api, CREATE, input={"name": "Ana"}, of=second)
    customer = (await service.http.post("/customers", json={"name": "Default"})).json()
    assert customer["entity_id"] == f"ent_{service.organization}"


@pytest.mark.parametrize("name", ["İ", "naİme", "İ" * 9, "nameİ", "NAME", "ß", "\ufdfa", "na\u0301me", "", "\x00"])
async def test_a_member_of_any_name_that_the_input_lacks_is_an_error(service: Service, name: str) -> None:
    query = "mutation($input: CreateClientInput!) { createClient(input: $input) { userErrors { message } } }"
    payload = {"query": query, "variables": {"input": {"name": "Ana", name: 1}}}
    answer = await service.http.post("/graphql", json=payload)
    assert answer.status_code in (200, 400)
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_USER_INPUT"]
