"""Accounts that signed up send no mail until the operator verifies them; accounts of the operator do."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from app.accounts.service import create_account, find_unverified, verify_account
from app.errors import NotFound
from app.organizations.repository import OrganizationRepository
from app.privacy.deletion import delete_account, restore_account
from app.storage.database import Database
from tests.conftest import Service
from tests.rest.v1.sign_up import EMAIL, Member, member
from tests.rest.v1.test_errors import error

MUTATION = """mutation($id: ID!, $key: String) {
  sendClientReminder(id: $id, idempotencyKey: $key) { reminder { id } userErrors { code field message } } }"""
MESSAGE = (
    "The organization cannot send reminders, because none of its accounts is verified. "
    "Ask the operator of this service to verify your account."
)


async def make_client(http: httpx.AsyncClient, organization: str) -> str:
    body = {"name": "Bo", "email": "bo@elsewhere.example"}
    made = await http.post(f"/v1/Organizations/{organization}/clients", json=body)
    return str(made.json()["id"])


async def own_client(stranger: Member) -> tuple[str, str]:
    """An organization of an account that signed up, and a client in it."""
    organization = str((await stranger.make_organization())["id"])
    return organization, await make_client(stranger.http, organization)


async def remind(http: httpx.AsyncClient, client: str) -> httpx.Response:
    return await http.post(f"/v1/Clients/{client}/send-reminder", json={}, headers={"Idempotency-Key": "once"})


async def queued(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM outbox")))


async def test_an_unverified_account_queues_no_reminder_on_any_api(service: Service) -> None:
    async with member(service) as stranger:
        _, client = await own_client(stranger)
        answer = await remind(stranger.http, client)
        expected = {"statusCode": 403, "name": "Error", "message": MESSAGE, "code": "ACCOUNT_NOT_VERIFIED"}
        assert (answer.status_code, error(answer)) == (403, expected)
        sent = {"query": MUTATION, "variables": {"id": client, "key": "once"}}
        answer = await stranger.http.post("/graphql", json=sent)
        problem = {"code": "NOT_VERIFIED", "field": None, "message": MESSAGE}
        assert answer.json()["data"] == {"sendClientReminder": {"reminder": None, "userErrors": [problem]}}
        assert await queued(service.database) == 0
        await verify_account(service.database, EMAIL.upper())
        assert (await remind(stranger.http, client)).json() == {"success": True}
        assert (await stranger.http.get("/v1/accounts/authorized")).json()["emailVerified"] is True
    assert await queued(service.database) == 1


async def test_an_organizations_own_token_sends_no_more_than_its_accounts(service: Service) -> None:
    async with member(service) as stranger:
        organization, client = await own_client(stranger)
        token = await service.make_token(organization_id=organization)
        async with service.client(token) as http:
            assert (await remind(http, client)).status_code == 403
            await verify_account(service.database, EMAIL)
            assert (await remind(http, client)).json() == {"success": True}


async def test_one_verified_account_is_enough_for_an_organization(service: Service) -> None:
    async with member(service) as stranger:
        organization, client = await own_client(stranger)
        verified = await create_account(service.database, "known@studio.example")
        async with service.database.write() as connection:
            await OrganizationRepository(connection).join(verified, organization)
        assert (await remind(stranger.http, client)).json() == {"success": True}


async def test_a_deleted_account_verifies_nothing_until_it_is_restored(service: Service) -> None:
    known = "known@studio.example"
    async with member(service) as stranger:
        organization, client = await own_client(stranger)
        verified = await create_account(service.database, known)
        async with service.database.write() as connection:
            await OrganizationRepository(connection).join(verified, organization)
        await delete_account(service.database, known, timedelta(days=30))
        assert (await remind(stranger.http, client)).status_code == 403
        with pytest.raises(NotFound):
            await verify_account(service.database, known)
        await restore_account(service.database, known)
        assert (await remind(stranger.http, client)).json() == {"success": True}


async def test_an_organization_without_accounts_is_the_operators(service: Service) -> None:
    organization = await service.make_organization("Without accounts")
    async with service.client(await service.make_token(organization_id=organization)) as http:
        assert (await remind(http, await make_client(http, organization))).json() == {"success": True}


async def test_a_client_of_somebody_else_is_not_found_before_verification_counts(service: Service) -> None:
    foreign = await make_client(service.http, service.organization)
    async with member(service) as stranger:
        assert (await remind(stranger.http, foreign)).status_code == 404


async def test_who_signs_up_cannot_say_that_the_account_is_verified(service: Service) -> None:
    body = {"email": EMAIL, "password": "correct horse", "emailVerified": True, "email_verified": True}
    async with service.client(None) as http:
        answer = await http.post(
            "/v1/accounts", json={key: body[key] for key in ("email", "password", "emailVerified")}
        )
        assert answer.json()["emailVerified"] is False
    assert await find_unverified(service.database, email=EMAIL.upper()) == [EMAIL]
    viewer = await service.http.post("/graphql", json={"query": "{ viewer { account { email emailVerified } } }"})
    assert viewer.json()["data"]["viewer"]["account"] == {"email": service.email, "emailVerified": True}


@pytest.mark.parametrize(("password", "key", "verified"), [(None, False, True), ("x", True, True), ("x", False, False)])
async def test_the_migration_verifies_the_accounts_of_the_operator(
    service: Service, password: str | None, key: bool, verified: bool
) -> None:
    (path,) = (Path(__file__).parents[2] / "migrations" / "versions").glob("*verified_accounts*")
    names: dict[str, str] = {}
    exec(path.read_text(encoding="utf-8"), names)  # noqa: S102 - the text is the test's own
    await create_account(service.database, EMAIL)
    if key:
        await service.make_token(account_email=EMAIL)
    async with service.database.write() as connection:
        await connection.execute(
            text("UPDATE accounts SET email_verified = false, password_hash = :hash"), {"hash": password}
        )
        await connection.execute(text(names["VERIFY"]))
    assert await find_unverified(service.database, email=EMAIL) == ([] if verified else [EMAIL])
