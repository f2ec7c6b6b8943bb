"""The viewer: whoever sent the request."""

import strawberry
from strawberry import field

from app.accounts.service import account_email
from app.graphql.execution.context import Info
from app.graphql.execution.ids import write_global_id
from app.graphql.schema.types import Node, Organization
from app.organizations.service import reach_organizations


@strawberry.type(description="The account that a token belongs to.")
class Account(Node):
    email: str = field(description="The e-mail address of the account.")


@strawberry.type(description="Whoever sent the request.")
class Viewer:
    account: Account | None = field(description="The account; null for an organization's own token.")
    scopes: list[str] = field(description="What the token may do: `read`, and `write` if it may.")
    organizations: list[Organization] = field(description="The organizations within reach, the first created first.")


async def find_account(info: Info) -> Account | None:
    """The caller's account; None for an organization's own token."""
    principal = info.context.principal
    email = await account_email(info.context.access)
    if not principal.account_id or not email:
        return None
    return Account(id=strawberry.ID(write_global_id("Account", principal.account_id)), email=email)


async def make_viewer(info: Info) -> Viewer:
    principal = info.context.principal
    account = await find_account(info)
    stored = await reach_organizations(info.context.access)
    scopes = ["read", "write"] if principal.scope == "write" else ["read"]
    return Viewer(account=account, scopes=scopes, organizations=[Organization.of(one) for one in stored])
