"""Deleted customers come back, erased ones do not: neither they nor what was kept about them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import func, select, text

from app.auth import Access, Caller, Scope
from app.clients.faces import CUSTOMER
from app.clients.record import CUSTOMER_RULES
from app.clients.reminders import send_reminder
from app.clients.service import add_clients
from app.idempotency import RequestKey, StoredResponse
from app.mail.files import FileMailer
from app.mail.worker import OutboxWorker
from app.records.bodies import read_body
from app.storage.tables import client_changes, client_totals, clients, idempotency_keys, outbox
from tests.conftest import Service
from tests.rest.customers.test_customers import check_error, create

SECRET = "Ofelija"


async def total(service: Service) -> int:
    listed = (await service.http.get("/customers", params={"limit": 100})).json()
    assert listed["pagination"]["total"] == len(listed["data"])
    return int(listed["pagination"]["total"])


async def rows_of(service: Service, statement: Any) -> list[Any]:
    async with service.database.read() as connection:
        return list(await connection.execute(statement))


async def test_a_deleted_customer_is_restored(service: Service) -> None:
    made = await create(service, city="Graz")
    path = f"/customers/{made['id']}"
    check_error(await service.http.post(f"{path}/restore"), 404, "not_found")
    await service.http.delete(path)
    assert await total(service) == 0
    check_error(await service.http.post(f"{path}/restore", headers={"if-match": '"1"'}), 412, "precondition_failed")
    answer = await service.http.post(f"{path}/restore")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    assert answer.json() == made | {"updated_at": answer.json()["updated_at"]}
    assert (await service.http.get(path)).json() == answer.json()
    assert await total(service) == 1


async def test_a_live_or_deleted_customer_is_erased_once(service: Service) -> None:
    for deleted_before in (False, True):
        path = f"/customers/{(await create(service))['id']}"
        if deleted_before:
            await service.http.delete(path)
        check_error(
            await service.http.delete(f"{path}/permanent", headers={"if-match": '"9"'}), 412, "precondition_failed"
        )
        answer = await service.http.delete(f"{path}/permanent")
        assert answer.status_code == 200
        assert answer.json()["id"] == path.rpartition("/")[2]
        for method, gone in (("DELETE", "/permanent"), ("POST", "/restore"), ("GET", ""), ("DELETE", "")):
            check_error(await service.http.request(method, path + gone), 404, "not_found")
        assert await total(service) == 0


async def test_strangers_and_readers_neither_restore_nor_erase(service: Service) -> None:
    path = f"/customers/{(await create(service))['id']}"
    other = await service.make_organization("Other")
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    stranger = await service.make_token(organization_id=other)
    for token, status, code in ((reader, 403, "forbidden"), (stranger, 404, "not_found")):
        async with service.client(token) as http:
            check_error(await http.post(f"{path}/restore"), status, code)
            check_error(await http.delete(f"{path}/permanent"), status, code)
    assert (await service.http.get(path)).status_code == 200


async def test_erasing_leaves_who_what_and_when_and_nothing_else(service: Service) -> None:
    made = await create(service, name=SECRET, email="ofelija@example.com")
    path, client_id = f"/customers/{made['id']}", made["id"].removeprefix("cust_")
    other = await create(service, name="Hamlet")
    await service.http.patch(path, json={"city": "Elsinore"})
    await service.http.delete(path)
    await service.http.post(f"{path}/restore")
    assert (await service.http.delete(f"{path}/permanent")).status_code == 200
    log = await rows_of(service, select(client_changes).order_by(client_changes.c.id))
    mine = [row for row in log if row["client_id"] == client_id]
    assert [(row["action"], row["version"]) for row in mine] == [
        ("created", 1),
        ("updated", 2),
        ("deleted", 3),
        ("restored", 4),
        ("erased", 5),
    ]
    assert all(row["before"] is None and row["after"] is None for row in mine)
    assert all(row["actor"].startswith("account:") and row["at"] is not None for row in mine)
    (untouched,) = (row for row in log if row["client_id"] == other["id"].removeprefix("cust_"))
    assert untouched["after"]["name"] == "Hamlet"


async def test_nothing_in_the_database_names_an_erased_customer(service: Service) -> None:
    made = await create(service, name=SECRET, email="ofelija@example.com", metadata={"k": SECRET})
    path, client_id = f"/customers/{made['id']}", made["id"].removeprefix("cust_")
    await keep_answers(service)
    await remind(service, client_id)
    await service.http.patch(path, json={"name": f"{SECRET} II"})
    assert (await service.http.delete(f"{path}/permanent")).status_code == 200
    for answered in (await service.http.get("/customers")).json()["data"]:
        await service.http.delete(f"/customers/{answered['id']}/permanent")
    for table in (clients, client_changes, outbox):
        rows = await rows_of(service, text(f"SELECT t::text FROM {table.name} t"))
        assert not [row for row in rows if SECRET.lower() in row[0].lower()], table.name
    bodies = await rows_of(service, select(idempotency_keys.c.body))
    assert [row[0] for row in bodies] == [None, None]
    assert (
        await rows_of(
            service,
            select(client_totals.c.organization_id)
            .having(func.sum(client_totals.c.n) != 0)
            .group_by(client_totals.c.organization_id),
        )
        == []
    )


async def keep_answers(service: Service) -> None:
    """Two kept answers: about one customer, and about several at once."""
    await service.http.post("/customers", json={"name": SECRET}, headers={"idempotency-key": "one"})
    principal = await Caller((service.token,), service.database).principal()
    values = [read_body(CUSTOMER, {"name": f"{SECRET} {n}"}, CUSTOMER_RULES, "create") for n in range(2)]
    selection = tuple((name, CUSTOMER.fields[name]) for name in ("id", "name"))
    key = RequestKey.of(principal.owner, "several", "test")
    await add_clients(
        Access(service.database, principal),
        service.organization,
        values,
        selection,
        key=key,
        answer=lambda found: StoredResponse(200, ",".join(one.json for one in found).encode()),
    )


async def remind(service: Service, client_id: str) -> None:
    principal = await Caller((service.token,), service.database).principal()
    worker = OutboxWorker(service.database, FileMailer(service.config.data_dir / "mail"), "office@example.com")
    await send_reminder(Access(service.database, principal), worker, client_id, recipient=None, language=None, key=None)


@asynccontextmanager
async def first_attempt_tomorrow(service: Service) -> AsyncIterator[None]:
    """New messages wait for a day; afterwards the table is as it was, because other tests use the database again."""

    async def set_default(moment: str) -> None:
        async with service.database.write() as connection:
            await connection.execute(text(f"ALTER TABLE outbox ALTER next_attempt_at SET DEFAULT {moment}"))

    await set_default("now() + interval '1 day'")
    try:
        yield
    finally:
        await set_default("now()")


async def test_a_message_that_waits_for_an_erased_customer_is_never_sent(service: Service) -> None:
    made = await create(service, email="ofelija@example.com")
    async with first_attempt_tomorrow(service):
        await remind(service, made["id"].removeprefix("cust_"))
    await service.http.delete(f"/customers/{made['id']}/permanent")
    (message,) = await rows_of(service, select(outbox))
    assert (message["state"], message["recipient"], message["text"]) == ("failed", "", "")


async def test_erasing_wins_over_replaying(service: Service) -> None:
    headers = {"idempotency-key": "key"}
    made = await service.http.post("/customers", json={"name": SECRET}, headers=headers)
    await service.http.delete(f"/customers/{made.json()['id']}/permanent")
    for body in ({"name": SECRET}, {"name": "Other"}):
        check_error(await service.http.post("/customers", json=body, headers=headers), 404, "not_found")
    assert await total(service) == 0
