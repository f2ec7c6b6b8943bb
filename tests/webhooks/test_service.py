"""The use cases of webhooks: rules and limits, access, and what changes of a webhook do to its deliveries."""

import json
from datetime import timedelta
from typing import Any

import pytest

from app.auth import Scope
from app.deliveries.addresses import Destinations
from app.deliveries.signatures import PREFIX
from app.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, NotVerified, Stale
from app.query.model import NO_CONDITIONS, Order, Query
from app.query.request import ROWS_AND_TOTAL, PageArguments, complete_request, count_request
from app.webhooks.events import KNOWN_EVENTS
from app.webhooks.faces import (
    GRAPHQL_DELIVERY,
    GRAPHQL_WEBHOOK,
    SECRET,
    V1_DELIVERY,
    V1_DELIVERY_FIELDS,
    V1_WEBHOOK,
    V1_WEBHOOK_FIELDS,
)
from app.webhooks.record import GRAPHQL_RULES, V1_RULES, read_new_webhook, read_webhook_change
from app.webhooks.service import (
    LONGEST_KEPT,
    MOST_WEBHOOKS,
    change_webhook,
    count_deliveries,
    count_webhooks,
    create_webhook,
    delete_webhook,
    get_delivery,
    get_webhook,
    list_deliveries,
    list_webhooks,
    redeliver,
    redeliver_failed,
    rotate_secret,
    send_test,
)
from tests.webhooks.conftest import Hooks, Receiver, make_access

URL = "https://hooks.example.com/a"


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"events": ["*"]}, "url", "presence"),
        ({"url": URL}, "events", "presence"),
        ({"url": "", "events": ["*"]}, "url", "presence"),
        ({"url": URL, "events": []}, "events", "presence"),
        ({"url": URL, "events": "client/create"}, "events", "type"),
        ({"url": URL, "events": ["client/creates"]}, "events", "inclusion"),
        ({"url": URL, "events": [1]}, "events", "inclusion"),
        ({"url": URL, "events": ["*", "customer.created"]}, "events", "contradiction"),
        ({"url": URL, "events": ["customer.deleted", "client/create"]}, "events", "contradiction"),
        ({"url": "http://hooks.example.com/", "events": ["*"]}, "url", "format.url"),
        ({"url": "https://10.1/", "events": ["*"]}, "url", "format.url"),
        ({"url": "https://hooks.example.com/" + "a" * 2048, "events": ["*"]}, "url", "format.url"),
        ({"url": URL, "events": ["*"], "description": "é" * 501}, "description", "length"),
        ({"url": URL, "events": ["*"], "secret": "mine"}, "secret", "unknown-property"),
        ({"url": URL, "events": ["*"], "enabled": "perhaps"}, "enabled", "type"),
    ],
)
def test_a_body_that_breaks_a_rule_names_the_field(body: dict[str, Any], field: str, code: str) -> None:
    for face, rules in ((V1_WEBHOOK, V1_RULES), (GRAPHQL_WEBHOOK, GRAPHQL_RULES)):
        with pytest.raises(Invalid) as raised:
            read_new_webhook(face, body, rules, Destinations())
        assert [(problem.field, problem.code) for problem in raised.value.problems] == [(field, code)]


def test_a_body_within_the_rules_is_read() -> None:
    body = {"url": f" {URL} ", "events": ["client/create", "client/create", "*"], "description": "é" * 500}
    values = read_new_webhook(V1_WEBHOOK, body, V1_RULES, Destinations())
    assert values == {"url": URL, "events": ["client/create", "*"], "description": "é" * 500, "enabled": True}
    changed = read_webhook_change(V1_WEBHOOK, {"enabled": False}, V1_RULES, Destinations())
    assert changed == {"enabled": False}
    replaced = read_webhook_change(V1_WEBHOOK, {"url": URL, "events": ["*"]}, V1_RULES, Destinations(), "replace")
    assert replaced == {"url": URL, "events": ["*"], "enabled": True, "description": None}
    assert all(isinstance(event, str) for event in KNOWN_EVENTS)


async def test_a_webhook_is_shown_with_its_secret_once(hooks: Hooks) -> None:
    webhook_id, secret = await hooks.add(URL, "client/create")
    assert secret.startswith(PREFIX)
    shown = await hooks.show(webhook_id)
    assert list(shown) == list(V1_WEBHOOK.fields)
    assert "secret" not in shown
    expected = {"id": webhook_id, "url": URL, "events": ["client/create"], "enabled": True, "description": None}
    assert shown.items() >= {**expected, "organizationId": hooks.service.organization, "_isDeleted": False}.items()
    other = json.loads((await get_webhook(hooks.access, webhook_id, tuple(GRAPHQL_WEBHOOK.fields.items()))).json)
    assert (other["webhookId"], other["version"], other["url"]) == (webhook_id, 1, URL)


