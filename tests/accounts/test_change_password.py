"""Changing one's own password, on v1 and GraphQL: the old one counts, and other logins end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.accounts.passwords import Passwords
from app.accounts.service import set_password
from app.auth import Scope
from app.main import create_app
from tests.conftest import Service
from tests.rest.v1.sign_up import EMAIL, PASSWORD, Member, member
from tests.rest.v1.test_errors import error

PATH, LOGIN = "/v1/accounts/change-password", "/v1/accounts/login"
NEW = "another horse"
MUTATION = """mutation($old: String!, $new: String!) { changePassword(input: {oldPassword: $old, newPassword: $new}) {
  account { email } userErrors { field code message } } }"""

Change = Callable[[httpx.AsyncClient, str, str], Awaitable[tuple[Any, Any]]]


async def by_v1(http: httpx.AsyncClient, old: str, new: str) -> tuple[Any, Any]:
    """The status, and the code or the codes of an error."""
    answer = await http.post(PATH, json={"oldPassword": old, "newPassword": new})
    if answer.status_code == 204:
        assert answer.content == b""
        return None, None
    problem = error(answer)
    return answer.status_code, problem.get("code") or problem.get("details", {}).get("codes")


async def by_graphql(http: httpx.AsyncClient, old: str, new: str) -> tuple[Any, Any]:
    """The path and the code of the only error."""
    answer = (await http.post("/graphql", json={"query": MUTATION, "variables": {"old": old, "new": new}})).json()
    if "errors" in answer:
        return None, answer["errors"][0]["extensions"]["code"]
    payload = answer["data"]["changePassword"]
    assert (payload["account"] is None) == bool(payload["userErrors"])
    return next(((found["field"], found["code"]) for found in payload["userErrors"]), (None, None))


async def logs_in(service: Service, password: str) -> int:
    async with service.client(None) as http:
        return (await http.post(LOGIN, json={"email": EMAIL, "password": password})).status_code


async def is_alive(owner: Member, token: str) -> bool:
    return (await owner.http.get("/v1/accounts/authorized", headers={"Authorization": token})).status_code == 200


@pytest.mark.parametrize("change", [by_v1, by_graphql])
async def test_a_new_password_ends_every_other_login(service: Service, change: Change) -> None:
    async with member(service) as ana, service.client(None) as http:
        other = (await http.post(LOGIN, json={"email": EMAIL, "password": PASSWORD})).json()["id"]
        of_other = (await http.post(ana.path("/accesstokens"), headers={"Authorization": other}, json={})).json()["id"]
        own = (await ana.http.post(ana.path("/accesstokens"), json={})).json()["id"]
        key = await service.make_token(account_email=EMAIL)
        assert await change(ana.http, PASSWORD, NEW) == (None, None)
        assert [await is_alive(ana, token) for token in (other, of_other, own)] == [False] * 3
        assert [await is_alive(ana, token) for token in (ana.token, key)] == [True] * 2
        assert (await logs_in(service, PASSWORD), await logs_in(service, NEW)) == (401, 200)


@pytest.mark.parametrize(
    ("old", "new", "v1", "graphql"),
    [
        ("wrong", NEW, (400, "INVALID_PASSWORD"), (["input", "oldPassword"], "WRONG_PASSWORD")),
        (PASSWORD, "short", (422, {"newPassword": ["length.min"]}), (["input", "newPassword"], "TOO_SHORT")),
        (PASSWORD, "x" * 73, (422, {"newPassword": ["length"]}), (["input", "newPassword"], "TOO_LONG")),
        (PASSWORD, " " * 12, (422, {"newPassword": ["presence"]}), (["input", "newPassword"], "BLANK")),
        (PASSWORD, "Password123!", (422, {"newPassword": ["exclusion"]}), (["input", "newPassword"], "TOO_COMMON")),
        (PASSWORD, "Studio of Ana 1", (422, {"newPassword": ["exclusion"]}), (["input", "newPassword"], "TOO_COMMON")),
    ],
)
async def test_a_change_that_is_not_valid_changes_nothing(
    service: Service, old: str, new: str, v1: Any, graphql: Any
) -> None:
    async with member(service) as ana:
        await ana.make_organization(name="Studio of Ana")
        assert await by_v1(ana.http, old, new) == v1
        assert await by_graphql(ana.http, old, new) == graphql
    assert await logs_in(service, PASSWORD) == 200


async def test_wrong_old_passwords_are_failed_logins(service: Service) -> None:
    config = replace(service.config, logins=3)
    transport = httpx.ASGITransport(create_app(config, service.database))
    async with (
        member(service) as ana,
        httpx.AsyncClient(transport=transport, base_url="http://service", headers=ana.http.headers) as http,
    ):
        guesses = [by_v1(http, "wrong", NEW), by_graphql(http, "wrong", NEW), by_v1(http, "wrong", NEW)]
        await asyncio.gather(*guesses)
        assert (await by_v1(http, PASSWORD, NEW))[0] == 429
        assert await by_graphql(http, PASSWORD, NEW) == (None, "RATE_LIMITED")
        login = await http.post(LOGIN, json={"email": EMAIL, "password": PASSWORD})
        assert login.status_code == 429
        assert await is_alive(ana, ana.token)


async def test_only_the_account_itself_changes_its_password(service: Service) -> None:
    entity = await service.make_token(organization_id=service.organization)
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    await set_password(service.database, Passwords(1), service.email, PASSWORD)
    for token, code in ((entity, "ACCOUNT_TOKEN_REQUIRED"), (reader, "READ_ONLY_TOKEN")):
        async with service.client(token) as http:
            assert await by_v1(http, PASSWORD, NEW) == (401, "AUTHORIZATION_REQUIRED")
            assert await by_graphql(http, PASSWORD, NEW) == (None, code)
    async with service.client(None) as http:
        assert await by_v1(http, PASSWORD, NEW) == (401, "AUTHORIZATION_REQUIRED")


async def test_an_account_without_a_password_has_none_to_change(service: Service) -> None:
    assert await by_v1(service.http, "", NEW) == (400, None)
    assert await by_v1(service.http, PASSWORD, NEW) == (400, "INVALID_PASSWORD")
    assert await by_graphql(service.http, "", NEW) == (["input", "oldPassword"], "WRONG_PASSWORD")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "oldPassword is a required argument"),
        ({"oldPassword": PASSWORD}, "newPassword is a required argument"),
        ({"oldPassword": PASSWORD, "newPassword": ""}, "newPassword is a required argument"),
        ({"oldPassword": {"neq": "x"}, "newPassword": NEW}, "Value is not a string."),
        ({"oldPassword": PASSWORD, "newPassword": 1234567890}, "Value is not a string."),
    ],
)
async def test_the_arguments_of_v1_are_texts(shared_service: Service, body: Any, message: str) -> None:
    problem = error(await shared_service.http.post(PATH, json=body))
    assert (problem["statusCode"], problem["message"]) == (400, message)


async def test_a_password_that_changes_meanwhile_is_not_overwritten(service: Service) -> None:
    async with member(service) as ana:
        changes = [by_v1(ana.http, PASSWORD, f"{NEW} {index}") for index in range(4)]
        answers = await asyncio.gather(*changes)
    assert sorted(str(status) for status, _ in answers) == ["400", "400", "400", "None"]
