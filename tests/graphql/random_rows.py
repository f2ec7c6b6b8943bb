"""The rows that random documents ask about, and the values of the variables in them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert

from app.ids import new_id
from app.mail.outbox import claim_due, mark_failed, mark_sent
from app.mail.worker import DELAYS
from app.storage.tables import webhook_deliveries, webhooks
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records
from tests.graphql.schema.test_connections import ROWS
from tests.graphql.schema.test_reminders import put_in

CHANGES = """
mutation($first: ID!, $second: ID!, $note: String!, $custom: JSON!) {
  a: updateClient(id: $first, input: {note: $note, custom: $custom}) { userErrors { code } }
  b: updateCustomer(id: $second, input: {metadata: {note: $note}}) { userErrors { code } }
}
"""
REMOVALS = """
mutation($deleted: ID!, $erased: ID!) {
  a: deleteClient(id: $deleted) { userErrors { code } }
  b: permanentlyDeleteClient(id: $erased) { userErrors { code } }
}
"""
IDS = """
query($id: ID!) {
  client(id: $id) {
    id customer { id history(first: 1) { nodes { id } } }
    history(first: 1) { nodes { id } pageInfo { endCursor } }
    reminders(first: 1) { nodes { id } pageInfo { endCursor } }
  }
  clients(first: 1) { pageInfo { endCursor } }
  customers(first: 1) { pageInfo { endCursor } }
  organization {
    id changes(first: 1) { pageInfo { endCursor } }
    webhooks(first: 1) { pageInfo { endCursor } nodes { id deliveries(first: 1) { pageInfo { endCursor } nodes { id } } } }
  }
  viewer { account { id } accessTokens(first: 1) { nodes { id } pageInfo { endCursor } } }
}
"""


async def make_rows(service: Service) -> dict[str, Any]:
    """Adds the records of two organizations, with changes, reminders and tokens. Returns the values of the variables."""
    made = await add_records(service, [*ROWS, {"name": "Deleted"}, {"name": "Erased"}])
    second = await service.make_organization("Second Studio", account_email=service.email)
    await add_records(service, ROWS[:3], second)
    await _send_reminders(service, made[0])
    await add_webhooks(service, made[0])
    ids = {"deleted": made[-2], "erased": made[-1]}
    await _change(service, {"first": made[0], "second": made[1]}, ids)
    shown = await GraphQLApi(service, service.http).data(IDS, id=made[0])
    other = await GraphQLApi(service, service.http).data(f'{{ customer(id: "cust_{made[3]}") {{ id }} }}')
    values = {"yes": True, "two": 2, "city": "Graz", "words": "str", "cust": f"cust_{made[1]}", "second": second}
    return {**values, **ids, **_read_ids(shown), "customer": other["customer"]["id"]}


async def _change(service: Service, changed: Mapping[str, str], removed: Mapping[str, str]) -> None:
    """Changes by an account and by a token of the organization."""
    await service.make_token(account_email=service.email)
    token = await service.make_token(organization_id=service.organization)
    await GraphQLApi(service, service.http).data(CHANGES, **changed, note="first", custom={"a": 1})
    async with service.client(token) as http:
        await GraphQLApi(service, http).data(CHANGES, **changed, note="second", custom={"a": [2]})
        await GraphQLApi(service, http).data(REMOVALS, **removed)


async def _send_reminders(service: Service, client: str) -> None:
    """Two reminders whose delivery has ended, so that their state stays."""
    async with service.database.write() as connection:
        await put_in(connection, service.organization, client, "one@one.example", "two@one.example")
        sent, failed = await claim_due(connection, most=9, lease=DELAYS[0])
        await mark_sent(connection, sent)
        await mark_failed(connection, failed, "550 No")


async def add_webhooks(service: Service, client: str) -> None:
    """Two webhooks, the first with three deliveries. They are disabled, so that nothing changes their rows."""
    first, second = new_id(), new_id()
    home: dict[str, object] = {"organization_id": service.organization}
    hook: dict[str, object] = {**home, "events": ["*"], "enabled": False, "secret": "whsec_", "read_to": 0}
    sent: dict[str, object] = {**home, "webhook_id": first, "client_id": client, "event": "client/update"}
    urls = {first: "https://one.example", second: "https://two.example/?a=%20"}
    async with service.database.write() as connection:
        for webhook, url in urls.items():
            await connection.execute(insert(webhooks), {**hook, "id": webhook, "url": url})
        for number, state in enumerate(("sent", "failed", "queued")):
            own = {"id": new_id(), "event_id": f"event {number}", "change_number": number, "state": state}
            await connection.execute(insert(webhook_deliveries), {**sent, **own, "attempts": number})


def _read_ids(shown: Mapping[str, Any]) -> dict[str, str]:
    """The global ids and the cursors in the answer to IDS."""
    client, viewer, organization = shown["client"], shown["viewer"], shown["organization"]
    (webhook,) = organization["webhooks"]["nodes"]
    lists = {
        "Webhook": organization["webhooks"],
        "Delivery": webhook["deliveries"],
        "History": client["history"],
        "Reminder": client["reminders"],
        "Client": shown["clients"],
        "Customer": shown["customers"],
        "Change": organization["changes"],
        "Token": viewer["accessTokens"],
    }
    return {
        "client": client["id"],
        "organization": organization["id"],
        "account": viewer["account"]["id"],
        "webhook": webhook["id"],
        "delivery": webhook["deliveries"]["nodes"][0]["id"],
        "token": viewer["accessTokens"]["nodes"][0]["id"],
        "change": client["history"]["nodes"][0]["id"],
        "otherChange": client["customer"]["history"]["nodes"][0]["id"],
        "reminder": client["reminders"]["nodes"][0]["id"],
        **{f"after{name}": rows["pageInfo"]["endCursor"] for name, rows in lists.items()},
    }
