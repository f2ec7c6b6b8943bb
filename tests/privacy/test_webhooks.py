"""Webhooks hold no copy of a person: erasure, deletion of the organization, retention and the export cover them."""

import json

from sqlalchemy import text

from app.privacy.subjects import export_subject
from app.webhooks.faces import V1_WEBHOOK_FIELDS
from app.webhooks.service import delete_webhook
from tests.conftest import Service
from tests.privacy.conftest import execute, find_everywhere, make_worker
from tests.webhooks.conftest import Hooks, Received, Receiver, answer, hooks, receiver

__all__ = ["hooks", "receiver"]

EMAIL, WORDS = "ofelija@example.com", ["ofelija", "danska"]


async def answer_with_the_body(request: Received) -> bytes:
    return answer(200, request.body.decode())


async def deliver_person(hooks: Hooks, receiver: Receiver) -> str:
    """Delivers the creation of a customer to a receiver that answers with it. Gives the customer's id."""
    receiver.answers["/hook"] = answer_with_the_body
    await hooks.add(receiver.url())
    body = {"name": "Ofelija Danska", "email": EMAIL}
    customer = (await hooks.service.http.post("/customers", json=body)).json()["id"]
    await hooks.deliver()
    assert "webhook_deliveries" in await find_everywhere(hooks.service, WORDS)
    return str(customer)


async def test_the_responses_about_an_erased_client_are_erased(hooks: Hooks, receiver: Receiver) -> None:
    customer = await deliver_person(hooks, receiver)
    await hooks.service.http.delete(f"/customers/{customer}/permanent")
    assert await find_everywhere(hooks.service, WORDS) == []
    await hooks.deliver()
    assert await find_everywhere(hooks.service, WORDS) == []


async def test_a_deleted_webhook_leaves_no_secret_in_stored_responses(service: Service) -> None:
    path, key = f"/v1/organizations/{service.organization}/webhooks", {"idempotency-key": "k"}
    body = {"url": "https://receiver.example/hook", "events": ["*"]}
    webhook = (await service.http.post(path, json=body, headers=key)).json()
    rotation = f"/v1/webhooks/{webhook['id']}/rotate-secret"
    rotated = (await service.http.post(rotation, json={}, headers={"idempotency-key": "r"})).json()
    secrets = [webhook["secret"], rotated["secret"]]
    assert (await find_everywhere(service, secrets)).count("body") == 2
    assert (await service.http.delete(f"/v1/webhooks/{webhook['id']}")).json() == {"count": 1}
    assert await find_everywhere(service, secrets) == []
    assert (await service.http.post(path, json=body, headers=key)).status_code == 404


async def test_the_export_about_a_person_has_the_deliveries(hooks: Hooks, receiver: Receiver) -> None:
    await deliver_person(hooks, receiver)
    parts: list[bytes] = []
    await export_subject(hooks.service.database, EMAIL, None, parts.append)
    (delivery,) = json.loads(b"".join(parts))["deliveries"]
    assert (delivery["event"], delivery["state"]) == ("client/create", "sent")
    assert EMAIL in delivery["response_body"]


async def count_rows(service: Service) -> tuple[int, int]:
    async with service.database.read() as connection:
        statement = "SELECT (SELECT count(*) FROM webhooks), (SELECT count(*) FROM webhook_deliveries)"
        return tuple((await connection.execute(text(statement))).one())


async def test_old_deliveries_and_deleted_webhooks_go_and_open_ones_stay(hooks: Hooks, receiver: Receiver) -> None:
    await deliver_person(hooks, receiver)
    receiver.answers.clear()
    receiver.status = 500
    deleted, _ = await hooks.add(receiver.url("/other"), "client/delete")
    await hooks.make_client()
    await hooks.deliver()
    await delete_webhook(hooks.access, deleted, V1_WEBHOOK_FIELDS)
    worker = make_worker(hooks.service)
    await worker.clean()
    assert await count_rows(hooks.service) == (2, 2)
    await execute(hooks.service, "UPDATE webhook_deliveries SET created_at = now() - interval '31 days'")
    await execute(hooks.service, "UPDATE webhooks SET deleted_at = deleted_at - interval '31 days'")
    counts = await worker.clean()
    assert (counts["deliveries of webhooks"], counts["deleted webhooks"]) == (1, 1)
    assert await count_rows(hooks.service) == (1, 1)
    assert await hooks.deliveries() == ["waiting"]


async def test_a_deleted_organization_takes_its_webhooks_along(hooks: Hooks, receiver: Receiver) -> None:
    await deliver_person(hooks, receiver)
    await execute(hooks.service, "UPDATE organizations SET purge_at = now()")
    await make_worker(hooks.service).clean()
    assert await count_rows(hooks.service) == (0, 0)