async def test_an_organization_has_a_limited_number_of_webhooks(hooks: Hooks) -> None:
    ids = [(await hooks.add(URL))[0] for _ in range(MOST_WEBHOOKS)]
    with pytest.raises(Invalid, match="has 20 webhooks already"):
        await hooks.add(URL)
    await delete_webhook(hooks.access, ids[0], V1_WEBHOOK_FIELDS)
    await hooks.add(URL)


async def test_an_organization_of_a_stranger_has_no_webhooks(hooks: Hooks) -> None:
    await hooks.execute("UPDATE accounts SET email_verified = false")
    with pytest.raises(NotVerified, match="Ask the operator"):
        await hooks.add(URL)
    await hooks.execute("UPDATE accounts SET email_verified = true")
    await hooks.add(URL)


async def test_webhooks_and_deliveries_are_listed_by_filters_and_pages(hooks: Hooks, receiver: Receiver) -> None:
    first, _ = await hooks.add(receiver.url(), "client/create")
    second, _ = await hooks.add(receiver.url())
    client = await hooks.make_client()
    await hooks.change_client(client, name="Bea")
    await hooks.deliver()
    await delete_webhook(hooks.access, second, V1_WEBHOOK_FIELDS)
    page = PageArguments(10)
    request = complete_request(V1_WEBHOOK, V1_WEBHOOK_FIELDS, NO_CONDITIONS, page, ROWS_AND_TOTAL)
    listing = await list_webhooks(hooks.access, hooks.service.organization, request)
    assert ([json.loads(row)["id"] for row, _ in listing.rows], listing.total) == ([first], 1)
    assert await count_webhooks(hooks.access, hooks.service.organization, count_request(V1_WEBHOOK, NO_CONDITIONS)) == 1
    newest = Query(orders=(Order("id", descending=True),))
    wanted = complete_request(V1_DELIVERY, V1_DELIVERY_FIELDS, newest, page, ROWS_AND_TOTAL)
    listed = await list_deliveries(hooks.access, hooks.service.organization, wanted)
    shown = [json.loads(row) for row, _ in listed.rows]
    assert [delivery["event"] for delivery in shown] == ["client/update", "client/create", "client/create"]
    assert {delivery["state"] for delivery in shown} == {"sent"}
    assert {delivery["nextAttemptAt"] for delivery in shown} == {None}
    counted = count_request(V1_DELIVERY, NO_CONDITIONS)
    assert await count_deliveries(hooks.access, hooks.service.organization, counted) == 3
    graphql = json.loads(await get_delivery(hooks.access, shown[0]["id"], tuple(GRAPHQL_DELIVERY.fields.items())))
    assert (graphql["deliveryId"], graphql["state"]) == (shown[0]["id"], "SENT")


async def test_foreign_webhooks_are_not_found_and_a_reading_token_changes_none(
    hooks: Hooks, receiver: Receiver
) -> None:
    webhook_id, _ = await hooks.add(receiver.url())
    await hooks.make_client()
    await hooks.deliver()
    (delivery_id,) = await hooks.deliveries("id")
    organization = hooks.service.organization
    foreign = make_access(hooks.service, [await hooks.service.make_organization("Other")])
    reading = make_access(hooks.service, scope=Scope.READ)
    fields = V1_WEBHOOK_FIELDS
    values = {"url": URL, "events": ["*"], "enabled": True}
    for access, error in ((foreign, NotFound), (reading, Forbidden)):
        writes = (
            create_webhook(access, organization, values, fields),
            change_webhook(access, webhook_id, {"enabled": False}, fields),
            delete_webhook(access, webhook_id, fields),
            rotate_secret(access, webhook_id, fields),
            redeliver(access, hooks.desk, delivery_id, V1_DELIVERY_FIELDS),
            redeliver_failed(access, hooks.desk, webhook_id),
            send_test(access, hooks.desk, webhook_id, V1_DELIVERY_FIELDS),
        )
        for write in writes:
            with pytest.raises(error):
                await write
    request = complete_request(V1_WEBHOOK, fields, NO_CONDITIONS, PageArguments(10), ROWS_AND_TOTAL)
    for read in (
        get_webhook(foreign, webhook_id, fields),
        get_webhook(foreign, "no id", fields),
        get_delivery(foreign, delivery_id, V1_DELIVERY_FIELDS),
        list_webhooks(foreign, organization, request),
        list_deliveries(foreign, organization, request),
    ):
        with pytest.raises(NotFound):
            await read
    assert (await hooks.show(webhook_id))["enabled"]
    assert await hooks.deliveries() == ["sent"]


