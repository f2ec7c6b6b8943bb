"""The reminders of clients: what has become of each, in pages, for every client of a page at once, and for nobody else."""

import asyncio
import re
from typing import Any

import pytest
from sqlalchemy import func, update

from app.auth import Scope
from app.mail.message import Message
from app.mail.outbox import claim_due, mark_failed, mark_sent, mark_waiting, put_message
from app.mail.worker import DELAYS
from app.storage.connection import Connection
from app.storage.tables import outbox
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records
from tests.mail.conftest import make_message

FIELDS = "to language state attempts createdAt lastAttemptAt nextAttemptAt sentAt"
ALL = f"query($id: ID!) {{ client(id: $id) {{ reminders {{ totalCount nodes {{ {FIELDS} }} }} }} }}"
PAGE = """
query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  client(id: $id) {
    reminders(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { to } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
async def client(service: Service) -> str:
    (made,) = await add_records(service, [{"name": "Ana", "email": "ana@one.example"}])
    return made


async def put(service: Service, client: str, *recipients: str, organization: str | None = None) -> list[str]:
    async with service.database.write() as connection:
        return await put_in(connection, organization or service.organization, client, *recipients)


async def put_in(connection: Connection, organization: str, client: str, *recipients: str) -> list[str]:
    messages: list[Message] = [make_message(recipient=recipient) for recipient in recipients]
    return [await put_message(connection, organization, client, message) for message in messages]


async def test_a_reminder_has_its_outcome(api: GraphQLApi, service: Service, client: str) -> None:
    """One transaction puts and claims the messages, because the service delivers every message that it sees due."""
    recipients = ("waits@one.example", "later@one.example", "fails@one.example", "gone@one.example")
    async with service.database.write() as connection:
        await put_in(connection, service.organization, client, *recipients)
        first, later, fails, gone = sorted(await claim_due(connection, most=9, lease=DELAYS[0]), key=lambda one: one.id)
        await mark_waiting(connection, later, "451 Later", DELAYS[0])
        await mark_failed(connection, fails, "550 No")
        await mark_sent(connection, gone)
    async with service.database.write() as connection:
        (new,) = await put_in(connection, service.organization, client, "new@one.example")
        await connection.execute(
            update(outbox).where(outbox.c.id == new).values(next_attempt_at=func.now() + DELAYS[-1])
        )
    found = (await api.data(ALL, id=client))["client"]["reminders"]
    assert found["totalCount"] == 5
    times = ("createdAt", "lastAttemptAt", "nextAttemptAt", "sentAt")
    assert {
        text for node in found["nodes"] for name in times if (text := node[name]) and not MOMENT.fullmatch(text)
    } == set()
    assert [
        (
            one["to"],
            one["language"],
            one["state"],
            one["attempts"],
            "".join("x" if one[name] else "-" for name in times),
        )
        for one in found["nodes"]
    ] == [
        ("new@one.example", "DE", "WAITING", 0, "x-x-"),
        ("gone@one.example", "DE", "SENT", 1, "xx-x"),
        ("fails@one.example", "DE", "FAILED", 1, "xx--"),
        ("later@one.example", "DE", "WAITING", 1, "xxx-"),
        ("waits@one.example", "DE", "SENDING", 1, "xxx-"),
    ]
    assert first.attempt == 1


async def test_reminders_are_paged_by_cursor(api: GraphQLApi, service: Service, client: str) -> None:
    recipients = [f"r{index}@one.example" for index in range(5)]
    await put(service, client, *recipients)
    seen: list[str] = []
    after, more = None, True
    while more:
        found = (await api.data(PAGE, id=client, first=2, after=after))["client"]["reminders"]
        seen += [edge["node"]["to"] for edge in found["edges"]]
        info = found["pageInfo"]
        assert [info["startCursor"], info["endCursor"]] == [found["edges"][0]["cursor"], found["edges"][-1]["cursor"]]
        assert info["hasPreviousPage"] is (after is not None)
        await put(service, client, "newer@one.example")
        after, more = info["endCursor"], info["hasNextPage"]
    assert seen == recipients[::-1]
    none = (await api.data(PAGE, id=client, first=0))["client"]["reminders"]
    assert (none["edges"], none["pageInfo"]["hasNextPage"], none["pageInfo"]["endCursor"]) == ([], True, None)


async def test_reminders_are_paged_backward(api: GraphQLApi, service: Service, client: str) -> None:
    recipients = [f"r{index}@one.example" for index in range(5)]
    await put(service, client, *recipients)
    pages: list[list[str]] = []
    before, more = None, True
    while more:
        found = (await api.data(PAGE, id=client, last=2, before=before))["client"]["reminders"]
        pages.append([edge["node"]["to"] for edge in found["edges"]])
        info = found["pageInfo"]
        assert info["hasNextPage"] is (before is not None)
        before, more = info["startCursor"], info["hasPreviousPage"]
    newest = recipients[::-1]
    assert pages == [newest[3:], newest[1:3], newest[:1]]


async def test_an_invalid_page_of_reminders_is_rejected(api: GraphQLApi, client: str) -> None:
    cursor = (await api.data("{ clients { pageInfo { endCursor } } }"))["clients"]["pageInfo"]["endCursor"]
    for variables in (
        {"first": 101},
        {"first": -1},
        {"after": "x"},
        {"after": cursor},
        {"after": "WyJyZW1pbmRlcnMiLDVd"},
    ):
        error = await api.error(PAGE, id=client, **variables)
        assert error["extensions"]["code"] == "BAD_USER_INPUT", variables
        assert error["extensions"]["field"] == next(iter(variables))


async def test_every_record_of_a_page_has_its_own_reminders(api: GraphQLApi, service: Service, client: str) -> None:
    (other,) = await add_records(service, [{"name": "Bo"}])
    stranger = await service.make_organization("Stranger")
    await put(service, client, "a1@one.example", "a2@one.example")
    await put(service, other, "b1@one.example")
    await put(service, client, "foreign@one.example", organization=stranger)
    listed = "reminders(first: 1) { totalCount nodes { to } }"
    data = await api.data(f"{{ clients {{ nodes {{ name {listed} }} }} customers {{ nodes {{ name {listed} }} }} }}")
    expected = [
        {"name": "Ana", "reminders": {"totalCount": 2, "nodes": [{"to": "a2@one.example"}]}},
        {"name": "Bo", "reminders": {"totalCount": 1, "nodes": [{"to": "b1@one.example"}]}},
    ]
    assert data == {"clients": {"nodes": expected}, "customers": {"nodes": expected}}


async def test_reminders_of_an_erased_record_are_hidden(api: GraphQLApi, service: Service, client: str) -> None:
    await put(service, client, "ana@one.example")
    path = f"/customers/cust_{client}/permanent"
    assert (await service.http.delete(path)).status_code == 200
    await add_records(service, [{"name": "Other"}])
    async with service.database.write() as connection:
        await connection.driver.execute("UPDATE clients SET id = $1", client)
    found = (await api.data(ALL, id=client))["client"]["reminders"]
    assert found == {"totalCount": 0, "nodes": []}


SEND = """
mutation($id: ID!, $key: String, $email: EmailAddress) {
  sendClientReminder(id: $id, idempotencyKey: $key, email: $email) { reminder { id } userErrors { code } }
}
"""


async def sent(api: GraphQLApi, client: str, **more: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.data(SEND, id=client, **more))["sendClientReminder"]
    return payload


async def test_concurrent_requests_with_one_key_send_one_reminder(
    api: GraphQLApi, service: Service, client: str
) -> None:
    answers = await asyncio.gather(*(sent(api, client, key="once") for _ in range(20)))
    assert [answer["userErrors"] for answer in answers] == [[]] * 20
    assert len({answer["reminder"]["id"] for answer in answers}) == 1
    assert (await api.data(ALL, id=client))["client"]["reminders"]["totalCount"] == 1


async def test_a_retry_gets_the_stored_response(api: GraphQLApi, service: Service, client: str) -> None:
    """The client has lost its address, or is gone; only an erased one is not to be found."""
    done = await sent(api, client, key="once")
    assert (done["reminder"] is not None, done["userErrors"]) == (True, [])
    await api.data(
        "mutation($id: ID!) { updateClient(id: $id, input: {email: null}) { userErrors { code } } }", id=client
    )
    assert await sent(api, client, key="once") == done
    await api.data("mutation($id: ID!) { deleteClient(id: $id) { userErrors { code } } }", id=client)
    assert await sent(api, client, key="once") == done
    assert (await service.http.delete(f"/customers/cust_{client}/permanent")).status_code == 200
    assert await sent(api, client, key="once") == {"reminder": None, "userErrors": [{"code": "NOT_FOUND"}]}


async def test_a_rejected_request_does_not_use_its_key(api: GraphQLApi, service: Service) -> None:
    (silent,) = await add_records(service, [{"name": "No address"}])
    assert (await sent(api, silent, key="once"))["userErrors"] == [{"code": "BLANK"}]
    assert (await sent(api, silent, key="once", email="now@one.example"))["userErrors"] == []


@pytest.mark.parametrize("name", ["Client", "Customer"])
async def test_a_reminder_is_returned_under_both_faces(
    api: GraphQLApi, service: Service, client: str, name: str
) -> None:
    document = f"""mutation($id: ID!) {{ m: send{name}Reminder(id: $id, language: SL, idempotencyKey: "k") {{
      reminder {{ id to language clientId customerId attempts }} userErrors {{ field code }} }} }}"""
    payload = (await api.data(document, id=f"cust_{client}"))["m"]
    reminder = payload["reminder"]
    assert (reminder["clientId"], reminder["customerId"], reminder["language"]) == (client, f"cust_{client}", "SL")
    assert (await api.data(document, id=f"cust_{client}"))["m"]["reminder"]["id"] == reminder["id"]
    shown = await api.data("query($id: ID!) { node(id: $id) { ... on Reminder { to } } }", id=reminder["id"])
    assert shown["node"] == {"to": reminder["to"]}
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    stranger = await service.make_token(organization_id=await service.make_organization("Other"))
    for token, expected in ((reader, (None, "READ_ONLY_TOKEN")), (stranger, (["id"], "NOT_FOUND"))):
        async with service.client(token) as http:
            denied = (await GraphQLApi(service, http).data(document, id=client))["m"]
        assert denied["reminder"] is None
        assert [(error["field"], error["code"]) for error in denied["userErrors"]] == [expected]
