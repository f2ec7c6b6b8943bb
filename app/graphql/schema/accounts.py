"""The account of a token."""

from typing import ClassVar

import strawberry
from strawberry import field

from app.accounts.faces import GRAPHQL_ACCOUNT
from app.accounts.service import get_own_accounts
from app.graphql.execution.context import Info
from app.graphql.execution.loading import ShownRow, load_row
from app.graphql.schema.inputs import EmailAddress
from app.graphql.schema.nodes import Node
from app.query.face import Face


@strawberry.type(description="The account that a token belongs to.")
class Account(ShownRow, Node):
    face: ClassVar[Face] = GRAPHQL_ACCOUNT

    email: EmailAddress = field(description="The e-mail address of the account.")
    email_verified: bool = field(
        description="True if the operator has verified the account. Organizations of unverified accounts cannot send mail."
    )


async def load_account(info: Info, account_id: str | None) -> Account | None:
    """The account with a bare id, rendered if its selection allows it; None unless it is the caller's."""
    return await load_row(info, Account, get_own_accounts, account_id) if account_id else None
