"""The account of a token."""

import strawberry
from strawberry import field

from app.accounts.service import find_own_account
from app.graphql.execution.context import Info, write_global_id
from app.graphql.schema.inputs import EmailAddress
from app.graphql.schema.nodes import Node


@strawberry.type(description="The account that a token belongs to.")
class Account(Node):
    email: EmailAddress = field(description="The e-mail address of the account.")
    email_verified: bool = field(
        description="True if the operator has verified the account. Organizations of unverified accounts cannot send mail."
    )


async def find_account(info: Info) -> Account | None:
    """The caller's account; None for an organization's own token."""
    account = await find_own_account(info.context.access)
    if account is None:
        return None
    global_id = strawberry.ID(write_global_id("Account", account.id))
    return Account(id=global_id, email=EmailAddress(account.email), email_verified=account.verified)
