"""Both faces of a record in the payloads of mutations."""

import pytest

from tests.graphql.conftest import RESOLVED, GraphQLApi, add_records
from tests.graphql.schema.test_queries import global_id


@pytest.fixture
async def client(api: GraphQLApi) -> str:
    (made,) = await add_records(api.service, [{"name": "Ana"}])
    return made


BOTH = "client { clientId name version type } customer { customerId name version contactType }"


@pytest.mark.parametrize(
    "mutation",
    [
        'createClient(input: {name: "Bo", type: CUSTOMER})',
        'createCustomer(input: {name: "Bo", contactType: BUYER})',
        'updateClient(id: $id, input: {name: "Bo", type: CUSTOMER})',
        'updateCustomer(id: $id, input: {name: "Bo", contactType: BUYER})',
        'replaceClient(id: $id, input: {name: "Bo", type: CUSTOMER})',
    ],
)
async def test_a_payload_shows_the_record_under_both_faces(api: GraphQLApi, client: str, mutation: str) -> None:
    declared = "($id: ID!)" if "$id" in mutation else ""
    query = f"mutation{declared} {{ made: {mutation} {{ {BOTH} userErrors {{ code }} }} }}"
    made = (await api.data(query, **({"id": client} if declared else {})))["made"]
    bare, version = made["client"]["clientId"], made["client"]["version"]
    assert made == {
        "client": {"clientId": bare, "name": "Bo", "version": version, "type": "CUSTOMER"},
        "customer": {"customerId": f"cust_{bare}", "name": "Bo", "version": version, "contactType": "BUYER"},
        "userErrors": [],
    }


async def test_a_failed_mutation_shows_neither_face(api: GraphQLApi, client: str) -> None:
    query = (
        f'mutation($id: ID!) {{ made: updateClient(id: $id, input: {{name: ""}}) {{ {BOTH} userErrors {{ code }} }} }}'
    )
    assert (await api.data(query, id=client))["made"] == {
        "client": None,
        "customer": None,
        "userErrors": [{"code": "BLANK"}],
    }


async def test_a_deletion_gives_the_ids_of_both_faces(api: GraphQLApi, client: str) -> None:
    for mutation in ("deleteClient", "restoreCustomer", "deleteCustomer", "permanentlyDeleteCustomer"):
        ids = "" if mutation.startswith("restore") else "deletedClientId deletedCustomerId"
        query = f"mutation($id: ID!) {{ made: {mutation}(id: $id) {{ client {{ id }} customer {{ id }} {ids} }} }}"
        made = (await api.data(query, id=client))["made"]
        assert made["client"]["id"] == global_id("Client", client)
        assert made["customer"]["id"] == global_id("Customer", client)
        if ids:
            assert made["deletedClientId"] == made["client"]["id"]
            assert made["deletedCustomerId"] == made["customer"]["id"]


async def test_a_new_record_is_an_edge_of_both_lists(api: GraphQLApi) -> None:
    query = """mutation { made: createCustomer(input: {name: "Bo"}) {
      client { name } clientEdge { cursor node { clientId } } customerEdge { cursor node { customerId name } }
    } }"""
    made = (await api.data(query))["made"]
    bare = made["clientEdge"]["node"]["clientId"]
    assert made["client"] == {"name": "Bo"}
    assert made["customerEdge"]["node"] == {"customerId": f"cust_{bare}", "name": "Bo"}
    for noun in ("client", "customer"):
        after = f"query($after: String!) {{ list: {noun}s(after: $after) {{ nodes {{ name }} }} }}"
        assert (await api.data(after, after=made[f"{noun}Edge"]["cursor"]))["list"]["nodes"] == []


async def test_each_row_of_many_shows_both_faces(api: GraphQLApi) -> None:
    query = """mutation { made: createClients(input: [{name: "A"}, {name: ""}, {name: "B"}], errorPolicy: REJECT_FAILED) {
      results { index client { name } customer { name } }
    } }"""
    assert (await api.data(query))["made"]["results"] == [
        {"index": 0, "client": {"name": "A"}, "customer": {"name": "A"}},
        {"index": 1, "client": None, "customer": None},
        {"index": 2, "client": {"name": "B"}, "customer": {"name": "B"}},
    ]


async def test_an_error_below_a_record_reaches_the_nearest_field_that_may_be_null(api: GraphQLApi, client: str) -> None:
    query = "mutation($id: ID!) { made: permanentlyDeleteCustomer(id: $id) { customer { name %s } client { name } } }"
    answer = await api.run(query % "history(first: 101) { totalCount }", id=client)
    assert answer["data"] == {"made": {"customer": None, "client": {"name": "Ana"}}}
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["made", "customer", "history"], "BAD_USER_INPUT")


@pytest.mark.parametrize("more", ["", RESOLVED], ids=["rendered", "resolved"])
async def test_an_erased_record_is_shown_under_both_faces(api: GraphQLApi, client: str, more: str) -> None:
    nested = f"client {{ name customer {{ customerId client {{ clientId }} {more} }} {more} }}"
    query = f"mutation($id: ID!) {{ made: permanentlyDeleteCustomer(id: $id) {{ {nested} }} }}"
    shown = (await api.data(query, id=client))["made"]["client"]
    assert shown["name"] == "Ana"
    assert shown["customer"]["customerId"] == f"cust_{client}"
    assert shown["customer"]["client"] == {"clientId": client}
