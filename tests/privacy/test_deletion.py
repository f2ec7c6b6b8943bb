"""Accounts and organizations are deleted: at once for everybody, permanently after a delay, with all that is theirs."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.accounts.passwords import Passwords
from app.accounts.service import create_account, set_password
from app.auth import Environment, Scope
from app.errors import NotFound
from app.organizations.repository import OrganizationRepository
from app.privacy.deletion import delete_account, delete_organization, restore_account, restore_organization
from app.storage.tables import metadata
from tests.conftest import Service
from tests.privacy.conftest import execute, make_worker, wait_until_sent

MONTH = timedelta(days=30)
OTHER = "other@example.com"


async def fill(service: Service, http: httpx.AsyncClient) -> str:
    """Makes a row of every kind in an organization. Gives the id of its client."""
    body = {"name": "Hamlet", "email": "hamlet@example.com"}
    answer = await http.post("/customers", json=body, headers={"idempotency-key": "key"})
    assert answer.status_code == 201, answer.text
    client_id = str(answer.json()["id"]).removeprefix("cust_")
    assert (await http.post(f"/v1/clients/{client_id}/send-reminder", json={})).status_code == 200
    return client_id


async def join(service: Service, email: str, organization: str) -> str:
    """Makes another account of an organization and gives its token."""
    account = await create_account(service.database, email)
    async with service.database.write() as connection:
        await OrganizationRepository(connection).join(account, organization)
    return await service.make_token(account_email=email)


async def account_of(service: Service) -> str:
    return str((await service.http.get("/v1/accounts/authorized")).json()["id"])


async def status(service: Service, token: str, path: str = "/customers") -> int:
    async with service.client(token) as http:
        return (await http.get(path)).status_code


async def mutate(http: httpx.AsyncClient, name: str, id_: str) -> Mapping[str, Any]:
    """The payload of deleteOrganization or deleteAccount."""
    field = f"deleted{name.removeprefix('delete')}Id"
    query = f"mutation ($id: ID!) {{ {name}(id: $id) {{ {field} permanentlyDeletedAt userErrors {{ code field }} }} }}"
    answer = await http.post("/graphql", json={"query": query, "variables": {"id": id_}})
    payload: Mapping[str, Any] = answer.json()["data"][name]
    return payload


async def rows_naming(service: Service, *words: str) -> set[str]:
    """The tables with a row that contains one of the words."""
    async with service.database.read() as connection:
        return {
            table.name
            for table in metadata.sorted_tables
            for row in await connection.scalars(text(f"SELECT t::text FROM {table.name} AS t"))
            if any(word in row for word in words)
        }


async def test_nobody_can_use_a_deleted_organization(service: Service) -> None:
    client_id = await fill(service, service.http)
    own = await service.make_token(organization_id=service.organization)
    second = await join(service, OTHER, service.organization)
    await delete_organization(service.database, service.organization, MONTH)
    assert await status(service, own) == 401
    for token in (service.token, second):
        assert await status(service, token, f"/customers/cust_{client_id}") == 404
        assert await status(service, token, f"/v1/clients/{client_id}") == 404
        assert await status(service, token, f"/v1/organizations/{service.organization}") == 404
        async with service.client(token) as http:
            query = f'{{ organization(id: "{service.organization}") {{ id }} viewer {{ organizations {{ id }} }} }}'
            answer = (await http.post("/graphql", json={"query": query})).json()["data"]
        assert answer == {"organization": None, "viewer": {"organizations": []}}
    for work in (
        service.make_token(organization_id=service.organization),
        delete_organization(service.database, service.organization, MONTH),
    ):
        with pytest.raises(NotFound):
            await work


async def test_a_restored_organization_is_as_it_was(service: Service) -> None:
    client_id = await fill(service, service.http)
    own = await service.make_token(organization_id=service.organization)
    await delete_organization(service.database, service.organization, MONTH)
    assert await make_worker(service).clean() == {}
    await restore_organization(service.database, service.organization)
    for token in (own, service.token):
        assert await status(service, token, f"/customers/cust_{client_id}") == 200
    with pytest.raises(NotFound):
        await restore_organization(service.database, service.organization)


async def test_after_the_delay_everything_of_an_organization_is_deleted(service: Service) -> None:
    other = await service.make_organization("Other", account_email=service.email)
    async with service.client(await service.make_token(organization_id=other)) as http:
        kept = await fill(service, http)
    async with service.client(await service.make_token(organization_id=service.organization)) as http:
        client_id = await fill(service, http)
    await wait_until_sent(service, 2)
    await delete_organization(service.database, service.organization, MONTH)
    await execute(service, "UPDATE organizations SET purge_at = now() - interval '1 second' WHERE purge_at IS NOT NULL")
    with pytest.raises(NotFound):
        await restore_organization(service.database, service.organization)
    assert await make_worker(service).clean() == {"deleted organizations": 1}
    assert await rows_naming(service, service.organization, client_id) == set()
    assert {"clients", "client_changes", "outbox", "idempotency_keys"} <= await rows_naming(service, kept)
    assert len([*(service.config.data_dir / "mail").iterdir()]) == 1
    assert await status(service, service.token) == 200


async def test_a_large_organization_is_deleted_in_batches(service: Service) -> None:
    await execute(
        service,
        """INSERT INTO clients (organization_id, id, name) SELECT :organization, n::text, 'x' FROM generate_series(1, 1203) AS n""",
        organization=service.organization,
    )
    await delete_organization(service.database, service.organization, timedelta())
    assert await make_worker(service).clean() == {"deleted organizations": 1}
    assert await rows_naming(service, service.organization) == set()


async def test_an_account_takes_along_the_organizations_that_are_its_alone(service: Service) -> None:
    shared = await service.make_organization("Shared", account_email=service.email)
    second = await join(service, OTHER, shared)
    await delete_account(service.database, service.email.upper(), MONTH)
    assert await status(service, service.token) == 401
    assert await status(service, second, f"/v1/organizations/{shared}") == 200
    assert await rows_naming(service, service.organization) != set()
    await execute(service, "UPDATE organizations SET purge_at = now() - interval '1 second' WHERE purge_at IS NOT NULL")
    await execute(service, "UPDATE accounts SET purge_at = now() - interval '1 second' WHERE purge_at IS NOT NULL")
    assert await make_worker(service).clean() == {"deleted organizations": 1, "deleted accounts": 1}
    assert await rows_naming(service, service.organization, service.email) == set()
    assert await status(service, second, f"/v1/organizations/{shared}") == 200


async def test_the_last_of_two_accounts_takes_the_organization_along(service: Service) -> None:
    second = await join(service, OTHER, service.organization)
    await delete_account(service.database, service.email, MONTH)
    assert await status(service, second, f"/v1/organizations/{service.organization}") == 200
    await delete_account(service.database, OTHER, 2 * MONTH)
    await restore_account(service.database, service.email)
    assert await status(service, service.token, f"/v1/organizations/{service.organization}") == 200
    assert await status(service, second) == 401


async def test_a_restored_account_leaves_other_deleted_organizations_deleted(service: Service) -> None:
    gone = await service.make_organization("Gone", account_email=service.email)
    await delete_organization(service.database, gone, MONTH)
    await delete_account(service.database, service.email, MONTH)
    await restore_account(service.database, service.email)
    assert await status(service, service.token, f"/v1/organizations/{service.organization}") == 200
    assert await status(service, service.token, f"/v1/organizations/{gone}") == 404


async def test_a_deleted_account_cannot_log_in_and_keeps_its_address(service: Service) -> None:
    password = "correct horse battery"
    await set_password(service.database, Passwords(1), service.email, password)
    login = {"email": service.email, "password": password}
    assert (await service.http.post("/v1/accounts/login", json=login)).status_code == 200
    await delete_account(service.database, service.email, MONTH)
    assert (await service.http.post("/v1/accounts/login", json=login)).status_code == 401
    unique = await service.http.get("/v1/accounts/is-unique", params={"email": service.email})
    assert unique.json() == {"isUnique": False}
    again = await service.http.post("/v1/accounts", json={"email": service.email.upper(), "password": password})
    assert (again.status_code, again.json()["error"]["details"]["codes"]) == (422, {"email": ["uniqueness"]})
    for work in (
        set_password(service.database, Passwords(1), service.email, password),
        service.make_token(account_email=service.email),
    ):
        with pytest.raises(NotFound):
            await work
    await restore_account(service.database, service.email)
    assert (await service.http.post("/v1/accounts/login", json=login)).status_code == 200


async def test_v1_deletes_the_callers_account_and_its_own_organizations(service: Service) -> None:
    account, stranger = await account_of(service), await create_account(service.database, OTHER)
    organization = f"/v1/organizations/{service.organization}"
    for path, count in (
        (f"/v1/accounts/{stranger}", 0),
        ("/v1/organizations/" + "0" * 24, 0),
        (organization, 1),
        (organization, 0),
        (f"/v1/accounts/{account}", 1),
    ):
        answer = await service.http.delete(path)
        assert (answer.status_code, answer.json()) == (200, {"count": count}), path
    assert (await service.http.delete(f"/v1/accounts/{account}")).status_code == 401
    async with service.database.read() as connection:
        moments = await connection.scalars(text("SELECT purge_at FROM accounts WHERE purge_at IS NOT NULL"))
    assert [abs(moment - datetime.now(UTC) - MONTH) < timedelta(hours=1) for moment in moments] == [True]


async def test_graphql_deletes_the_callers_account_and_its_own_organizations(service: Service) -> None:
    account = await account_of(service)
    unknown = await mutate(service.http, "deleteAccount", "0" * 24)
    assert unknown["userErrors"] == [{"code": "NOT_FOUND", "field": ["id"]}]
    for name, id_ in (("deleteOrganization", service.organization), ("deleteAccount", account)):
        payload = await mutate(service.http, name, id_)
        assert payload["userErrors"] == []
        assert payload[f"deleted{name.removeprefix('delete')}Id"]
        assert payload["permanentlyDeletedAt"].endswith("Z")
    assert await status(service, service.token) == 401


async def test_a_sandbox_token_does_not_delete_the_account(service: Service) -> None:
    account = await account_of(service)
    token = await service.make_token(account_email=service.email, environment=Environment.SANDBOX)
    async with service.client(token) as http:
        assert (await http.delete(f"/v1/accounts/{account}")).status_code == 401
        assert (await mutate(http, "deleteAccount", account))["userErrors"] == [{"code": "FORBIDDEN", "field": None}]
    assert await status(service, service.token, f"/v1/organizations/{service.organization}") == 200


async def test_callers_without_the_right_delete_nothing(service: Service) -> None:
    account, other = await account_of(service), await service.make_organization("Other")
    readers = await service.make_token(account_email=service.email, scope=Scope.READ)
    organizations_own = await service.make_token(organization_id=service.organization)
    strangers = await service.make_token(organization_id=other)
    second = await join(service, OTHER, service.organization)
    for token, statuses, codes in (
        (readers, (401, 401), ("READ_ONLY_TOKEN", "READ_ONLY_TOKEN")),
        (organizations_own, (401, 200), ("ACCOUNT_TOKEN_REQUIRED", "NOT_FOUND")),
        (strangers, (200, 200), ("NOT_FOUND", "NOT_FOUND")),
        (second, (409, 200), ("ORGANIZATION_SHARED", "NOT_FOUND")),
        (service.token, (409, None), ("ORGANIZATION_SHARED", None)),
    ):
        async with service.client(token) as http:
            paths = (f"/v1/organizations/{service.organization}", f"/v1/accounts/{account}")
            calls = (("deleteOrganization", service.organization), ("deleteAccount", account))
            for path, status_, (name, id_), code in zip(paths, statuses, calls, codes, strict=True):
                if status_ is None:
                    continue
                answer = await http.delete(path)
                assert answer.status_code == status_
                assert answer.json().get("count", 0) == 0
                assert (await mutate(http, name, id_))["userErrors"][0]["code"] == code
    async with service.database.read() as connection:
        gone = "SELECT count(*) FROM (SELECT purge_at FROM accounts UNION ALL SELECT purge_at FROM organizations) AS x"
        assert await connection.scalar(text(f"{gone} WHERE purge_at IS NOT NULL")) == 0
