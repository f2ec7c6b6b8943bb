"""Deliveries through the real application to a real receiver: their form, order, times, and what a failure leads to."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from app.clients.faces import CUSTOMER, V1
from app.deliveries.outcomes import DELAYS
from app.webhooks.events import CUSTOMER_EVENTS
from app.webhooks.faces import SECRET, V1_DELIVERY_FIELDS, V1_WEBHOOK_FIELDS
from app.webhooks.reader import EventReader
from app.webhooks.service import change_webhook, redeliver, redeliver_failed, rotate_secret, send_test
from tests.webhooks.conftest import Hooks, Received, Receiver, answer, make_worker


async def test_each_change_becomes_one_event_in_the_form_of_v1(hooks: Hooks, receiver: Receiver) -> None:
    await hooks.make_client("before")
    await hooks.add(receiver.url())
    client = await hooks.make_client("Ana", email="ana@studio.example")
    await hooks.change_client(client, name="Anja")
    await hooks.service.http.delete(f"/v1/clients/{client}")
    await hooks.deliver()
    events = [request.event for request in receiver.take()]
    assert [event["event"] for event in events] == ["client/create", "client/update", "client/delete"]
    assert [event["data"]["name"] for event in events] == ["Ana", "Anja", "Anja"]
    assert [event["data"]["_isDeleted"] for event in events] == [False, False, True]
    assert {frozenset(event) for event in events} == {
        frozenset({"event", "organizationId", "data", "uid", "modelName"})
    }
    assert len({event["uid"] for event in events}) == 3
    shown = (
        await hooks.service.http.get(f"/v1/organizations/{hooks.service.organization}/clients?filter[deleted]=true")
    ).json()
    assert events[-1]["data"] == next(each for each in shown if each["id"] == client)
    assert list(events[0]["data"]) == list(V1.fields)
    await hooks.deliver()
    assert receiver.take() == []
    assert await hooks.deliveries() == ["sent"] * 3


async def test_events_of_customers_have_the_form_of_the_customers_api(hooks: Hooks, receiver: Receiver) -> None:
    await hooks.add(receiver.url(), *CUSTOMER_EVENTS)
    customer = (await hooks.service.http.post("/customers", json={"name": "Ana"})).json()["id"]
    await hooks.service.http.patch(f"/customers/{customer}", json={"name": "Anja"})
    shown = (await hooks.service.http.get(f"/customers/{customer}")).json()
    await hooks.service.http.delete(f"/customers/{customer}")
    await hooks.service.http.post(f"/customers/{customer}/restore")
    await hooks.deliver()
    await hooks.service.http.delete(f"/customers/{customer}/permanent")
    await hooks.deliver()
    requests = receiver.take()
    events = [request.event for request in requests]
    assert [event["event"] for event in events] == list(CUSTOMER_EVENTS)
    assert events[1]["data"] == shown
    assert list(shown) == list(CUSTOMER.fields)
    assert {frozenset(event) for event in events} == {frozenset({"event", "data", "timestamp"})}
    assert events[-1]["data"] == {"id": customer, "entity_id": f"ent_{hooks.service.organization}"}
    assert [request.headers["x-webhook-event"] for request in requests] == list(CUSTOMER_EVENTS)


async def test_a_webhook_gets_only_the_events_that_it_names(hooks: Hooks, receiver: Receiver) -> None:
    await hooks.add(receiver.url("/deletions"), "client/delete")
    await hooks.add(receiver.url("/both"), "client/create", "client/update")
    client = await hooks.make_client()
    await hooks.change_client(client, name="Bea")
    await hooks.service.http.delete(f"/v1/clients/{client}")
    await hooks.deliver()
    got = sorted((request.path, request.event["event"]) for request in receiver.take())
    assert got == [("/both", "client/create"), ("/both", "client/update"), ("/deletions", "client/delete")]


async def test_standard_webhooks_own_library_verifies_the_signatures(hooks: Hooks, receiver: Receiver) -> None:
    webhook_id, secret = await hooks.add(receiver.url())
    await hooks.make_client("Žofija")
    await hooks.deliver()
    (first,) = receiver.take()
    assert Webhook(secret).verify(first.body, first.headers) == first.event
    assert first.headers["webhook-id"] == first.event["uid"]
    assert first.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(first.body + b" ", first.headers)
    rotated = await rotate_secret(hooks.access, webhook_id, (("secret", SECRET),))
    new = json.loads(rotated.json)["secret"]
    await hooks.make_client("Bea")
    await hooks.deliver()
    (second,) = receiver.take()
    for valid in (secret, new):
        Webhook(valid).verify(second.body, second.headers)
    await hooks.pass_time("25 hours")
    await hooks.make_client("Cid")
    await hooks.deliver()
    (third,) = receiver.take()
    Webhook(new).verify(third.body, third.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(third.body, third.headers)


async def test_the_vendors_signature_is_an_hmac_over_the_body(hooks: Hooks, receiver: Receiver) -> None:
    webhook_id, secret = await hooks.add(receiver.url(), "customer.created")
    await hooks.make_client()
    await hooks.deliver()
    (request,) = receiver.take()
    digest = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-webhook-signature"] == f"sha256={digest}"
    assert request.headers["x-webhook-id"] == webhook_id
    assert request.headers["x-webhook-delivery"] == request.headers["webhook-id"]
    assert request.headers["x-webhook-timestamp"] == request.headers["webhook-timestamp"]


async def test_a_failed_event_comes_again_at_the_vendors_times_and_then_every_six_hours(
    hooks: Hooks, receiver: Receiver
) -> None:
    receiver.status = 500
    await hooks.add(receiver.url())
    await hooks.make_client()
    await hooks.deliver()
    minutes = [2, 4, 8, *[360] * 12]
    uids = {request.event["uid"] for request in receiver.take()}
    for delay in minutes:
        await hooks.pass_time(f"{delay - 1} minutes 50 seconds")
        await hooks.deliver()
        assert receiver.take() == [], delay
        await hooks.pass_time("10 seconds")
        await hooks.deliver()
        uids |= {request.event["uid"] for request in receiver.take()}
    assert len(uids) == 1
    assert [delay.total_seconds() / 60 for delay in DELAYS] == minutes
    assert await hooks.deliveries("state", "attempts", "response_status", "response_body") == [
        ("failed", len(minutes) + 1, 500, "no")
    ]


async def test_a_webhook_without_success_for_three_days_is_disabled_with_a_notice(
    hooks: Hooks, receiver: Receiver
) -> None:
    receiver.status = 503
    webhook_id, _ = await hooks.add(receiver.url())
    await hooks.make_client("Ana")
    await hooks.deliver()
    await hooks.pass_time("71 hours 59 minutes")
    await hooks.deliver()
    assert (await hooks.show(webhook_id))["enabled"]
    await hooks.make_client("Bea")
    await hooks.pass_time("6 hours 1 minute")
    await hooks.deliver()
    shown = await hooks.show(webhook_id)
    assert (shown["enabled"], shown["disabledAt"] is not None, shown["failingSince"] is not None) == (False, True, True)
    assert await hooks.deliveries() == ["failed"] * 2
    async with hooks.service.database.read() as connection:
        rows = await connection.execute(text("SELECT recipient, subject, text FROM outbox"))
    ((recipient, subject, body),) = map(tuple, rows)
    assert (recipient, subject) == (hooks.service.email, "A webhook of Studio Example is disabled")
    assert "127.0.0.1" in body
    await hooks.make_client("Cid")
    await hooks.deliver()
    receiver.take()
    receiver.status = 200
    await change_webhook(hooks.access, webhook_id, {"enabled": True}, V1_WEBHOOK_FIELDS)
    await hooks.make_client("Dan")
    await hooks.deliver()
    assert [request.event["data"]["name"] for request in receiver.take()] == ["Dan"]
    assert await redeliver_failed(hooks.access, hooks.desk, webhook_id) == 2
    await hooks.deliver()
    assert sorted(request.event["data"]["name"] for request in receiver.take()) == ["Ana", "Bea"]
    shown = await hooks.show(webhook_id)
    assert (shown["failingSince"], shown["disabledAt"]) == (None, None)


async def test_a_success_ends_the_failing(hooks: Hooks, receiver: Receiver) -> None:
    receiver.status = 500
    webhook_id, _ = await hooks.add(receiver.url())
    await hooks.make_client()
    await hooks.deliver()
    assert (await hooks.show(webhook_id))["failingSince"] is not None
    receiver.status = 200
    await hooks.pass_time("2 minutes")
    await hooks.deliver()
    shown = await hooks.show(webhook_id)
    assert (shown["failingSince"], shown["lastSuccessAt"] is not None) == (None, True)
    assert await hooks.deliveries("state", "attempts") == [("sent", 2)]


async def test_events_of_a_client_keep_their_order_while_one_fails(hooks: Hooks, receiver: Receiver) -> None:
    failing = {"Ana 1"}

    async def choose(request: Received) -> bytes:
        return answer(500 if request.event["data"]["name"] in failing else 200)

    receiver.answers["/hook"] = choose
    await hooks.add(receiver.url())
    ana, bea = await hooks.make_client("Ana 0"), await hooks.make_client("Bea 0")
    for number in (1, 2):
        await hooks.change_client(ana, name=f"Ana {number}")
        await hooks.change_client(bea, name=f"Bea {number}")
    await hooks.deliver()
    await hooks.pass_time("5 seconds")  # the pause of the webhook after a failure
    await hooks.deliver()
    await hooks.change_client(ana, name="Ana 3")
    await hooks.deliver()
    names = [request.event["data"]["name"] for request in receiver.take()]
    assert [name for name in names if name.startswith("Ana")] == ["Ana 0", "Ana 1"]
    assert [name for name in names if name.startswith("Bea")] == ["Bea 0", "Bea 1", "Bea 2"]
    failing.clear()
    await hooks.pass_time("2 minutes")
    await hooks.deliver()
    assert [request.event["data"]["name"] for request in receiver.take()] == ["Ana 1", "Ana 2", "Ana 3"]
    assert set(await hooks.deliveries()) == {"sent"}


async def test_many_events_arrive_once_and_in_the_order_of_each_client_from_two_workers(
    hooks: Hooks, receiver: Receiver
) -> None:
    await hooks.add(receiver.url("/one"))
    await hooks.add(receiver.url("/two"), *CUSTOMER_EVENTS)
    other = make_worker(hooks.service.database)
    readers = [EventReader(hooks.service.database, lambda: None) for _ in range(3)]
    clients = [await hooks.make_client("0") for _ in range(8)]
    for number in range(1, 6):
        await asyncio.gather(*(hooks.change_client(client, name=str(number)) for client in clients))
        await asyncio.gather(*(reader.read() for reader in readers))
    for _ in range(3):
        await asyncio.gather(hooks.worker.deliver_due(), other.deliver_due())
    await other.sender.close()
    seen: dict[tuple[str, str], list[str]] = {}
    for request in receiver.take():
        data = request.event["data"]
        seen.setdefault((request.path, data["id"].removeprefix("cust_")), []).append(data["name"])
    assert seen == {(path, client): list("012345") for path in ("/one", "/two") for client in clients}


async def test_a_receiver_that_does_not_answer_delays_no_other_one(hooks: Hooks, receiver: Receiver) -> None:
    silent = asyncio.Event()

    async def wait(_: Received) -> bytes:
        await silent.wait()
        return answer(200)

    receiver.answers["/silent"] = wait
    hooks.worker.sender.timeout = 60.0
    for _ in range(3):
        await hooks.add(receiver.url("/silent"))
    await hooks.add(receiver.url("/quick"))
    for number in range(12):
        await hooks.make_client(str(number))
    await hooks.reader.read()
    delivering = asyncio.create_task(hooks.worker.deliver_due())
    async with asyncio.timeout(30):
        while [request.path for request in receiver.received].count("/quick") < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert {"queued", "waiting", "sending"} & set(await hooks.deliveries())
    silent.set()
    await delivering
    assert set(await hooks.deliveries()) == {"sent"}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(302, "", "location: http://127.0.0.1/"), "the response has the status 302; redirects are not followed"),
        (answer(404, "gone away"), "the response has the status 404"),
        (b"SMTP ready\r\n\r\n", "the response cannot be read"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000, "the response cannot be read"),
    ],
)
async def test_another_response_than_a_success_is_a_failure(
    hooks: Hooks, receiver: Receiver, response: bytes, error: str
) -> None:
    async def respond(_: Received) -> bytes:
        return response

    receiver.answers["/hook"] = respond
    await hooks.add(receiver.url())
    await hooks.make_client()
    await hooks.deliver()
    ((state, shown),) = await hooks.deliveries("state", "last_error")
    assert (state, shown.startswith(error)) == ("waiting", True), shown


async def test_a_response_without_an_end_is_cut_and_a_slow_one_is_left(hooks: Hooks, receiver: Receiver) -> None:
    async def respond_slowly(_: Received) -> bytes:
        await asyncio.sleep(30)
        return answer(200)

    async def respond_at_length(_: Received) -> bytes:
        return answer(200, "é" * 500_000)

    receiver.answers |= {"/slow": respond_slowly, "/long": respond_at_length}
    hooks.worker.sender.timeout = 1.0
    await hooks.add(receiver.url("/slow"))
    await hooks.add(receiver.url("/long"))
    await hooks.make_client()
    await hooks.deliver()
    rows = await hooks.deliveries("state", "last_error", "response_body")
    assert rows == [
        ("waiting", "no complete response within 1 seconds", None),
        ("sent", None, "é" * 1000),
    ]


async def test_an_event_is_delivered_again_with_the_same_id_and_body(hooks: Hooks, receiver: Receiver) -> None:
    webhook_id, secret = await hooks.add(receiver.url())
    client = await hooks.make_client("Ana")
    await hooks.deliver()
    await hooks.change_client(client, name="Anja")
    await hooks.deliver()
    first, _ = receiver.take()
    delivery_id = (await hooks.deliveries("id"))[0]
    shown: dict[str, Any] = json.loads(await redeliver(hooks.access, hooks.desk, delivery_id, V1_DELIVERY_FIELDS))
    assert (shown["id"], shown["state"], shown["nextAttemptAt"] is not None) == (delivery_id, "waiting", True)
    await hooks.deliver()
    (again,) = receiver.take()
    assert (again.body, again.headers["webhook-id"]) == (first.body, first.headers["webhook-id"])
    Webhook(secret).verify(again.body, again.headers)
    shown = await hooks.show_delivery(delivery_id)
    assert (shown["state"], shown["webhookId"], shown["responseStatus"], shown["uid"]) == (
        "sent",
        webhook_id,
        204,
        first.event["uid"],
    )


@pytest.mark.parametrize(("events", "name"), [(("*",), "client/test"), (("customer.created",), "customer.test")])
async def test_a_test_is_one_attempt(hooks: Hooks, receiver: Receiver, events: tuple[str, ...], name: str) -> None:
    webhook_id, secret = await hooks.add(receiver.url(), *events)
    receiver.status = 500
    shown = json.loads(await send_test(hooks.access, hooks.desk, webhook_id, V1_DELIVERY_FIELDS))
    await hooks.deliver()
    (request,) = receiver.take()
    assert request.event["event"] == name
    Webhook(secret).verify(request.body, request.headers)
    shown = await hooks.show_delivery(shown["id"])
    assert (shown["state"], shown["responseStatus"], shown["clientId"]) == ("failed", 500, None)
    assert (await hooks.show(webhook_id))["failingSince"] is None