async def test_a_disabled_webhook_gets_nothing_and_an_enabled_one_begins_anew(hooks: Hooks, receiver: Receiver) -> None:
    receiver.status = 500
    webhook_id, _ = await hooks.add(receiver.url())
    await hooks.make_client("Ana")
    await hooks.deliver()
    receiver.take()
    await change_webhook(hooks.access, webhook_id, {"enabled": False}, V1_WEBHOOK_FIELDS)
    assert await hooks.deliveries("state", "last_error") == [("failed", "the response has the status 500")]
    receiver.status = 200
    await hooks.make_client("Bea")
    await hooks.pass_time("1 hour")
    await hooks.deliver()
    (delivery_id,) = await hooks.deliveries("id")
    writes = (
        redeliver(hooks.access, hooks.desk, delivery_id, V1_DELIVERY_FIELDS),
        redeliver_failed(hooks.access, hooks.desk, webhook_id),
        send_test(hooks.access, hooks.desk, webhook_id, V1_DELIVERY_FIELDS),
    )
    for write in writes:
        with pytest.raises(Conflict, match="is disabled"):
            await write
    shown = json.loads((await change_webhook(hooks.access, webhook_id, {"enabled": True}, V1_WEBHOOK_FIELDS)).json)
    assert (shown["enabled"], shown["failingSince"]) == (True, None)
    await hooks.make_client("Cid")
    await hooks.deliver()
    assert [request.event["data"]["name"] for request in receiver.take()] == ["Cid"]


async def test_a_deleted_webhook_gets_nothing_and_has_no_secret(hooks: Hooks, receiver: Receiver) -> None:
    webhook_id, _ = await hooks.add(receiver.url())
    await hooks.make_client("Ana")
    await hooks.reader.read()
    shown = json.loads((await delete_webhook(hooks.access, webhook_id, V1_WEBHOOK_FIELDS)).json)
    assert (shown["_isDeleted"], shown["deletedId"]) == (True, webhook_id)
    await hooks.make_client("Bea")
    await hooks.deliver()
    assert (receiver.take(), await hooks.deliveries()) == ([], ["failed"])
    with pytest.raises(NotFound):
        await hooks.show(webhook_id)
    with pytest.raises(NotFound):
        await change_webhook(hooks.access, webhook_id, {"enabled": True}, V1_WEBHOOK_FIELDS)


async def test_a_change_that_changes_nothing_keeps_the_version_and_a_stale_one_fails(hooks: Hooks) -> None:
    webhook_id, _ = await hooks.add(URL)
    for _ in range(2):
        record = await change_webhook(hooks.access, webhook_id, {"description": "a"}, V1_WEBHOOK_FIELDS)
        assert record.version == 2
    with pytest.raises(Stale):
        await change_webhook(hooks.access, webhook_id, {"enabled": False}, V1_WEBHOOK_FIELDS, 1)
    assert (await hooks.show(webhook_id))["enabled"]
    with pytest.raises(Stale):
        await delete_webhook(hooks.access, webhook_id, V1_WEBHOOK_FIELDS, 1)


async def test_a_secret_before_a_rotation_is_kept_for_a_limited_time(hooks: Hooks) -> None:
    webhook_id, first = await hooks.add(URL)
    record = await rotate_secret(hooks.access, webhook_id, (*V1_WEBHOOK_FIELDS, ("secret", SECRET)))
    shown = json.loads(record.json)
    assert shown["secret"] != first
    assert shown["previousSecretUntil"] is not None
    for kept in (timedelta(seconds=-1), LONGEST_KEPT + timedelta(seconds=1)):
        with pytest.raises(DomainError, match="must be from 0 to 604800 seconds"):
            await rotate_secret(hooks.access, webhook_id, V1_WEBHOOK_FIELDS, kept)


async def test_a_delivery_that_waits_is_sent_at_once_on_request(hooks: Hooks, receiver: Receiver) -> None:
    receiver.status = 500
    await hooks.add(receiver.url())
    await hooks.make_client()
    await hooks.deliver()
    receiver.status = 200
    (delivery_id,) = await hooks.deliveries("id")
    await redeliver(hooks.access, hooks.desk, delivery_id, V1_DELIVERY_FIELDS)
    await hooks.deliver()
    assert await hooks.deliveries("state", "attempts") == [("sent", 2)]
