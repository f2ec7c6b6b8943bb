"""history: what was done to a record, newest first, page by page, in the spelling of its type."""

from typing import Any

import pytest
from sqlalchemy import text

from app.changes.record import write_change_cursor, write_history_cursor
from app.graphql.execution.context import write_global_id
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

HISTORY = """
query ($id: ID!, $first: Int, $after: String) {
  client(id: $id) { history(first: $first, after: $after) {
    totalCount
    edges { cursor node { action at actor { type name } version before after changes { field before after } } }
    nodes { version }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}
"""
VERSIONS = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  client(id: $id) { history(first: $first, after: $after, last: $last, before: $before) {
    nodes { version } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
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
    assert (newest["action"], newest["version"]) == ("UPDATED", 2)
    assert newest["changes"] == [
        {"field": "name", "before": "Ann", "after": "Bea"},
        {"field": "city", "before": None, "after": "Bled"},
    ]
    assert (newest["before"]["name"], newest["after"]["name"]) == ("Ann", "Bea")
    assert newest["before"] == oldest["after"]
    assert newest["at"] <= newest["after"]["updatedAt"]
    assert newest["actor"] == {"type": "ACCOUNT", "name": service.email}
    assert (oldest["action"], oldest["version"], oldest["before"]) == ("CREATED", 1, None)
    assert oldest["actor"] == {"type": "SYSTEM", "name": "system"}
    assert [each["field"] for each in oldest["changes"]] == ["name", "note", "type"]
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


FACES = "history { nodes { id changes { field before after } } }"
BOTH = f"query ($id: ID!) {{ client(id: $id) {{ {FACES} customer {{ {FACES} }} }} }}"


LARGE = "1234567890123456789012345678901"


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        ('{"a": true}', '{"a": 1}', True),
        ('{"a": false}', '{"a": 0}', True),
        (f'{{"a": {LARGE}}}', f'{{"a": {LARGE[:-1]}2}}', True),
        ('{"a": 1e400}', '{"a": 2e400}', True),
        ('{"a": 1.0}', '{"a": 1}', False),
        ('{"a": 1, "b": [2]}', '{"b": [2], "a": 1.00}', False),
        ('{"a": null}', "{}", True),
    ],
)
async def test_values_differ_if_they_differ_as_jsonb(
    service: Service, api: GraphQLApi, before: str, after: str, differs: bool
) -> None:
    (client,) = await add_records(service, [{"name": "Ann"}])
    await change(api, client, name="Bea")
    values = {"before": before, "after": after}
    images = [f"""{name} = {name} || CAST('{{"custom": {value}}}' AS jsonb)""" for name, value in values.items()]
    async with service.database.write() as connection:
        await connection.execute(text(f"UPDATE client_changes SET {', '.join(images)} WHERE action = 'updated'"))
        spelled = await connection.scalar(text(f"SELECT CAST(CAST('{after}' AS jsonb) AS text)"))
    query = "query ($id: ID!) { client(id: $id) { history(first: 1) { nodes { changes { field value: after } } } } }"
    response = await api.post(query, {"id": client})
    (node,) = response.json()["data"]["client"]["history"]["nodes"]
    assert [each["field"] for each in node["changes"]] == ["name", *(["custom"] if differs else [])]
    assert (f'"value":{spelled}' in response.text) is differs


async def test_field_changes_have_the_names_and_values_of_their_type(service: Service, api: GraphQLApi) -> None:
    body = {"name": "Ann", "contact_type": "buyer", "post_code": "1000", "metadata": {"k": "v"}}
    made = (await service.http.post("/customers", json=body)).json()
    changed = {"contact_type": "supplier", "post_code": None, "peppol_id": "9915:x", "is_tax_subject": False}
    assert (await service.http.patch(f"/customers/{made['id']}", json=changed)).is_success
    shown = (await api.data(BOTH, id=made["id"].removeprefix("cust_")))["client"]
    assert [node["changes"] for node in shown["history"]["nodes"]] == [
        [
            {"field": "type", "before": "CUSTOMER", "after": "SUPPLIER"},
            {"field": "zip", "before": "1000", "after": None},
            {"field": "taxSubject", "before": True, "after": False},
        ],
        [
            {"field": "name", "before": None, "after": "Ann"},
            {"field": "type", "before": None, "after": "CUSTOMER"},
            {"field": "zip", "before": None, "after": "1000"},
        ],
    ]
    assert [node["changes"] for node in shown["customer"]["history"]["nodes"]] == [
        [
            {"field": "contactType", "before": "BUYER", "after": "SUPPLIER"},
            {"field": "postCode", "before": "1000", "after": None},
            {"field": "isTaxSubject", "before": True, "after": False},
            {"field": "peppolId", "before": None, "after": "9915:x"},
        ],
        [
            {"field": "name", "before": None, "after": "Ann"},
            {"field": "contactType", "before": None, "after": "BUYER"},
            {"field": "postCode", "before": None, "after": "1000"},
            {"field": "metadata", "before": None, "after": {"k": "v"}},
        ],
    ]
    ids = [node["id"] for face in (shown, shown["customer"]) for node in face["history"]["nodes"]]
    assert len(set(ids)) == 4


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
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert versions == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("last", [1, 3, 100])
async def test_pages_from_the_end_hold_every_change_once(service: Service, api: GraphQLApi, last: int) -> None:
    client, _ = await add_records(service, [{"name": "Ann"}, {"name": "Other"}])
    for index in range(4):
        await change(api, client, note=str(index))
    versions: list[int] = []
    before, more = None, True
    while more:
        page = (await api.data(VERSIONS, id=client, last=last, before=before))["client"]["history"]
        assert len(page["nodes"]) <= last
        versions = [node["version"] for node in page["nodes"]] + versions
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        before, more = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]
    assert versions == [5, 4, 3, 2, 1]


