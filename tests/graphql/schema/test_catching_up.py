"""Organization.changes and clientChanges: one line of changes, by page or by stream, with the same cursors and filters."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from app.auth import Access
from app.changes.record import Position, write_change_cursor
from app.changes.service import find_settled
from app.graphql.execution import positions
from tests.changes.conftest import add_change, cursor
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi
from tests.live_server import connected_client, served

CHANGES = """
query (
  $first: Int, $after: String, $last: Int, $before: String
  $ids: [ID!], $actions: [ChangeAction!], $face: RecordFace! = CLIENT
) {
  organization { changesCursor changes(
    first: $first, after: $after, last: $last, before: $before, clientIds: $ids, actions: $actions, face: $face
  ) {
    totalCount
    edges { cursor node { id cursor action version clientId changes { field } after client { name } customer { name } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}
"""
FOLLOW = """
subscription ($after: String, $ids: [ID!], $actions: [ChangeAction!], $face: RecordFace! = CLIENT) {
  clientChanges(after: $after, clientIds: $ids, actions: $actions, face: $face) {
    id cursor action version clientId changes { field } after client { name } customer { name }
  }
}
"""


@pytest.fixture
async def address(service: Service) -> AsyncIterator[str]:
    async with served(service.app, service.config) as address:
        yield address


async def add(service: Service, name: str, **values: Any) -> str:
    answer = await service.http.post("/customers", json={"name": name, **values})
    assert answer.is_success, answer.text
    return str(answer.json()["id"]).removeprefix("cust_")


async def patch(service: Service, client: str, **values: Any) -> None:
    assert (await service.http.patch(f"/customers/cust_{client}", json=values)).is_success


async def page(api: GraphQLApi, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.data(CHANGES, **arguments))["organization"]["changes"]
    return found


def nodes(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in found["edges"]]


async def test_pages_and_the_stream_show_the_same_changes(service: Service, api: GraphQLApi, address: str) -> None:
    client = await add(service, "Ann", post_code="1000", peppol_id="9915:a")
    await patch(service, client, name="Bea", post_code="2000")
    start = await cursor(service.database, service.organization, 0)
    for face, names in (("CLIENT", ["name", "zip"]), ("CUSTOMER", ["name", "postCode", "peppolId"])):
        found = await page(api, face=face)
        created, updated = nodes(found)
        assert [each["field"] for each in created["changes"]] == names
        assert [each["field"] for each in updated["changes"]] == names[:2]
        assert found["totalCount"] == 2
        assert [edge["cursor"] for edge in found["edges"]] == [created["cursor"], updated["cursor"]]
        assert (created["client"], created["customer"]) == ({"name": "Bea"}, {"name": "Bea"})
        async with connected_client(address, service.token) as line:
            await line.ask("s", FOLLOW, after=start, face=face)
            told = [(await line.next("s"))["clientChanges"] for _ in range(2)]
        assert (told[0]["client"], told[0]["customer"]) == ({"name": "Ann"}, {"name": "Ann"})
        assert [{**each, "client": None, "customer": None} for each in told] == [
            {**each, "client": None, "customer": None} for each in nodes(found)
        ]


async def test_a_caller_pages_and_then_follows_with_the_last_cursor(
    service: Service, api: GraphQLApi, address: str
) -> None:
    for index in range(5):
        await add(service, f"Old {index}")
    names: list[str] = []
    after, more = None, True
    while more:
        found = await page(api, first=2, after=after)
        names += [node["after"]["name"] for node in nodes(found)]
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    await add(service, "Between")
    async with connected_client(address, service.token) as line:
        await line.ask("s", FOLLOW, after=after)
        names.append((await line.next("s"))["clientChanges"]["after"]["name"])
        await add(service, "New")
        event = (await line.next("s"))["clientChanges"]
        names.append(event["after"]["name"])
    assert names == [*(f"Old {index}" for index in range(5)), "Between", "New"]
    await add(service, "Later")
    assert [node["after"]["name"] for node in nodes(await page(api, after=event["cursor"]))] == ["Later"]


async def test_a_caller_without_a_change_continues_after_the_position(service: Service, api: GraphQLApi) -> None:
    """Also in an organization without any change."""
    start = (await api.data("{ organization { changesCursor } }"))["organization"]["changesCursor"]
    await add(service, "Ann")
    (node,) = nodes(await page(api, after=start))
    assert node["after"]["name"] == "Ann"
    position = (await api.data("{ organization { changesCursor } }"))["organization"]["changesCursor"]
    assert position == node["cursor"]
    found = await page(api, after=position)
    assert (found["edges"], found["pageInfo"]["hasNextPage"], found["pageInfo"]["hasPreviousPage"]) == ([], False, True)


ONE_QUERY = """{
  first: clients { nodes { name } }
  organization { customers { nodes { name } } ...position }
}
fragment position on Organization { changesCursor }
"""


async def test_the_lists_of_a_query_are_read_after_its_position(
    service: Service, api: GraphQLApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a change between the two would be in neither the lists nor the changes after the position."""

    async def find_and_add(access: Access, organizations: Sequence[str]) -> dict[str, Position]:
        found = await find_settled(access, organizations)
        await add(service, "Between")
        return found

    monkeypatch.setattr(positions, "find_settled", find_and_add)
    shown = await api.data(ONE_QUERY)
    assert shown["first"]["nodes"] == shown["organization"]["customers"]["nodes"] == [{"name": "Between"}]
    monkeypatch.undo()
    (node,) = nodes(await page(api, after=shown["organization"]["changesCursor"]))
    assert node["after"]["name"] == "Between"


async def test_the_cursor_of_a_change_in_a_history_continues_after_it(service: Service, api: GraphQLApi) -> None:
    client = await add(service, "Ann")
    await patch(service, client, name="Bea")
    await add(service, "Cy")
    shown = await api.data("query ($id: ID!) { client(id: $id) { history { nodes { cursor } } } }", id=client)
    newest, oldest = [node["cursor"] for node in shown["client"]["history"]["nodes"]]
    assert [node["after"]["name"] for node in nodes(await page(api, after=newest))] == ["Cy"]
    assert [node["after"]["name"] for node in nodes(await page(api, after=oldest))] == ["Bea", "Cy"]


async def test_the_cursor_of_a_change_after_an_open_one_lies_before_both(service: Service, api: GraphQLApi) -> None:
    async with service.database.write() as slow:
        first = await add_change(slow, service.organization)
        client = await add(service, "Ann")
        shown = await api.data("query ($id: ID!) { client(id: $id) { history { nodes { cursor } } } }", id=client)
        (node,) = shown["client"]["history"]["nodes"]
    assert node["cursor"] == await cursor(service.database, service.organization, first - 1)
    assert len(nodes(await page(api, after=node["cursor"]))) == 2


async def test_filters_take_ids_of_both_kinds_and_actions(service: Service, api: GraphQLApi, address: str) -> None:
    ann, bo, cy = [await add(service, name) for name in ("Ann", "Bo", "Cy")]
    for client in (ann, bo, cy):
        await patch(service, client, city="Bled")
    ids = await api.data("query ($id: ID!) { client(id: $id) { id customer { id } } }", id=ann)
    spellings = [ann, f"cust_{ann}", ids["client"]["id"], ids["client"]["customer"]["id"]]
    start = await cursor(service.database, service.organization, 0)
    cases: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        *(({"ids": [spelling]}, [(ann, "CREATED"), (ann, "UPDATED")]) for spelling in spellings),
        ({"ids": spellings, "actions": ["UPDATED"]}, [(ann, "UPDATED")]),
        ({"ids": [bo, cy], "actions": ["CREATED"]}, [(bo, "CREATED"), (cy, "CREATED")]),
        ({"actions": ["UPDATED"]}, [(each, "UPDATED") for each in (ann, bo, cy)]),
        ({"ids": ["nonsense", "0" * 24]}, []),
        ({"ids": []}, []),
        ({"ids": None, "actions": None, "first": 1}, [(ann, "CREATED")]),
    ]
    for arguments, expected in cases:
        found = await page(api, **arguments)
        assert [(node["clientId"], node["action"]) for node in nodes(found)] == expected, arguments
        if not expected:
            continue
        async with connected_client(address, service.token) as line:
            await line.ask("s", FOLLOW, after=start, **{name: arguments.get(name) for name in ("ids", "actions")})
            told = [(await line.next("s"))["clientChanges"] for _ in expected]
        assert [(event["clientId"], event["action"]) for event in told] == expected, arguments


async def test_a_filter_of_too_many_ids_is_rejected(api: GraphQLApi, address: str, service: Service) -> None:
    ids = [f"{index:024x}" for index in range(101)]
    error = await api.error(CHANGES, ids=ids)
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", "clientIds")
    async with connected_client(address, service.token) as line:
        await line.ask("s", FOLLOW, ids=ids)
        assert (await line.error("s"))["extensions"]["field"] == "clientIds"


async def test_followers_with_different_faces_and_filters_share_no_wrong_result(service: Service, address: str) -> None:
    """All of them have one document, and its variables are those of the subscription's own field."""
    wanted = await add(service, "Wanted")
    start = await cursor(service.database, service.organization, 0)
    async with connected_client(address, service.token) as line, connected_client(address, service.token) as other:
        await line.ask("client", FOLLOW, after=start)
        assert (await line.next("client"))["clientChanges"]["clientId"] == wanted
        await line.send("complete", "client")
        await line.ask("client", FOLLOW, after=start, ids=[wanted])
        await other.ask("customer", FOLLOW, after=start, face="CUSTOMER", ids=[wanted])
        first = [(await line.next("client"))["clientChanges"], (await other.next("customer"))["clientChanges"]]
        await add(service, "Unwanted")
        await patch(service, wanted, post_code="1000")
        second = [(await line.next("client"))["clientChanges"], (await other.next("customer"))["clientChanges"]]
    for events in (first, second):
        assert {event["clientId"] for event in events} == {wanted}
        assert events[0]["cursor"] == events[1]["cursor"]
        assert events[0]["id"] != events[1]["id"]
    assert [[each["field"] for each in event["changes"]] for event in second] == [["zip"], ["postCode"]]
    assert ["clientId" in event["after"] for event in second] == [True, False]


async def test_a_lost_cursor_is_an_error_with_a_code(service: Service, api: GraphQLApi, address: str) -> None:
    client = await add(service, "Ann")
    await patch(service, client, name="Bea")
    start = await cursor(service.database, service.organization, 0)
    other_epoch = write_change_cursor(service.organization, 1, "another")
    error = await api.error(CHANGES, after=other_epoch)
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("CHANGES_RESET", "after")
    async with service.database.write() as connection:
        await connection.driver.execute("UPDATE client_changes SET before = NULL, after = NULL WHERE version = 1")
    error = await api.error(CHANGES, after=start)
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("CHANGES_RESET", "after")
    assert "older than the service keeps them" in error["message"]
    async with connected_client(address, service.token) as line:
        await line.ask("s", FOLLOW, after=start)
        assert (await line.error("s"))["extensions"]["code"] == "CHANGES_RESET"
    assert [node["changes"] for node in nodes(await page(api))] == [[], [{"field": "name"}]]


async def test_pages_from_the_end_show_the_newest_changes(service: Service, api: GraphQLApi) -> None:
    for index in range(5):
        await add(service, str(index))
    found = await page(api, last=2)
    assert [node["after"]["name"] for node in nodes(found)] == ["3", "4"]
    info = found["pageInfo"]
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (True, False)
    earlier = await page(api, last=2, before=info["startCursor"])
    assert [node["after"]["name"] for node in nodes(earlier)] == ["1", "2"]
    assert (earlier["pageInfo"]["hasPreviousPage"], earlier["pageInfo"]["hasNextPage"]) == (True, True)
