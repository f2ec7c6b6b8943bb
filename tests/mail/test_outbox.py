"""The outbox as a table: messages are added, claimed and listed."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.mail.outbox import claim_due, mark_sent, mark_waiting, put_message, release
from tests.mail.conftest import CLIENT, ORGANIZATION, Outbox, make_message

LEASE = timedelta(minutes=5)
OTHER = "65f000000000000000000002"


async def test_a_message_is_stored_as_it_was_composed(box: Outbox) -> None:
    message = make_message()
    put = await box.put(message)
    async with box.database.write() as connection:
        (claim,) = await claim_due(connection, most=5, lease=LEASE)
    assert (claim.organization_id, claim.id, claim.attempt) == (ORGANIZATION, put, 1)
    assert claim.message == message


async def test_a_rolled_back_transaction_leaves_nothing(box: Outbox) -> None:
    async def put_and_fail() -> None:
        async with box.database.write() as connection:
            await put_message(connection, ORGANIZATION, CLIENT, make_message())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await put_and_fail()
    assert await box.deliveries() == []


async def test_a_message_under_lease_is_not_claimed_again(box: Outbox) -> None:
    await box.put()
    for expected in (1, 0):
        async with box.database.write() as connection:
            assert len(await claim_due(connection, most=5, lease=LEASE)) == expected
    assert (await box.only()).state == "sending"


async def test_a_claim_passes_over_what_another_transaction_is_claiming(box: Outbox) -> None:
    puts = {await box.put() for _ in range(4)}
    async with box.database.write() as former, box.database.write() as latter:
        first = await claim_due(former, most=2, lease=LEASE)
        second = await claim_due(latter, most=5, lease=LEASE)
    assert (len(first), len(second)) == (2, 2)
    assert {claim.id for claim in first + second} == puts


async def test_the_longest_due_are_claimed_first(box: Outbox) -> None:
    puts = [await box.put() for _ in range(3)]
    async with box.database.write() as connection:
        past = "UPDATE outbox SET next_attempt_at = now() - interval '1 day' WHERE id = :id"
        await connection.execute(text(past), {"id": puts[2]})
        assert [claim.id for claim in await claim_due(connection, most=1, lease=LEASE)] == [puts[2]]


async def test_a_worker_without_the_lease_changes_nothing(box: Outbox) -> None:
    await box.put()
    async with box.database.write() as connection:
        (late,) = await claim_due(connection, most=1, lease=timedelta(0))
    async with box.database.write() as connection:
        (holder,) = await claim_due(connection, most=1, lease=LEASE)
    async with box.database.write() as connection:
        await mark_waiting(connection, late, "too late", LEASE)
        await release(connection, late)
        await mark_sent(connection, late)
    held = await box.only()
    assert (held.state, held.attempts, held.last_error) == ("sending", 2, None)
    async with box.database.write() as connection:
        await mark_sent(connection, holder)
    assert (await box.only()).state == "sent"


async def test_the_claim_uses_the_index_of_open_messages_under_any_plan(box: Outbox) -> None:
    await box.put()
    async with box.database.write() as connection:
        await connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        await claim_due(connection, most=5, lease=LEASE)
        scans = "SELECT pg_stat_get_xact_numscans('ix_outbox_due'::regclass)"
        assert (await connection.execute(text(scans))).scalar_one() == 1


async def test_a_message_has_a_delivery_status(box: Outbox) -> None:
    put = await box.put()
    listed = await box.only()
    assert (listed.id, listed.organization_id, listed.client_id) == (put, ORGANIZATION, CLIENT)
    assert (listed.recipient, listed.language) == ("buchhaltung@mueller.example.com", "de")
    assert (listed.state, listed.attempts, listed.sent_at, listed.last_error) == ("waiting", 0, None, None)
    assert listed.next_attempt_at == listed.created_at
    assert abs(datetime.now(UTC) - listed.created_at) < timedelta(hours=1)


async def test_an_error_is_cut_to_500_characters(box: Outbox) -> None:
    await box.put()
    async with box.database.write() as connection:
        (claim,) = await claim_due(connection, most=1, lease=LEASE)
        await mark_waiting(connection, claim, "e" * 1000, LEASE)
    assert (await box.only()).last_error == "e" * 500
