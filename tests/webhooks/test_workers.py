"""The reader and the worker beside faults: dead workers, held changes, outages, and the end of the process."""

import asyncio
import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.config import Config
from app.deliveries.outcomes import Outcome
from app.deliveries.queue import measure_deliveries
from app.errors import Unavailable
from app.observability.totals import WEBHOOK_ATTEMPTS
from app.storage.database import Database
from app.webhooks import worker as worker_module
from app.webhooks.reader import EventReader
from app.webhooks.worker import DeliveryWorker
from tests.conftest import running
from tests.mail.conftest import wait_until
from tests.webhooks.conftest import Hooks, Received, Receiver, answer, make_access, make_worker


async def test_the_service_delivers_by_itself(config: Config, database: Database, receiver: Receiver) -> None:
    allowed = replace(config, webhook_http=True, webhook_private=True)
    async with running(allowed, database) as service:
        hooks = Hooks(service, make_access(service), EventReader(database, lambda: None), make_worker(database))
        await hooks.add(receiver.url(), "customer.created")
        await service.http.post("/customers", json={"name": "Ana"})
        await wait_until(lambda: len(receiver.received) == 1, 30)
        assert receiver.received[0].event["data"]["name"] == "Ana"
        problems = [await each.find_problem() for each in (hooks.reader, hooks.worker)]
        assert problems == [None, None]


async def test_the_service_rejects_an_address_of_its_own_network_at_the_connection(
    hooks: Hooks, receiver: Receiver
) -> None:
    await hooks.add(receiver.url())
    await hooks.make_client()
    hooks.worker.sender.destinations = hooks.worker.sender._network.destinations = replace(
        hooks.worker.sender.destinations, private=False
    )
    await hooks.deliver()
    assert receiver.take() == []
    ((state, error),) = await hooks.deliveries("state", "last_error")
    assert (state, error) == ("waiting", "the URL must not lead to a private, local or reserved address")


async def test_a_delivery_of_a_dead_worker_is_due_when_its_lease_ends(hooks: Hooks, receiver: Receiver) -> None:
    await hooks.add(receiver.url())
    client = await hooks.make_client("Ana")
    await hooks.change_client(client, name="Bea")
    await hooks.reader.read()
    dead = make_worker(hooks.service.database)

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    dead._attempt = die  # type: ignore[assignment, method-assign]
    dead._start = lambda claimed: None  # type: ignore[method-assign]
    assert await dead.start_due() == 1
    assert await hooks.deliveries("state", "attempts") == [("sending", 1), ("queued", 0)]
    await hooks.deliver()
    assert receiver.take() == []
    await hooks.pass_time("61 seconds")
    await hooks.deliver()
    assert [request.event["data"]["name"] for request in receiver.take()] == ["Ana", "Bea"]
    assert await hooks.deliveries("state", "attempts") == [("sent", 2), ("sent", 1)]
    await dead.sender.close()


async def test_a_worker_that_ends_waits_for_attempts_and_releases_the_rest(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    never, reached = asyncio.Event(), asyncio.Event()

    async def respond(_: Received) -> bytes:
        reached.set()
        await never.wait()
        return answer(200)

    receiver.answers["/silent"] = respond
    await hooks.add(receiver.url("/silent"))
    await hooks.make_client()
    await hooks.reader.read()
    worker = DeliveryWorker(hooks.service.database, hooks.worker.sender, grace=0.1)
    running_worker = asyncio.create_task(worker.run())
    async with asyncio.timeout(30):
        await reached.wait()
    running_worker.cancel()
    await asyncio.wait([running_worker])
    assert await hooks.deliveries("state", "attempts") == [("waiting", 0)]
    assert await worker.find_problem() == "the worker of webhooks has ended"
    never.set()


async def test_an_outcome_is_recorded_after_a_short_outage(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RECORDING_PAUSES", (0.0, 0.0))
    record, failures = hooks.worker._record_once, [Unavailable("away"), Unavailable("away")]

    async def fail_first(*arguments: object) -> Outcome:
        if failures:
            raise failures.pop()
        return await record(*arguments)  # type: ignore[arg-type]

    hooks.worker._record_once = fail_first  # type: ignore[method-assign, assignment]
    await hooks.add(receiver.url())
    await hooks.make_client()
    sent = WEBHOOK_ATTEMPTS["sent"]
    await hooks.deliver()
    assert (len(receiver.take()), await hooks.deliveries()) == (1, ["sent"])
    assert WEBHOOK_ATTEMPTS["sent"] == sent + 1


async def test_a_change_behind_an_open_transaction_is_delivered_after_it(hooks: Hooks, receiver: Receiver) -> None:
    await hooks.add(receiver.url())
    client = await hooks.make_client("Ana")
    async with hooks.service.database.write() as connection:
        await connection.execute(text("SELECT begin_change(:id)"), {"id": hooks.service.organization})
        await hooks.change_client(client, name="Bea")
        assert await hooks.reader.read()
        await hooks.worker.deliver_due()
        assert [request.event["data"]["name"] for request in receiver.take()] == ["Ana"]
    assert not await hooks.reader.read()
    await hooks.worker.deliver_due()
    assert [request.event["data"]["name"] for request in receiver.take()] == ["Bea"]


async def test_more_changes_than_a_chunk_arrive_in_their_order(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hooks.add(receiver.url(), "client/update", "client/create")
    url = f"/v1/organizations/{hooks.service.organization}/clients"
    made = await hooks.service.http.post(url, json=[{"name": f"{number:04}"} for number in range(700)])
    assert made.status_code == 200
    await hooks.reader.read()
    rows = await hooks.deliveries("state", "change_number", "id")
    assert len(rows) == 700
    assert {state for state, _, _ in rows} == {"waiting"}
    assert [number for _, number, _ in rows] == sorted(number for _, number, _ in rows)
    assert [id_ for _, _, id_ in rows] == sorted(id_ for _, _, id_ in rows)
    async with hooks.service.database.read() as connection:
        waiting, late, failing = await measure_deliveries(connection)
    assert (waiting, late >= 0, failing) == (700, True, 0)


async def test_a_reader_knows_whether_there_are_webhooks(hooks: Hooks) -> None:
    assert not await hooks.reader.read()
    assert not hooks.reader.has_webhooks
    await hooks.add("https://hooks.example.com/")
    await hooks.reader.read()
    assert hooks.reader.has_webhooks


async def test_an_event_of_an_erased_client_is_not_sent_and_the_erasure_is(hooks: Hooks, receiver: Receiver) -> None:
    receiver.status = 500
    await hooks.add(receiver.url())
    customer = (await hooks.service.http.post("/customers", json={"name": "Ofelija"})).json()["id"]
    await hooks.service.http.patch(f"/customers/{customer}", json={"name": "Ofelija D."})
    await hooks.deliver()
    receiver.take()
    receiver.status = 200
    await hooks.service.http.patch(f"/customers/{customer}", json={"name": "Ofelija E."})  # not read yet
    await hooks.service.http.delete(f"/customers/{customer}/permanent")
    await hooks.pass_time("10 minutes")
    await hooks.deliver()
    (request,) = receiver.take()
    client = customer.removeprefix("cust_")
    data = {"id": client, "organizationId": hooks.service.organization}
    assert request.event.items() >= {"event": "client/delete", "data": data}.items()
    rows = await hooks.deliveries("state", "last_error", "response_body")
    erased = ("failed", "The client was erased", None)
    assert rows == [erased, erased, ("sent", None, "no")]
    assert "ofelija" not in json.dumps(rows).lower()
