"""Tokens that callers make: never more than their own token, ended with it, and with the membership of their account."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.accounts.faces import ACCESS_TOKEN
from app.auth import Access, Environment, Scope
from app.auth.callers import Caller
from app.caller_tokens import (
    NewToken,
    count_caller_tokens,
    create_caller_token,
    find_caller_tokens,
    page_caller_tokens,
    revoke_caller_token,
)
from app.errors import Forbidden, Invalid, NotFound, Unauthenticated
from app.idempotency import RequestKey
from app.query.key_page import KeyPage
from tests.conftest import Service

SHOWN = tuple(ACCESS_TOKEN.fields.items())


async def access_of(service: Service, token: str) -> Access:
    return await Caller((token,), service.database).access()


async def ids(access: Access) -> list[str]:
    rows = await page_caller_tokens(access, KeyPage(100), SHOWN, bounds=True)
    assert await count_caller_tokens(access) == len(rows.rows)
    return [row.id for row in rows.rows]


async def test_a_new_token_has_the_access_of_its_parent_and_ends_with_it(service: Service) -> None:
    access = await access_of(service, service.token)
    made, token = await create_caller_token(access, NewToken("Sync", Scope.READ))
    assert made is not None
    child = await access_of(service, made)
    assert child.principal.organizations == access.principal.organizations
    assert (child.principal.account_id, child.principal.scope) == (access.principal.account_id, Scope.READ)
    assert (token.label, token.parent_id, token.expires_at) == ("Sync", access.principal.token_id, None)
    assert await ids(access) == [token.id, access.principal.token_id]
    with pytest.raises(Forbidden):
        await create_caller_token(child, NewToken())
    with pytest.raises(Forbidden):
        await revoke_caller_token(child, token.id)
    await revoke_caller_token(access, access.principal.token_id)
    for ended in (made, service.token):
        with pytest.raises(Unauthenticated):
            await access_of(service, ended)


async def test_a_token_does_not_outlive_its_parent(service: Service) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    parent = await access_of(service, await service.make_token(account_email=service.email, expires_at=end))
    _, token = await create_caller_token(parent, NewToken())
    assert token.expires_at == end
    _, shorter = await create_caller_token(parent, NewToken(expires_at=end - timedelta(minutes=1)))
    assert shorter.expires_at == end - timedelta(minutes=1)
    for wrong in (end + timedelta(seconds=1), datetime.now(UTC) - timedelta(seconds=1)):
        with pytest.raises(Invalid):
            await create_caller_token(parent, NewToken(expires_at=wrong))


async def test_a_token_of_one_organization_ends_with_the_membership_of_its_account(service: Service) -> None:
    other = await service.make_organization("Other", account_email=service.email)
    foreign = await service.make_organization("Foreign")
    access = await access_of(service, service.token)
    with pytest.raises(NotFound):
        await create_caller_token(access, NewToken(organization_id=foreign))
    made, token = await create_caller_token(access, NewToken(organization_id=other))
    assert made is not None
    narrow = await access_of(service, made)
    assert (narrow.principal.account_id, narrow.principal.organizations) == (None, (other,))
    grandchild, _ = await create_caller_token(narrow, NewToken())
    assert grandchild is not None
    with pytest.raises(NotFound):
        await create_caller_token(narrow, NewToken(organization_id=service.organization))
    assert len(await ids(narrow)) == 2
    assert len(await ids(access)) == 3
    async with service.database.write() as connection:
        await connection.execute(text(f"DELETE FROM account_organizations WHERE organization_id = '{other}'"))
    for ended in (made, grandchild):
        with pytest.raises(Unauthenticated):
            await access_of(service, ended)
    assert token.id in await ids(access)


async def test_tokens_of_others_and_of_the_live_environment_are_absent(service: Service) -> None:
    access = await access_of(service, service.token)
    organization = await access_of(service, await service.make_token(organization_id=service.organization))
    sandbox = await access_of(
        service, await service.make_token(account_email=service.email, environment=Environment.SANDBOX)
    )
    assert len(await ids(access)) == 2
    assert await ids(organization) == [organization.principal.token_id]
    assert await ids(sandbox) == [sandbox.principal.token_id]
    for caller, token_id in (
        (access, organization.principal.token_id),
        (organization, access.principal.token_id),
        (sandbox, access.principal.token_id),
    ):
        assert await find_caller_tokens(caller, [token_id], SHOWN) == {}
        with pytest.raises(NotFound):
            await revoke_caller_token(caller, token_id)


async def test_a_repeated_request_does_not_show_the_text_again(service: Service) -> None:
    access = await access_of(service, service.token)
    key = RequestKey.of(access.principal.owner, "key", "create token")
    made, token = await create_caller_token(access, NewToken(), key)
    assert made is not None
    assert await create_caller_token(access, NewToken(), key) == (None, token)
    async with service.database.read() as connection:
        bodies = await connection.scalars(text("SELECT convert_from(body, 'UTF8') FROM idempotency_keys"))
    assert bodies == [token.id]
    revoke = RequestKey.of(access.principal.owner, "other", "revoke token")
    await revoke_caller_token(access, token.id, revoke)
    await revoke_caller_token(access, token.id, revoke)
    with pytest.raises(NotFound):
        await create_caller_token(access, NewToken(), key)


async def test_pages_are_newest_first_in_both_directions(service: Service) -> None:
    access = await access_of(service, service.token)
    made = [(await create_caller_token(access, NewToken(f"{n}")))[1].id for n in range(4)]
    newest = [*reversed(made), access.principal.token_id]
    page = await page_caller_tokens(access, KeyPage(2), SHOWN, bounds=True)
    assert ([row.id for row in page.rows], page.has_previous, page.has_next) == (newest[:2], False, True)
    page = await page_caller_tokens(access, KeyPage(2, after=newest[1]), SHOWN, bounds=True)
    assert ([row.id for row in page.rows], page.has_previous, page.has_next) == (newest[2:4], True, True)
    page = await page_caller_tokens(access, KeyPage(2, before=newest[4], backward=True), SHOWN, bounds=True)
    assert ([row.id for row in page.rows], page.has_previous, page.has_next) == (newest[2:4], True, True)
