"""history: what was done to a record, newest first, page by page, in the spelling of its type."""

import pytest

from app.changes.record import write_change_cursor, write_history_cursor
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

HISTORY = """
query ($id: ID!, $first: Int, $after: String) {
  client(id: $id) { history(first: $first, after: $after) {
    totalCount
    edges { cursor node { action at actor version before after changedFields } }
    nodes { version }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}
"""
VERSIONS = """
query ($id: ID!, $first: Int, $after: String) {
  client(id: $id) { history(first: $first, after: $after) { nodes { version } pageInfo { hasNextPage endCursor } } }
}
"""


async def change(api: GraphQLApi, client: str, **values: str) -> None:
    mutation = (
        "mutation ($id: ID!, $input: UpdateClientInput!) { updateClient(id: $id, input: $input) { client { id } } }"
    )
    await api.data(mutation, id=client, input=values)


async def test_a_history_lists_changes_from_the_newest(service: Service, api: GraphQLApi) -> None:
    (client,) = await add_records(service, [{"name": "Ann", "type": "customer", "note": "a"}])
    await change(api, client, name="Bea", city="Bled")
    history = (await api.data(HISTORY, id=client))["client"]["history"]
    newest, oldest = [edge["node"] for edge in history["edges"]]
    assert (newest["action"], newest["version"], newest["changedFields"]) == ("UPDATED", 2, ["name", "city"])
    assert (newest["before"]["name"], newest["after"]["name"]) == ("Ann", "Bea")
    assert newest["before"] == oldest["after"]
    assert newest["at"] <= newest["after"]["updatedAt"]
    assert newest["actor"].startswith("account:")
    assert (oldest["action"], oldest["version"], oldest["before"], oldest["actor"]) == ("CREATED", 1, None, "test")
    assert {"name", "type", "note"} <= set(oldest["changedFields"])
    assert history["totalCount"] == 2
    assert [node["version"] for node in history["nodes"]] == [2, 1]
    assert history["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": history["edges"][0]["cursor"],
        "endCursor": history["edges"][1]["cursor"],
    }


async def test_an_image_has_the_form_of_the_record(service: Service, api: GraphQLApi) -> None:
    """Every plain field of both types, before and after, as a query showed it at the time."""
    (client,) = await add_records(
        service,
        [
            {
                "name": "Ann",
                "type": "customer",
                "custom": {"a": [1, {"b": None}]},
                "tax_subject": None,
                "unit_ids": ["u"],
            }
        ],
    )
    shown = (
        "id clientId organizationId name type custom taxSubject unitIds isDeleted createdAt updatedAt deletedAt version"
    )
    other = "id customerId entityId name contactType metadata isTaxSubject createdAt updatedAt deletedAt version"
    query = f"query ($id: ID!) {{ client(id: $id) {{ {shown} customer {{ {other} }} }} }}"
    states = [(await api.data(query, id=client))["client"]]
    await change(api, client, name="Bea")
    states.append((await api.data(query, id=client))["client"])
    past = "history { nodes { before after } }"
    found = await api.data(f"query ($id: ID!) {{ client(id: $id) {{ {past} customer {{ {past} }} }} }}", id=client)
    for type_, record in (("client", found["client"]), ("customer", found["client"]["customer"])):
        newest, oldest = record["history"]["nodes"]
        for state, image in ((states[1], newest["after"]), (states[0], newest["before"]), (states[0], oldest["after"])):
            expected = state["customer"] if type_ == "customer" else {k: v for k, v in state.items() if k != "customer"}
            assert {name: image[name] for name in expected} == expected
            assert all(name[0].islower() and "_" not in name for name in image)


@pytest.mark.parametrize("first", [1, 3, 100])
async def test_pages_hold_every_change_once(service: Service, api: GraphQLApi, first: int) -> None:
    client, other = await add_records(service, [{"name": "Ann"}, {"name": "Other"}])
    for index in range(4):
        await change(api, client, note=str(index))
        await change(api, other, note=str(index))
    versions, after, more = [], None, True
    while more:
        page = (await api.data(VERSIONS, id=client, first=first, after=after))["client"]["history"]
        assert len(page["nodes"]) <= first
        versions += [node["version"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert versions == [5, 4, 3, 2, 1]


async def test_a_deleted_record_keeps_its_history(service: Service, api: GraphQLApi) -> None:
    (client,) = await add_records(service, [{"name": "Ann"}])
    await api.data("mutation ($id: ID!) { deleteClient(id: $id) { client { id } } }", id=client)
    listed = "clients(deleted: INCLUDE) { nodes { history { nodes { action } } } }"
    assert (await api.data(f"{{ {listed} }}"))["clients"]["nodes"] == [
        {"history": {"nodes": [{"action": "DELETED"}, {"action": "CREATED"}]}}
    ]


async def test_an_invalid_page_is_rejected(service: Service, api: GraphQLApi) -> None:
    client, other = await add_records(service, [{"name": "Ann"}, {"name": "Other"}])
    for variables, field in (
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
        ({"after": ""}, "after"),
        ({"after": "x"}, "after"),
        ({"after": write_change_cursor(service.organization, 1, "e")}, "after"),
        ({"after": write_history_cursor(service.organization, other, 1)}, "after"),
    ):
        refusal = await api.error(VERSIONS, id=client, **variables)
        assert (refusal["extensions"]["code"], refusal["extensions"]["field"]) == ("BAD_USER_INPUT", field)
    assert (await api.data(VERSIONS, id=client, first=0))["client"]["history"]["nodes"] == []
