"""The delivery status of messages: listed for the operator by organization and state, and paged for each client."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from app.mail.faces import REMINDER
from app.mail.outbox import claim_due, erase_messages, mark_sent, mark_waiting, put_message, release
from app.mail.repository import State, count_messages, list_messages, page_messages
from app.query.key_page import KeyPage
from app.storage.database import Database
from app.storage.tables import organizations
from tests.mail.conftest import ORGANIZATION, Outbox, make_message

OTHER = "65f000000000000000000002"
LEASE = timedelta(minutes=5)
SHOWN = tuple(REMINDER.fields.items())


@pytest.fixture
async def put(database: Database) -> list[str]:
    """Four messages: one to a client of the first organization, one to a client of another, two to a second client of the first."""
    async with database.write() as connection:
        for organization in (ORGANIZATION, OTHER):
            await connection.execute(insert(organizations).values(id=organization, name="Any"))
        keys = ((ORGANIZATION, "c1"), (OTHER, "c1"), (ORGANIZATION, "c2"), (ORGANIZATION, "c2"))
        return [await put_message(connection, *key, make_message()) for key in keys]


async def test_messages_are_listed_newest_first_by_organization_and_state(database: Database, put: list[str]) -> None:
    async with database.write() as connection:
        for claim in await claim_due(connection, most=9, lease=LEASE):
            if claim.id == put[2]:
                await mark_sent(connection, claim)

    async def listed(organization: str | None = None, state: State | None = None) -> list[str]:
        async with database.snapshot() as connection:
            return [delivery.id async for delivery in list_messages(connection, organization, state)]

    assert await listed() == put[::-1]
    assert await listed(ORGANIZATION) == [put[3], put[2], put[0]]
    assert await listed(state=State.SENT) == [put[2]]
    assert await listed(OTHER, State.SENT) == []
    assert await listed(OTHER, State.SENDING) == [put[1]]
    async with database.snapshot() as connection:
        (sent,) = [delivery async for delivery in list_messages(connection, state=State.SENT)]
    assert (sent.next_attempt_at, sent.attempts) == (None, 1)


async def test_the_messages_of_some_clients_are_paged_for_each(database: Database, put: list[str]) -> None:
    clients = [(ORGANIZATION, "c1"), (OTHER, "c1"), (ORGANIZATION, "c2"), (OTHER, "c2")]

    async def paged(most: int, after: str | None = None) -> dict[tuple[str, str], list[str]]:
        async with database.read() as connection:
            pages = await page_messages(connection, clients, KeyPage(most - 1, after), SHOWN)
        return {key: [delivery.id for delivery in page] for key, page in pages.items()}

    assert await paged(5) == {clients[0]: [put[0]], clients[1]: [put[1]], clients[2]: [put[3], put[2]]}
    assert await paged(1) == {clients[0]: [put[0]], clients[1]: [put[1]], clients[2]: [put[3]]}
    assert await paged(5, put[2]) == {clients[0]: [put[0]], clients[1]: [put[1]]}
    async with database.read() as connection:
        assert await count_messages(connection, clients) == {clients[0]: 1, clients[1]: 1, clients[2]: 2}
        assert await page_messages(connection, [], KeyPage(4), SHOWN) == {}


async def test_the_messages_of_an_erased_client_are_hidden(database: Database, put: list[str]) -> None:
    mine, theirs = (ORGANIZATION, "c1"), (OTHER, "c1")
    async with database.write() as connection:
        await erase_messages(connection, *mine)
        assert list(await page_messages(connection, [mine, theirs], KeyPage(4), SHOWN)) == [theirs]
        assert await count_messages(connection, [mine, theirs]) == {theirs: 1}


async def test_the_last_attempt_stays_known_after_a_failure(box: Outbox) -> None:
    await box.put()
    assert (await box.only()).last_attempt_at is None
    await fail_attempt(box)
    await box.move_attempts_back()
    first = (await box.only()).last_attempt_at
    second = await fail_attempt(box)
    assert first is not None
    assert second is not None
    assert first < second
    assert (await box.only()).last_attempt_at == second


async def fail_attempt(box: Outbox) -> datetime | None:
    """The moment that the message has for this attempt while the attempt is under way."""
    async with box.database.write() as connection:
        (claim,) = await claim_due(connection, most=1, lease=LEASE)
    moment = (await box.only()).last_attempt_at
    async with box.database.write() as connection:
        await mark_waiting(connection, claim, "later", timedelta(0))
    return moment


async def test_a_message_without_a_delay_is_due_in_the_same_millisecond(box: Outbox) -> None:
    await box.put()
    for _ in range(50):
        await fail_attempt(box)


async def test_a_released_attempt_does_not_count(box: Outbox) -> None:
    await box.put()
    async with box.database.write() as connection:
        (claim,) = await claim_due(connection, most=1, lease=LEASE)
        await release(connection, claim)
    released = await box.only()
    assert (released.attempts, released.last_attempt_at) == (0, None)
