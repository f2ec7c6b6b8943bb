"""Access tokens: sent in a request, looked up, and stored so that they cannot be read."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from app.accounts.service import create_account
from app.auth import Access, Authentication, Caller, Environment, Principal, Scope
from app.errors import Forbidden, NotFound, TokenExpired, Unauthenticated
from app.ids import new_id
from app.organizations.faces import GRAPHQL_ORGANIZATION
from app.organizations.service import create_organization, create_token, render_organizations
from app.storage.connection import Connection
from app.storage.database import Database
from app.storage.tables import organizations
from app.tokens import issue_token, list_tokens, revoke_token
from tests.auth.test_credentials import basic, make_scope
from tests.conftest import Service

MISSING = (Unauthenticated, "An access token is required")
UNKNOWN = (Unauthenticated, "The access token is not known")
EXPIRED = (TokenExpired, "The access token has expired")


async def list_ids(access: Access, ids: Sequence[str]) -> list[str]:
    """The organizations that the caller can access."""
    selection = (("id", GRAPHQL_ORGANIZATION.fields["organizationId"]),)
    return [json.loads(row)["id"] for row in await render_organizations(access, ids, selection)]


async def test_authentication_rejects_no_request(database: Database) -> None:
    seen: list[object] = []

    async def app(scope: ASGIScope, _: Receive, __: Send) -> None:
        seen.append(scope["user"])

    for headers in ([], [("Authorization", "\xff\x00")], [("Authorization", "Basic \xff")]):
        scope = dict(make_scope(headers))
        await Authentication(app, database)(scope, None, None)  # type: ignore[arg-type]
    assert [type(caller) for caller in seen] == [Caller] * 3


async def error_for(database: Database, token: str | None) -> tuple[type[Exception], str]:
    with pytest.raises(Unauthenticated) as raised:
        await Caller((token,) if token else (), database).principal()
    return raised.type, raised.value.message


@pytest.fixture
async def account(database: Database) -> str:
    return await create_account(database, "owner@example.com")


async def make_organization(
    database: Database, *, organization_id: str | None = None, environment: Environment = Environment.LIVE
) -> str:
    return await create_organization(
        database,
        "Studio",
        organization_id=organization_id,
        account_email="owner@example.com",
        environment=environment,
    )


@pytest.mark.usefixtures("account")
async def test_invalid_token_is_missing_unknown_or_expired(database: Database) -> None:
    organization = await make_organization(database)
    now = datetime.now(UTC)
    old = await create_token(database, account_email="owner@example.com", expires_at=now - timedelta(seconds=1))
    young = await create_token(database, organization_id=organization, expires_at=now + timedelta(hours=1))
    assert (await Caller((young,), database).principal()).organizations == (organization,)
    assert await error_for(database, old) == EXPIRED
    assert await error_for(database, None) == await error_for(database, "") == MISSING
    strange = ["unknown", young + "x", young[:-1], young.lower(), f" {young}", "é", "\x00", "\ud800", "x" * 100_000]
    for token in strange:
        assert await error_for(database, token) == UNKNOWN


@pytest.mark.usefixtures("account")
async def test_revoked_token_is_unknown(database: Database) -> None:
    kept, revoked = [await create_token(database, account_email="owner@example.com") for _ in range(2)]
    who = await Caller((revoked,), database).principal()
    async with database.write() as connection:
        assert await revoke_token(connection, who.token_id)
        assert not await revoke_token(connection, who.token_id)
        assert not await revoke_token(connection, new_id())
    assert await error_for(database, revoked) == UNKNOWN
    assert await Caller((kept,), database).principal()


async def test_account_accesses_its_organizations_in_the_order_of_creation(database: Database, account: str) -> None:
    made = [await make_organization(database, organization_id=f"{9 - index}" * 24) for index in range(5)]
    await create_organization(database, "Somebody else's")
    async with database.write() as connection:
        for second, organization_id in enumerate(made):
            moment = datetime(2026, 1, 1, second=second, tzinfo=UTC)
            await connection.execute(
                update(organizations).where(organizations.c.id == organization_id).values(created_at=moment)
            )
    who = await Caller((await create_token(database, account_email="owner@example.com"),), database).principal()
    assert list(who.organizations) == made
    assert (who.account_id, who.owner, who.actor, who.scope) == (account, account, f"account:{account}", Scope.WRITE)
    assert await list_ids(Access(database, who), who.organizations) == made
    assert await list_ids(Access(database, who), [made[3], "0" * 24, made[1]]) == [made[1], made[3]]


async def test_organizations_created_at_once_are_ordered_by_id(database: Database, account: str) -> None:
    made = sorted([await make_organization(database) for _ in range(3)], reverse=True)
    async with database.write() as connection:
        await connection.execute(text("UPDATE organizations SET created_at = now()"))
    who = await Caller((await create_token(database, account_email="owner@example.com"),), database).principal()
    assert list(who.organizations) == made[::-1]
    assert who.account_id == account


@pytest.mark.usefixtures("account")
async def test_account_token_accesses_the_organizations_of_its_environment(database: Database) -> None:
    made = {one: await make_organization(database, environment=one) for one in Environment}
    for environment, organization in made.items():
        token = await create_token(database, account_email="owner@example.com", environment=environment)
        assert (await Caller((token,), database).principal()).organizations == (organization,)


async def test_account_without_organizations_accesses_none(database: Database, account: str) -> None:
    who = await Caller((await create_token(database, account_email="OWNER@example.com"),), database).principal()
    assert (who.organizations, who.owner) == ((), account)
    assert await list_ids(Access(database, who), who.organizations) == []


@pytest.mark.usefixtures("account")
async def test_token_of_an_organization_accesses_only_it(database: Database) -> None:
    first, second = [await make_organization(database) for _ in range(2)]
    token = await create_token(database, organization_id=second, scope=Scope.READ)
    who = await Caller((token,), database).principal()
    assert (who.organizations, who.account_id, who.owner, who.scope) == ((second,), None, second, Scope.READ)
    assert who.actor == f"token:{who.token_id}"
    assert token.startswith("ek_live_")
    assert who.require(second) == second
    for other in (first, "0" * 24, "", "x"):
        with pytest.raises(NotFound):
            who.require(other)


def test_scope_read_may_not_write() -> None:
    Principal("t", "a", (), Scope.WRITE).require_write()
    with pytest.raises(Forbidden):
        Principal("t", "a", (), Scope.READ).require_write()


async def test_token_without_an_owner_is_not_created(database: Database) -> None:
    with pytest.raises(NotFound):
        await create_token(database, organization_id="0" * 24)
    with pytest.raises(NotFound):
        await create_token(database, account_email="nobody@example.com")
    async with database.read() as connection:
        assert await list_tokens(connection) == []


async def dump(database: Database) -> str:
    """Every row of every table as text, with the catalogs of large objects and comments."""
    tables = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    content = []
    async with database.read() as connection:
        for name in await connection.scalars(text(tables)):
            content += [str(row) for row in await connection.scalars(text(f"SELECT t::text FROM {name} t"))]
    return "\n".join(content)


async def test_token_is_stored_only_as_a_hash(service: Service) -> None:
    entity = await service.make_token(organization_id=service.organization)
    for token in (service.token, entity):
        async with service.client(token) as http:
            for path in ("/customers", f"/v1/organizations/{service.organization}/clients"):
                assert (await http.post(path, json={"name": "Ann"})).status_code < 300
                assert (await http.get(path, params={"access_token": token})).status_code == 200
    content = await dump(service.database)
    assert "owner@example.com" in content
    assert "Ann" in content
    for token in (service.token, entity):
        secret = token.removeprefix("sk_live_").removeprefix("ek_live_")
        for form in (secret, secret.encode().hex(), b64encode(secret.encode()).decode()):
            assert form not in content


async def test_tokens_are_listed_without_the_token(database: Database, account: str) -> None:
    tokens = [await create_token(database, account_email="owner@example.com") for _ in range(3)]
    async with database.write() as connection:
        expired = await issue_token(connection, account_id=account, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
        listed = await list_tokens(connection)
    assert [one.expired for one in listed] == [False, False, False, True]
    assert {one.account_id for one in listed} == {account}
    assert not any(token in repr(listed) for token in (*tokens, expired))
    assert len({*tokens, expired}) == 4


@pytest.mark.parametrize("path", ["/customers", "/v1/organizations/{}/clients", "/graphql"])
async def test_every_api_requires_a_token(service: Service, path: str) -> None:
    where = path.format(service.organization)
    for token in (None, "unknown"):
        async with service.client(token) as http:
            asked = http.post(where, json={"query": "{ viewer { id } }"}) if where == "/graphql" else http.get(where)
            assert (await asked).status_code == 401


@pytest.mark.parametrize("path", ["/customers", "/v1/organizations/{}/clients", "/graphql?query={{__typename}}"])
async def test_the_first_valid_token_counts(service: Service, path: str) -> None:
    where = path.format(service.organization)
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = await service.make_token(account_email=service.email, expires_at=past)
    good = service.token
    wrong = ("unknown", f"Bearer {expired}", "Basic !!!", "Bearer", f"Token {good}", "Digest a=b", basic("a:b"))
    separator = "&" if "?" in where else "?"
    async with service.client(None) as http:
        for authorization in wrong:
            headers = {"Authorization": authorization}
            for more, query in (({"X-Access-Token": good}, ""), ({"X-Access-Token": "bad"}, good), ({}, good)):
                asked = f"{where}{separator}access_token={query}" if query else where
                answer = await http.get(asked, headers={**headers, **more})
                assert answer.status_code == 200, (authorization, more, query)
            assert (await http.get(where, headers=headers)).status_code == 401
        for authorization in (good, f"Bearer {good}", basic(f"x:{good}")):
            answer = await http.get(where, headers={"Authorization": authorization, "X-Access-Token": expired})
            assert answer.status_code == 200


async def test_the_order_of_the_tokens_decides_between_valid_ones(service: Service) -> None:
    reading = await service.make_token(account_email=service.email, scope=Scope.READ)
    path = f"/v1/organizations/{service.organization}/clients"
    async with service.client(reading) as http:
        answer = await http.post(path, json={"name": "x"}, headers={"X-Access-Token": service.token})
        assert answer.status_code == 401
    async with service.client("unknown") as http:
        answer = await http.post(path, json={"name": "x"}, headers={"X-Access-Token": service.token})
        assert answer.status_code == 200


async def test_several_tokens_are_looked_up_by_one_statement(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[object] = []
    execute, asking = Connection.execute, asyncio.current_task()

    async def note(self: Connection, statement: Any, parameters: Any = None) -> Any:
        if asyncio.current_task() is asking:
            statements.append(statement)
        return await execute(self, statement, parameters)

    monkeypatch.setattr(Connection, "execute", note)
    lookups: list[tuple[str, ...]] = [(service.token,), ("unknown", "other", service.token), ()]
    for tokens in lookups:
        statements.clear()
        with suppress(Unauthenticated):
            await Caller(tokens, service.database).principal()
        assert len(statements) == bool(tokens)


async def test_one_expired_token_among_unknown_ones_is_an_invalid_token(service: Service) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = await service.make_token(account_email=service.email, expires_at=past)
    path = f"/v1/organizations/{service.organization}/clients"
    for token, code in ((expired, "INVALID_TOKEN"), ("other", "AUTHORIZATION_REQUIRED")):
        async with service.client("unknown") as http:
            answer = await http.get(path, params={"access_token": token})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
