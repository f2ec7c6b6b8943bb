"""Webhooks in the v1 API: the documented routes, the secret, and the log of deliveries."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.auth import Scope
from app.config import Config
from app.storage.database import Database
from app.webhooks.reader import EventReader
from app.webhooks.service import MOST_WEBHOOKS
from app.webhooks.worker import DeliveryWorker
from tests.conftest import Service, running
from tests.webhooks.conftest import Hooks, Receiver, make_access, make_worker, receiver, rest

__all__ = ["receiver"]

NEW = {"url": "https://receiver.example/hook", "events": ["client/create", "client/update"]}


@pytest.fixture
async def hooks(config: Config, database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hooks]:
    """A service whose webhooks may lead to the loopback. Its own workers rest."""
    for worker_class in (EventReader, DeliveryWorker):
        monkeypatch.setattr(worker_class, "run", rest)
    async with running(replace(config, webhook_http=True, webhook_private=True), database) as service:
        worker = make_worker(database)
        yield Hooks(service, make_access(service), EventReader(database, lambda: None), worker)
        await worker.sender.close()


async def create(service: Service, **values: Any) -> dict[str, Any]:
    response = await service.http.post(f"/v1/Organizations/{service.organization}/webhooks", json=NEW | values)
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


def read_error(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error["statusCode"] == status
    return error


async def test_a_webhook_is_created_read_changed_and_deleted(service: Service) -> None:
    http, home = service.http, f"/v1/organizations/{service.organization}/webhooks"
    made = await create(service)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    path = f"/v1/Webhooks/{made['id']}"
    assert made | NEW == made
    assert (made["enabled"], made["organizationId"], made["_isDeleted"]) == (True, service.organization, False)
    assert {made[name] for name in ("description", "deletedAt", "deletedId", "disabledAt", "failingSince")} == {None}

    read = await http.get(path)
    assert (read.json(), read.headers["etag"]) == (made, '"1"')
    assert (await http.get(path, headers={"if-none-match": '"1"'})).status_code == 304
    assert (await http.get(f"{path}/exists")).json() == {"exists": True}
    assert (await http.get(path, params={"filter": '{"fields":["url"]}'})).json() == {"url": NEW["url"]}
    listed = await http.get(f"{home}/", params={"filter": '{"where":{"enabled":true},"order":"url DESC"}'})
    assert (listed.json(), listed.headers["x-total-count"]) == ([made], "1")
    assert (await http.get(home, params={"filter[where][url][like]": "%nothing%"})).json() == []
    assert (await http.get(f"{home}/count", params={"where": '{"url":{"neq":"x"}}'})).json() == {"count": 1}

    changed = await http.patch(path, json={"enabled": False, "description": "Shop"}, headers={"if-match": '"1"'})
    assert changed.json() | {"enabled": False, "description": "Shop"} == changed.json()
    assert changed.json()["events"] == NEW["events"]
    read_error(await http.patch(path, json={"enabled": True}, headers={"if-match": '"1"'}), 412)
    replaced = await http.put(path.lower(), json={"url": "https://other.example/", "events": ["customer.created"]})
    shown = replaced.json()
    assert (shown["url"], shown["events"]) == ("https://other.example/", ["customer.created"])
    assert (shown["enabled"], shown["description"], shown["organizationId"]) == (True, None, service.organization)
    assert "secret" not in replaced.text + changed.text + listed.text

    read_error(await http.delete(path, headers={"if-match": '"1"'}), 412)
    assert (await http.delete(path)).json() == {"count": 1}
    assert (await http.delete(path)).json() == {"count": 0}
    assert (await http.get(f"{path}/exists")).json() == {"exists": False}
    assert (await http.get(f"{home}/count")).json() == {"count": 0}
    (gone,) = (await http.get(home, params={"filter": '{"deleted":true}'})).json()
    assert (gone["_isDeleted"], gone["deletedId"]) == (True, made["id"])


@pytest.mark.parametrize(
    ("values", "name", "code", "message"),
    [
        ({"url": None}, "url", "presence", "can't be blank"),
        ({"url": "ftp://receiver.example"}, "url", "format.url", "must be a URL that begins with https://"),
        ({"url": "http://receiver.example"}, "url", "format.url", "must begin with https://"),
        ({"url": "https://127.0.0.1/"}, "url", "format.url", "must not lead to a private, local or reserved address"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url", "format.url", "must not lead to a private"),
        ({"events": []}, "events", "presence", "is empty"),
        ({"events": ["client/rename"]}, "events", "inclusion", "has an unknown event 'client/rename'"),
        ({"events": ["*", "customer.created"]}, "events", "contradiction", "has events of two forms"),
        ({"id": "5a3683ea12d5a67dd0ef2f4c"}, "id", "absence", "can't be set"),
        ({"colour": "red"}, "colour", "unknown-property", "is not defined in the model"),
    ],
)
async def test_a_wrong_webhook_is_rejected_as_loopback_does(
    shared_service: Service, values: dict[str, Any], name: str, code: str, message: str
) -> None:
    path = f"/v1/organizations/{shared_service.organization}/webhooks"
    error = read_error(await shared_service.http.post(path, json=NEW | values), 422)
    assert (error["name"], error["details"]["context"]) == ("ValidationError", "Webhook")
    assert error["details"]["codes"] == {name: [code]}
    assert message in error["details"]["messages"][name][0]
    assert error["message"].startswith("The `Webhook` instance is not valid. Details: ")


async def test_paths_and_records_that_do_not_exist_are_answered_as_loopback_does(service: Service) -> None:
    http, nothing = service.http, "5eed" * 6
    made = await create(service)
    path = f"/v1/webhooks/{nothing}"
    texts = {
        ("GET", path): f'Unknown "Webhook" id "{nothing}".',
        ("PUT", path): f"Could not replace. Object with id {nothing} does not exist!",
        ("PATCH", path): f"could not find a model with id {nothing}",
        ("POST", f"{path}/rotate-secret"): f"could not find a model with id {nothing}",
        ("POST", f"{path}/test"): f"could not find a model with id {nothing}",
        ("POST", f"{path}/redeliver-failed"): f"could not find a model with id {nothing}",
        ("GET", f"{path}/deliveries"): f"could not find a model with id {nothing}",
        ("GET", f"{path}/deliveries/count"): f"could not find a model with id {nothing}",
        ("GET", f"/v1/webhooks/{made['id']}/deliveries/{nothing}"): f'Unknown "WebhookDelivery" id "{nothing}".',
        ("POST", f"/v1/webhooks/{made['id']}/deliveries/{nothing}/redeliver"): "Unknown",
        ("GET", f"/v1/organizations/{nothing}/webhooks"): f"could not find a model with id {nothing}",
        ("POST", f"/v1/organizations/{nothing}/webhooks"): f"could not find a model with id {nothing}",
        ("DELETE", "/v1/Webhooks"): 'Shared class "Webhook" has no method handling DELETE /',
    }
    for (method, address), message in texts.items():
        body = None if method in ("GET", "DELETE") else NEW if "/webhooks/" not in address or method == "PUT" else {}
        response = await http.request(method, address, json=body)
        assert message in read_error(response, 404)["message"], (method, address)
    other = read_error(await http.patch(f"/v1/webhooks/{made['id']}", json={"id": nothing}), 400)
    assert other["message"].endswith("when forceId is set to true")
    assert (
        "id property (id) cannot be" in (await http.put(f"/v1/webhooks/{made['id']}", json=NEW | {"id": nothing})).text
    )
    unknown = read_error(await http.get(f"/v1/organizations/{service.organization}/webhooks?filter[where][x]=1"), 400)
    assert "x" in unknown["message"]


async def test_a_token_that_may_only_read_sees_webhooks_without_secrets(service: Service) -> None:
    made = await create(service)
    token = await service.make_token(account_email=service.email, scope=Scope.READ)
    async with service.client(token) as reader:
        assert (await reader.get(f"/v1/webhooks/{made['id']}")).json()["url"] == NEW["url"]
        for method, path, body in (
            ("POST", f"/v1/organizations/{service.organization}/webhooks", NEW),
            ("PUT", f"/v1/webhooks/{made['id']}", NEW),
            ("PATCH", f"/v1/webhooks/{made['id']}", {"enabled": False}),
            ("DELETE", f"/v1/webhooks/{made['id']}", None),
            ("POST", f"/v1/webhooks/{made['id']}/rotate-secret", {}),
            ("POST", f"/v1/webhooks/{made['id']}/test", {}),
            ("POST", f"/v1/webhooks/{made['id']}/redeliver-failed", {}),
        ):
            error = read_error(await reader.request(method, path, json=body), 401)
            assert error["code"] == "AUTHORIZATION_REQUIRED"
    assert (await service.http.get(f"/v1/webhooks/{made['id']}")).headers["etag"] == '"1"'


async def test_an_organization_has_at_most_twenty_webhooks(service: Service) -> None:
    for _ in range(MOST_WEBHOOKS):
        await create(service)
    path = f"/v1/organizations/{service.organization}/webhooks"
    error = read_error(await service.http.post(path, json=NEW), 422)
    assert error["details"]["codes"] == {"url": ["quota"]}
    page = await service.http.get(path, params={"filter": '{"limit":7,"skip":14}'})
    assert (len(page.json()), page.headers["x-total-count"]) == (6, "20")


async def test_a_repeated_request_gets_the_first_answer_and_does_nothing(service: Service) -> None:
    home = f"/v1/organizations/{service.organization}/webhooks"
    key = {"idempotency-key": "first"}
    first, second = [await service.http.post(home, json=NEW, headers=key) for _ in range(2)]
    assert first.text == second.text
    assert read_error(await service.http.post(home, json=NEW | {"enabled": False}, headers=key), 409)
    assert (await service.http.get(f"{home}/count")).json() == {"count": 1}
    path = f"/v1/webhooks/{first.json()['id']}"
    for operation in ("rotate-secret", "test"):
        again = [
            await service.http.post(f"{path}/{operation}", json={}, headers={"idempotency-key": operation})
            for _ in "12"
        ]
        assert again[0].text == again[1].text
    assert (await service.http.get(f"{path}/deliveries/count")).json() == {"count": 1}


async def test_a_secret_is_rotated_and_the_one_before_is_kept(hooks: Hooks, receiver: Receiver) -> None:
    made = await create(hooks.service, url=receiver.url(), events=["*"])
    path = f"/v1/webhooks/{made['id']}/rotate-secret"
    rotated = (await hooks.service.http.post(path, json={"keepFor": 3600})).json()
    assert rotated["secret"] != made["secret"]
    assert rotated["previousSecretUntil"] is not None
    await hooks.make_client()
    await hooks.deliver()
    (received,) = receiver.take()
    assert len(received.headers["webhook-signature"].split(" ")) == 2
    for body, code in (({"keepFor": -1}, "range"), ({"keepFor": 604_801}, "range"), ({"keepFor": "x"}, "type")):
        error = read_error(await hooks.service.http.post(path, json=body), 422)
        assert error["details"]["codes"] == {"keepFor": [code]}
    error = read_error(await hooks.service.http.post(path, json={"days": 1}), 422)
    assert error["details"]["codes"] == {"days": ["unknown-property"]}


async def test_deliveries_are_logged_and_delivered_again(hooks: Hooks, receiver: Receiver) -> None:
    http = hooks.service.http
    made = await create(hooks.service, url=receiver.url(), events=["*"])
    path = f"/v1/webhooks/{made['id']}"
    client = await hooks.make_client()
    await hooks.deliver()
    receiver.status = 500
    await hooks.change_client(client, city="Bled")
    await hooks.deliver()
    listed = await http.get(f"{path}/deliveries")
    update, creation = listed.json()
    assert listed.headers["x-total-count"] == "2"
    assert (creation["event"], creation["state"], creation["responseStatus"]) == ("client/create", "sent", 204)
    assert (update["event"], update["state"], update["responseStatus"]) == ("client/update", "waiting", 500)
    assert (update["clientId"], update["webhookId"], update["attempts"]) == (client, made["id"], 1)
    assert update["nextAttemptAt"] is not None
    waiting = await http.get(f"{path}/Deliveries", params={"filter": '{"where":{"state":"waiting"},"fields":["id"]}'})
    assert waiting.json() == [{"id": update["id"]}]
    assert (await http.get(f"{path}/deliveries/count", params={"where[state]": "sent"})).json() == {"count": 1}

    receiver.status = 204
    again = await http.post(f"{path}/deliveries/{creation['id']}/redeliver", json={})
    assert again.json()["state"] in ("waiting", "queued")
    sooner = await http.post(f"{path}/deliveries/{update['id']}/redeliver")
    assert sooner.status_code == 200
    receiver.take()
    await hooks.deliver()
    uids = [json.loads(received.body)["uid"] for received in receiver.take()]
    assert sorted(uids) == sorted([creation["uid"], update["uid"]])
    shown = (await http.get(f"{path}/deliveries/{update['id']}")).json()
    assert (shown["state"], shown["uid"]) == ("sent", update["uid"])

    other = await create(hooks.service, url=receiver.url())
    read_error(await http.get(f"/v1/webhooks/{other['id']}/deliveries/{update['id']}"), 404)
    await http.patch(path, json={"enabled": False})
    error = read_error(await http.post(f"{path}/deliveries/{update['id']}/redeliver"), 409)
    assert "disabled" in error["message"]


async def test_a_test_event_is_sent_and_failed_events_are_sent_again(hooks: Hooks, receiver: Receiver) -> None:
    http = hooks.service.http
    made = await create(hooks.service, url=receiver.url(), events=["customer.created"])
    path = f"/v1/webhooks/{made['id']}"
    test = (await http.post(f"{path}/test")).json()
    assert (test["event"], test["state"], test["clientId"]) == ("customer.test", "waiting", None)
    await hooks.deliver()
    (received,) = receiver.take()
    assert received.event["event"] == "customer.test"
    assert (await http.get(f"{path}/deliveries/{test['id']}")).json()["state"] == "sent"
    await hooks.make_client()
    await hooks.deliver()
    await hooks.execute("UPDATE webhook_deliveries SET state = 'failed' WHERE client_id IS NOT NULL")
    receiver.take()
    key = {"idempotency-key": "failed-1"}
    for _ in range(2):
        assert (await http.post(f"{path}/redeliver-failed", headers=key)).json() == {"count": 1}
    read_error(await http.post(f"{path}/test", headers=key), 409)
    await hooks.deliver()
    assert [received.event["event"] for received in receiver.take()] == ["customer.created"]
