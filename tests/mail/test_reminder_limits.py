"""Reminders over a limit, on each API that sends them, and from two processes at once."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app import used_up
from app.main import create_app
from app.webhooks.notices import put_notices
from tests.conftest import Service
from tests.mail.test_reminders import send_by_graphql

MUTATION = (
    "mutation($id: ID!, $to: EmailAddress!) { sendClientReminder(id: $id, email: $to) { userErrors { code message } } }"
)


class Clock:
    """The clock of the limits that are used up: real time, and the hours that passed in the database."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


clock = Clock()


@pytest.fixture(autouse=True)
def moved_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used_up, "now", clock)


@asynccontextmanager
async def limited(service: Service, hour: int = 0, day: int = 0, recipient: int = 0) -> AsyncIterator[Service]:
    """Another application over the same database, with these limits. It delivers nothing."""
    config = replace(service.config, reminders_per_hour=hour, reminders_per_day=day, reminders_per_recipient=recipient)
    app = create_app(config, service.database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=service.headers) as http:
        yield replace(service, app=app, http=http, config=config)


async def make_client(service: Service, organization: str | None = None) -> str:
    path = f"/v1/organizations/{organization or service.organization}/clients"
    return str((await service.http.post(path, json={"name": "Ann", "email": "ann@studio.example"})).json()["id"])


async def send(service: Service, client: str, to: str, **headers: str) -> httpx.Response:
    return await service.http.post(f"/v1/clients/{client}/send-reminder", json={"email": to}, headers=headers)


async def age(service: Service, hours: int) -> None:
    """Makes every stored message older, and moves the clock of the process on."""
    clock.ahead += hours * 3600
    async with service.database.write() as connection:
        await connection.execute(text(f"UPDATE outbox SET created_at = created_at - interval '{hours} hours'"))


async def count_stored(service: Service) -> Any:
    async with service.database.read() as connection:
        return await connection.scalar(text("SELECT count(*) FROM outbox"))


def statuses(responses: list[httpx.Response]) -> list[int]:
    return [response.status_code for response in responses]


async def test_an_organization_sends_a_few_reminders_in_an_hour(service: Service) -> None:
    async with limited(service, hour=3) as few:
        client = await make_client(few)
        answers = [await send(few, client, f"n{number}@studio.example") for number in range(5)]
        assert statuses(answers) == [200, 200, 200, 429, 429]
        error = answers[3].json()["error"]
        assert (error["statusCode"], error["name"]) == (429, "Error")
        assert re.fullmatch(
            "An organization can send at most 3 reminders in an hour. The next one is allowed in (60|59) minutes.",
            error["message"],
        )
        wait = int(answers[3].headers["retry-after"])
        assert 3500 < wait <= 3600
        assert f'"reminders-per-hour";r=0;t={wait}' in answers[3].headers["ratelimit"]
        assert '"reminders-per-hour";q=3;w=3600' in answers[3].headers["ratelimit-policy"]
        await age(service, 1)
        assert (await send(few, client, "later@studio.example")).status_code == 200
        assert await count_stored(service) == 4


async def test_the_window_moves_with_the_oldest_reminder_in_it(service: Service) -> None:
    async with limited(service, day=2) as few:
        client = await make_client(few)
        assert (await send(few, client, "a@studio.example")).status_code == 200
        await age(service, 20)
        assert (await send(few, client, "b@studio.example")).status_code == 200
        rejected = await send(few, client, "c@studio.example")
        assert rejected.status_code == 429
        assert 3.9 * 3600 < int(rejected.headers["retry-after"]) <= 4 * 3600
        await age(service, 4)
        assert statuses([await send(few, client, f"{name}@studio.example") for name in "cd"]) == [200, 429]


async def test_an_address_gets_a_few_reminders_in_a_day_in_any_spelling_and_through_any_client(
    service: Service,
) -> None:
    async with limited(service, recipient=3) as few:
        first, second = await make_client(few), await make_client(few)
        sent = [
            await send(few, first, "ann@studio.example"),
            await send(few, second, " ANN@Studio.example "),
            await send_by_graphql(few, second),
            await send(few, second, "Ann@studio.example"),
            await send(few, second, "ben@studio.example"),
        ]
        assert statuses(sent) == [200, 200, 200, 429, 200]
        assert "at most 3 reminders to one address in a day" in sent[3].json()["error"]["message"]


async def test_graphql_tells_the_limit_in_user_errors(service: Service) -> None:
    async with limited(service, hour=1) as few:
        client = await make_client(few)
        for codes in ([], ["RATE_LIMITED"]):
            variables = {"id": client, "to": "ann@studio.example"}
            answer = await few.http.post("/graphql", json={"query": MUTATION, "variables": variables})
            errors = answer.json()["data"]["sendClientReminder"]["userErrors"]
            assert [error["code"] for error in errors] == codes
        assert "The next one is allowed in" in errors[0]["message"]


async def test_notices_about_webhooks_are_not_counted_and_not_limited(service: Service) -> None:
    async with limited(service, hour=1, day=1, recipient=1) as few:
        client = await make_client(few)
        for status in (200, 429):
            async with service.database.write() as connection:
                for _ in range(3):
                    assert await put_notices(connection, service.organization, "https://receiver.example/hook") == 1
            assert (await send(few, client, service.email)).status_code == status
        assert await count_stored(service) == 7


async def test_organizations_have_their_own_limits(service: Service) -> None:
    other = await service.make_organization("Other", account_email=service.email)
    async with limited(service, hour=1, recipient=1) as few:
        clients = [await make_client(few), await make_client(few, other)]
        for status in (200, 429):
            answers = [await send(few, client, "ann@studio.example") for client in clients]
            assert statuses(answers) == [status, status]


async def test_a_repeated_request_with_its_key_is_answered_at_the_limit(service: Service) -> None:
    async with limited(service, hour=1) as few:
        client = await make_client(few)
        for key, status in (("one", 200), ("one", 200), ("two", 429), ("two", 429)):
            headers = {"Idempotency-Key": key}
            assert (await send(few, client, "ann@studio.example", **headers)).status_code == status
        await age(service, 1)
        assert (await send(few, client, "ann@studio.example", **{"Idempotency-Key": "two"})).status_code == 200


async def test_two_processes_share_the_limits(service: Service) -> None:
    async with limited(service, hour=7, recipient=3) as few, limited(service, hour=7, recipient=3) as second:
        client = await make_client(few)
        for to, allowed in (("ann", 3), ("ben", 3), ("cleo", 1)):
            sending = [send(each, client, f"{to}@studio.example") for each in (few, second) for _ in range(6)]
            answers = await asyncio.gather(*sending)
            assert statuses(answers).count(200) == allowed
            assert set(statuses(answers)) == {200, 429}
        assert await count_stored(service) == 7


async def test_the_defaults_are_20_in_an_hour_and_3_to_one_address(service: Service) -> None:
    client = await make_client(service)
    to_one = [await send(service, client, "ann@studio.example") for _ in range(4)]
    to_many = [await send(service, client, f"n{number}@studio.example") for number in range(18)]
    assert statuses(to_one) == [200, 200, 200, 429]
    assert statuses(to_many) == [200] * 17 + [429]
