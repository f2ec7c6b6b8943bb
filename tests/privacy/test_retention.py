"""The retention worker deletes what is older than its setting, in batches, and nothing else. Tests move dates in rows."""

import asyncio
import logging
import os
import time

import pytest
from sqlalchemy import text

from app.config import Config
from app.errors import Misconfigured
from app.privacy.statements import BATCH, LOCK
from tests.conftest import Service
from tests.privacy.conftest import execute, make_worker, wait_until_sent


async def create(service: Service, name: str = "Hamlet", **headers: str) -> str:
    fields = {"name": name, "email": "hamlet@example.com"}
    answer = await service.http.post("/customers", json=fields, headers=headers)
    return str(answer.json()["id"]).removeprefix("cust_")


async def count(service: Service, condition: str) -> int:
    async with service.database.read() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {condition}")))


async def test_old_change_images_are_emptied_and_the_changes_stay(service: Service) -> None:
    old, young = await create(service, "Old"), await create(service, "Young")
    await execute(service, "UPDATE client_changes SET at = now() - interval '366 days' WHERE client_id = :id", id=old)
    assert await make_worker(service).clean() == {"change images": 1}
    query = "query ($id: ID!) { client(id: $id) { history { nodes { action actor { name } after } } } }"
    for client_id, image in ((old, None), (young, "Young")):
        answer = await service.http.post("/graphql", json={"query": query, "variables": {"id": client_id}})
        (change,) = answer.json()["data"]["client"]["history"]["nodes"]
        assert (change["action"], change["actor"]["name"]) == ("CREATED", service.email)
        assert (change["after"] and change["after"]["name"]) == image
    assert await make_worker(service).clean() == {}


async def remind(service: Service, client_id: str) -> None:
    (await service.http.post(f"/v1/clients/{client_id}/send-reminder", json={})).raise_for_status()


async def test_old_message_texts_are_emptied_and_their_delivery_stays(service: Service) -> None:
    client_id = await create(service)
    for _ in range(3):
        await remind(service, client_id)
    await wait_until_sent(service, 3)
    ids = "SELECT id, row_number() OVER (ORDER BY id) AS n FROM outbox"
    await execute(
        service,
        f"""UPDATE outbox SET created_at = now() - interval '91 days', sent_at = now() - interval '91 days',
        state = CASE n WHEN 2 THEN 'failed' ELSE 'sent' END
        FROM ({ids}) AS numbered WHERE outbox.id = numbered.id AND n < 3""",
    )
    await execute(
        service,
        f"""UPDATE outbox SET created_at = now() - interval '91 days', sent_at = NULL, state = 'waiting',
        next_attempt_at = now() + interval '1 day' FROM ({ids}) AS numbered WHERE outbox.id = numbered.id AND n = 3""",
    )
    await remind(service, client_id)
    await wait_until_sent(service, 2)
    assert await make_worker(service).clean() == {"message texts": 2}
    assert await count(service, "outbox WHERE text = '' AND html = '' AND recipient_name = ''") == 2
    assert await count(service, "outbox WHERE recipient = 'hamlet@example.com' AND subject <> ''") == 4


async def test_old_mail_files_are_deleted(service: Service) -> None:
    client_id = await create(service)
    for _ in range(2):
        await service.http.post(f"/v1/clients/{client_id}/send-reminder", json={})
    await wait_until_sent(service, 2)
    old, young = sorted((service.config.data_dir / "mail").iterdir())
    (service.config.data_dir / "mail" / "notes.txt").write_text("not a mail")
    month = time.time() - 31 * 24 * 3600
    for file in (old, service.config.data_dir / "mail" / "notes.txt"):
        os.utime(file, (month, month))
    assert await make_worker(service).clean() == {"mail files": 1}
    assert not old.exists()
    assert young.exists()
    assert (service.config.data_dir / "mail" / "notes.txt").exists()


async def test_more_rows_than_a_batch_are_deleted_in_one_pass(service: Service) -> None:
    await execute(
        service,
        """INSERT INTO idempotency_keys (owner, id, request_hash, created_at)
        SELECT 'owner', n::text, '', now() - interval '49 hours' FROM generate_series(1, :n) AS n""",
        n=2 * BATCH + 3,
    )
    await create(service, **{"idempotency-key": "young"})
    assert await make_worker(service).clean() == {"stored responses": 2 * BATCH + 3}
    assert await count(service, "idempotency_keys") == 1


async def test_a_row_that_a_request_holds_is_left_for_the_next_pass(service: Service) -> None:
    client_id = await create(service)
    await execute(service, "UPDATE client_changes SET at = now() - interval '366 days'")
    async with service.database.write() as connection:
        await connection.execute(text("SELECT * FROM client_changes FOR UPDATE"))
        async with asyncio.timeout(20):
            assert await make_worker(service).clean() == {}
    assert await make_worker(service).clean() == {"change images": 1}
    assert await count(service, f"clients WHERE id = '{client_id}'") == 1


async def test_one_process_at_a_time_deletes(service: Service) -> None:
    await create(service)
    await execute(service, "UPDATE client_changes SET at = now() - interval '366 days'")
    async with service.database.write() as connection:
        await connection.scalar(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        assert await make_worker(service).clean() == {}
    passes = await asyncio.gather(*(make_worker(service).clean() for _ in range(5)))
    assert [done for done in passes if done] == [{"change images": 1}]


async def test_a_pass_that_deletes_something_writes_one_line(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await create(service, "Ofelija")
    caplog.set_level(logging.INFO, "clientele")
    await make_worker(service).clean()
    await execute(service, "UPDATE client_changes SET at = now() - interval '366 days'")
    await make_worker(service).clean()
    await make_worker(service).clean()
    lines = [record.getMessage() for record in caplog.records if record.name == "clientele"]
    assert lines == ["Deleted or emptied: change images 1"]


def test_stored_responses_are_kept_for_a_day_at_least() -> None:
    assert Config.from_environment({"CLIENTELE_IDEMPOTENCY_HOURS": "24"}).idempotency_hours == 24
    with pytest.raises(Misconfigured, match="from 24 to 8760"):
        Config.from_environment({"CLIENTELE_IDEMPOTENCY_HOURS": "23"})
