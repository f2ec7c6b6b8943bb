"""Erasing a customer removes the person from every place that the service can reach."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from app.mail.files import FileMailer, MailFiles
from app.mail.mailer import OutgoingMail
from app.mail.outbox import erase_messages
from app.mail.worker import OutboxWorker, hide_addresses
from app.storage.tables import outbox
from tests.conftest import Service
from tests.privacy.conftest import contains, execute, find_everywhere, make_worker, wait_until_sent

NAME, EMAIL = "Ofelija Danska", "ofelija@example.com"
WORDS = ["ofelija", "danska"]


async def create(service: Service, **fields: Any) -> str:
    answer = await service.http.post("/customers", json={"name": "Hamlet", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def remind(service: Service, customer: str, **fields: str) -> None:
    client_id = customer.removeprefix("cust_")
    answer = await service.http.post(f"/v1/clients/{client_id}/send-reminder", json=fields)
    assert answer.status_code == 200, answer.text


async def erase(service: Service, customer: str) -> None:
    assert (await service.http.delete(f"/customers/{customer}/permanent")).status_code == 200


async def messages(service: Service) -> Mapping[str, str]:
    """The recipients of all messages by client."""
    async with service.database.read() as connection:
        rows = await connection.execute(select(outbox.c.client_id, outbox.c.recipient))
    return dict(map(tuple, rows))


async def test_the_files_of_an_erased_customers_mails_are_deleted(service: Service) -> None:
    person, other = await create(service, name=NAME, email=EMAIL), await create(service, email="hamlet@example.com")
    await remind(service, person)
    await remind(service, person, email="another.address@example.com")
    await remind(service, other)
    await wait_until_sent(service, 3)
    assert len([place for place in await find_everywhere(service, WORDS) if place.endswith(".eml")]) == 2
    await erase(service, person)
    assert await find_everywhere(service, [*WORDS, "another.address"]) == []
    assert len([*(service.config.data_dir / "mail").iterdir()]) == 1


@pytest.mark.parametrize("spelling", [EMAIL, "OFELIJA@example.com", "Ofélija@example.com"])
async def test_messages_to_an_erased_address_through_other_customers_are_erased(
    service: Service, spelling: str
) -> None:
    person, colleague = await create(service, name=NAME, email=EMAIL), await create(service, email="h@example.com")
    await remind(service, colleague, email=spelling)
    await wait_until_sent(service, 1)
    await erase(service, person)
    assert await find_everywhere(service, [spelling, *WORDS]) == []
    assert await messages(service) == {colleague.removeprefix("cust_"): ""}


async def test_messages_to_a_former_address_are_erased(service: Service) -> None:
    person, colleague = await create(service, name=NAME, email=EMAIL), await create(service, email="h@example.com")
    await service.http.patch(f"/customers/{person}", json={"email": "new@example.com"})
    await remind(service, colleague, email=EMAIL)
    await wait_until_sent(service, 1)
    await erase(service, person)
    assert await find_everywhere(service, WORDS) == []


async def test_messages_of_other_organizations_and_addresses_stay(service: Service) -> None:
    person, other = await create(service, name=NAME, email=EMAIL), await create(service, email="h@example.com")
    foreign = await service.make_organization("Other")
    async with service.client(await service.make_token(organization_id=foreign)) as http:
        answer = await http.post("/customers", json={"name": "Laertes", "email": EMAIL})
        stranger = answer.json()["id"]
        await http.post(f"/v1/clients/{stranger.removeprefix('cust_')}/send-reminder", json={})
    await remind(service, other)
    await wait_until_sent(service, 2)
    await erase(service, person)
    assert await messages(service) == {
        other.removeprefix("cust_"): "h@example.com",
        stranger.removeprefix("cust_"): EMAIL,
    }


class ErasingMailer(FileMailer):
    """Erases the recipient while the mail is being written."""

    def __init__(self, service: Service, customer: str) -> None:
        super().__init__(service.config.data_dir / "mail")
        self.service, self.customer = service, customer

    async def send(self, mail: OutgoingMail) -> None:
        await super().send(mail)
        async with self.service.database.write() as connection:
            organization, client_id = self.service.organization, self.customer.removeprefix("cust_")
            await erase_messages(connection, organization, client_id)


async def test_the_file_of_a_mail_that_was_written_during_the_erasure_is_deleted(service: Service) -> None:
    person = await create(service, name=NAME, email=EMAIL)
    await remind(service, person)
    await wait_until_sent(service, 1)
    folder = service.config.data_dir / "mail"
    await MailFiles(folder).remove(await MailFiles(folder).ids())
    await execute(service, "UPDATE outbox SET state = 'waiting', next_attempt_at = now() + interval '1 day'")
    worker = OutboxWorker(
        service.database, ErasingMailer(service, person), "office@example.com", files=MailFiles(folder)
    )
    await execute(service, "UPDATE outbox SET next_attempt_at = now() - interval '1 second'")
    async with asyncio.timeout(20):
        await worker.deliver_due()
    assert [*folder.iterdir()] == []


async def test_a_pass_deletes_files_that_an_erasure_has_left(service: Service, tmp_path: Path) -> None:
    person = await create(service, name=NAME, email=EMAIL)
    await remind(service, person)
    await wait_until_sent(service, 1)
    (file,) = (service.config.data_dir / "mail").iterdir()
    content = file.read_bytes()
    await erase(service, person)
    file.write_bytes(content)
    file.with_suffix(".77.part").write_bytes(content)
    assert (await make_worker(service).clean())["mail files"] == 2
    assert await find_everywhere(service, WORDS) == []


@pytest.mark.parametrize("others", [0, 30])
async def test_the_statistics_of_the_planner_lose_an_erased_customer(service: Service, others: int) -> None:
    for number in range(others):
        await create(service, name=f"Hamlet {number}", email=f"hamlet{number}@example.com")
    person = await create(service, name=NAME, email=EMAIL, metadata={"note": NAME})
    headers = {"idempotency-key": NAME}
    await service.http.post("/customers", json={"name": "Hamlet"}, headers=headers)
    await remind(service, person)
    await wait_until_sent(service, 1)
    await execute(service, "DELETE FROM idempotency_keys")
    await execute(service, "ANALYZE")
    assert "pg_stats" in await find_everywhere(service, WORDS)
    for row in (await service.http.get("/customers", params={"limit": 100})).json()["data"]:
        if not others or row["name"] == NAME:
            await erase(service, row["id"])
    await make_worker(service).clean()
    assert await find_everywhere(service, WORDS) == []
    async with service.database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM erasures")) == 0


async def test_columns_without_a_use_for_plans_have_no_statistics(service: Service) -> None:
    person = await create(service, name=NAME, email=EMAIL)
    await service.http.post("/customers", json={"name": NAME}, headers={"idempotency-key": NAME})
    await remind(service, person)
    await wait_until_sent(service, 1)
    await execute(service, "ANALYZE client_changes, outbox, idempotency_keys")
    async with service.database.read() as connection:
        sampled = "tablename IN ('client_changes', 'outbox', 'idempotency_keys', 'ix_outbox_recipient')"
        rows = await connection.scalars(text(f"SELECT s::text FROM pg_stats AS s WHERE {sampled}"))
    assert rows
    assert not [row for row in rows if contains(row, WORDS)]


def test_errors_in_the_log_hold_no_address() -> None:
    assert hide_addresses("550 <ofelija@example.com>:\r\n no such user") == "550 (address) no such user"
