"""The authors of changes: members of the organization by their address, and nothing of anybody else."""

import json
from datetime import timedelta
from typing import TypeAlias

from sqlalchemy import text

from app.accounts.service import create_account
from app.auth import Access
from app.changes.authors import find_authors
from app.changes.faces import ACTOR
from app.graphql.execution.context import write_global_id
from app.organizations.service import create_token
from app.privacy.deletion import delete_account
from app.tokens import list_tokens, revoke_token
from tests.conftest import Service
from tests.seeding import principal
from tests.tenancy.world import join

Author: TypeAlias = tuple[str, str | None, str]
"""The type, the global id and the name."""

COLLEAGUE = "colleague@studio.example"


async def author(service: Service, actor: str, account: str | None = "a" * 24) -> Author:
    access = Access(service.database, principal(service.organization, account=account))
    (found,) = await find_authors(access, [(service.organization, actor)], tuple(ACTOR.fields.items()))
    author = json.loads(found)
    return author["type"], author["id"], author["name"]


async def test_a_member_is_shown_by_its_address_to_accounts_only(service: Service) -> None:
    account = await create_account(service.database, COLLEAGUE)
    await join(service.database, account, service.organization)
    assert await author(service, f"account:{account}") == ("ACCOUNT", write_global_id("Account", account), COLLEAGUE)
    assert await author(service, f"account:{account}", None) == (
        "ACCOUNT",
        write_global_id("Account", account),
        "member",
    )


async def test_nothing_of_a_former_member_is_shown(service: Service) -> None:
    former = ("ACCOUNT", None, "former member")
    account = await create_account(service.database, COLLEAGUE)
    assert await author(service, f"account:{account}") == former
    await join(service.database, account, service.organization)
    await delete_account(service.database, COLLEAGUE, timedelta(days=30))
    assert await author(service, f"account:{account}") == former
    async with service.database.write() as connection:
        await connection.execute(text("DELETE FROM accounts WHERE id = :id"), {"id": account})
    assert await author(service, f"account:{account}") == former


async def token_id(service: Service, label: str | None, organization: str) -> str:
    await create_token(service.database, organization_id=organization, label=label)
    async with service.database.read() as connection:
        return (await list_tokens(connection))[-1].id


async def test_a_token_is_shown_by_its_label_until_it_is_revoked(service: Service) -> None:
    labelled = await token_id(service, "Shop", service.organization)
    assert await author(service, f"token:{labelled}", None) == (
        "TOKEN",
        write_global_id("AccessToken", labelled),
        "Shop",
    )
    plain = await token_id(service, None, service.organization)
    assert await author(service, f"token:{plain}") == ("TOKEN", write_global_id("AccessToken", plain), "token")
    async with service.database.write() as connection:
        await revoke_token(connection, labelled)
    assert await author(service, f"token:{labelled}") == ("TOKEN", None, "revoked token")
    foreign = await token_id(service, "Foreign", await service.make_organization("Foreign"))
    assert await author(service, f"token:{foreign}") == ("TOKEN", None, "revoked token")


async def test_programs_are_shown_by_their_kind(service: Service) -> None:
    assert await author(service, "operator") == ("OPERATOR", None, "operator")
    assert await author(service, "else") == ("SYSTEM", None, "system")
