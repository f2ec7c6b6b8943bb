"""A limit that is used up costs no statement until it may allow one more act, and hides no other error."""

from typing import Any

import pytest
from sqlalchemy import text

from app import used_up
from app.clients.statements import ADDRESSEE
from app.errors import Quota, TooMany
from app.mail.quotas import LOCK, NTH_NEWEST, NTH_NEWEST_TO
from app.storage.connection import Connection
from app.used_up import LONGEST, MOST_KEPT, UsedUp
from tests.conftest import Service
from tests.mail.test_reminder_limits import Clock, limited, make_client, send, statuses

WATCHED = (ADDRESSEE, LOCK, NTH_NEWEST, NTH_NEWEST_TO)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(used_up, "now", clock)
    return clock


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The statements about reminders that run."""
    ran: list[Any] = []
    execute = Connection.execute

    async def note(self: Connection, statement: Any, parameters: Any = None) -> Any:
        if any(statement is watched for watched in WATCHED):
            ran.append(statement)
        return await execute(self, statement, parameters)

    monkeypatch.setattr(Connection, "execute", note)
    return ran


async def use_up(few: Service, client: str) -> None:
    answers = [await send(few, client, f"n{number}@studio.example") for number in range(3)]
    assert statuses(answers) == [200, 200, 429]


async def test_a_reminder_over_a_known_limit_costs_no_statement(
    service: Service, clock: Clock, statements: list[Any]
) -> None:
    async with limited(service, hour=2) as few:
        client = await make_client(few)
        await use_up(few, client)
        statements.clear()
        rejected = [await send(few, client, f"m{number}@studio.example") for number in range(5)]
        assert statuses(rejected) == [429] * 5
        assert not statements
        assert all("at most 2 reminders in an hour" in answer.json()["error"]["message"] for answer in rejected)
        assert all(3590 <= int(answer.headers["retry-after"]) <= 3600 for answer in rejected)
        clock.ahead += LONGEST
        assert (await send(few, client, "m@studio.example")).status_code == 429
        assert statements


async def test_another_client_of_the_organization_locks_nothing_at_a_known_limit(
    service: Service, clock: Clock, statements: list[Any]
) -> None:
    async with limited(service, hour=2) as few:
        client, other = await make_client(few), await make_client(few)
        await use_up(few, client)
        statements.clear()
        assert (await send(few, other, "m@studio.example")).status_code == 429
        assert [statement is ADDRESSEE for statement in statements] == [True]


async def test_a_known_limit_of_an_address_holds_for_this_address_only(
    service: Service, clock: Clock, statements: list[Any]
) -> None:
    async with limited(service, recipient=1) as few:
        client = await make_client(few)
        answers = [await send(few, client, "ann@studio.example") for _ in range(2)]
        assert statuses(answers) == [200, 429]
        statements.clear()
        assert (await send(few, client, "ann@studio.example")).status_code == 429
        assert not statements
        assert (await send(few, client, "ben@studio.example")).status_code == 200


async def test_a_reminder_is_sent_at_the_moment_that_retry_after_names(service: Service, clock: Clock) -> None:
    async with limited(service, hour=1) as few:
        client = await make_client(few)
        assert (await send(few, client, "ann@studio.example")).status_code == 200
        async with service.database.write() as connection:
            await connection.execute(text("UPDATE outbox SET created_at = now() - interval '3595 seconds'"))
        wait = int((await send(few, client, "ann@studio.example")).headers["retry-after"])
        assert wait <= 5
        clock.ahead += wait
        async with service.database.write() as connection:
            await connection.execute(text("UPDATE outbox SET created_at = created_at - interval '5 seconds'"))
        assert (await send(few, client, "ann@studio.example")).status_code == 200


async def test_a_known_limit_hides_no_other_error(service: Service, clock: Clock) -> None:
    stranger = await service.make_token(organization_id=await service.make_organization("Other"))
    async with limited(service, hour=2) as few, few.client(stranger) as http:
        client = await make_client(few)
        await use_up(few, client)
        assert (await send(few, client, "no address")).status_code == 422
        path = f"/v1/clients/{client}/send-reminder"
        assert (await few.http.post(path, json={"l": "xx"})).status_code == 422
        assert (await http.post(path)).status_code == 404


def test_the_limits_that_are_known_to_be_used_up_take_bounded_memory() -> None:
    limits: UsedUp[str] = UsedUp()
    for number in range(5 * MOST_KEPT):
        limits.note(str(number), TooMany("", 60, Quota("sign-ups", 1, 60)))
    assert len(limits) <= MOST_KEPT
    assert limits.find(str(5 * MOST_KEPT - 1)) is not None