async def test_a_page_between_two_cursors_tells_what_lies_outside(service: Service, api: GraphQLApi) -> None:
    (client,) = await add_records(service, [{"name": "Ann"}])
    for index in range(4):
        await change(api, client, note=str(index))
    edges = (await api.data(HISTORY, id=client))["client"]["history"]["edges"]
    cursors = {edge["node"]["version"]: edge["cursor"] for edge in edges}

    async def page(**arguments: Any) -> tuple[list[int], bool, bool]:
        found = (await api.data(VERSIONS, id=client, **arguments))["client"]["history"]
        info = found["pageInfo"]
        return [node["version"] for node in found["nodes"]], info["hasPreviousPage"], info["hasNextPage"]

    assert await page(after=cursors[5], before=cursors[1]) == ([4, 3, 2], True, True)
    assert await page(after=cursors[5], before=cursors[1], last=2) == ([3, 2], True, True)
    assert await page(after=cursors[4], before=cursors[3]) == ([], True, True)
    assert await page(before=cursors[5], first=5) == ([], False, True)
    assert await page(after=cursors[1]) == ([], True, False)
    unknown = write_history_cursor(service.organization, client, 2**62)
    assert await page(after=unknown, first=2) == ([5, 4], False, True)
    assert await page(before=unknown, first=2) == ([], False, True)


async def test_a_deleted_record_keeps_its_history(service: Service, api: GraphQLApi) -> None:
    (client,) = await add_records(service, [{"name": "Ann"}])
    await api.data("mutation ($id: ID!) { deleteClient(id: $id) { client { id } } }", id=client)
    listed = "clients(deleted: INCLUDE) { nodes { history { nodes { action } } } }"
    assert (await api.data(f"{{ {listed} }}"))["clients"]["nodes"] == [
        {"history": {"nodes": [{"action": "DELETED"}, {"action": "CREATED"}]}}
    ]


async def test_every_record_of_a_page_has_its_own_history(service: Service, api: GraphQLApi) -> None:
    first, second = await add_records(service, [{"name": "Ann"}, {"name": "Bo"}])
    foreign = await service.make_organization("Foreign")
    await add_records(service, [{"id": first, "name": "Foreign"}], foreign)
    for _ in range(2):
        await change(api, first, note="a")
        await change(api, first, note="b")
    await change(api, second, note="c")
    listed = "nodes { name history(first: 2) { totalCount nodes { version } } }"
    assert (await api.data(f"{{ clients {{ {listed} }} }}"))["clients"]["nodes"] == [
        {"name": "Ann", "history": {"totalCount": 5, "nodes": [{"version": 5}, {"version": 4}]}},
        {"name": "Bo", "history": {"totalCount": 2, "nodes": [{"version": 2}, {"version": 1}]}},
    ]


async def test_an_invalid_page_is_rejected(service: Service, api: GraphQLApi) -> None:
    client, other = await add_records(service, [{"name": "Ann"}, {"name": "Other"}])
    for variables, field in (
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
        ({"last": 101}, "last"),
        ({"after": ""}, "after"),
        ({"after": "x"}, "after"),
        ({"before": "x"}, "before"),
        ({"after": write_change_cursor(service.organization, 1, "e")}, "after"),
        ({"after": write_history_cursor(service.organization, other, 1)}, "after"),
    ):
        refusal = await api.error(VERSIONS, id=client, **variables)
        assert (refusal["extensions"]["code"], refusal["extensions"]["field"]) == ("BAD_USER_INPUT", field)
    assert (await api.data(VERSIONS, id=client, first=0))["client"]["history"]["nodes"] == []


NODE = """
query ($id: ID!) { node(id: $id) { id ... on Change {
  action version clientId customerId cursor changes { field } client { name } customer { name }
} } }
"""


async def test_a_change_is_a_node_for_callers_of_its_organization(service: Service, api: GraphQLApi) -> None:
    (client,) = await add_records(service, [{"name": "Ann", "zip": "1000"}])
    await change(api, client, zip="2000")
    shown = "history { nodes { id cursor } }"
    record = (
        await api.data(f"query ($id: ID!) {{ client(id: $id) {{ {shown} customer {{ {shown} }} }} }}", id=client)
    )["client"]
    for face, name in ((record, "zip"), (record["customer"], "postCode")):
        newest = face["history"]["nodes"][0]
        node = (await api.data(NODE, id=newest["id"]))["node"]
        assert node == {
            **newest,
            "action": "UPDATED",
            "version": 2,
            "clientId": client,
            "customerId": f"cust_{client}",
            "changes": [{"field": name}],
            "client": {"name": "Ann"},
            "customer": {"name": "Ann"},
        }
    foreign = await service.make_organization("Foreign")
    async with service.client(await service.make_token(organization_id=foreign)) as http:
        stranger = GraphQLApi(service, http)
        assert await stranger.data(NODE, id=newest["id"]) == {"node": None}
    for bare in ("0" * 24, "f" * 24, "00000002" + "0" * 15 + "1"):
        assert await api.data(NODE, id=write_global_id("Change", bare)) == {"node": None}


async def test_a_change_of_an_erased_person_is_a_node_without_images(service: Service, api: GraphQLApi) -> None:
    (client,) = await add_records(service, [{"name": "Ann"}])
    shown = (await api.data("query ($id: ID!) { client(id: $id) { history { nodes { id } } } }", id=client))["client"]
    (node,) = shown["history"]["nodes"]
    assert (await service.http.delete(f"/customers/cust_{client}/permanent")).is_success
    erased = (await api.data(NODE, id=node["id"]))["node"]
    assert (erased["action"], erased["changes"], erased["client"], erased["customer"]) == ("CREATED", [], None, None)
