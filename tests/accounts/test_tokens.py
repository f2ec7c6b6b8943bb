"""Tokens of accounts: their ends, their labels, the tokens made with them, and their last use."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.auth import Access, Caller, Environment
from app.config import Config
from app.errors import Unauthenticated, Unavailable
from app.storage.database import Database
from app.token_uses import PRECISION, TokenUses
from app.tokens import TokenTerms, end_sessions, issue_child_session
from tests.conftest import Service, running
from tests.live_server import connected_client, served
from tests.rest.v1.sign_up import EMAIL, PASSWORD, Member, member
from tests.rest.v1.test_errors import error

LOGIN = "/v1/accounts/login"


async def log_in(service: Service, **values: Any) -> dict[str, Any]:
    async with service.client(None) as http:
        made: dict[str, Any] = (await http.post(LOGIN, json={"email": EMAIL, "password": PASSWORD, **values})).json()
        return made


async def make_token(service: Service, owner: Member, token: str, **values: Any) -> dict[str, Any]:
    """A token that is made with another token."""
    async with service.client(None) as http:
        answer = await http.post(owner.path("/accesstokens"), json=values, headers={"Authorization": token})
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made


async def works(service: Service, token: str) -> bool:
    async with service.client(None) as http:
        return (await http.get("/v1/accounts/authorized", headers={"Authorization": token})).status_code == 200


async def row_of(database: Database, column: str, where: str = "true") -> Any:
    async with database.read() as connection:
        return await connection.scalar(
            text(f"SELECT {column} FROM access_tokens WHERE {where} ORDER BY id DESC LIMIT 1")
        )


@pytest.mark.parametrize("ttl", [-1, None, 3600, 100_000_000])
async def test_a_token_never_outlives_the_token_that_made_it(service: Service, ttl: int | None) -> None:
    async with member(service) as ana:
        parent = await log_in(service, ttl=600)
        child = await make_token(service, ana, parent["id"], ttl=ttl)
        grandchild = await make_token(service, ana, child["id"], ttl=ttl)
    assert 590 <= child["ttl"] <= 600
    assert grandchild["ttl"] <= child["ttl"]
    ends = "count(DISTINCT expires_at) = 1 AND count(*) = 3"
    assert await row_of(service.database, "1", "true") == 1
    async with service.database.read() as connection:
        assert await connection.scalar(text(f"SELECT {ends} FROM access_tokens WHERE ttl <= 600"))


async def test_a_shorter_life_is_kept_and_a_token_without_end_makes_any(service: Service) -> None:
    async with member(service) as ana:
        short = await make_token(service, ana, (await log_in(service, ttl=600))["id"], ttl=5)
        eternal = await make_token(service, ana, (await log_in(service, ttl=-1))["id"], ttl=-1)
        key = await service.make_token(account_email=EMAIL, expires_at=datetime.now(UTC) + timedelta(minutes=1))
        of_key = await make_token(service, ana, key, ttl=-1)
    assert (short["ttl"], eternal["ttl"]) == (5, -1)
    assert of_key["ttl"] <= 60


async def test_a_revoked_token_takes_along_what_was_made_with_it(service: Service) -> None:
    async with member(service) as ana:
        parent = (await log_in(service))["id"]
        child = (await make_token(service, ana, parent))["id"]
        grandchild = (await make_token(service, ana, child, scopes=["read"]))["id"]
        other = (await make_token(service, ana, ana.token))["id"]
        async with service.client(None) as http:
            left = await http.post("/v1/accounts/logout", headers={"Authorization": parent})
        assert left.status_code == 204
        assert [await works(service, token) for token in (parent, child, grandchild)] == [False] * 3
        assert [await works(service, token) for token in (other, ana.token)] == [True] * 2
        key = await service.make_token(account_email=EMAIL)
        of_key = (await make_token(service, ana, key))["id"]
        assert (await ana.http.delete(ana.path(f"/accesstokens/{key}"))).status_code == 204
        assert not await works(service, of_key)


async def test_a_token_that_is_revoked_meanwhile_makes_none(service: Service) -> None:
    async with member(service) as ana:
        principal = await Caller((ana.token,), service.database).principal()
        for change in ("UPDATE access_tokens SET expires_at = now()", "DELETE FROM access_tokens"):
            async with service.database.write() as connection:
                await connection.execute(text(f"{change} WHERE id = '{principal.token_id}'"))
            with pytest.raises(Unauthenticated):
                async with service.database.write() as connection:
                    await issue_child_session(connection, principal, TokenTerms(60))


async def test_a_session_that_is_kept_survives_the_token_that_made_it(service: Service) -> None:
    async with member(service) as ana:
        kept = (await make_token(service, ana, ana.token))["id"]
        access = Access.of(service.database, await Caller((kept,), service.database).principal())
        async with service.database.write() as connection:
            await end_sessions(connection, ana.id, access.principal.token_id)
        assert await works(service, kept)
        assert not await works(service, ana.token)


async def test_tokens_are_told_apart_in_lists(service: Service) -> None:
    async with member(service) as ana:
        made = await make_token(service, ana, ana.token, ttl=60, label=" the\u202e shop\x1b[2J \n")
        assert made["label"] == "the shop [2J"
        path = ana.path("/accesstokens")
        child, parent = (await ana.http.get(path)).json()
        assert (child["label"], child["parentId"], child["lastUsed"]) == ("the shop [2J", parent["id"], None)
        assert child["created"] < child["expires"]
        assert (parent["label"], parent["parentId"], list(parent)[:5]) == (None, None, list(made)[:5])
        for label, code in ((5, "type"), (["x"], "type"), ("x" * 101, "length")):
            problem = error(await ana.http.post(path, json={"label": label}))
            assert (problem["statusCode"], problem["details"]["codes"]) == (422, {"label": [code]})


async def test_the_last_use_of_a_token_is_written_once_an_hour(service: Service) -> None:
    uses = TokenUses(service.database)
    used = await row_of(service.database, "id")
    uses.note(used)
    uses.note("unknown")
    await uses.write()
    first = await row_of(service.database, "last_used_at")
    assert datetime.now(UTC) - first < timedelta(minutes=1)
    assert uses.ids == set()
    for again in (uses, TokenUses(service.database)):
        again.note(used)
        await again.write()
        assert await row_of(service.database, "last_used_at") == first
    async with service.database.write() as connection:
        await connection.execute(text("UPDATE access_tokens SET last_used_at = now() - interval '61 minutes'"))
    uses.note(used)
    await uses.write()
    assert await row_of(service.database, "last_used_at") < first
    uses._written_since -= PRECISION
    uses.note(used)
    await uses.write()
    assert await row_of(service.database, "last_used_at") >= first


async def test_uses_without_a_database_are_written_later() -> None:
    database = Database("postgresql://127.0.0.1:1/nothing")
    uses = TokenUses(database)
    uses.note("a")
    with pytest.raises(Unavailable):
        await uses.write()
    assert uses.ids == {"a"}
    await database.close()


async def test_every_api_notes_uses_and_the_end_of_the_service_writes_them(config: Config, database: Database) -> None:
    tokens: list[str] = []
    async with running(config, database) as service:
        requests = (("GET", "/v1/accounts/authorized"), ("GET", "/customers"), ("POST", "/graphql"))
        for method, path in requests:
            tokens.append(await service.make_token(account_email=service.email, label=path))
            headers = {"Authorization": f"Bearer {tokens[-1]}"}
            body = {"query": "{ __typename }"} if method == "POST" else None
            async with service.client(None) as http:
                assert (await http.request(method, path, headers=headers, json=body)).status_code == 200
        tokens.append(await service.make_token(account_email=service.email, label="socket"))
        async with served(service.app, config) as address, connected_client(address, tokens[-1]):
            pass
        await service.make_token(account_email=service.email, label="unused")
    async with database.read() as connection:
        labels = await connection.execute(text("SELECT label FROM access_tokens WHERE last_used_at IS NOT NULL"))
    assert {label for (label,) in labels} == {*(path for _, path in requests), "socket"}


async def test_a_sandbox_token_lists_and_revokes_only_sandbox_tokens(service: Service) -> None:
    live, sandbox = (
        service.token,
        await service.make_token(account_email=service.email, environment=Environment.SANDBOX),
    )
    path = f"/v1/accounts/{(await service.http.get('/v1/accounts/authorized')).json()['id']}/accesstokens"
    live_id = await row_of(service.database, "id", "environment = 'live'")
    sandbox_id = await row_of(service.database, "id", "environment = 'sandbox'")
    async with service.client(sandbox) as http:
        assert [token["id"] for token in (await http.get(path)).json()] == [sandbox_id]
        for name in (live_id, live):
            assert (await http.delete(f"{path}/{name}")).status_code == 404
    assert await works(service, live)
    assert {token["id"] for token in (await service.http.get(path)).json()} == {live_id, sandbox_id}
    assert (await service.http.delete(f"{path}/{sandbox_id}")).status_code == 204
