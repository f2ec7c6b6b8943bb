"""Webhooks in GraphQL: the mutations, the connections, and the log of deliveries."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from app.auth import Scope
from app.config import Config
from app.storage.database import Database
from app.webhooks.reader import EventReader
from app.webhooks.worker import DeliveryWorker
from tests.conftest import Service, running
from tests.graphql.conftest import RESOLVED, GraphQLApi
from tests.webhooks.conftest import Hooks, Receiver, make_access, make_worker, receiver, rest

__all__ = ["receiver"]

FIELDS = """
webhookId url events enabled description organizationId version failingSince lastSuccessAt disabledAt previousSecretUntil
createdAt updatedAt id
"""
CREATE = f"""
mutation($input: CreateWebhookInput!, $key: String) {{
  m: createWebhook(input: $input, idempotencyKey: $key) {{
    secret webhook {{ {FIELDS} }} userErrors {{ field code message allowedValues }}
  }}
}}
"""
UPDATE = f"""
mutation($id: ID!, $input: UpdateWebhookInput!, $version: Int) {{
  m: updateWebhook(id: $id, input: $input, expectedVersion: $version) {{
    webhook {{ {FIELDS} }} userErrors {{ field code }}
  }}
}}
"""
DELETE = "mutation($id: ID!) { m: deleteWebhook(id: $id) { deletedWebhookId userErrors { field code } } }"
ROTATE = """
mutation($id: ID!, $keepFor: Int!, $key: String) {
  m: rotateWebhookSecret(id: $id, keepFor: $keepFor, idempotencyKey: $key) {
    secret webhook { previousSecretUntil version } userErrors { field code }
  }
}
"""
TEST = "mutation($id: ID!) { m: testWebhook(id: $id) { delivery { id event state } userErrors { field code } } }"
REDELIVER = """
mutation($id: ID!) { m: redeliverWebhookDelivery(id: $id) { delivery { id state } userErrors { field code message } } }
"""
REDELIVER_FAILED = """
mutation($id: ID!) { m: redeliverFailedWebhookDeliveries(id: $id) { redelivered userErrors { field code } } }
"""
LIST = """
query($first: Int, $after: String, $last: Int, $before: String) {
  organization {
    webhooks(first: $first, after: $after, last: $last, before: $before) {
      totalCount nodes { url %s } edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
LOG = """
query($id: ID!, $states: [WebhookDeliveryState!], $first: Int, $after: String) {
  webhook(id: $id) {
    deliveries(states: $states, first: $first, after: $after) {
      totalCount
      nodes {
        deliveryId webhookId organizationId event uid clientId state attempts createdAt lastAttemptAt nextAttemptAt deliveredAt
        responseStatus responseMs responseBody error id %s
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
NEW = {"url": "https://receiver.example/hook", "events": ["customer.created", "customer.updated"]}


async def create(api: GraphQLApi, **values: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.data(CREATE, input=NEW | values))["m"]
    assert payload["userErrors"] == []
    return payload


async def test_a_webhook_is_created_shown_changed_and_deleted(api: GraphQLApi, service: Service) -> None:
    payload = await create(api, description="Shop")
    made, secret = payload["webhook"], payload["secret"]
    assert secret.startswith("whsec_")
    assert made | NEW | {"enabled": True, "description": "Shop", "version": 1} == made
    assert made["organizationId"] == service.organization
    for shown_id in (made["id"], made["webhookId"]):
        shown = await api.run(
            f"query($id: ID!) {{ webhook(id: $id) {{ {FIELDS} }} node(id: $id) {{ id }} }}", id=shown_id
        )
        assert shown["data"]["webhook"] == made
        assert secret not in str(shown)
    node = await api.data("query($id: ID!) { node(id: $id) { ... on Webhook { url } } }", id=made["id"])
    assert node == {"node": {"url": NEW["url"]}}

    changed = (await api.data(UPDATE, id=made["id"], input={"enabled": False, "description": None}, version=1))["m"]
    assert (changed["webhook"]["enabled"], changed["webhook"]["description"]) == (False, None)
    assert (changed["webhook"]["version"], changed["webhook"]["events"]) == (2, NEW["events"])
    stale = (await api.data(UPDATE, id=made["id"], input={"enabled": True}, version=1))["m"]
    assert stale == {"webhook": None, "userErrors": [{"field": ["expectedVersion"], "code": "STALE_VERSION"}]}
    v1 = (await service.http.get(f"/v1/webhooks/{made['webhookId']}")).json()
    assert (v1["url"], v1["enabled"]) == (NEW["url"], False)

    assert (await api.data(DELETE, id=made["webhookId"]))["m"] == {"deletedWebhookId": made["id"], "userErrors": []}
    again = (await api.data(DELETE, id=made["id"]))["m"]
    assert again == {"deletedWebhookId": None, "userErrors": [{"field": ["id"], "code": "NOT_FOUND"}]}
    assert await api.data("query($id: ID!) { webhook(id: $id) { id } }", id=made["id"]) == {"webhook": None}


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"url": ""}, ["input", "url"], "BLANK"),
        ({"url": "http://receiver.example"}, ["input", "url"], "INVALID"),
        ({"url": "https://10.0.0.1/"}, ["input", "url"], "INVALID"),
        ({"events": []}, ["input", "events"], "BLANK"),
        ({"events": ["*", "customer.renamed"]}, ["input", "events", "1"], "INVALID_CHOICE"),
        ({"events": ["*", "customer.created"]}, ["input", "events"], "INVALID"),
        ({"description": "x" * 501}, ["input", "description"], "TOO_LONG"),
    ],
)
async def test_a_wrong_webhook_has_user_errors(
    api: GraphQLApi, values: dict[str, Any], field: list[str], code: str
) -> None:
    payload = (await api.data(CREATE, input=NEW | values))["m"]
    ((error),) = payload["userErrors"]
    assert (payload["webhook"], payload["secret"]) == (None, None)
    assert (error["field"], error["code"]) == (field, code), error
    if code == "INVALID_CHOICE":
        assert {"*", "client/create", "customer.permanently_deleted"} < set(error["allowedValues"])


async def test_a_repeated_mutation_creates_one_webhook_and_shows_it_again(api: GraphQLApi) -> None:
    first, second = [(await api.data(CREATE, input=NEW, key="k"))["m"] for _ in range(2)]
    assert first == second
    other = (await api.data(CREATE, input=NEW | {"enabled": False}, key="k"))["m"]
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert (await api.data(LIST % ""))["organization"]["webhooks"]["totalCount"] == 1
    bare = first["webhook"]["id"]
    secrets = {(await api.data(ROTATE, id=bare, keepFor=60, key="r"))["m"]["secret"] for _ in range(2)}
    assert len(secrets) == 1


async def test_a_response_that_one_api_stored_is_not_shown_by_another(api: GraphQLApi, service: Service) -> None:
    webhook, key = (await create(api))["webhook"], {"idempotency-key": "k"}
    path = f"/v1/webhooks/{webhook['webhookId']}/rotate-secret"
    shown = (await service.http.post(path, json={"keepFor": 60}, headers=key)).json()
    rotated = (await api.data(ROTATE, id=webhook["id"], keepFor=60, key="k"))["m"]
    assert [error["code"] for error in rotated["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert (await service.http.post(path, json={"keepFor": 60}, headers=key)).json() == shown
    assert (await api.data(ROTATE, id=webhook["id"], keepFor=60, key="g"))["m"]["secret"]
    error = (await service.http.post(path, json={"keepFor": 60}, headers={"idempotency-key": "g"})).json()
    assert error["error"]["statusCode"] == 409


async def test_a_token_that_may_only_read_changes_no_webhook(api: GraphQLApi, service: Service) -> None:
    made = (await create(api))["webhook"]
    token = await service.make_token(account_email=service.email, scope=Scope.READ)
    async with service.client(token) as http:
        reader = GraphQLApi(service, http)
        for document, variables in (
            (CREATE, {"input": NEW}),
            (UPDATE, {"id": made["id"], "input": {"enabled": False}}),
            (DELETE, {"id": made["id"]}),
            (ROTATE, {"id": made["id"], "keepFor": 0}),
            (TEST, {"id": made["id"]}),
            (REDELIVER_FAILED, {"id": made["id"]}),
        ):
            (error,) = (await reader.data(document, **variables))["m"]["userErrors"]
            assert error["code"] == "READ_ONLY_TOKEN"
        assert (await reader.data(LIST % ""))["organization"]["webhooks"]["totalCount"] == 1


@pytest.mark.parametrize("more", ["", RESOLVED], ids=["rendered", "resolved"])
async def test_the_webhooks_of_an_organization_are_pages(api: GraphQLApi, more: str) -> None:
    urls = [f"https://receiver.example/{number}" for number in range(5)]
    for url in urls:
        await create(api, url=url)
    seen: list[str] = []
    after: Any = None
    while after is not False:
        page = (await api.data(LIST % more, first=2, after=after))["organization"]["webhooks"]
        assert page["totalCount"] == 5
        assert page["pageInfo"]["hasPreviousPage"] is bool(seen)
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        seen += [node["url"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else False
    assert seen == urls
    cursor = page["pageInfo"]["startCursor"]
    last = (await api.data(LIST % more, last=3, before=cursor))["organization"]["webhooks"]
    assert [node["url"] for node in last["nodes"]] == urls[1:4]
    assert (last["pageInfo"]["hasPreviousPage"], last["pageInfo"]["hasNextPage"]) == (True, True)
    error = await api.error(LIST % more, first=1, after="no cursor")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.fixture
async def hooks(config: Config, database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hooks]:
    """A service whose webhooks may lead to the loopback. Its own workers rest."""
    for worker_class in (EventReader, DeliveryWorker):
        monkeypatch.setattr(worker_class, "run", rest)
    async with running(replace(config, webhook_http=True, webhook_private=True), database) as service:
        worker = make_worker(database)
        yield Hooks(service, make_access(service), EventReader(database, lambda: None), worker)
        await worker.sender.close()


async def test_deliveries_are_logged_and_delivered_again(hooks: Hooks, receiver: Receiver) -> None:
    async with hooks.service.client(hooks.service.token) as http:
        api = GraphQLApi(hooks.service, http)
        webhook = (await create(api, url=receiver.url()))["webhook"]
        client = await hooks.make_client()
        await hooks.deliver()
        receiver.status = 500
        await hooks.change_client(client, city="Bled")
        await hooks.deliver()
        pages = [(await api.data(LOG % more, id=webhook["id"]))["webhook"]["deliveries"] for more in ("", RESOLVED)]
        for node in pages[1]["nodes"]:
            del node["x" * 64]
        assert pages[0] == pages[1]
        update, creation = pages[0]["nodes"]
        assert (creation["event"], creation["state"], creation["responseStatus"]) == ("customer.created", "SENT", 204)
        assert (update["event"], update["state"], update["responseStatus"]) == ("customer.updated", "WAITING", 500)
        assert (update["clientId"], update["webhookId"]) == (client, webhook["webhookId"])
        page = (await api.data(LOG % "", id=webhook["id"], first=1))["webhook"]["deliveries"]
        assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (2, True)
        rest_ = await api.data(LOG % "", id=webhook["id"], first=1, after=page["pageInfo"]["endCursor"])
        assert rest_["webhook"]["deliveries"]["nodes"] == [creation]
        sent = (await api.data(LOG % "", id=webhook["id"], states=["SENT"]))["webhook"]["deliveries"]
        assert (sent["totalCount"], sent["nodes"]) == (1, [creation])
        for more in ("", RESOLVED):
            none = (await api.data(LOG % more, id=webhook["id"], states=[]))["webhook"]["deliveries"]
            assert (none["totalCount"], none["nodes"]) == (0, [])
        node = await api.data("query($id: ID!) { node(id: $id) { ... on WebhookDelivery { uid } } }", id=update["id"])
        assert node == {"node": {"uid": update["uid"]}}

        receiver.status = 204
        receiver.take()
        again = (await api.data(REDELIVER, id=creation["deliveryId"]))["m"]
        assert (again["delivery"]["id"], again["userErrors"]) == (creation["id"], [])
        test = (await api.data(TEST, id=webhook["id"]))["m"]["delivery"]
        assert (test["event"], test["state"]) == ("customer.test", "WAITING")
        await hooks.deliver()
        assert "customer.test" in [received.event["event"] for received in receiver.take()]
        await hooks.execute("UPDATE webhook_deliveries SET state = 'failed' WHERE client_id IS NOT NULL")
        assert (await api.data(REDELIVER_FAILED, id=webhook["id"]))["m"] == {"redelivered": 2, "userErrors": []}
        rotated = (await api.data(ROTATE, id=webhook["id"], keepFor=60))["m"]
        assert rotated["webhook"]["previousSecretUntil"] is not None
        wrong = (await api.data(ROTATE, id=webhook["id"], keepFor=-1))["m"]
        assert wrong["userErrors"] == [{"field": ["keepFor"], "code": "OUT_OF_RANGE"}]
        await api.data(UPDATE, id=webhook["id"], input={"enabled": False})
        (error,) = (await api.data(REDELIVER, id=creation["id"]))["m"]["userErrors"]
        assert (error["code"], "disabled" in error["message"]) == ("CONFLICT", True)


WRITES = (
    "deleteWebhook",
    "testWebhook",
    "rotateWebhookSecret",
    "redeliverFailedWebhookDeliveries",
    "redeliverWebhookDelivery",
)


@pytest.mark.parametrize("name", WRITES)
async def test_an_invalid_idempotency_key_is_an_error_of_the_user(api: GraphQLApi, name: str) -> None:
    document = f'mutation {{ m: {name}(id: "{9:024x}", idempotencyKey: "\\u0000") {{ userErrors {{ code }} }} }}'
    assert (await api.data(document))["m"] == {"userErrors": [{"code": "INVALID"}]}
